"""Taking the peer's answers: judged by their schema, read by the exchange, journaled, then confirmed."""

from __future__ import annotations

import logging
from typing import Final
from uuid import UUID

from gateway.domain.errors import GatewayError
from gateway.domain.statuses import VERDICTS
from gateway.journal import packets
from gateway.journal.outbox import Lease, leased
from gateway.journal.packets import Outcome
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Peer, Reply
from workers.loading import Loaded
from workers.run import Point, Surroundings

logger = logging.getLogger(__name__)

TAKE: Final = 100
TAKE_MAX: Final = 1000
UNREADABLE: Final = "Ответ внешней системы не разобран, ожидается исправленный ответ"


class AnswerDesk:
    """Takes answers page by page; what cannot be read or placed is left with the peer, not confirmed."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._left: set[str] = set()

    def collect(self, around: Surroundings, lease: Lease, peer: Peer, service_code: str) -> None:
        """Take and journal all that is ready, then confirm it. Commits page by page.

        The same answer twice changes nothing, so dying before the confirmation only repeats it.

        Raises:
            TransportError: the peer does not answer or refuses.
        """
        while True:
            replies = peer.take_answers(min(TAKE + len(self._left), TAKE_MAX))
            around.reached(Point.ANSWERS_TAKEN)
            fresh = [reply for reply in replies if reply.confirm_id not in self._left]
            if not fresh:
                return
            confirmed = self._journal(around, lease, service_code, fresh)
            around.reached(Point.ANSWERS_JOURNALED)
            if confirmed:
                peer.confirm(confirmed)
                around.reached(Point.ANSWERS_CONFIRMED)

    def _journal(self, around: Surroundings, lease: Lease, service_code: str, replies: list[Reply]) -> list[str]:
        outcomes: dict[UUID, Outcome] = {}
        read: list[Reply] = []
        unread: dict[UUID, str] = {}
        for reply in replies:
            outcome = self._read(reply)
            if outcome is None:
                unread[reply.packet_id] = UNREADABLE
                self._left.add(reply.confirm_id)
            else:
                outcomes[reply.packet_id] = outcome
                read.append(reply)
        with leased(around.engine, lease) as connection:
            packets.settle(connection, service_code, list(outcomes.values()))
            packets.note(connection, unread)
            placed = packets.known(connection, service_code, list(outcomes))
        for reply in read:
            if reply.packet_id not in placed:
                self._left.add(reply.confirm_id)
                logger.warning("an answer names packet %s, which this journal does not hold", reply.packet_id)
        return [reply.confirm_id for reply in read if reply.packet_id in placed]

    def _read(self, reply: Reply) -> Outcome | None:
        """The outcome an answer tells, or None when it is not what its schema says."""
        schema = self._loaded.exchange.manifest.answer_schema
        try:
            root = parse(reply.answer, ANSWER_LIMITS)
        except GatewayError:
            return None
        if self._loaded.read is None or (schema and validate(root, self._loaded.exchange.schema(schema))):
            return None
        verdict = self._loaded.read(root)
        if verdict.status not in VERDICTS:
            return None
        return Outcome(reply.packet_id, verdict.status, verdict.text or None, reply.answer)
