"""The stand-in ФРМО and ФРМР over real HTTP, asked in plain JSON with tokens made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lxml import etree

from gateway.xml.schemas import validate
from tests.support.ips import OID, OPERATIONS, SNILS, smallest
from tests.support.ips_client import OTHER, PERSON, Client, Json, content_of, sound
from workers.ips.mirror import from_json
from workers.ips.register import Operation, load
from workers.sandbox.ips_registers import ID_FIELDS, MAX_PAGE


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
    for kind, total in ((2, 1), ("02", 1), (1, 0)):
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
    call, content = call_of(operations[section]), smallest_of(operations[section], {})
    client.create(call, content)
    before = client.ask("GET", call)[1]["content"]
    for method, body in (("PUT", content), ("DELETE", None)):
        status, answer = client.ask(method, call + entity_id, body)
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
        (f"org/depart/1?oid={OID}&departOid=1", 400),
        (f"org/depart?oid={OID}&limit=%205", 400),
        (f"org/depart?oid={OID}&limit=1.0", 400),
        ("person?mr=1&snils=" + SNILS, 400),
        ("person?mr=false&documentId=1&number=000001&passDate=2023-02-30T00:00:00Z", 400),
        ("нет/такого", 404),
    ],
)
def test_a_wrong_address_is_refused_as_documented(client: Client, call: str, status: int) -> None:
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    got, answer = client.ask("GET", call)
    assert (got, answer["code"], answer["timestamp"][-6:]) == (status, status, "+03:00")
    assert answer["reasonPhrase"] == {400: "Bad Request", 404: "Not Found"}[status]


def reading() -> list[Operation]:
    return [operation for operation in OPERATIONS if operation.method == "GET"]


@pytest.mark.parametrize("register", ["frmo", "frmr"])
def test_every_entity_knows_its_identifier(register: str) -> None:
    entities = load(register).entities
    for entity in {operation.entity for operation in OPERATIONS if operation.register == register}:
        assert entity in {"Resolution", "FullPerson"} or ID_FIELDS[entity] in entities[entity]


def smallest_of(operation: Operation, standing: Mapping[str, str]) -> Json:
    if operation.register == "frmo":
        return sound(operation.entity, standing)
    entity = smallest(operation.entity, load("frmr"))
    return {**entity, "oid": OID} if operation.entity == "PersonCard" else entity


def call_of(operation: Operation) -> str:
    known = {"mo": OID, "oid": OID, "eo": OID, "mr": "true", "limit": "100", "offset": "0"}
    if operation.register == "frmr" and operation.addressing not in {"", "NEW"}:
        known = {"mo": OID, "mr": "true", "snils": SNILS}
        known |= {"lastName": "Примерова-Проверкина"} if operation.addressing == "CARD" else {}
    query = "&".join(f"{name}={known[name]}" for name in operation.parameters if name in known)
    return f"{operation.path}?{query}"


def test_every_creation_is_taken_and_every_answer_follows_the_schema(client: Client) -> None:
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    standing: dict[str, str] = {}
    for operation in OPERATIONS:
        if operation.answer == "created" and operation.name != "mr_person.create":
            standing[operation.entity] = client.create(call_of(operation), smallest_of(operation, standing))
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
