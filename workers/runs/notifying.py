"""The run of a launch of notifications: word → send; and what comes after it: retries, the morning, words of delivery.

A launch ends when its pass is over: every reminder worded, everything that may leave now handed over or in error. The
rest is the work of a wish of its own, as late answers of packets are, and moves the launch's counters later.

A message is SENDING in the journal before its bytes leave. One that was under way when its worker died is in doubt: a
person must not be told twice, so it is repeated only where the carrier's peer knows messages by our ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import STOPPED_TEXT, LaunchResult
from gateway.domain.statuses import NotificationStatus
from gateway.journal import launches, notification_upkeep, notifications, outbox
from gateway.journal.launches import LaunchState, Stage
from gateway.journal.notifications import SENDING, Doubt, NoticeOutcome, ReadyNotice
from gateway.journal.outbox import Lease, Task, leased
from workers.exchange import (
    Carrier,
    Fate,
    Handed,
    InDoubt,
    NotSent,
    PeerRefused,
    SignInRefused,
    TransportError,
)
from workers.runs.composing import compose_batch, message_of
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings
from workers.runs.wording import Manner, read_manner

AFTERCARE_S: Final = 30.0
PAGE: Final = 500
WORDS_WAIT_S: Final = 1.0
INTERRUPTED: Final = "Исход неизвестен: передача прервана"
UNTOLD: Final = "Исход неизвестен: о сообщении ничего не сказано"

N = NotificationStatus
OpenCarrier = Callable[[], Carrier]


class _Stopped(Exception):
    """The process is stopping: give the lease back and let another worker go on."""


class Dispatch:
    """Hands over what is due to a service's carrier and takes its words; commits step by step."""

    def __init__(
        self, around: Surroundings, loaded: Loaded, lease: Lease, manner: Manner, scope: frozenset[int] | None
    ) -> None:
        self._around = around
        self._manifest = loaded.exchange.manifest
        self._lease = lease
        self._service = lease.service_code
        self._manner = manner
        self._scope = scope
        self.failures = lease.failures

    def check(self) -> None:
        """Stop between two steps when the process stops, or when an operator stopped the launch."""
        if self._around.stopping():
            raise _Stopped
        if self._lease.launch_id is not None:
            with leased(self._around.engine, self._lease) as connection:
                if launches.stop_requested(connection, self._lease.launch_id):
                    raise ConfigurationError(STOPPED_TEXT)

    def doubt_interrupted(self, carrier: Carrier) -> None:
        """Whatever dead work left in SENDING may have reached the peer."""
        left = PAGE
        while left == PAGE:
            with leased(self._around.engine, self._lease) as connection:
                ids = notifications.interrupted(connection, self._service, self._lease.id, PAGE)
                if carrier.repeats_safely:
                    again = [NoticeOutcome(i, N.NEW, INTERRUPTED, again_s=0, sources=SENDING) for i in ids]
                    notifications.settle_notices(connection, self._service, again)
                else:
                    notifications.put_in_doubt(connection, [Doubt(i, INTERRUPTED) for i in ids], self._service)
            left = len(ids)

    def send_due(self, carrier: Carrier) -> None:
        """Hand over all that is due now, batch by batch, and hear what comes meanwhile.

        Raises:
            NotSent, SignInRefused: the carrier's peer does not take anything now.
        """
        while self._send_batch(carrier):
            self._hear_some(carrier, wait_s=0)

    def _send_batch(self, carrier: Carrier) -> bool:
        self.check()
        limit = self._manifest.sending.send_batch
        with leased(self._around.engine, self._lease) as connection:
            seen, ready = notifications.enter_sending(
                connection, self._service, self._scope, self._lease.id, self._manner.quiet, limit
            )
        if not ready:
            return seen > 0
        self._around.reached(Point.SENDING)
        try:
            handed = carrier.send([message_of(each) for each in ready])
        except TransportError as error:
            self._settle(carrier, ready, [Handed(each.id, _fate(error), str(error)) for each in ready])
            raise
        self._around.reached(Point.SENT)
        self._settle(carrier, ready, handed)
        self._around.reached(Point.SETTLED)
        if any(h.fate is Fate.TAKEN for h in handed):
            self.failures = 0
        stuck = next((h for h in handed if h.fate in (Fate.NOT_SENT, Fate.IN_DOUBT)), None)
        if stuck is not None:
            raise NotSent(stuck.text)
        return True

    def _settle(self, carrier: Carrier, ready: Sequence[ReadyNotice], handed: Sequence[Handed]) -> None:
        told = {h.id: h for h in handed}
        outcomes, doubts = [], []
        for each in ready:
            said = told.get(each.id, Handed(each.id, Fate.IN_DOUBT, UNTOLD))
            if said.fate is Fate.IN_DOUBT and not carrier.repeats_safely:
                doubts.append(Doubt(said.id, said.text, said.parts, said.peer_ids))
            else:
                outcomes.append(self._outcome(said, each.tries))
        with leased(self._around.engine, self._lease) as connection:
            notifications.settle_notices(connection, self._service, outcomes)
            notifications.put_in_doubt(connection, doubts, self._service)

    def _outcome(self, said: Handed, tries: int) -> NoticeOutcome:
        retry = self._manifest.retry
        if said.fate is Fate.TAKEN:
            return NoticeOutcome(said.id, N.SENT, parts=said.parts, peer_ids=said.peer_ids, sources=SENDING)
        if said.fate is Fate.NOT_SENT:
            return NoticeOutcome(said.id, N.NEW, said.text, again_s=0, uncounted=True, sources=SENDING)
        last = said.fate is Fate.REFUSED or tries >= retry.attempts
        again_s = None if last else retry.delay_s * retry.factor ** (tries - 1)
        return NoticeOutcome(said.id, N.SEND_ERROR, said.text, again_s=again_s, sources=SENDING)

    def hear(self, carrier: Carrier, wait_s: float) -> None:
        """Take the words that came until none comes for so many seconds; journal them, then confirm them.

        Raises:
            NotSent, SignInRefused: the carrier's peer cannot be asked now.
        """
        while self._hear_some(carrier, wait_s):
            self.check()

    def _hear_some(self, carrier: Carrier, wait_s: float) -> bool:
        words = carrier.take_notices(PAGE, wait_s)
        if not words:
            return False
        self._around.reached(Point.ANSWERS_TAKEN)
        with leased(self._around.engine, self._lease) as connection:
            notifications.hear(connection, self._service, {word.peer_id: word.word for word in words})
        self._around.reached(Point.ANSWERS_JOURNALED)
        carrier.confirm([word.token for word in words])
        self._around.reached(Point.ANSWERS_CONFIRMED)
        return True

    def stop_waiting(self, carrier: Carrier | None = None) -> None:
        """Settle what the peer kept silent about for too long; it is asked once more where a carrier is given.

        Raises:
            NotSent, SignInRefused: the carrier's peer cannot be asked now.
        """
        left = PAGE
        while left == PAGE:
            if carrier is not None:
                self._ask_silent(carrier)
            with leased(self._around.engine, self._lease) as connection:
                left = notifications.stop_waiting(connection, self._service, PAGE)

    def _ask_silent(self, carrier: Carrier) -> None:
        with leased(self._around.engine, self._lease) as connection:
            silent = notifications.silent_parts(connection, self._service, PAGE)
        words = carrier.ask(silent) if silent else {}
        with leased(self._around.engine, self._lease) as connection:
            notifications.hear(connection, self._service, words)


