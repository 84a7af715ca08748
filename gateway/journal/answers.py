"""Answers that are no verdict: what nobody can read yet, and words of a peer that come before its verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.domain.statuses import PacketStatus
from gateway.journal.packets import store_answers


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said of a packet meanwhile: «Результат», and as «Ответ» the bytes that came, where there are any."""

    text: str | None
    answer: bytes | None = None

    @property
    def digest(self) -> bytes | None:
        """SHA-256 of the answer."""
        return None if self.answer is None else hashlib.sha256(self.answer).digest()


_WAITING: Final = """
    SELECT id, status, result_text, answer_sha256 FROM packets
    WHERE id = ANY(CAST(:ids AS uuid[])) AND service_code = :service
      AND status IN ('SENDING', 'IN_DOUBT', 'SENT') ORDER BY id FOR UPDATE
    """

_NOTE: Final = """
    UPDATE packets p SET result_text = n.result_text, answer_size = coalesce(n.size, p.answer_size),
      answer_sha256 = coalesce(n.digest, p.answer_sha256), changed_at = clock_timestamp()
    FROM unnest(CAST(:ids AS uuid[]), CAST(:texts AS text[]), CAST(:sizes AS int[]), CAST(:digests AS bytea[]))
      AS n(id, result_text, size, digest)
    WHERE p.id = n.id
    """


def note(connection: Connection, service_code: str, remarks: Mapping[UUID, Remark]) -> dict[UUID, PacketStatus]:
    """Write «Результат» and «Ответ» of packets whose verdict is awaited, unless they say so already.

    Returns those of the packets that wait, with their status; the others are left as they are. The caller commits.
    """
    if not remarks:
        return {}
    rows = connection.execute(text(_WAITING), {"ids": list(remarks), "service": service_code}).all()
    said = {row.id: (row.result_text, row.answer_sha256) for row in rows}
    new = {key: remarks[key] for key, (told, digest) in said.items() if _is_news(remarks[key], told, digest)}
    if new:
        answers = [each.answer for each in new.values()]
        connection.execute(
            text(_NOTE),
            {
                "ids": list(new),
                "texts": [each.text for each in new.values()],
                "sizes": [None if answer is None else len(answer) for answer in answers],
                "digests": [each.digest for each in new.values()],
            },
        )
        store_answers(connection, {key: each.answer for key, each in new.items() if each.answer is not None})
    return {row.id: PacketStatus(row.status) for row in rows}


def _is_news(remark: Remark, told: str | None, digest: bytes | None) -> bool:
    return remark.text != told or remark.digest not in (None, digest)


def unread(
    connection: Connection, service_code: str, remark: str, after: UUID | None, limit: int, limit_bytes: int
) -> Sequence[Row[Any]]:
    """Packets (id, and compressed content of «Ответ») that wait for a verdict with this remark, in the order of ids.

    At most ``limit`` of them, and none after those whose answers reach ``limit_bytes`` unpacked.
    """
    statement = text(
        """
        SELECT p.id, b.content FROM (
          SELECT id, sum(answer_size) OVER (ORDER BY id) - answer_size AS before FROM packets
          WHERE service_code = :service AND status IN ('SENDING', 'IN_DOUBT', 'SENT') AND result_text = :remark
            AND answer_size IS NOT NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)
          ORDER BY id LIMIT :limit) p
        JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'ANSWER'
        WHERE p.before < :bytes ORDER BY p.id
        """
    )
    asked = {"service": service_code, "remark": remark, "after": after, "limit": limit, "bytes": limit_bytes}
    return connection.execute(statement, asked).all()
