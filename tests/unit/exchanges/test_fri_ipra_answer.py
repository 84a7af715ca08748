"""What ФРИ answers, and what it means for the packet, its programmes and their measures."""

from __future__ import annotations

from uuid import UUID

import pytest

from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Element, InDoubt, PacketStatus, flk
from workers.exchanges.fri_ipra.answer import UNEXPLAINED, verdict
from workers.exchanges.fri_ipra.fields import NAMESPACE

SCHEMA = resource_dir("xsd") / "fri_ipra" / "1.0" / "SubmitIpraExecution.xsd"
PACKAGE = UUID(int=1)
A, B = UUID(int=10), UUID(int=11)
A1, A2, B1, B2 = UUID(int=101), UUID(int=102), UUID(int=111), UUID(int=112)
NOT_FOUND = "<Error><Code>IPRA_NOT_FOUND</Code><Message>Не найдена.</Message></Error>"


def sent() -> Element:
    def programme(key: UUID, *measures: UUID) -> str:
        told = "".join(f"<Rhb><Id>{each}</Id><TypeId>2</TypeId><DtExc>2026-01-01</DtExc></Rhb>" for each in measures)
        return f"<Prg>\n<MseId>{key}</MseId>{told}</Prg>\n"

    body = programme(A, A1, A2) + programme(B, B1, B2)
    root = f"<SubmitIpraExecution xmlns='{NAMESPACE}'><PackageId>{PACKAGE}</PackageId>{body}</SubmitIpraExecution>"
    return parse(root.encode())


def answer(status: str, *results: str, package: UUID = PACKAGE) -> Element:
    text = (
        f"<SubmitIpraExecutionResponse xmlns='{NAMESPACE}'><PackageId>{package}</PackageId>"
        f"<ReceivedAt>2026-03-20T12:00:00Z</ReceivedAt><Status>{status}</Status>{''.join(results)}"
        "</SubmitIpraExecutionResponse>"
    )
    root = parse(text.encode())
    assert validate(root, SCHEMA) == ()
    return root


def said(key: UUID, status: str, errors: str = "") -> str:
    return f"<PrgResult><MseId>{key}</MseId><Status>{status}</Status>{errors}</PrgResult>"


def refused(key: UUID, code: str = "DUPLICATE") -> str:
    return f"<Error><Code>{code}</Code><RhbId>{str(key).upper()}</RhbId><Message>Отказ.</Message></Error>"


def taken(root: Element) -> tuple[PacketStatus, list[tuple[bool, list[str]]]]:
    found = verdict(sent(), root)
    return found.status, [(item.accepted, sorted(item.parts)) for _, item in sorted(found.items.items())]


WHOLE_A, WHOLE_B = (True, [str(A1), str(A2)]), (True, [str(B1), str(B2)])
NOTHING: tuple[bool, list[str]] = (False, [])
CASES = {
    "all taken": (answer("ACCEPTED"), PacketStatus.ACCEPTED, [WHOLE_A, WHOLE_B]),
    "each taken": (
        answer("ACCEPTED", said(A, "ACCEPTED"), said(B, "ACCEPTED")), PacketStatus.ACCEPTED, [WHOLE_A, WHOLE_B]),
    "one in part": (
        answer("PARTIAL", said(A, "ACCEPTED"), said(B, "PARTIAL", refused(B2))),
        PacketStatus.PARTIAL, [WHOLE_A, (False, [str(B1)])]),
    "one refused": (
        answer("PARTIAL", said(A, "REJECTED", NOT_FOUND), said(B, "ACCEPTED")),
        PacketStatus.PARTIAL, [NOTHING, WHOLE_B]),
    "one not told of": (answer("PARTIAL", said(B, "ACCEPTED")), PacketStatus.PARTIAL, [NOTHING, WHOLE_B]),
    "a refusal outweighs a good status": (
        answer("ACCEPTED", said(A, "ACCEPTED", refused(A1))), PacketStatus.PARTIAL, [(False, [str(A2)]), WHOLE_B]),
    "in part, nobody knows which": (
        answer("PARTIAL", said(A, "PARTIAL"), said(B, "PARTIAL", refused(UUID(int=999)))),
        PacketStatus.PARTIAL, [NOTHING, NOTHING]),
    "all refused": (
        answer("REJECTED", said(A, "REJECTED", NOT_FOUND), said(B, "REJECTED", refused(B1) + refused(B2))),
        PacketStatus.REJECTED, [NOTHING, NOTHING]),
    "in part, and every measure refused": (
        answer("PARTIAL", said(A, "PARTIAL", refused(A1) + refused(A2)), said(B, "REJECTED", NOT_FOUND)),
        PacketStatus.REJECTED, [NOTHING, NOTHING]),
    "refused whole": (answer("REJECTED"), PacketStatus.REJECTED, [NOTHING, NOTHING]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_read(name: str) -> None:
    root, status, items = CASES[name]
    assert taken(root) == (status, items)


def test_a_refusal_is_put_to_its_element() -> None:
    packet = sent()
    found = verdict(
        packet,
        answer(
            "PARTIAL",
            said(A, "REJECTED", NOT_FOUND),
            said(B, "PARTIAL", refused(B2, "DATE_OUT_OF_RANGE") + refused(B1, "X")),
        ),
    )
    placed = [(f.code, f.path, f.line is not None) for f in flk.findings(found.refusals, packet)]
    assert placed == [
        ("IPRA_NOT_FOUND", "/SubmitIpraExecution/Prg[1]/MseId", True),
        ("DATE_OUT_OF_RANGE", "/SubmitIpraExecution/Prg[2]/Rhb[2]/DtExc", True),
        ("X", "/SubmitIpraExecution/Prg[2]/Rhb[1]", True),
    ]
    assert found.items[2].text == "DATE_OUT_OF_RANGE: Отказ.\nX: Отказ."


def test_a_refusal_without_a_reason_says_so() -> None:
    assert verdict(sent(), answer("REJECTED")).text == UNEXPLAINED


@pytest.mark.parametrize(
    "root", [answer("ACCEPTED", package=UUID(int=2)), answer("PARTIAL", said(UUID(int=12), "ACCEPTED"))]
)
def test_an_answer_to_another_packet_leaves_a_doubt(root: Element) -> None:
    with pytest.raises(InDoubt):
        verdict(sent(), root)