def run_notices(around: Surroundings, loaded: Loaded, lease: Lease, open_carrier: OpenCarrier) -> Pause | None:
    """Go on with a launch of notifications, or with what launches left, until it is over (None) or has to wait.

    Raises:
        LeaseLost: another worker goes on.
    """
    if lease.task is Task.ANSWERS or lease.launch_id is None:
        return _after_launches(around, loaded, lease, open_carrier)
    with leased(around.engine, lease) as connection:
        launch = launches.load(connection, lease.launch_id)
    return LaunchOfNotices(around, loaded, lease, launch).advance(open_carrier)


class LaunchOfNotices:
    """One leased attempt to bring a launch to its end; each stage begins again after a crash and does nothing twice."""

    def __init__(self, around: Surroundings, loaded: Loaded, lease: Lease, launch: LaunchState) -> None:
        self._around = around
        self._loaded = loaded
        self._lease = lease
        self._launch = launch

    def advance(self, open_carrier: OpenCarrier) -> Pause | None:
        """Word, send, end; commits step by step."""
        self._around.reached(Point.TAKEN)
        failures = self._lease.failures
        manifest = self._loaded.exchange.manifest
        try:
            manner = read_manner(self._loaded.exchange, self._around.settings)
            dispatch = Dispatch(self._around, self._loaded, self._lease, manner, self._launch.scope)
            if self._launch.stage is Stage.REARM:
                self._rearm()
            if self._launch.stage is not Stage.SEND:
                self._compose(manner, dispatch)
            with closing(open_carrier()) as carrier:
                try:
                    dispatch.doubt_interrupted(carrier)
                    dispatch.send_due(carrier)
                finally:
                    failures = dispatch.failures
        except _Stopped:
            return Pause(0, failures)
        except (NotSent, InDoubt) as error:
            failures += 1
            if failures < manifest.retry.attempts:
                return Pause(manifest.retry.delay_s * manifest.retry.factor ** (failures - 1), failures)
            self._end(LaunchResult.FAILED, f"{manifest.peer}: {error}")
        except (SignInRefused, PeerRefused, ConfigurationError) as error:
            self._end(LaunchResult.FAILED, str(error))
        else:
            self._end(LaunchResult.SUCCESS, None)
        return None

    def _rearm(self) -> None:
        """What waits since an operator stopped an earlier launch is sent by this one."""
        with leased(self._around.engine, self._lease) as connection:
            notification_upkeep.unpark(connection, self._launch.service_code, self._launch.scope)
            launches.enter(connection, self._launch.id, Stage.FORM)
        self._around.reached(Point.REARMED)

    def _compose(self, manner: Manner, dispatch: Dispatch) -> None:
        for kind in self._loaded.exchange.manifest.object_types:
            taken = 1
            while taken:
                dispatch.check()
                with leased(self._around.engine, self._lease) as connection:
                    taken = compose_batch(connection, self._loaded, self._launch, manner, kind.code)
                    self._around.reached(Point.FORMING)
                self._around.reached(Point.FORMED)
        with leased(self._around.engine, self._lease) as connection:
            launches.enter(connection, self._launch.id, Stage.SEND)

    def _end(self, result: LaunchResult, text: str | None) -> None:
        """Close the launch; what it leaves to be done gets a wish of its own."""
        launch = self._launch
        self._around.reached(Point.ENDING)
        with leased(self._around.engine, self._lease) as connection:
            waiting, doubtful = notification_upkeep.count_waiting(connection, launch.id)
            counts = [f"ждут отправки: {waiting}"] if waiting else []
            counts += [f"исход неизвестен: {doubtful}"] if doubtful else []
            told = ", ".join(counts)
            launches.end(connection, launch.id, result, text, (told if text else told.capitalize()) or None)
            if result is LaunchResult.SUCCESS:
                launches.note_success(connection, launch.service_code, launch.id)
            elif launches.stop_requested(connection, launch.id):
                notification_upkeep.park(connection, launch.id)
            outbox.finish(connection, self._lease)
            outbox.post(connection, Task.ANSWERS, launch.service_code)


