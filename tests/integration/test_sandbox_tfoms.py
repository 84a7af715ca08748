"""The stand-in ТФОМС over real HTTP, called by zeep through the published WSDL."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import zeep
from zeep.wsse.username import UsernameToken

from gateway.domain.errors import InvalidRequest, InvalidXml
from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import SOAP11, TFOMS, WSSE
from gateway.xml.parser import parse, parse_text
from gateway.xml.schemas import validate
from workers.sandbox.soap import PLAIN_TEXT
from workers.sandbox.tfoms import TfomsSandbox

USER, PASSWORD = "mis", "выдуманный пароль"
SAMPLES = Path(__file__).parents[1] / "samples" / "tfoms"
ANSWER_SCHEMA = resource_dir("xsd") / "tfoms" / "1.0" / "ANSWER.xsd"
REFERRAL, CANCEL_REFERRAL = "HOSPITALISATION_REFERRAL", "CANCEL_HOSPITALISATION_REFERRAL"
HOSPITALISATION, MOTION, REFUSAL = "HOSPITALISATION", "MOTION_IN_HOSPITAL", "CANCEL_HOSPITALISATION"
OWN_NUMBER = {REFERRAL: 1001, CANCEL_REFERRAL: 2001, HOSPITALISATION: 3001, MOTION: 4001, REFUSAL: 5001}
ABSENT = ""
Changes = Mapping[str, str]


def packet(kind: str, oper: str = "Insert", *, packet_id: str = "", changes: Changes | None = None) -> str:
    """A sample with a fresh id, some fields changed; an empty text takes the field away."""
    root = parse((SAMPLES / f"{kind}.xml").read_bytes())
    header = {"ZGLV/ID": packet_id or str(uuid4()), "ZGLV/OPER": oper}
    for path, text in {**header, **(changes or {})}.items():
        element = root.find("/".join(f"{{{TFOMS}}}{step}" for step in path.split("/")))
        assert element is not None, path
        element.text = text
        parent = element.getparent()
        if text == ABSENT and parent is not None:
            parent.remove(element)
    if oper == "Delete":
        root.remove(root[1])
    return serialize(root).decode()


class Client:
    """What a test does with the peer."""

    def __init__(self, url: str, username: str = USER, password: str = PASSWORD) -> None:
        self.session = requests.Session()
        transport = zeep.Transport(session=self.session, operation_timeout=10)
        token = UsernameToken(username, password)
        opened = zeep.Client(f"{url}?wsdl", wsse=token, transport=transport)
        self.api: Any = opened.service

    def send(self, *packets: str) -> list[Any]:
        return list(self.api.SendPackets(packets={"packet": list(packets)}).receipt)

    def answers(self, limit: int = 1000, code: str | None = None) -> dict[str, str]:
        found = self.api.GetAnswers(limit=limit, **({"CODE_MO": code} if code else {}))
        return {answer.messageId: answer.content for answer in (found.answer if found else [])}

    def verdict(self, text: str) -> list[str]:
        """Send one packet, take and confirm its answer, return its error codes."""
        (receipt,) = self.send(text)
        assert receipt.result == "ACK"
        content = self.answers()[receipt.id]
        self.confirm(receipt.id)
        return codes(content)

    def confirm(self, *ids: str) -> list[str]:
        found = self.api.ConfirmAnswers(messageIds={"messageId": list(ids)}).confirmation
        return [confirmation.result for confirmation in found]

    def status(self, *ids: str) -> list[str]:
        return [found.status for found in self.api.GetPacketStatus(packetIds={"packetId": list(ids)}).packetStatus]


def codes(content: str) -> list[str]:
    answer = parse_text(content)
    assert validate(answer, ANSWER_SCHEMA) == ()
    found = [code.text or "" for code in answer.iter(f"{{{TFOMS}}}OSHIB")]
    assert answer.findtext(f"{{{TFOMS}}}BODY/{{{TFOMS}}}RESULT") == ("ERROR" if found else "OK")
    return found


def identifier(text: str) -> str:
    return parse_text(text).findtext(f"{{{TFOMS}}}ZGLV/{{{TFOMS}}}ID") or ""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[TfomsSandbox]:
    running = TfomsSandbox()
    running.start(username=USER, password=PASSWORD, state=tmp_path / "state.sqlite")
    yield running
    running.stop()


@pytest.fixture
def client(sandbox: TfomsSandbox) -> Iterator[Client]:
    opened = Client(sandbox.url)
    yield opened
    opened.session.close()


def test_accepted_packet_goes_the_whole_way(client: Client, sandbox: TfomsSandbox) -> None:
    text = packet(REFERRAL)
    assert client.status(identifier(text)) == ["UNKNOWN"]
    (receipt,) = client.send(text)
    assert (receipt.position, receipt.id, receipt.result) == (1, identifier(text), "ACK")
    assert client.status(receipt.id.upper()) == ["ANSWERED"]
    assert codes(client.answers()[receipt.id]) == []
    assert client.answers(code="990001")
    assert client.answers(code="990002") == {}
    assert client.answers()  # nothing is lost until confirmed
    assert client.confirm(receipt.id, str(uuid4())) == ["CONFIRMED", "UNKNOWN"]
    assert client.answers() == {}
    (entry,) = sandbox.ledger()
    assert (entry.type, entry.object_id, entry.verdict, entry.receptions) == (REFERRAL, "1001", "OK", 1)


def test_same_packet_again_is_the_same_answer_and_nothing_twice(client: Client, sandbox: TfomsSandbox) -> None:
    text = packet(REFERRAL)
    client.send(text)
    first = client.answers()
    client.confirm(*first)
    receipts = client.send(text, text.replace(identifier(text), identifier(text).upper()))
    assert [receipt.result for receipt in receipts] == ["ACK", "ACK"]
    assert client.answers() == first
    (entry,) = sandbox.ledger()
    assert (entry.receptions, entry.confirmed) == (3, False)


REFUSED_AT_ONCE = {
    "not well-formed": (packet(REFERRAL)[:-10], "001"),
    "empty": ("", "001"),
    "unknown type": (packet(REFERRAL).replace(REFERRAL, "LETTER"), "003"),
    "other namespace": (packet(REFERRAL).replace(TFOMS, "urn:other"), "003"),
    "no identifier": (packet(REFERRAL, changes={"ZGLV/ID": ABSENT}), "002"),
    "bad identifier": (packet(REFERRAL, packet_id="1"), "002"),
    "no header": (f'<HOSPITALISATION xmlns="{TFOMS}"/>', "002"),
}


@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_what_cannot_be_answered_is_refused_at_once(case: str, client: Client, sandbox: TfomsSandbox) -> None:
    text, code = REFUSED_AT_ONCE[case]
    bad, good = client.send(text, packet(REFERRAL))
    assert (bad.result, bad.code, bad.id) == ("REFUSED", code, None)
    assert bad.message
    assert good.result == "ACK"
    assert len(sandbox.ledger()) == 1


def test_id_with_other_content_is_refused(client: Client, sandbox: TfomsSandbox) -> None:
    first = packet(REFERRAL)
    client.send(first)
    other = packet(REFERRAL, packet_id=identifier(first), changes={"ZAP/COMMENT": "Другое."})
    (receipt,) = client.send(other)
    assert (receipt.result, receipt.code, receipt.id) == ("REFUSED", "004", identifier(first))
    assert sandbox.ledger()[0].receptions == 1


FREE = {"ZAP/NOM_NAP": ABSENT, "ZAP/FRM_MP": "1", "ZAP/TYPE_H": "4"}  # an emergency, tied to no referral
BY_CONTENT: list[tuple[str, Changes, list[str]]] = [
    (REFERRAL, {"ZAP/DTA_NAP": "вчера", "ZAP/PERS/W": "5"}, ["002", "002"]),
    (REFERRAL, {"ZGLV/CODE_MO": "111111"}, ["101"]),
    (REFERRAL, {"ZAP/MCOD_NAP": "111111"}, ["101"]),
    (REFERRAL, {"ZGLV/CODE_MO_TO": "111111", "ZAP/MCOD_STC": "111111"}, ["101", "101"]),
    (REFERRAL, {"ZAP/PERS/SMO": "11111"}, ["102"]),
    (REFERRAL, {"ZAP/PERS/NPOLIS": "9900000000000000"}, ["103"]),
    (REFERRAL, {"ZAP/PERS/NPOLIS": "9900000000000999"}, ["103"]),
    (REFERRAL, {"ZAP/PERS/NPOLIS": "9900000000000404"}, ["104"]),
    (REFERRAL, {"ZAP/DTA_PLN": "2026-11-09"}, ["204"]),
    (HOSPITALISATION, {**FREE, "ZAP/DTA_FKT": "2026-11-09"}, ["204"]),
    (REFERRAL, {"ZAP/DS1": "U99"}, ["206"]),
    (REFERRAL, {"ZAP/PROFIL": "999"}, ["207"]),
    (REFERRAL, {"ZAP/PROFIL_K": "999"}, ["207"]),
    (REFUSAL, {"ZAP/IST_OTK": "3", "ZAP/PR_OTK": "5"}, ["208", "201"]),
    (HOSPITALISATION, {**FREE, "ZAP/FRM_MP": "3"}, ["301"]),
    (HOSPITALISATION, {**FREE, "ZAP/PERS/NPOLIS": ABSENT, "ZAP/PERS/VPOLIS": ABSENT}, []),
    (REFERRAL, {"ZAP/PERS/FAM": ABSENT, "ZAP/PERS/IM": ABSENT}, ["302"]),
    (REFERRAL, {"ZAP/PERS/FAM": ABSENT}, []),
    (REFERRAL, {"ZAP/PERS/SNILS": "112-233-445 96"}, ["303"]),
    (REFERRAL, {"ZAP/IDDOKT": "112-233-445 96"}, ["303"]),
    (REFERRAL, {"ZAP/PERS/NPOLIS": ABSENT}, ["304"]),
    (CANCEL_REFERRAL, {"ZAP/IST_ANL": "1"}, ["306", "201"]),
    (CANCEL_REFERRAL, {"ZAP/IST_ANL": "1", "ZAP/ACOD": "11111"}, ["102", "201"]),
    (CANCEL_REFERRAL, {"ZAP/ACOD": "111111"}, ["101", "201"]),
    (REFERRAL, {"ZAP/MCOD_STC": "990003"}, ["309"]),
]


@pytest.mark.parametrize(("kind", "changes", "expected"), BY_CONTENT)
def test_code_of_a_wrong_content(kind: str, changes: Changes, expected: list[str], client: Client) -> None:
    assert client.verdict(packet(kind, changes=changes)) == expected


def test_rejected_packet_keeps_its_id_and_changes_nothing(client: Client, sandbox: TfomsSandbox) -> None:
    broken = packet(REFERRAL, changes={"ZAP/DS1": "10"})
    assert client.verdict(broken) == ["002"]
    mended = packet(REFERRAL, packet_id=identifier(broken))
    assert client.send(mended)[0].code == "004"
    assert client.verdict(packet(REFERRAL, "Update")) == ["209"]
    assert client.verdict(packet(REFERRAL)) == []
    assert [entry.verdict for entry in sandbox.ledger()] == ["ERROR", "ERROR", "OK"]


Step = tuple[str, str, Changes, list[str]]
OTHER = {"ZGLV/OBJ_ID": "9"}
NO_OUT = {"ZAP/DTA_OUT": ABSENT, "ZAP/RES_OUT": ABSENT}
WALK_IN = {"ZAP/NOM_NAP": ABSENT}
STORIES: dict[str, list[Step]] = {
    "referral is used once": [
        (HOSPITALISATION, "Insert", {}, ["201"]),
        (REFERRAL, "Insert", {}, []),
        (HOSPITALISATION, "Insert", {}, []),
        (HOSPITALISATION, "Insert", OTHER, ["203"]),
        (CANCEL_REFERRAL, "Insert", {}, ["203"]),
        (REFUSAL, "Insert", {}, ["203"]),
        (REFERRAL, "Delete", {}, ["203"]),
        (HOSPITALISATION, "Update", {"ZAP/DS1": "I11"}, []),
        (HOSPITALISATION, "Delete", {}, []),
        (CANCEL_REFERRAL, "Insert", {}, []),
    ],
    "cancelled referral is reopened by a Delete": [
        (REFERRAL, "Insert", {}, []),
        (CANCEL_REFERRAL, "Insert", {}, []),
        (CANCEL_REFERRAL, "Insert", OTHER, ["202"]),
        (HOSPITALISATION, "Insert", {}, ["202"]),
        (REFUSAL, "Insert", {}, ["202"]),
        (CANCEL_REFERRAL, "Update", {"ZAP/PR_ANL": "9"}, []),
        (CANCEL_REFERRAL, "Delete", {}, []),
        (HOSPITALISATION, "Insert", {}, []),
    ],
    "refused referral": [
        (REFERRAL, "Insert", {}, []),
        (REFUSAL, "Insert", {}, []),
        (HOSPITALISATION, "Insert", {}, ["203"]),
        (CANCEL_REFERRAL, "Insert", {}, ["203"]),
        (REFUSAL, "Delete", {}, []),
        (HOSPITALISATION, "Insert", {}, []),
    ],
    "motion needs an open hospitalisation": [
        (REFERRAL, "Insert", {}, []),
        (MOTION, "Insert", {}, ["205"]),
        (HOSPITALISATION, "Insert", {}, []),
        (MOTION, "Insert", {"ZAP/DTA_OUT": "2026-11-19"}, ["204"]),
        (MOTION, "Insert", {"ZAP/RES_OUT": ABSENT}, ["305"]),
        (MOTION, "Insert", NO_OUT, []),
        (MOTION, "Insert", OTHER, []),
        (MOTION, "Insert", {"ZGLV/OBJ_ID": "10"}, ["205"]),
        (MOTION, "Update", {**OTHER, "ZAP/COMMENT": "Уточнено."}, []),
        (HOSPITALISATION, "Delete", {}, ["310"]),
        (MOTION, "Delete", OTHER, []),
        (MOTION, "Insert", {"ZGLV/OBJ_ID": "10"}, []),
    ],
    "refusal without a referral needs the hospitalisation": [
        (REFUSAL, "Insert", WALK_IN, ["205"]),
        (HOSPITALISATION, "Insert", FREE, []),
        (REFUSAL, "Insert", {**WALK_IN, "ZAP/HOSP_ID": "003001"}, []),
    ],
    "operations follow what stands": [
        (REFERRAL, "Update", {}, ["209"]),
        (REFERRAL, "Delete", {}, ["209"]),
        (REFERRAL, "Insert", {}, []),
        (REFERRAL, "Insert", {}, ["308"]),
        (REFERRAL, "Insert", OTHER, ["307"]),
        (REFERRAL, "Update", {"ZAP/COMMENT": "Уточнено."}, []),
        (REFERRAL, "Delete", {}, []),
        (REFERRAL, "Delete", {}, ["209"]),
        (REFERRAL, "Insert", {}, []),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_state_rules(story: str, client: Client) -> None:
    for number, (kind, oper, changes, expected) in enumerate(STORIES[story], 1):
        assert client.verdict(packet(kind, oper, changes=changes)) == expected, f"step {number}"


@pytest.mark.parametrize("kind", OWN_NUMBER)
def test_record_must_match_the_operation(kind: str, client: Client) -> None:
    assert client.verdict(packet(kind).replace(">Insert<", ">Delete<")) == ["210"]
    assert client.verdict(packet(kind, "Delete").replace(">Delete<", ">Insert<")) == ["210"]
    assert client.verdict(packet(kind, "Delete").replace(">Delete<", ">Update<")) == ["210"]


def test_npr_id_stays_with_the_object(client: Client) -> None:
    numbers = []
    for oper, comment in (("Insert", "Раз."), ("Update", "Два.")):
        text = packet(REFERRAL, oper, changes={"ZAP/COMMENT": comment})
        client.send(text)
        numbers.append(parse_text(client.answers()[identifier(text)]).findtext(f".//{{{TFOMS}}}NPR_ID"))
    assert numbers == ["1", "1"]


def test_answer_delay(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"answer_delay_s": 3600})
    text = packet(REFERRAL)
    client.send(text)
    assert client.status(identifier(text)) == ["RECEIVED"]
    assert client.answers() == {}
    sandbox.switches.reset()
    assert client.status(identifier(text)) == ["ANSWERED"]
    assert codes(client.answers()[identifier(text)]) == []


def test_refused_connections_come_back_on_the_same_port(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"outage": "refuse"})
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            client.send(packet(REFERRAL))
    response = requests.post(f"{sandbox.admin_url}/switches", json={"outage": "none"}, timeout=5)
    assert response.json()["outage"] == "none"
    assert client.verdict(packet(REFERRAL)) == []
    assert len(sandbox.ledger()) == 1


def test_outage_by_fault(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"outage": "fault"})
    with pytest.raises(zeep.exceptions.Fault) as caught:
        client.send(packet(REFERRAL))
    assert caught.value.code == "soap:Server"
    assert sandbox.ledger() == ()


def test_dropped_before_it_was_read(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"drop_before_next": 1})
    text = packet(REFERRAL)
    with pytest.raises(requests.ConnectionError):
        client.send(text)
    assert client.status(identifier(text)) == ["UNKNOWN"]
    assert client.verdict(text) == []


def test_taken_and_dropped(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"take_and_drop_next": 1})
    text = packet(REFERRAL)
    with pytest.raises(requests.ConnectionError):
        client.send(text)
    assert client.status(identifier(text)) == ["ANSWERED"]
    assert client.verdict(text) == []
    assert [entry.receptions for entry in sandbox.ledger()] == [2]


@pytest.mark.parametrize("malformation", ["truncated", "invalid"])
@pytest.mark.parametrize("switch", [{"malformed_answer_next": 1}, {"malformed_answer_percent": 100}])
def test_malformed_answer_comes_right(
    malformation: str, switch: dict[str, int], client: Client, sandbox: TfomsSandbox
) -> None:
    text = packet(REFERRAL)
    client.send(text)
    sandbox.switches.update({**switch, "malformation": malformation})
    spoilt = client.answers()[identifier(text)]
    if malformation == "truncated":
        with pytest.raises(InvalidXml):
            parse_text(spoilt)
    else:
        assert len(validate(parse_text(spoilt), ANSWER_SCHEMA)) == 1
    sandbox.switches.update({"malformed_answer_percent": 0})
    assert codes(client.answers()[identifier(text)]) == []


def test_random_rejection_is_the_same_for_the_same_seed(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"reject_percent": 30, "seed": 7})
    texts = [packet(HOSPITALISATION, changes={**FREE, "ZGLV/OBJ_ID": str(number)}) for number in range(100)]
    client.send(*texts)
    refused = [entry.codes for entry in sandbox.ledger() if entry.verdict == "ERROR"]
    assert 10 < len(refused) < 50
    assert set(refused) == {("900",)}
    before = client.answers()
    client.send(*texts)
    assert client.answers() == before


def test_unknown_switch_is_refused(sandbox: TfomsSandbox) -> None:
    for wrong in ({"outrage": "refuse"}, {"outage": "perhaps"}, {"reject_percent": 101}):
        with pytest.raises(InvalidRequest):
            sandbox.switches.update(wrong)
        response = requests.post(f"{sandbox.admin_url}/switches", json=wrong, timeout=5)
        assert response.status_code == 400
    assert requests.get(f"{sandbox.admin_url}/switches", timeout=5).json()["outage"] == "none"


def test_ledger_over_http(client: Client, sandbox: TfomsSandbox) -> None:
    client.send(packet(REFERRAL))
    (entry,) = requests.get(f"{sandbox.admin_url}/ledger", timeout=5).json()
    assert entry["id"] == sandbox.ledger()[0].id
    assert len(entry["sha256"]) == 64
    assert requests.get(f"{sandbox.admin_url}/nothing", timeout=5).status_code == 404


def test_restart_keeps_everything(tmp_path: Path) -> None:
    text = packet(REFERRAL)
    seen = []
    for round_number in (1, 2):
        sandbox = TfomsSandbox()
        client = Client(sandbox.start(username=USER, password=PASSWORD, state=tmp_path / "kept.sqlite"))
        (receipt,) = client.send(text)
        seen.append((receipt.result, client.answers()))
        assert sandbox.ledger()[0].receptions == round_number
        client.session.close()
        sandbox.stop()
    assert seen[0] == seen[1]


def test_wsdl_names_the_address_it_was_asked_at(sandbox: TfomsSandbox) -> None:
    url = sandbox.url.replace("127.0.0.1", "localhost")
    description = requests.get(f"{url}?wsdl", timeout=5)
    assert f'location="{url}"' in description.text


def test_eight_threads_with_the_same_packets(sandbox: TfomsSandbox) -> None:
    texts = [packet(HOSPITALISATION, changes={**FREE, "ZGLV/OBJ_ID": str(number)}) for number in range(50)]
    clients = [Client(sandbox.url) for _ in range(8)]
    threads = [threading.Thread(target=client.send, args=texts) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = sandbox.ledger()
    assert {entry.id for entry in ledger} == {identifier(text) for text in texts}
    assert [(entry.verdict, entry.receptions) for entry in ledger] == [("OK", 8)] * 50
    for client in clients:
        client.session.close()


def test_inbound_packets_until_answered(client: Client, sandbox: TfomsSandbox) -> None:
    first, second = sandbox.queue_inbound("990001", 2)
    waiting = client.api.GetInbound(limit=10).packet
    assert [found.id for found in waiting] == [first, second]
    schema = resource_dir("xsd") / "tfoms" / "1.0" / "PERSCHANGE.xsd"
    assert all(validate(parse_text(found.content), schema) == () for found in waiting)
    good = (SAMPLES / "ANSWER.xml").read_text().replace("00000003-aaaa-4bbb-8ccc-000000000003", first)
    unknown = good.replace(first, str(uuid4()))
    sent = [good, good, good.replace("206", "207"), unknown, good.replace("ERROR", "?"), "<ANSWER/>"]
    receipts = client.api.SendInboundAnswers(answers={"answer": sent}).receipt
    assert [found.code for found in receipts] == [None, None, "004", "005", "002", "003"]
    assert [found.id for found in client.api.GetInbound(limit=10).packet] == [second]
    assert [(entry.answer, entry.receptions) for entry in sandbox.inbound()] == [(good, 2), (None, 0)]


def test_inbound_queued_over_http(client: Client, sandbox: TfomsSandbox) -> None:
    order: dict[str, Any] = {"organisation": "990001", "count": 3}
    ids = requests.post(f"{sandbox.admin_url}/inbound", json=order, timeout=5).json()["ids"]
    assert [found.id for found in client.api.GetInbound(limit=2).packet] == ids[:2]
    wrong = requests.post(f"{sandbox.admin_url}/inbound", json={"organisation": "1"}, timeout=5)
    assert wrong.status_code == 400


@pytest.mark.parametrize(("username", "password"), [(USER, "other"), ("other", PASSWORD), ("", "")])
def test_wrong_credentials(username: str, password: str, sandbox: TfomsSandbox) -> None:
    client = Client(sandbox.url, username, password)
    with pytest.raises(zeep.exceptions.Fault) as caught:
        client.send("<broken")
    assert caught.value.code == "wsse:FailedAuthentication"
    assert sandbox.ledger() == ()
    client.session.close()


ENVELOPE = f'<e:Envelope xmlns:e="{SOAP11}"><e:Header>%s</e:Header><e:Body>%s</e:Body></e:Envelope>'
SEND_PACKETS = '<SendPackets xmlns="urn:service-journal:tfoms:ws:1"><packets>%s</packets></SendPackets>'
GET_INBOUND = '<GetInbound xmlns="urn:service-journal:tfoms:ws:1"><limit>%s</limit></GetInbound>'


SECURITY = (
    f'<w:Security xmlns:w="{WSSE}"><w:UsernameToken><w:Username>{USER}</w:Username>'
    f'<w:Password Type="{PLAIN_TEXT}">{PASSWORD}</w:Password></w:UsernameToken></w:Security>'
)
STRANGE = '<x xmlns="urn:x" xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" e:mustUnderstand="1"/>'
ENVELOPES = {
    "right": (ENVELOPE % (SECURITY, GET_INBOUND % 1), ""),
    "no security": (ENVELOPE % ("", GET_INBOUND % 1), "wsse:FailedAuthentication"),
    "digest": (
        ENVELOPE % (SECURITY.replace("#PasswordText", "#PasswordDigest"), GET_INBOUND % 1),
        "wsse:FailedAuthentication",
    ),
    "limit 0": (ENVELOPE % (SECURITY, GET_INBOUND % 0), "soap:Client"),
    "limit 1001": (ENVELOPE % (SECURITY, GET_INBOUND % 1001), "soap:Client"),
    "101 packets": (ENVELOPE % (SECURITY, SEND_PACKETS % ("<packet/>" * 101)), "soap:Client"),
    "two in the body": (ENVELOPE % (SECURITY, GET_INBOUND % 1 * 2), "soap:Client"),
    "empty body": (ENVELOPE % (SECURITY, ""), "soap:Client"),
    "unknown operation": (ENVELOPE % (SECURITY, "<Nothing/>"), "soap:Client"),
    "not understood": (ENVELOPE % (SECURITY + STRANGE, GET_INBOUND % 1), "soap:MustUnderstand"),
    "other version": ("<Envelope/>", "soap:VersionMismatch"),
    "DTD": ("<!DOCTYPE a>" + ENVELOPE % (SECURITY, GET_INBOUND % 1), "soap:Client"),
    "not XML": ("{}", "soap:Client"),
}


@pytest.mark.parametrize("case", ENVELOPES)
def test_envelope(case: str, sandbox: TfomsSandbox) -> None:
    text, code = ENVELOPES[case]
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    response = requests.post(sandbox.url, data=text.encode(), headers=headers, timeout=5)
    assert response.status_code == (500 if code else 200)
    assert (parse(response.content).findtext(".//faultcode") or "") == code


def test_http_door(sandbox: TfomsSandbox) -> None:
    wrong = {"Content-Type": "text/xml", "SOAPAction": '"urn:service-journal:tfoms:ws:1/GetAnswers"'}
    body = (ENVELOPE % (SECURITY, GET_INBOUND % 1)).encode()
    assert requests.post(sandbox.url, data=body, headers=wrong, timeout=5).status_code == 500
    plain = {"Content-Type": "application/json"}
    assert requests.post(sandbox.url, data=body, headers=plain, timeout=5).status_code == 415
    refused = requests.get(sandbox.url, timeout=5)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert requests.get(sandbox.url + "s", timeout=5).status_code == 404
    assert requests.post(sandbox.url, data=iter([b"x"]), timeout=5).status_code == 411
