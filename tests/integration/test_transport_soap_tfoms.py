"""Transport and peer against the stand-in ТФОМС: packets of the samples go out, answers come back."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.catalog.manifest import Manifest
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers import exchanges
from workers.exchange import (
    InDoubt,
    Job,
    Known,
    NotSent,
    Operation,
    Organization,
    Outgoing,
    PacketStatus,
    Peer,
    SignInRefused,
    lines,
)
from workers.exchanges.tfoms_hosp import answer, form
from workers.exchanges.tfoms_hosp.peer import connect
from workers.sandbox.tfoms import TfomsSandbox
from workers.transports import open_transport
from workers.transports.soap import SoapTransport

ROOT = Path(__file__).parents[2]
FOLDER = Path(exchanges.__path__[0]) / "tfoms_hosp"
MANIFEST = Manifest.model_validate(tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8")))
ORGANIZATION = Organization(1, "1.2.643.5.1", "Тестовая больница", {"tfoms": "340001"})


@pytest.fixture
def sandbox() -> Iterator[TfomsSandbox]:
    running = TfomsSandbox()
    yield running
    running.stop()


def transport_to(sandbox: TfomsSandbox, password: str) -> SoapTransport:
    address = sandbox.start(username="u", password="p")
    settings = {"address": address, "username": "u", "password": password, "read_timeout_s": "5"}
    opened: SoapTransport = open_transport(MANIFEST.transport, settings, ROOT / "wsdl" / "tfoms.wsdl")
    return opened


@pytest.fixture
def peer(sandbox: TfomsSandbox) -> Iterator[Peer]:
    transport = transport_to(sandbox, "p")
    yield connect(transport)
    transport.close()


def packet(sample: str, packet_type: str, object_id: str, operation: Operation = Operation.INSERT) -> Outgoing:
    source = parse((FOLDER / "samples" / "valid" / f"{sample}.xml").read_bytes())
    job = Job(uuid4(), packet_type, operation, object_id, ORGANIZATION, datetime.now(UTC), source)
    return Outgoing(job.packet_id, packet_type, operation, serialize(form.form(job)))


def referral(operation: Operation = Operation.INSERT) -> Outgoing:
    return packet("referral", "HOSPITALISATION_REFERRAL", "1001", operation)


def verdicts(peer: Peer) -> dict[UUID, tuple[PacketStatus, str]]:
    read = {}
    for reply in peer.take_answers(100):
        assert reply.packet_id is not None
        element = parse(reply.answer)
        assert validate(element, ROOT / "xsd" / str(MANIFEST.answer_schema)) == ()
        verdict = answer.read(element)
        read[reply.packet_id] = (verdict.status, lines(f"{r.code}: {r.comment}" for r in verdict.refusals))
    return read


def test_a_stay_in_hospital_from_referral_to_discharge_is_accepted(peer: Peer) -> None:
    packets = [
        referral(),
        packet("hospitalisation", "HOSPITALISATION", "3001"),
        packet("motion", "MOTION_IN_HOSPITAL", "4001"),
        packet("hospitalisation-emergency", "HOSPITALISATION", "3002"),
    ]
    receipts = peer.send(packets)
    assert [(r.packet_id, r.verdict.status) for r in receipts] == [(p.packet_id, PacketStatus.SENT) for p in packets]
    assert verdicts(peer) == {p.packet_id: (PacketStatus.ACCEPTED, "") for p in packets}


def test_an_answer_comes_again_until_it_is_confirmed(peer: Peer) -> None:
    peer.send([referral()])
    first = peer.take_answers(10)
    assert peer.take_answers(10) == first
    peer.confirm([reply.confirm_id for reply in first])
    assert peer.take_answers(10) == []


def test_a_cancelled_referral_is_told_with_its_reasons(peer: Peer) -> None:
    cancellation = packet("cancellation", "CANCEL_HOSPITALISATION_REFERRAL", "2001")
    late = packet("hospitalisation", "HOSPITALISATION", "3001")
    peer.send([referral(), cancellation, late])
    told = verdicts(peer)
    assert told[cancellation.packet_id] == (PacketStatus.ACCEPTED, "")
    assert told[late.packet_id] == (PacketStatus.REJECTED, "202: Направление уже отменено.")


def test_a_delete_is_taken(peer: Peer) -> None:
    there, gone = referral(), referral(Operation.DELETE)
    peer.send([there, gone])
    assert verdicts(peer)[gone.packet_id] == (PacketStatus.ACCEPTED, "")


def test_a_refusal_at_once_concerns_its_packet_alone(peer: Peer) -> None:
    good, bad = referral(), Outgoing(uuid4(), "HOSPITALISATION", Operation.INSERT, b"<HOSPITALISATION>")
    receipts = peer.send([bad, good])
    assert [receipt.verdict.status for receipt in receipts] == [PacketStatus.REJECTED, PacketStatus.SENT]
    assert receipts[0].verdict.text.startswith("001: ")


def test_a_packet_in_doubt_is_asked_about_and_repeated_safely(sandbox: TfomsSandbox, peer: Peer) -> None:
    sent, unheard = referral(), uuid4()
    sandbox.switches.update({"take_and_drop_next": 1})
    with pytest.raises(InDoubt):
        peer.send([sent])
    assert peer.ask([sent.packet_id, unheard]) == {sent.packet_id: Known.RECEIVED, unheard: Known.UNKNOWN}
    peer.send([sent])
    assert len(sandbox.ledger()) == 1
    assert verdicts(peer) == {sent.packet_id: (PacketStatus.ACCEPTED, "")}


@pytest.mark.parametrize("outage", ["refuse", "fault"])
def test_an_outage_means_that_nothing_was_sent(sandbox: TfomsSandbox, peer: Peer, outage: str) -> None:
    sandbox.switches.update({"outage": outage})
    with pytest.raises(NotSent):
        peer.send([referral()])
    sandbox.switches.reset()
    assert sandbox.ledger() == ()
    peer.send([referral()])
    assert len(sandbox.ledger()) == 1


def test_a_wrong_password_is_not_a_passing_trouble(sandbox: TfomsSandbox) -> None:
    transport = transport_to(sandbox, "неверный")
    with pytest.raises(SignInRefused):
        connect(transport).take_answers(1)
    transport.close()


ID = "00000000-0000-0000-0000-000000000001"
OTHER = "00000000-0000-0000-0000-000000000002"


def receipt(position: int = 1, of: str | None = ID, result: str | None = "ACK") -> SimpleNamespace:
    return SimpleNamespace(position=position, id=of, result=result, code=None, message=None)


def list_of(name: str, *items: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(**{name: list(items)})


ONE = Outgoing(UUID(ID), "HOSPITALISATION", Operation.INSERT, b"<a/>")
STRANGE: list[tuple[Any, Callable[[Peer], object]]] = [
    (None, lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(2)), lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(), receipt(2)), lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(of=OTHER)), lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(of="?")), lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(result="MAYBE")), lambda peer: peer.send([ONE])),
    (list_of("receipt", receipt(result=None)), lambda peer: peer.send([ONE])),
    (None, lambda peer: peer.ask([UUID(ID)])),
    (list_of("packetStatus", SimpleNamespace(id=OTHER, status="RECEIVED")), lambda peer: peer.ask([UUID(ID)])),
    (list_of("packetStatus", SimpleNamespace(id=ID, status="LOST")), lambda peer: peer.ask([UUID(ID)])),
]


@pytest.mark.parametrize(("said", "ask"), STRANGE)
def test_what_the_peer_says_beside_the_point_decides_nothing(said: Any, ask: Callable[[Peer], object]) -> None:
    peer = connect(SimpleNamespace(call=lambda _operation, **_: said))
    with pytest.raises(InDoubt, match="ТФОМС"):
        ask(peer)


def test_an_answer_that_bears_no_id_bars_none_of_the_others() -> None:
    answers = [SimpleNamespace(messageId=each, content="<a/>") for each in (None, "?", ID)]
    peer = connect(SimpleNamespace(call=lambda _operation, **_: list_of("answer", *answers)))
    assert [reply.packet_id for reply in peer.take_answers(3)] == [None, None, UUID(ID)]
