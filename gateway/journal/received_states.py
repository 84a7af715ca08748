"""The newest of what a peer tells: one state per subject and МО, which a newer one supersedes with its documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from gateway.domain.standings import Standing, stand
from gateway.journal import inbox
from gateway.journal.seals import seal

_Key = tuple[int, bytes]
"""A МО and a sealed subject."""


@dataclass(frozen=True, slots=True)
class ReceivedState:
    """What a document is the state of, for one МО: ``subject`` (a person) and ``digest`` (what is told of it), not
    sealed yet; ``as_of`` is when the peer made it, where it tells.
    """

    organization_id: int
    subject: str
    digest: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class NewState:
    """A state with the packet it came in and the document that the МИС is offered for it."""

    state: ReceivedState
    packet_id: UUID
    document_id: UUID | None


def standing(connection: Connection, service_code: str, state: ReceivedState) -> Standing:
    """Compare a state with the newest one kept."""
    (key,), (digest,) = _keys(connection, [state]), _digests(connection, [state])
    row = _kept(connection, service_code, [key]).get(key)
    return stand(None if row is None else (bytes(row.digest), row.as_of), (digest, state.as_of))


def keep_states(connection: Connection, service_code: str, states: Sequence[NewState]) -> None:
    """Make these the newest, in their order; documents of those before are superseded. The caller commits."""
    if not states:
        return
    keys = _keys(connection, [each.state for each in states])
    kept = _kept(connection, service_code, list(dict.fromkeys(keys)))
    documents: dict[_Key, UUID | None] = {key: row.document_id for key, row in kept.items()}
    replaced: list[tuple[UUID, UUID]] = []
    for key, each in zip(keys, states, strict=True):
        former = documents.get(key)
        if former is not None and each.document_id is not None:
            replaced.append((former, each.document_id))
        documents[key] = each.document_id
    if replaced:
        inbox.supersede(connection, replaced)
    _write(connection, service_code, dict(zip(keys, states, strict=True)))


def _write(connection: Connection, service_code: str, newest: dict[_Key, NewState]) -> None:
    connection.execute(
        _UPSERT,
        {
            "service": service_code,
            "organizations": [key[0] for key in newest],
            "subjects": [key[1] for key in newest],
            "digests": _digests(connection, [each.state for each in newest.values()]),
            "moments": [each.state.as_of for each in newest.values()],
            "packets": [each.packet_id for each in newest.values()],
            "documents": [each.document_id for each in newest.values()],
        },
    )


_UPSERT: Final = text(
    """
    INSERT INTO received_states (service_code, organization_id, subject, digest, as_of, packet_id, document_id)
    SELECT :service, * FROM unnest(CAST(:organizations AS bigint[]), CAST(:subjects AS bytea[]),
      CAST(:digests AS bytea[]), CAST(:moments AS timestamptz[]), CAST(:packets AS uuid[]), CAST(:documents AS uuid[]))
    ON CONFLICT (service_code, organization_id, subject) DO UPDATE SET digest = excluded.digest,
      as_of = excluded.as_of, packet_id = excluded.packet_id, document_id = excluded.document_id
    """
)


def _kept(connection: Connection, service_code: str, keys: Sequence[_Key]) -> dict[_Key, Row[Any]]:
    rows = connection.execute(
        text(
            """
            SELECT s.organization_id, s.subject, s.digest, s.as_of, s.document_id FROM received_states s
            JOIN unnest(CAST(:organizations AS bigint[]), CAST(:subjects AS bytea[])) AS w(organization_id, subject)
              USING (organization_id, subject)
            WHERE s.service_code = :service
            """
        ),
        {"service": service_code, "organizations": [key[0] for key in keys], "subjects": [key[1] for key in keys]},
    )
    return {(row.organization_id, bytes(row.subject)): row for row in rows}


def _keys(connection: Connection, states: Sequence[ReceivedState]) -> list[_Key]:
    sealed = seal(connection, "subject", (each.subject.encode() for each in states))
    return [(each.organization_id, subject) for each, subject in zip(states, sealed, strict=True)]


def _digests(connection: Connection, states: Sequence[ReceivedState]) -> list[bytes]:
    return seal(connection, "state", (each.digest.encode() for each in states))