def _after_launches(around: Surroundings, loaded: Loaded, lease: Lease, open_carrier: OpenCarrier) -> Pause | None:
    """Do what is due after launches ended; the wish ends when nothing of the service waits any more.

    While a launch of the service runs it does this itself: a carrier may admit one of us at a time.
    """
    service = lease.service_code
    with leased(around.engine, lease) as connection:
        state = notification_upkeep.waiting(connection, service)
        if state.is_over:
            outbox.finish(connection, lease)
            return None
        if launches.running_scopes(connection, [service])[service]:
            return Pause(AFTERCARE_S, lease.failures)
    try:
        dispatch = Dispatch(around, loaded, lease, read_manner(loaded.exchange, around.settings), None)
        try:
            if state.words or state.interrupted or state.next_s == 0:
                with closing(open_carrier()) as carrier:
                    dispatch.doubt_interrupted(carrier)
                    dispatch.send_due(carrier)
                    dispatch.hear(carrier, WORDS_WAIT_S)
                    dispatch.stop_waiting(carrier)
        finally:
            dispatch.stop_waiting()  # what the peer could not be asked about is not waited for either
    except _Stopped:
        return Pause(0, lease.failures)
    except (TransportError, ConfigurationError):
        return Pause(AFTERCARE_S, lease.failures + 1)
    with leased(around.engine, lease) as connection:
        state = notification_upkeep.waiting(connection, service)
    return Pause(0 if state.is_over else min(AFTERCARE_S, AFTERCARE_S if state.next_s is None else state.next_s))


def _fate(error: TransportError) -> Fate:
    return Fate.IN_DOUBT if isinstance(error, InDoubt) else Fate.NOT_SENT
