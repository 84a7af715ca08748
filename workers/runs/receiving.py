"""The run of a launch that receives: take a page → judge it → journal it → tell the peer, until the peer has no more.

A document is journaled in one transaction with all that it brings about, and only then is the peer told. A worker that
dies in between leaves a document that comes again, is known by its key and content, and is answered as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from gateway.domain.errors import ConfigurationError
from gateway.journal import receiving
from gateway.journal.outbox import Lease, leased
from workers.exchange import Handled, Remaining, Source
from workers.runs.judging import Delivery, JudgingRun, delivery
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

TAKE_MAX: Final = 1000


def run_receiving(
    around: Surroundings, loaded: Loaded, lease: Lease, open_transport: Callable[[], Any], system: Sequence[str]
) -> Pause | None:
    """Go on with a launch until the peer has no more documents (None) or the run has to wait. Commits page by page.

    ``system`` are the services of the exchange's folder, among whose objects a document may find its own.

    Raises:
        LeaseLost: another worker goes on.
    """
    source = loaded.source
    if lease.launch_id is None or source is None or loaded.receive is None:
        raise ConfigurationError("Приём без запуска или без функций source и receive")
    run = _ReceivingRun(around, loaded, lease, lease.launch_id, system)
    return run.go(open_transport, lambda transport: run.receive_all(source(transport)))


class _ReceivingRun(JudgingRun):
    """``_left`` stay with the peer for this time; ``_told`` are the documents that the peer was told of last."""

    _told: frozenset[Delivery] = frozenset()

    def receive_all(self, source: Source) -> str | None:
        """Take page after page until one brings nothing that is not left with the peer; tell what remains there."""
        while True:
            self.check_stopping()
            taken = source.take(min(self._batch + len(self._left), TAKE_MAX))
            self._around.reached(Point.ANSWERS_TAKEN)
            page = {delivery(each): each for each in taken}
            # What was confirmed a moment ago and comes again would come for ever.
            again = page.keys() & self._told
            self._left.update(again)
            self._told = frozenset()
            fresh = {key: each for key, each in page.items() if key not in self._left}
            if not fresh and not again:  # behind what comes again may lie others
                return source.remaining() if isinstance(source, Remaining) else None
            handled = self.journal(list(fresh.values()))
            self._around.reached(Point.ANSWERS_JOURNALED)
            self._tell(source, handled)
            self._around.reached(Point.ANSWERS_CONFIRMED)
            self.failures = 0

    def _tell(self, source: Source, handled: dict[bytes, Handled]) -> None:
        refused = source.confirm(list(handled.values())) if handled else {}
        done = [seal for seal, each in handled.items() if each.incoming.key not in refused]
        with leased(self._around.engine, self._lease) as connection:
            receiving.note_confirmed(connection, self._service, done)
        self._told = frozenset(delivery(each.incoming) for each in handled.values())
        self._left.update(each for each in self._told if each[0] in refused)
        if refused:
            peer, reason = self._loaded.exchange.manifest.peer, next(iter(refused.values()))
            self._trouble = f"Документы приняты, но {peer} не принимает подтверждение: {reason.removesuffix('.')}"

    def _waiting(self, connection: Connection) -> str | None:
        waiting = receiving.count_unconfirmed(connection, self._service)
        return f"ждут подтверждения: {waiting}" if waiting else None
