"""The stand-in ФРМО and ФРМР over real HTTP, asked in plain JSON with tokens made by hand."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from gateway.domain.errors import ConfigurationError, InvalidRequest
from gateway.xml.schemas import validate
from tests.support.ips import CLIENT, OID, OPERATIONS, SNILS, sample, smallest, smallest_packet
from workers.ips.mirror import from_json, to_json
from workers.ips.register import Operation, load
from workers.sandbox.ips import BY_SWITCH, IpsSandbox
from workers.sandbox.ips_registers import ID_FIELDS, MAX_PAGE
from workers.sandbox.ips_tokens import KeyFiles, make_test_key

Json = dict[str, Any]
OTHER = f"{OID[:-1]}2"
PERSON = f"mo={OID}&mr=true&snils={SNILS}"


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return make_test_key(tmp_path_factory.mktemp("ips"))


@pytest.fixture
def sandbox(key: KeyFiles) -> Iterator[IpsSandbox]:
    running = IpsSandbox()
    running.start(client_id=CLIENT, certificate=key.certificate)
    yield running
    running.stop()


class Client:
    """Asks the registers as a client without any code of ours would."""

    def __init__(self, sandbox: IpsSandbox, key: KeyFiles) -> None:
        self.base = sandbox.url
        self.key = key.key.read_text()
        der = x509.load_pem_x509_certificate(key.certificate.read_bytes()).public_bytes(Encoding.DER)
        self.x5c = [b64encode(der).decode()]
        self.pool = urllib3.PoolManager(retries=False)

    def token(self, headers: Json | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"sub": CLIENT, "aud": self.base.removesuffix("/ips/"), "iat": now, "exp": now + 300, **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"typ": None, "x5c": self.x5c, **(headers or {})})

    def ask(self, method: str, call: str, content: object = None, *, token: str | None = None) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        body = None
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            body = json.dumps(content).encode() if not isinstance(content, bytes) else content
        response = self.pool.request(method, self.base + call, body=body, headers=headers)
        return response.status, response.json()

    def create(self, call: str, content: object) -> str:
        status, answer = self.ask("POST", call, content)
        assert status == 200, answer
        return str(answer["content"]["entityId"])


@pytest.fixture
def client(sandbox: IpsSandbox, key: KeyFiles) -> Client:
    return Client(sandbox, key)


def content_of(operation: str) -> Json:
    content = sample(operation).find("request/content")
    assert content is not None
    register = load("frmr" if operation.startswith("mr_") else "frmo")
    return to_json(content, register.operations[operation].entity, register)


def test_a_building_lives_through_its_whole_life(client: Client) -> None:
    building = content_of("mo_building.create")
    entity_id = client.create(f"org/building?oid={OID}", building)
    one = f"oid={OID}&entityId={entity_id}"
    status, answer = client.ask("GET", f"org/building/get?{one}")
    assert (status, answer["content"]) == (200, {**building, "id": entity_id})
    assert client.ask("PUT", f"org/building?{one}", {**building, "floorCount": 6})[0] == 200
    status, answer = client.ask("GET", f"org/building?oid={OID}")
    assert (answer["total"], answer["content"][0]["floorCount"]) == (1, 6)
    status, answer = client.ask("DELETE", f"org/building?{one}")
    assert (status, list(answer)) == (200, ["requestId"])
    assert client.ask("GET", f"org/building/get?{one}")[0] == 404
    assert client.ask("DELETE", f"org/building?{one}")[0] == 404


def test_units_get_oids_below_their_mo_and_staff_must_name_them(client: Client) -> None:
    staff = content_of("mo_staff.create")
    status, answer = client.ask("POST", f"org/staff?oid={OID}", staff)
    assert (status, list(answer)) == (200, ["requestId", "errorUserMessage"])
    depart = client.create(f"org/depart?oid={OID}", content_of("mo_depart.create"))
    assert depart.startswith(f"{OID}.0.")
    staff["staffDetails"][0]["nrPmuDepartId"] = depart
    client.create(f"org/staff?oid={OID}", staff)
    assert client.ask("GET", f"org/depart/{depart}?oid={OID}")[1]["content"]["oid"] == depart
    for kind, total in ((2, 1), (1, 0)):
        assert client.ask("GET", f"org/depart?oid={OID}&departTypeId={kind}")[1]["total"] == total


def test_the_card_of_a_mo_is_read_replaced_and_closed(client: Client) -> None:
    card = client.ask("GET", f"org/{OID}")[1]["content"]
    assert client.ask("PUT", f"org?oid={OID}", {**card, "nameShort": "Иная"})[0] == 200
    assert client.ask("GET", f"org/{OID}")[1]["content"]["nameShort"] == "Иная"
    assert client.ask("DELETE", f"org?oid={OID}&deleteReason=1")[0] == 200
    assert "deleteDate" in client.ask("GET", f"org/{OID}")[1]["content"]
    assert client.ask("GET", "org?orgTypeId=1")[1]["total"] == 1
    assert client.ask("GET", "org?orgTypeId=2")[1]["total"] == 0


def test_a_person_with_cards_and_education_is_read_back_whole(client: Client) -> None:
    person, card = content_of("mr_person.create"), content_of("mr_card.create")
    oid = client.create(f"person?mo={OID}&mr=true", person)
    client.create(f"person/card?{PERSON}&lastName=примерова-проверкина", card)
    client.create(f"person/cert?{PERSON}", smallest("EducationCert", load("frmr")))
    client.create(f"person/common?{PERSON}", smallest("EducationCommon", load("frmr")))
    full = client.ask("GET", f"person/full?mo={OID}&mr=true&oid={oid}")[1]["content"]
    assert (full["lastName"], len(full["personCard"]), len(full["educationCert"])) == (person["lastName"], 1, 1)
    assert full["educationCommon"]["docNumber"] == "слово"
    assert client.ask("GET", f"person/common?{PERSON}")[1]["content"] == full["educationCommon"]
    by_document = f"person?mr=false&documentId=1&number=000001&serial=0000&passDate={full['documents'][0]['passDate']}"
    assert client.ask("GET", by_document)[1]["content"]["oid"] == oid
    assert client.ask("GET", f"person/list?mo={OID}&offset=0&limit=100")[1]["total"] == 1
    assert client.ask("GET", f"person/list?mo={OID[:-1]}2&offset=0&limit=100")[1]["total"] == 0


OF_MANY = ("org/building", "org/depart", "org/staff", "person/card", "person/cert", "person/prof")


@pytest.mark.parametrize("section", OF_MANY)
@pytest.mark.parametrize("entity_id", ["", "&entityId=", "&entityId=%20"], ids=["none", "empty", "blank"])
def test_a_record_of_many_is_changed_by_its_id_only(client: Client, section: str, entity_id: str) -> None:
    operations = {o.path: o for o in OPERATIONS if o.answer == "created"}
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    created(client, call_of, operations[section])
    call = call_of(operations[section])
    before = client.ask("GET", call)[1]["content"]
    for method, content in (("PUT", smallest_of(operations[section])), ("DELETE", None)):
        status, answer = client.ask(method, call + entity_id, content)
        assert (status, "entityId" in answer["message"]) == (400, True), answer
    assert client.ask("GET", call)[1]["content"] == before
    assert len(before) == 1


def test_the_records_of_one_mo_are_not_there_for_another(client: Client) -> None:
    building = content_of("mo_building.create")
    entity_id = client.create(f"org/building?oid={OID}", building)
    for method, content in (("PUT", building), ("DELETE", None)):
        assert client.ask(method, f"org/building?oid={OTHER}&entityId={entity_id}", content)[0] == 404
    assert client.ask("GET", f"org/building?oid={OID}")[1]["content"] == [{**building, "id": entity_id}]


def test_what_is_not_there_is_told_before_what_a_rule_says(client: Client) -> None:
    assert client.ask("PUT", f"org/staff?oid={OID}&entityId=1", content_of("mo_staff.create"))[0] == 404
    oid = client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    for entity_id, status in (("2020.0000001", 404), (oid, 200)):
        assert client.ask("DELETE", f"person?{PERSON}&entityId={entity_id}")[0] == status


def test_a_card_is_kept_by_the_mo_that_made_it(client: Client) -> None:
    card = content_of("mr_card.create")
    person = f"{PERSON}&lastName=Примерова-Проверкина"
    theirs = person.replace(f"mo={OID}", f"mo={OTHER}")
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    one = f"&entityId={client.create(f'person/card?{person}', card)}"
    before = client.ask("GET", f"person/card?{person}")[1]["content"]
    for method, call, content in (
        ("POST", theirs, card),  # under the name of another
        ("PUT", theirs + one, card),
        ("PUT", theirs + one, {**card, "oid": OTHER}),  # taken over
        ("PUT", person + one, {**card, "oid": OTHER}),  # given away
        ("DELETE", theirs + one, None),
    ):
        status, answer = client.ask(method, f"person/card?{call}", content)
        assert (status, answer["errorUserMessage"]) == (200, "Личное дело ведёт другая МО.")
    assert client.ask("GET", f"person/card?{person}")[1]["content"] == before
    client.create(f"person/card?{theirs}", {**card, "oid": OTHER})
    assert client.ask("PUT", f"person/card?{person}{one}", {**card, "rate": 0.5})[1].keys() == {"requestId"}


def test_one_snils_belongs_to_one_person(client: Client) -> None:
    person = content_of("mr_person.create")
    client.create(f"person?mo={OID}&mr=true", person)
    assert "СНИЛС" in client.ask("POST", f"person?mo={OID}&mr=true", person)[1]["errorUserMessage"]
    assert client.ask("PUT", f"person?{PERSON}", {**person, "patronymic": "Опытовна"})[0] == 200
    assert client.ask("GET", f"person?{PERSON}")[1]["content"]["patronymic"] == "Опытовна"


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("person?mr=true&snils=" + SNILS, 400),
        (f"person?mo={OID}&mr=true", 400),
        (f"person?mo={OID}&mr=true&snils={SNILS}&oid=2020.0000001", 400),
        (f"person/card?{PERSON}", 400),
        (f"person/cert?mr=true&snils={SNILS}", 400),
        (f"person/list?mo={OID}&offset=0&limit={MAX_PAGE + 1}", 400),
        (f"person?mo={OID}&mr=true&snils=00000000000", 404),
        (f"person/card?{PERSON}&lastName=Иная", 404),
        ("person?mo=1.2.3&mr=true&snils=" + SNILS, 404),
        ("org/1.2.3", 404),
        (f"org/depart/oms?oid={OID}&departOid=1", 404),
        ("org/building", 400),
        (f"org/building?oid={OID}&oid={OID}", 400),
        (f"org/building?oid={OID}&lishnee=1", 400),
        (f"org/building/get?oid={OID}&entityId=1", 404),
        ("нет/такого", 404),
    ],
)
def test_a_wrong_address_is_refused_as_documented(client: Client, call: str, status: int) -> None:
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    got, answer = client.ask("GET", call)
    assert (got, answer["code"], answer["timestamp"][-6:]) == (status, status, "+03:00")
    assert answer["reasonPhrase"] == {400: "Bad Request", 404: "Not Found"}[status]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"buildYear": "1978"}, "/buildYear"),
        ({"buildName": None}, "Наименование здания"),
        ({"lishnee": 1}, "lishnee"),
        ({"beginDate": "1978-11-01"}, "beginDate"),
        ({"floors": [{"floorId": "1"}]}, "floorsItem"),
    ],
)
def test_a_body_against_the_schema_is_refused_with_its_place(client: Client, change: Json, told: str) -> None:
    status, answer = client.ask("POST", f"org/building?oid={OID}", {**content_of("mo_building.create"), **change})
    assert status == 400
    assert told in answer["message"]
    assert client.ask("GET", f"org/building?oid={OID}")[1]["total"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    assert client.ask("POST", f"org/building?oid={OID}", body)[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "чужая система"},
        {"aud": "https://other.example"},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"iat": int(time.time()) + 600},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"headers": {"typ": "JWT"}},
        {"headers": {"x5c": []}},
        {"headers": {"x5c": None}},
    ],
    ids="+".join,
)
def test_a_token_that_is_not_good_is_not_taken(client: Client, changes: Json) -> None:
    assert client.ask("GET", f"org/{OID}", token=client.token())[0] == 200
    assert client.ask("GET", f"org/{OID}", token=client.token(**changes))[0] == 401


def test_a_token_signed_by_another_key_is_not_taken(client: Client, sandbox: IpsSandbox, tmp_path: Path) -> None:
    stranger = Client(sandbox, make_test_key(tmp_path))
    assert stranger.ask("GET", f"org/{OID}")[0] == 401
    stranger.x5c = client.x5c
    assert stranger.ask("GET", f"org/{OID}")[0] == 401
    for token in ("", "a.b.c", client.token().rpartition(".")[0] + "."):
        assert client.ask("GET", f"org/{OID}", token=token)[0] == 401


def test_an_expired_certificate_is_not_taken(tmp_path: Path) -> None:
    key = make_test_key(tmp_path, valid=timedelta(seconds=-1))
    running = IpsSandbox()
    running.start(client_id=CLIENT, certificate=key.certificate)
    try:
        assert Client(running, key).ask("GET", f"org/{OID}")[0] == 401
    finally:
        running.stop()


def test_a_file_that_is_no_certificate_is_told_at_once(key: KeyFiles) -> None:
    with pytest.raises(ConfigurationError):
        IpsSandbox().start(client_id=CLIENT, certificate=key.key)


@pytest.mark.parametrize(
    ("switch", "status"), [("unauthorized_next", 401), ("not_found_next", 404), ("failing_next", 500)]
)
def test_a_switch_makes_the_next_request_fail_and_change_nothing(
    sandbox: IpsSandbox, client: Client, switch: str, status: int
) -> None:
    sandbox.switches.update({switch: 1})
    assert client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))[0] == status
    assert sandbox.ledger() == ()
    client.create(f"org/building?oid={OID}", content_of("mo_building.create"))


def test_a_switch_refuses_with_http_200(sandbox: IpsSandbox, client: Client) -> None:
    sandbox.switches.update({"refuse_next": 1})
    status, answer = client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))
    assert (status, answer["errorUserMessage"], sandbox.ledger()) == (200, BY_SWITCH, ())


def test_an_outage_and_slowness(sandbox: IpsSandbox, client: Client) -> None:
    sandbox.switches.update({"outage": "fault"})
    assert client.ask("GET", f"org/{OID}")[0] == 500
    assert client.ask("DELETE", f"org/building?oid={OID}&entityId=1")[0] == 500
    sandbox.switches.reset()
    sandbox.switches.update({"slow_s": 0.2})
    begun = time.monotonic()
    assert client.ask("GET", f"org/{OID}")[0] == 200
    assert time.monotonic() - begun >= 0.2
    with pytest.raises(InvalidRequest):
        sandbox.switches.update({"slow_s": -1})


@pytest.mark.parametrize(("switch", "taken"), [("drop_before_next", 0), ("take_and_drop_next", 1)])
def test_a_dropped_connection_tells_nothing_but_the_ledger_does(
    sandbox: IpsSandbox, client: Client, switch: str, taken: int
) -> None:
    sandbox.switches.update({switch: 1})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))
    assert len(sandbox.ledger()) == taken
    client.create(f"org/building?oid={OID}", content_of("mo_building.create"))
    assert len(sandbox.created_twice()) == taken


def test_the_ledger_is_served_and_outlives_a_restart(key: KeyFiles, tmp_path: Path) -> None:
    for creations in (1, 2):
        running = IpsSandbox()
        running.start(client_id=CLIENT, certificate=key.certificate, state=tmp_path / "ips.sqlite")
        Client(running, key).create(f"org/building?oid={OID}", content_of("mo_building.create"))
        served = urllib3.PoolManager().request("GET", running.admin_url + "/ledger").json()
        running.stop()
        assert [entry["operation"] for entry in served] == ["mo_building.create"] * creations
        assert len({entry["sha256"] for entry in served}) == 1


def reading() -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.method == "GET"]


@pytest.mark.parametrize("register", ["frmo", "frmr"])
def test_every_entity_knows_its_identifier(register: str) -> None:
    entities = load(register).entities
    for entity in {operation.entity for operation in OPERATIONS if operation.register == register}:
        assert entity in {"Resolution", "FullPerson"} or ID_FIELDS[entity] in entities[entity]


def smallest_of(operation: Operation) -> Json:
    content = smallest_packet(operation).find("request/content")
    assert content is not None
    entity = to_json(content, operation.entity, load(operation.register))
    return {**entity, "oid": OID} if operation.entity == "PersonCard" else entity


def created(client: Client, call: Callable[[Operation], str], operation: Operation) -> str:
    return client.create(call(operation), smallest_of(operation))


def call_of(operation: Operation) -> str:
    known = {"mo": OID, "oid": OID, "eo": OID, "mr": "true", "limit": "100", "offset": "0"}
    if operation.register == "frmr" and operation.addressing not in {"", "NEW"}:
        known = {"mo": OID, "mr": "true", "snils": SNILS}
        known |= {"lastName": "Примерова-Проверкина"} if operation.addressing == "CARD" else {}
    query = "&".join(f"{name}={known[name]}" for name in operation.parameters if name in known)
    return f"{operation.path}?{query}"


def test_every_creation_is_taken_and_every_answer_follows_the_schema(client: Client) -> None:
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    for operation in OPERATIONS:
        if operation.answer == "created" and operation.name != "mr_person.create":
            created(client, call_of, operation)
    for operation in reading():
        if operation.answer in {"list", "paged"} and operation.entity != "DepartOms":
            status, answer = client.ask("GET", call_of(operation))
            assert status == 200, operation.name
            root = etree.Element(operation.name)
            response = etree.SubElement(root, "response")
            for name in ("requestId", "offset", "limit", "total"):
                if name in answer:
                    etree.SubElement(response, name).text = str(answer[name])
            place = etree.SubElement(response, "content")
            for item in answer["content"]:
                entity = etree.SubElement(place, "contentItem")
                from_json(entity, item, operation.entity, load(operation.register))
            assert validate(root, load(operation.register).schema) == (), operation.name
