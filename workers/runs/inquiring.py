"""The run of a launch that asks: first what changed at the peer since the last time, then for every submitted object
that the peer has not answered for.

A page of changes is journaled together with the place where the next one begins, an answer together with the note that
its object is answered. The peer is only read, so whatever a dead worker had taken and not journaled is taken again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from sqlalchemy import Connection, Row

from gateway.domain.errors import ConfigurationError
from gateway.domain.statuses import PacketStatus
from gateway.journal import questions, receiving
from gateway.journal.bodies import unpack
from gateway.journal.outbox import Lease, leased
from gateway.xml.parser import parse
from workers.exchange import (
    BadAnswer,
    Changes,
    Handled,
    Incoming,
    Inquiry,
    Organization,
    PeerRefused,
    Question,
    SourceObject,
    TransportError,
)
from workers.runs.judging import Delivery, JudgingRun, Sorted, delivery
from workers.runs.loading import Loaded
from workers.runs.surroundings import Pause, Point, Surroundings

GOES_ROUND = "{peer} повторяет одну и ту же страницу изменений."


def run_inquiry(
    around: Surroundings, loaded: Loaded, lease: Lease, open_transport: Callable[[], Any], system: Sequence[str]
) -> Pause | None:
    """Go on with a launch until the peer has told all (None) or the run has to wait. Commits page by page.

    ``system`` are the services of the exchange's folder, among whose objects a document may find its own.

    Raises:
        LeaseLost: another worker goes on.
    """
    inquiry = loaded.inquiry
    if lease.launch_id is None or inquiry is None or loaded.receive is None:
        raise ConfigurationError("Опрос без запуска или без функций inquiry и receive")
    run = _InquiryRun(around, loaded, lease, lease.launch_id, system)
    return run.go(open_transport, lambda transport: run.inquire(inquiry(transport)))


@dataclass(frozen=True, slots=True)
class _Part:
    """Objects of a type to be asked for: ids in ``spans``, from behind one to another (None: to the last), in this
    order. ``side`` is what of the :class:`questions.Turn` they move.
    """

    object_type: str
    side: Literal["newest", "last"]
    spans: Sequence[tuple[int, int | None]]


class _InquiryRun(JudgingRun):
    """The changes come first: what the peer tells of an object afterwards is newer than where its changes are read."""

    def inquire(self, inquiry: Inquiry) -> str | None:
        """Read the changes, then ask; what is to be told of objects that are still not answered for."""
        self._follow(inquiry)
        self._ask_all(inquiry)
        with leased(self._around.engine, self._lease) as connection:
            return self._waiting(connection)

    def _follow(self, inquiry: Inquiry) -> None:
        """Read page after page; the place does not move past a document that is not handled."""
        more = True
        while more and not self._left:
            self.check_stopping()
            with leased(self._around.engine, self._lease) as connection:
                cursor = questions.load_cursor(connection, self._service)
            page = inquiry.changes(cursor, self._batch)
            self._around.reached(Point.ANSWERS_TAKEN)
            if page.more and page.cursor == cursor:
                raise BadAnswer(GOES_ROUND.format(peer=self._loaded.exchange.manifest.peer))
            self.journal(page.documents, partial(self._advance, page))
            self._around.reached(Point.ANSWERS_JOURNALED)
            if page.documents and not self._left:
                self.failures = 0
            more = page.more

    def _advance(self, page: Changes, connection: Connection, handled: Mapping[Delivery, Handled]) -> None:
        self._note(connection, handled)
        if all(delivery(each) in handled for each in page.documents):
            questions.keep_cursor(connection, self._service, page.cursor)

    def _ask_all(self, inquiry: Inquiry) -> None:
        """Ask for every object once; those whose answer is refused are asked for by the next run.

        First come those that were never asked for, then the others, from where their turn is and round. Either part
        ends where nothing of use is answered for many in a row, and the next run goes on behind them: whoever is never
        answered bars nobody for ever. After a failure another part begins, for one may always end in such.
        """
        parts = [part for each in self._loaded.exchange.manifest.object_types for part in self._parts(each.code)]
        first = self.failures % max(1, len(parts))
        troubles: list[TransportError] = []
        useful = False
        for part in parts[first:] + parts[:first]:
            trouble, served = self._scan(inquiry, part)
            troubles += [] if trouble is None else [trouble]
            useful = useful or served
        if troubles and not useful:
            raise troubles[0]

    def _parts(self, object_type: str) -> list[_Part]:
        with leased(self._around.engine, self._lease) as connection:
            turn = questions.load_turn(connection, self._service, object_type)
        others = [(turn.last, turn.newest), (0, turn.last)]
        return [_Part(object_type, "newest", [(turn.newest, None)]), _Part(object_type, "last", others)]

    def _scan(self, inquiry: Inquiry, part: _Part) -> tuple[TransportError | None, bool]:
        """Ask page by page; with what trouble it ended, and whether any answer was of use."""
        useful = False
        for after, upto in part.spans:
            behind = after
            while rows := self._page(part.object_type, behind, upto):
                trouble, served = self._ask_page(inquiry, part, rows)
                if served:
                    self.failures, useful = 0, True
                self._around.reached(Point.SETTLED)
                if trouble is not None:
                    return trouble, useful
                behind = rows[-1].row
        return None, useful

    def _page(self, object_type: str, after: int, upto: int | None) -> list[Row[Any]]:
        self.check_stopping()
        with leased(self._around.engine, self._lease) as connection:
            return questions.unanswered(
                connection, self._service, object_type, after=after, upto=upto, limit=self._batch
            )

    def _ask_page(
        self, inquiry: Inquiry, part: _Part, rows: Sequence[Row[Any]]
    ) -> tuple[PeerRefused | BadAnswer | None, bool]:
        """Journal what was answered even when the peer fails in the middle; the turn moves past the one it failed at.

        What the peer would not answer, and whether any answer was of use.
        """
        answers: list[tuple[Row[Any], Incoming | None]] = []
        failure: TransportError | None = None
        for row in rows:
            try:
                answers.append((row, None if row.deleted else inquiry.ask(_question(part.object_type, row))))
            except TransportError as error:
                failure = error
                break
        self._around.reached(Point.ASKED)
        asked = [incoming for _, incoming in answers if incoming is not None]
        last = rows[min(len(answers), len(rows) - 1)].row
        handled = self.journal(asked, partial(self._settle, answers, part, last))
        if failure is not None and not isinstance(failure, PeerRefused | BadAnswer):
            raise failure
        return failure, any(each.status is PacketStatus.PROCESSED for each in handled.values())

    def _settle(
        self,
        answers: Sequence[tuple[Row[Any], Incoming | None]],
        part: _Part,
        last: int,
        connection: Connection,
        handled: Mapping[Delivery, Handled],
    ) -> None:
        self._note(connection, handled)
        answered: list[tuple[int, bytes | None]] = []
        for row, incoming in answers:
            if incoming is None:
                answered.append((row.row, None))
            elif (told := handled.get(delivery(incoming))) and told.status is PacketStatus.PROCESSED:
                answered.append((row.row, row.content_hash))
        questions.settle(connection, answered)
        turn = questions.load_turn(connection, self._service, part.object_type)
        questions.keep_turn(connection, self._service, part.object_type, replace(turn, **{part.side: last}))

    def _note(self, connection: Connection, handled: Mapping[Delivery, Handled]) -> None:
        """The peer waits for no word on what it was asked for."""
        pairs = [(each.incoming.key, each.incoming.data) for each in handled.values()]
        receiving.note_confirmed(connection, self._service, receiving.seal_documents(connection, pairs))

    def _forgotten(self, found: Sorted, seal: bytes, incoming: Incoming) -> None:
        found.handled[seal] = Handled(incoming, PacketStatus.PROCESSED, "", None)

    def _waiting(self, connection: Connection) -> str | None:
        waiting = questions.count_unanswered(connection, self._service)
        return f"остаются без ответа: {waiting}" if waiting else None


def _question(object_type: str, row: Row[Any]) -> Question:
    key = f"{row.oid} {object_type} {row.object_id} {row.changed_at.isoformat()}"
    source = SourceObject(object_type, row.object_id, parse(unpack(row.content)), digest=row.content_hash)
    return Question(key, Organization(row.id, row.oid, row.name, row.codes), source)
