"""The stand-in ТФОМС over real HTTP, called by zeep through the published WSDL."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from gateway.resources import resource_dir
from gateway.xml.namespaces import TFOMS
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from tests.support.tfoms_client import (
    ABSENT,
    CANCEL_REFERRAL,
    FREE,
    HOSPITALISATION,
    MOTION,
    OWN_NUMBER,
    PASSWORD,
    REFERRAL,
    REFUSAL,
    SAMPLES,
    USER,
    Changes,
    Client,
    codes,
    identifier,
    packet,
)
from workers.sandbox.tfoms import TfomsSandbox


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
