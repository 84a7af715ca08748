"""The stand-in ФГИС ФРИ, called as any SOAP 1.2 client would: it refuses what the real peer would refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest
import requests
import zeep
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import SOAP12, WSA, WSSE
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.demo.parts.fri_ipra_data import programme, register
from workers.demo.region import ORGANIZATIONS, REGION_CODES
from workers.exchange import Element, Frame, Job, Operation, Organization
from workers.exchanges.fri_ipra import form
from workers.sandbox.fri_ipra import NAMESPACE, FriIpraSandbox
from workers.sandbox.switches import Outage

NS: Final = {"f": NAMESPACE, "s": SOAP12}
ACTION: Final = f"{NAMESPACE}/SubmitIpraExecution"
SCHEMA: Final = resource_dir("xsd") / "fri_ipra" / "1.0" / "SubmitIpraExecution.xsd"
FIRST: Final = ORGANIZATIONS[0]
MO: Final = Organization(1, FIRST.oid, FIRST.name, {"ogrn": FIRST.ogrn, **REGION_CODES})
MOMENT: Final = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[FriIpraSandbox]:
    made = FriIpraSandbox()
    made.start(username="fri", password="invented")
    made.know(register(FIRST, 20))
    yield made
    made.stop()


def packet(*numbers: int, key: int = 9) -> Element:
    jobs = [
        Job(UUID(int=7), "IPRA_EXECUTION", Operation.INSERT, "x", MO, MOMENT, parse(programme(FIRST, n).content or b""))
        for n in numbers
    ]
    frame = Frame(UUID(int=key), "IPRA_EXECUTION", Operation.INSERT, MO, MOMENT, UUID(int=8))
    return parse(serialize(form.frame(frame, [form.record(job) for job in jobs])))


def envelope(url: str, body: Element, known: bool = True, action: str = ACTION, to: str | None = None) -> bytes:
    head = (
        f'<s:Envelope xmlns:s="{SOAP12}" xmlns:a="{WSA}" xmlns:w="{WSSE}"><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>urn:uuid:{uuid4()}</a:MessageID><a:To>{to or url}</a:To><w:Security><w:UsernameToken>"
        f"<w:Username>fri</w:Username><w:Password>{'invented' if known else 'x'}</w:Password></w:UsernameToken>"
        "</w:Security></s:Header><s:Body>"
    )
    return head.encode() + etree.tostring(body) + b"</s:Body></s:Envelope>"


def post(url: str, data: bytes, media: str = "application/soap+xml") -> requests.Response:
    return requests.post(url, data, headers={"Content-Type": f'{media}; charset=utf-8; action="{ACTION}"'}, timeout=10)


def submit(sandbox: FriIpraSandbox, body: Element) -> Element:
    """The answer, which follows its schema."""
    answered = post(sandbox.url, envelope(sandbox.url, body))
    assert answered.status_code == 200, answered.text
    answer = parse(answered.content).find("s:Body/*", NS)
    assert answer is not None
    alone = parse(serialize(answer))
    assert validate(alone, SCHEMA) == ()
    return alone


def told(answer: Element) -> list[tuple[str, list[str]]]:
    return [
        (each.findtext("f:Status", "", NS), [str(code.text) for code in each.iterfind("f:Error/f:Code", NS)])
        for each in answer.iterfind("f:PrgResult", NS)
    ]


def measure(**fields: str | None) -> Callable[[Element], None]:
    """Change fields of the first measure; None takes the field away."""

    def change(root: Element) -> None:
        rhb = root.find("f:Prg/f:Rhb", NS)
        assert rhb is not None
        for name, text in fields.items():
            target = rhb.find(f"f:{name}", NS)
            assert target is not None
            if text is None:
                rhb.remove(target)
            else:
                target.text = text

    return change


def head(name: str, text: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        target = root.find(f"f:Prg/f:{name}", NS)
        assert target is not None
        target.text = text

    return change


def other_event(root: Element) -> None:
    """A type that knows no subtypes has one."""
    measure(TypeId="4")(root)


VERDICTS = {
    "unknown number": (head("PrgNum", "77"), ("REJECTED", ["IPRA_NOT_FOUND"])),
    "unknown id": (head("MseId", str(uuid4())), ("REJECTED", ["IPRA_NOT_FOUND"])),
    "another person": (head("LName", "Чужой"), ("REJECTED", ["PERSON_MISMATCH"])),
    "another snils": (head("Snils", "11223344595"), ("REJECTED", ["PERSON_MISMATCH"])),
    "a subtype of no type": (other_event, ("PARTIAL", ["BAD_TYPE_EVENT"])),
    "without a subtype": (measure(EvntId=None), ("PARTIAL", ["BAD_TYPE_EVENT"])),
    "unknown subtype": (measure(EvntId="9"), ("PARTIAL", ["BAD_TYPE_EVENT"])),
    "without a result": (measure(ResId="5"), ("PARTIAL", ["RESULT_REQUIRED"])),
    "before the programme": (measure(DtExc="2025-12-31"), ("PARTIAL", ["DATE_OUT_OF_RANGE"])),
    "in the future": (measure(DtExc="2999-12-31"), ("PARTIAL", ["DATE_OUT_OF_RANGE"])),
    "after the programme": (measure(DtExc="2027-01-03"), ("PARTIAL", ["DATE_OUT_OF_RANGE", "IPRA_EXPIRED"])),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_each_reason_is_told_of_its_programme_or_measure(sandbox: FriIpraSandbox, name: str) -> None:
    change, (status, codes) = VERDICTS[name]
    root = packet(1)
    change(root)
    ((said, found),) = told(submit(sandbox, root))
    assert said == status
    assert len(found) == 1
    assert found[0] in codes
    assert len(sandbox.measures()) == (0 if status == "REJECTED" else 2)


def test_a_measure_that_says_the_same_under_another_id_is_a_duplicate(sandbox: FriIpraSandbox) -> None:
    assert told(submit(sandbox, packet(1))) == [("ACCEPTED", [])]
    again = packet(1, key=10)
    measure(Id=str(uuid4()))(again)
    assert told(submit(sandbox, again)) == [("PARTIAL", ["DUPLICATE"])]
    foreign = packet(2, key=11)
    measure(Id=sandbox.measures()[0].id)(foreign)
    assert told(submit(sandbox, foreign)) == [("PARTIAL", ["DUPLICATE"])]


def test_a_package_that_comes_again_is_answered_as_it_was(sandbox: FriIpraSandbox) -> None:
    first, second = (serialize(submit(sandbox, packet(1, 3))) for _ in range(2))
    assert first == second
    assert [(p.status, p.receptions) for p in sandbox.packages()] == [("PARTIAL", 2)]
    assert {m.acceptances for m in sandbox.measures()} == {1}
    refused = post(sandbox.url, envelope(sandbox.url, packet(2)))
    assert refused.status_code == 400
    assert parse(refused.content).findtext(".//f:friFault/f:Code", "", NS) == "PACKAGE_ID_TAKEN"


REFUSED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "wrong password": (lambda url: envelope(url, packet(1), known=False), "NOT_AUTHENTICATED"),
    "another action": (lambda url: envelope(url, packet(1), action="urn:x"), "INVALID_REQUEST"),
    "another address": (lambda url: envelope(url, packet(1), to="http://example"), "INVALID_REQUEST"),
    "no addressing": (lambda url: envelope(url, packet(1)).replace(b"a:MessageID", b"a:Message"), "INVALID_REQUEST"),
    "not the schema": (
        lambda url: envelope(url, packet(1)).replace(b"<Gndr>2", b"<Gndr>3"),
        "INVALID_REQUEST",
    ),
    "SOAP 1.1": (
        lambda url: envelope(url, packet(1)).replace(SOAP12.encode(), b"http://schemas.xmlsoap.org/soap/envelope/"),
        "INVALID_REQUEST",
    ),
    "not XML": (lambda url: envelope(url, packet(1))[:-9], "INVALID_REQUEST"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_call_is_a_fault_and_changes_nothing(sandbox: FriIpraSandbox, name: str) -> None:
    make, code = REFUSED[name]
    answered = post(sandbox.url, make(sandbox.url))
    assert answered.status_code == 400
    fault = parse(answered.content).find("s:Body/s:Fault", NS)
    assert fault is not None
    assert fault.findtext("s:Detail/f:friFault/f:Code", "", NS) == code
    assert (sandbox.packages(), sandbox.measures()) == ((), ())


def test_an_outage_is_a_fault_of_the_receiver(sandbox: FriIpraSandbox) -> None:
    sandbox.switches.update({"outage": Outage.FAULT})
    answered = post(sandbox.url, envelope(sandbox.url, packet(1)))
    assert (answered.status_code, b"soap:Receiver" in answered.content) == (500, True)
    assert post(sandbox.url.replace("/ipra", "/other"), b"").status_code == 500


def test_other_requests_are_told_so_in_http(sandbox: FriIpraSandbox) -> None:
    assert post(sandbox.url, b"<x/>", "text/xml").status_code == 415
    assert requests.put(sandbox.url, b"", timeout=10).status_code == 405
    assert requests.get(sandbox.url.replace("/ipra", "/x"), timeout=10).status_code == 404


def test_zeep_makes_a_client_of_the_published_wsdl(sandbox: FriIpraSandbox) -> None:
    client = zeep.Client(f"{sandbox.url}?wsdl")
    operation = client.service._binding.get("SubmitIpraExecution")
    assert operation.soapaction == ACTION
    assert "Prg: ns0:Prg[]" in operation.input.signature()
    assert client.service._binding_options["address"] == sandbox.url


def test_programmes_are_told_over_the_admin_port_and_learnt(sandbox: FriIpraSandbox) -> None:
    assert told(submit(sandbox, packet(30))) == [("REJECTED", ["IPRA_NOT_FOUND"])]
    (given,) = register(FIRST, 1, 30)
    rows = [{name: getattr(given, name) for name in type(given).__slots__}]
    admin = f"{sandbox.admin_url}/programmes"
    assert requests.post(admin, json={"programmes": rows}, timeout=10).json() == {"known": 1}
    assert told(submit(sandbox, packet(30, key=10))) == [("ACCEPTED", [])]
    assert requests.post(admin, json={"programmes": [{"mse_id": "x"}]}, timeout=10).status_code == 400
    sandbox.switches.update({"learn": True})
    assert told(submit(sandbox, packet(33, key=11))) == [("ACCEPTED", [])]


def test_the_ledger_outlives_a_restart(tmp_path: Path) -> None:
    for key in (9, 10):
        made = FriIpraSandbox()
        made.start(username="fri", password="invented", state=tmp_path / "state.sqlite")
        made.know(register(FIRST, 20))
        submit(made, packet(1, key=key))
        assert {m.acceptances for m in made.measures()} == {key - 8}
        made.stop()
