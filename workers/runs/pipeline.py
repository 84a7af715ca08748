"""The run of a launch of packets: rearm → form → send → answers. The only place where the steps meet.

A run is cut in stages that begin again after a crash and do nothing twice: what a transaction committed is seen by the
next attempt, what was about to leave when the worker died is *in doubt* and asked about before anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.statuses import CHANGES, Operation, PacketStatus
from gateway.journal import groups, launches, outbox, packets, receiving
from gateway.journal.engine import database_now
from gateway.journal.launches import LaunchState, Stage
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome, ReadyPacket
from workers.exchange import (
    BadAnswer,
    InDoubt,
    Known,
    NotSent,
    Outgoing,
    Peer,
    PeerRefused,
    Receipt,
    SignInRefused,
    TransportError,
)
from workers.runs.answers import AnswerDesk, outcome_of
from workers.runs.forming import form_batch
from workers.runs.framing import form_packets, number_packets
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

SENDING: Final = frozenset({PacketStatus.SENDING})
IN_DOUBT: Final = frozenset({PacketStatus.IN_DOUBT})
ASK_BATCH: Final = 100
REARM_BATCH: Final = 1000
NUMBER_BATCH: Final = 10
LATE_ANSWERS_S: Final = 30.0
WAITING: Final = "ждут ответа"
STRAYS: Final = "сохранены ответы на неизвестные пакеты"
OTHERS: Final = "оставлены ответы на пакеты другого сервиса"
UNCONFIRMED: Final = "Внешняя система не подтвердила получение пакета"


class _Stopped(Exception):
    """The process is stopping: give the lease back and let another worker go on."""


class LaunchRun:
    """One leased attempt to bring a launch to its end."""

    def __init__(self, around: Surroundings, loaded: Loaded, lease: Lease, launch_id: UUID) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self._failures = lease.failures
        self._answers = AnswerDesk(loaded)
        with leased(around.engine, lease) as connection:
            self._launch: LaunchState = launches.load(connection, launch_id)
        self._open = ExitStack()
        self._peer: Peer | None = None

    def advance(self) -> Pause | None:
        """Go on with the launch until it is over (None) or has to wait. Commits step by step.

        Raises:
            LeaseLost: another worker goes on.
        """
        self._around.reached(Point.TAKEN)
        with self._open:
            return self._guarded()

    def _guarded(self) -> Pause | None:
        try:
            return self._stages()
        except _Stopped:
            return Pause(0, self._failures)
        except (NotSent, InDoubt) as error:
            return self._after_failure(error)
        except (SignInRefused, PeerRefused, ConfigurationError) as error:
            self._end(LaunchResult.FAILED, str(error))
            return None

    def _stages(self) -> Pause | None:
        if self._launch.stop_requested:
            self._end(LaunchResult.FAILED, STOPPED_TEXT)
            return None
        self._doubt_interrupted()
        self._resolve_doubts()
        stages = list(Stage)
        for stage in stages[stages.index(self._launch.stage) :]:
            pause = self._run_stage(stage)
            if pause is not None:
                return pause
        return None

    def _run_stage(self, stage: Stage) -> Pause | None:
        if stage is Stage.ANSWERS:
            return self._collect_answers()
        steps = {Stage.REARM: self._rearm, Stage.FORM: self._form, Stage.SEND: self._send}
        steps[stage]()
        return None

    def _check(self) -> None:
        if self._around.stopping():
            raise _Stopped

    def _connected(self) -> Peer:
        if self._peer is None:
            self._peer = self._open.enter_context(self._around.open_peer())
        return self._peer

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        with leased(self._around.engine, self._lease) as connection:
            packets.settle(connection, self._launch.service_code, outcomes)

    def _doubt_interrupted(self) -> None:
        """Whatever an earlier, dead attempt left in SENDING may have reached the peer."""
        launch = self._launch
        while True:
            with leased(self._around.engine, self._lease) as connection:
                left = packets.in_status(
                    connection, launch.service_code, launch.scope, PacketStatus.SENDING, REARM_BATCH
                )
                text = "Передача прервана, исход неизвестен"
                outcomes = [Outcome(r.id, PacketStatus.IN_DOUBT, error=text, sources=SENDING) for r in left]
                packets.settle(connection, launch.service_code, outcomes)
            if len(left) < REARM_BATCH:
                return

    def _resolve_doubts(self) -> None:
        """Learn what became of packets in doubt, in the way the manifest says this peer allows."""
        how = self._loaded.exchange.manifest.sending.in_doubt
        while how != "operator":
            self._check()
            launch = self._launch
            with leased(self._around.engine, self._lease) as connection:
                rows = packets.in_status(
                    connection, launch.service_code, launch.scope, PacketStatus.IN_DOUBT, ASK_BATCH
                )
            if not rows:
                return
            ids = [row.id for row in rows]
            known = self._connected().ask(ids) if how == "ask" else dict.fromkeys(ids, Known.UNKNOWN)
            self._around.reached(Point.ASKED)
            received = {key for key, word in known.items() if word is Known.RECEIVED}
            self._settle([_resolved(key, received) for key in ids])
            if received:
                self._failures = 0

    def _rearm(self) -> None:
        """SEND_ERROR → FORMED, once per launch: the stage moves on in the transaction of the last batch."""
        launch, more = self._launch, True
        AnswerDesk(self._loaded).read_again(self._around, self._lease, launch.service_code)
        while more:
            with leased(self._around.engine, self._lease) as connection:
                packets.reset_tries(connection, launch.service_code, launch.scope)
                more = packets.rearm(connection, launch.service_code, launch.scope, REARM_BATCH) == REARM_BATCH
                if not more:
                    waiting = self._waiting(connection)
                    counts = f"Повторно передаются пакеты прошлых запусков: {waiting}" if waiting else None
                    launches.enter(connection, launch.id, Stage.FORM, result_counts=counts)
        self._around.reached(Point.REARMED)

    def _waiting(self, connection: Connection) -> int:
        """Packets of this launch's МО that a send would take: formed and not banned."""
        launch = self._launch
        return packets.count_status(connection, launch.service_code, launch.scope, PacketStatus.FORMED, unheld=True)

    def _form(self) -> None:
        manifest = self._loaded.exchange.manifest
        with leased(self._around.engine, self._lease) as connection:
            shelf = self._around.library.open(connection, manifest.dictionaries)
        loaded = self._loaded.under(shelf)
        for packet_type in manifest.packet_types:
            taken = 1
            while taken:
                self._check()
                with leased(self._around.engine, self._lease) as connection:
                    if launches.stop_requested(connection, self._launch.id):
                        raise ConfigurationError(STOPPED_TEXT)
                    form = form_packets if packet_type.records > 1 else form_batch
                    taken = form(connection, loaded, self._launch, packet_type)
                    self._around.reached(Point.FORMING)
                self._around.reached(Point.FORMED)
        self._number_groups()
        with leased(self._around.engine, self._lease) as connection:
            launches.enter(connection, self._launch.id, Stage.SEND, remark=shelf.remark)

    def _number_groups(self) -> None:
        """Give packets of many their places, now that it is known how many there are."""
        launch, places = self._launch, []
        if any(packet_type.records > 1 for packet_type in self._loaded.exchange.manifest.packet_types):
            with leased(self._around.engine, self._lease) as connection:
                groups.group_of(connection, launch.id)
                places = groups.unnumbered(connection, launch.service_code, launch.scope, launch.id)
        for start in range(0, len(places), NUMBER_BATCH):
            self._check()
            with leased(self._around.engine, self._lease) as connection:
                number_packets(connection, self._loaded, launch.service_code, places[start : start + NUMBER_BATCH])
            self._around.reached(Point.NUMBERED)
        self._around.reached(Point.NUMBERED)

    def _send(self) -> None:
        manifest = self._loaded.exchange.manifest
        for operation in CHANGES:
            codes = [p.code for p in manifest.packet_types]
            for code in reversed(codes) if operation is Operation.DELETE else codes:
                while self._send_batch(operation, code):
                    self._failures = 0
        window = timedelta(seconds=manifest.sending.answer_window_s)
        with leased(self._around.engine, self._lease) as connection:
            until = database_now(connection) + window
            launches.enter(connection, self._launch.id, Stage.ANSWERS, answers_until=until)
        self._launch = launches.waiting_for_answers(self._launch, until)

    def _send_batch(self, operation: Operation, packet_type: str) -> bool:
        """Send one batch; False when there is none left. The packets are SENDING in the journal before bytes leave."""
        self._check()
        peer = self._connected()
        launch, limit = self._launch, self._loaded.exchange.manifest.sending.send_batch
        with leased(self._around.engine, self._lease) as connection:
            if launches.stop_requested(connection, launch.id):
                raise ConfigurationError(STOPPED_TEXT)
            ready = packets.enter_sending(connection, launch.service_code, launch.scope, operation, packet_type, limit)
        if not ready:
            return False
        self._around.reached(Point.SENDING)
        try:
            receipts = peer.send([Outgoing(r.id, r.packet_type, r.operation, r.data, r.name) for r in ready])
        except TransportError as error:
            self._settle([self._after_attempt(r, error) for r in ready])
            raise
        self._around.reached(Point.SENT)
        words = {r.packet_id: r for r in receipts}
        outcomes = [self._received(r, words.get(r.id)) for r in ready]
        self._settle(outcomes)
        self._around.reached(Point.SETTLED)
        unsettled = [o for o in outcomes if o.status in (PacketStatus.FORMED, PacketStatus.IN_DOUBT)]
        if len(unsettled) < len(outcomes):
            self._failures = 0
        if unsettled:  # to be tried again, or asked about, after a pause
            raise NotSent(unsettled[0].error or UNCONFIRMED)
        return True

    def _received(self, ready: ReadyPacket, receipt: Receipt | None) -> Outcome:
        """The peer's immediate word; a packet of the batch that it does not mention is in doubt."""
        if receipt is None:
            return Outcome(ready.id, PacketStatus.IN_DOUBT, error=UNCONFIRMED, sources=SENDING)
        if receipt.verdict.status is PacketStatus.FORMED:
            return self._after_attempt(ready, NotSent(receipt.verdict.text))
        return outcome_of(ready.id, receipt.verdict, receipt.answer, ready.data, SENDING)

    def _after_attempt(self, ready: ReadyPacket, error: TransportError) -> Outcome:
        """What a failed call means for one packet of its batch."""
        text = str(error)
        if isinstance(error, InDoubt):
            return Outcome(ready.id, PacketStatus.IN_DOUBT, error=text, sources=SENDING)
        last = ready.tries >= self._loaded.exchange.manifest.retry.attempts
        if last or isinstance(error, PeerRefused):
            return Outcome(ready.id, PacketStatus.SEND_ERROR, text, error=text, sources=SENDING)
        return Outcome(ready.id, PacketStatus.FORMED, error=text, sources=SENDING)

    def _after_failure(self, error: TransportError) -> Pause | None:
        """Wait and try again, or open the breaker: what is left stays FORMED for the next launch."""
        retry = self._loaded.exchange.manifest.retry
        failures = self._failures + 1
        if failures < retry.attempts:
            return Pause(retry.delay_s * retry.factor ** (failures - 1), failures)
        with leased(self._around.engine, self._lease) as connection:
            waiting = self._waiting(connection)
        away = self._loaded.exchange.manifest.peer_is_away
        told = str(error) if isinstance(error, BadAnswer) else away
        self._end(LaunchResult.FAILED, told, f"ждут отправки: {waiting}")
        return None

    def _collect_answers(self) -> Pause | None:
        """Take what the peer has ready; wait for the rest within the window; then the launch is over."""
        manifest, launch = self._loaded.exchange.manifest, self._launch
        if manifest.sending.answers == "none":
            self._end(LaunchResult.SUCCESS, None)
            return None
        self._answers.collect(self._around, self._lease, self._connected(), launch.service_code)
        with leased(self._around.engine, self._lease) as connection:
            waiting = packets.count_status(
                connection, launch.service_code, launch.scope, PacketStatus.SENT, since=launch.started_at
            )
            over = launch.answers_until is not None and database_now(connection) >= launch.answers_until
            stopped = launches.stop_requested(connection, launch.id)
            strays = receiving.count_received(connection, launch.id)
        if stopped:
            self._end(LaunchResult.FAILED, STOPPED_TEXT)
        elif waiting and not over:
            return Pause(manifest.sending.answer_poll_s)
        else:
            counted = {WAITING: waiting, STRAYS: strays, OTHERS: len(self._answers.others)}
            told = ", ".join(f"{what}: {number}" for what, number in counted.items() if number)
            self._end(LaunchResult.SUCCESS, None, told[:1].upper() + told[1:] or None)
        return None

    def _end(self, result: LaunchResult, text: str | None, counts: str | None = None) -> None:
        """Close the launch; late answers of an asynchronous peer get a wish of their own."""
        launch = self._launch
        self._around.reached(Point.ENDING)
        with leased(self._around.engine, self._lease) as connection:
            launches.end(connection, launch.id, result, text, counts)
            if result is LaunchResult.SUCCESS:
                launches.note_success(connection, launch.service_code, launch.id)
            outbox.finish(connection, self._lease)
            if self._loaded.exchange.manifest.sending.answers == "collect":
                outbox.post(connection, outbox.Task.ANSWERS, launch.service_code)


def collect_late_answers(around: Surroundings, loaded: Loaded, lease: Lease) -> Pause | None:
    """Take answers that come after their launch ended; the wish ends when no packet of the service waits for one."""
    with leased(around.engine, lease) as connection:
        waiting = packets.count_status(connection, lease.service_code, None, PacketStatus.SENT)
        if not waiting:
            outbox.finish(connection, lease)
            return None
    try:
        with around.open_peer() as peer:
            AnswerDesk(loaded).collect(around, lease, peer, lease.service_code)
    except (TransportError, ConfigurationError):
        return Pause(LATE_ANSWERS_S, lease.failures + 1)
    return Pause(LATE_ANSWERS_S)


def _resolved(packet_id: UUID, received: set[UUID]) -> Outcome:
    status = PacketStatus.SENT if packet_id in received else PacketStatus.FORMED
    return Outcome(packet_id, status, sources=IN_DOUBT)
