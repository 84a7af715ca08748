"""A peer that leaves packets of a batch without a receipt: they are asked about within the same run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from uuid import UUID

from sqlalchemy import text

from gateway.journal import outbox
from tests.support.houses import SERVICE, House, quick_catalog
from workers.exchange import Known, Outgoing, PacketStatus, Receipt, Reply, Verdict
from workers.runs.loading import load_exchange
from workers.runs.pipeline import UNCONFIRMED, LaunchRun
from workers.runs.surroundings import Pause, Surroundings


class SilentPeer:
    """Takes everything; its first receipt of the first batch gets lost, and with it the packet."""

    def __init__(self) -> None:
        self.taken: list[UUID] = []
        self._silent = True

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        heard = packets[1:] if self._silent else packets
        self._silent = False
        self.taken += [packet.packet_id for packet in heard]
        return [Receipt(packet.packet_id, Verdict(PacketStatus.SENT)) for packet in heard]

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        return {each: Known.RECEIVED if each in self.taken else Known.UNKNOWN for each in packet_ids}

    def take_answers(self, limit: int) -> Sequence[Reply]:
        del limit
        return ()

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        assert confirm_ids == ()


def test_a_packet_without_a_receipt_is_sent_within_the_same_run(home: House) -> None:
    home.submit()
    launch_id, peer = home.launch(), SilentPeer()
    loaded = load_exchange(quick_catalog().exchanges[SERVICE])
    (work_id,) = outbox.publish_due(home.engine)
    lease = outbox.take(home.engine, work_id, "проверка")
    assert lease is not None
    run = LaunchRun(Surroundings(home.engine, lambda: nullcontext(peer)), loaded, lease, launch_id)
    assert run.advance() == Pause(0.1, failures=1)
    assert home.statuses()["IN_DOUBT"] == 1
    LaunchRun(Surroundings(home.engine, lambda: nullcontext(peer)), loaded, lease, launch_id).advance()
    assert home.statuses() == {"SENT": len(peer.taken)}
    assert len(set(peer.taken)) == len(peer.taken)
    assert UNCONFIRMED in told(home)


def told(home: House) -> set[str]:
    """What the attempts say went wrong."""
    with home.engine.connect() as connection:
        return set(connection.execute(text("SELECT error_text FROM attempts WHERE error_text IS NOT NULL")).scalars())
