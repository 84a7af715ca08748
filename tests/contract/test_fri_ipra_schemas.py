"""The schema of ИПРА: a sound packet and its answer pass, single mistakes are found, both libraries agree on all."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.schemas import BLANK, refused_alike, spoilt, untitled
from workers.demo.parts.fri_ipra_data import programme
from workers.demo.region import ORGANIZATIONS, REGION_CODES
from workers.exchange import Element, Frame, Job, Operation, Organization
from workers.exchanges.fri_ipra import fields, form

SCHEMA = resource_dir("xsd") / "fri_ipra" / "1.0" / "SubmitIpraExecution.xsd"
MO = Organization(1, ORGANIZATIONS[0].oid, "Учебная больница", {"ogrn": "1023400000007", **REGION_CODES})
MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)
WHOLE = {
    b"<DocNum>": b"<Dt>2026-01-02</Dt><DocNum>",
    b"<BDate>": "<SName>Учебная</SName><BDate>".encode(),
    b"</Rhb>": "<Result>Словами</Result><Note>Примечание</Note></Rhb>".encode(),
}
"""What makes a programme one of every field."""
ANSWER = (
    f"<SubmitIpraExecutionResponse xmlns='{fields.NAMESPACE}'><PackageId>{UUID(int=1)}</PackageId>"
    f"<ReceivedAt>2026-03-20T12:00:00Z</ReceivedAt><Status>PARTIAL</Status><PrgResult><MseId>{UUID(int=2)}</MseId>"
    f"<Status>PARTIAL</Status><Error><Code>DUPLICATE</Code><RhbId>{UUID(int=3)}</RhbId><Message>Уже есть.</Message>"
    "</Error></PrgResult></SubmitIpraExecutionResponse>"
).encode()
FAULT = (
    f"<friFault xmlns='{fields.NAMESPACE}'><Code>INVALID_REQUEST</Code><Message>Неверно.</Message></friFault>"
).encode()


@cache
def packet() -> bytes:
    content = programme(ORGANIZATIONS[0], 1).content or b""
    for old, new in WHOLE.items():
        content = content.replace(old, new)
    job = Job(UUID(int=7), "IPRA_EXECUTION", Operation.INSERT, "ipra-1", MO, MOMENT, parse(content))
    frame = Frame(UUID(int=7), "IPRA_EXECUTION", Operation.INSERT, MO, MOMENT, UUID(int=8))
    return serialize(form.frame(frame, [form.record(job)]))


@pytest.mark.parametrize("document", [packet(), ANSWER, FAULT], ids=["packet", "answer", "fault"])
def test_both_libraries_judge_every_single_mistake_alike(document: bytes) -> None:
    mistakes = spoilt(document, (*BLANK, "99999999999"), groups=True)
    assert refused_alike(SCHEMA, document, mistakes) >= len(list(parse(document).iter()))


OPTIONAL = {"Dt", "DocNum", "DocDt", "Snils", "SName", "EvntId", "TsrId", "Result", "Note", "RhbId"}
"""0..1 of the contract; everything else must be there, choices aside."""


@pytest.mark.parametrize("document", [packet(), ANSWER], ids=["packet", "answer"])
def test_what_may_be_absent_is_what_the_contract_says(document: bytes) -> None:
    absent = {
        etree.QName(list(parse(document).iter())[n]).localname
        for n, _ in enumerate(parse(document).iter())
        if n and validate(_without(document, n), SCHEMA) == ()
    }
    repeated = {"Rhb", "PrgResult", "Error"}  # one of several, or none at all
    assert absent - repeated == OPTIONAL & {etree.QName(each).localname for each in parse(document).iter()}


def _without(document: bytes, position: int) -> Element:
    root = parse(document)
    target = list(root.iter())[position]
    parent = target.getparent()
    assert parent is not None
    parent.remove(target)
    return root


def test_a_packet_holds_five_hundred_programmes_and_no_more() -> None:
    root = parse(packet())
    one = etree.tostring(root[-1], with_tail=False)
    root.extend(parse(one) for _ in range(499))
    assert validate(root, SCHEMA) == ()
    root.append(parse(one))
    assert len(validate(root, SCHEMA)) == 1


def declared(name: str) -> tuple[list[str], list[str]]:
    """Fields of a type of the schema in their order, and those of them that must be there, choices aside."""
    (kind,) = etree.parse(SCHEMA).iterfind(f"{{{XSD}}}complexType[@name='{name}']/{{{XSD}}}sequence")
    every = [str(each.get("name")) for each in kind.iter(f"{{{XSD}}}element")]
    direct = kind.findall(f"{{{XSD}}}element")
    return every, [str(each.get("name")) for each in direct if each.get("minOccurs", "1") == "1"]


def test_the_fields_of_the_exchange_are_those_of_the_schema() -> None:
    assert declared("Prg") == ([*fields.PRG, "Rhb"], [*fields.REQUIRED_OF_PRG, "Rhb"])
    assert declared("Rhb") == (list(fields.RHB), list(fields.REQUIRED_OF_RHB))
    assert declared("Execut") == (list(fields.EXECUT), list(fields.REQUIRED_OF_EXECUT))
    assert set(fields.TITLES) == {*fields.PRG, *fields.RHB, *fields.EXECUT, "Rhb"}


def test_every_declaration_has_its_russian_title() -> None:
    sources = resource_dir("xsd").parent.glob("workers/exchanges/fri_ipra/source/*.xsd")
    assert untitled((SCHEMA, *sources)) == []
