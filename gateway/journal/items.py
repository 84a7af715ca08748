"""Items: the records of a packet of many objects, the peer's word on each, and what it means for the objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from gateway.domain.repeats import UNKNOWN_CONTENT


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """The peer's word on one record; ``message`` is its reason, for people.

    ``parts`` are the parts of it that the peer took, each with the mark of its content; a record that is not accepted
    may have some.
    """

    accepted: bool
    message: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """As ``packet_items.outcome`` says it."""
        return "ACCEPTED" if self.accepted else "PARTIAL" if self.parts else "REJECTED"


def settle_items(connection: Connection, told: Mapping[UUID, Mapping[int, ItemOutcome]]) -> None:
    """Write the peer's word on the records of packets that just got their verdict, and tell their objects.

    In an ACCEPTED packet every record is accepted, in a REJECTED one none, whatever was said of it; in a PARTIAL one
    those that the peer named as accepted, and a record it did not name is not. Parts that the peer took are added to
    those it holds of the object, which is then in no content that it took before, also where the source goes back to
    that; an accepted Delete leaves none. While a packet of many is open its objects stay FORMED, which bars them like
    any open status. The caller commits.
    """
    if not told:
        return
    words = [(packet, position, word) for packet, items in told.items() for position, word in items.items()]
    if words:
        connection.execute(
            _WRITE,
            {
                "packets": [packet for packet, _, _ in words],
                "positions": [position for _, position, _ in words],
                "outcomes": [word.code for _, _, word in words],
                "messages": [word.message for _, _, word in words],
                "parts": [json.dumps(word.parts, ensure_ascii=False) if word.parts else None for _, _, word in words],
            },
        )
    connection.execute(_COUNT, {"ids": list(told)})
    connection.execute(_TELL, {"ids": list(told), "unknown": UNKNOWN_CONTENT})


_WRITE: Final = text(
    """
    UPDATE packet_items i
    SET outcome = CASE p.status WHEN 'PARTIAL' THEN w.outcome ELSE p.status END, message = w.message,
      parts = CASE WHEN p.status <> 'REJECTED' THEN CAST(w.parts AS jsonb) END
    FROM packets p, unnest(CAST(:packets AS uuid[]), CAST(:positions AS int[]), CAST(:outcomes AS text[]),
        CAST(:messages AS text[]), CAST(:parts AS text[])) AS w(packet_id, position, outcome, message, parts)
    WHERE p.id = w.packet_id AND i.packet_id = w.packet_id AND i.position = w.position
    """
)

_COUNT: Final = text(
    """
    UPDATE packets p SET items_not_accepted = CASE p.status WHEN 'ACCEPTED' THEN 0 WHEN 'REJECTED' THEN p.items_total
      ELSE (SELECT count(*) FROM packet_items i WHERE i.packet_id = p.id AND i.outcome IS DISTINCT FROM 'ACCEPTED') END
    WHERE p.id = ANY(CAST(:ids AS uuid[]))
    """
)

_TELL: Final = text(
    """
    WITH mine AS (
      SELECT o.id, p.id AS packet_id, i.content_hash, i.parts,
        CASE WHEN p.status = 'PARTIAL' AND i.outcome = 'ACCEPTED' THEN 'ACCEPTED' ELSE p.status END AS status
      FROM packets p JOIN packet_items i ON i.packet_id = p.id JOIN source_objects o ON o.id = i.source_object_id
      WHERE p.id = ANY(CAST(:ids AS uuid[])) ORDER BY o.id FOR UPDATE OF o)
    UPDATE source_objects o SET
      last_status = CASE WHEN o.last_packet_id = mine.packet_id THEN mine.status ELSE o.last_status END,
      accepted_hash = CASE WHEN mine.status = 'ACCEPTED' THEN mine.content_hash
        WHEN mine.parts IS NOT NULL AND o.accepted_hash IS NOT NULL THEN :unknown ELSE o.accepted_hash END,
      accepted_parts = CASE WHEN mine.status = 'ACCEPTED' AND mine.content_hash IS NULL THEN NULL
        WHEN mine.parts IS NULL THEN o.accepted_parts
        ELSE coalesce(o.accepted_parts, '{}') || mine.parts END
    FROM mine WHERE o.id = mine.id
    """
)
