"""Certification authorities (УЦ) in the journal: loading an issue beside what is in force, and putting it in force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from gateway.domain.authorities import Accreditation, Authority, CaCertificate, Freshness, Issue, IssueCounts
from gateway.domain.errors import InvalidRequest
from gateway.journal.bodies import pack
from gateway.journal.ca_tables import ca_issue_chunks, ca_issues

KEPT_FILES: Final = 10
"""So many newest issues keep the file itself; what an older one said lives on in the history of statuses."""

Key = tuple[str, str]
"""ИНН and ОГРН of a УЦ."""


def current_issue(connection: Connection) -> Issue | None:
    """The issue in force, or None when none was ever loaded."""
    row = connection.execute(select(ca_issues).where(ca_issues.c.current)).one_or_none()
    if row is None:
        return None
    freshness = Freshness(row.source, row.etag, row.last_modified)
    return Issue(row.version, row.issued_at, row.size, row.sha256, freshness)


def refresh(connection: Connection, freshness: Freshness) -> None:
    """Remember newer marks of the same document. The caller commits."""
    marks = {"source": freshness.source, "etag": freshness.etag, "last_modified": freshness.last_modified}
    connection.execute(update(ca_issues).where(ca_issues.c.current).values(marks))


def begin(connection: Connection, issue: Issue) -> int:
    """Begin to load an issue and forget what an interrupted worker has left; return its id. The caller commits."""
    connection.execute(delete(ca_issues).where(ca_issues.c.loaded_at.is_(None)))
    values = {
        "version": issue.version,
        "issued_at": issue.issued_at,
        "size": issue.size,
        "sha256": issue.sha256,
        "source": issue.freshness.source,
        "etag": issue.freshness.etag,
        "last_modified": issue.freshness.last_modified,
    }
    return int(connection.execute(insert(ca_issues).values(values).returning(ca_issues.c.id)).scalar_one())


def put_chunk(connection: Connection, issue_id: int, position: int, content: bytes) -> None:
    """Keep the next piece of the issue's file, counted from 0. The caller commits."""
    connection.execute(insert(ca_issue_chunks).values(issue_id=issue_id, position=position, content=pack(content)))


def put(
    connection: Connection, issue_id: int, authorities: Sequence[Authority], unreadable: Iterable[Key] = ()
) -> set[Key]:
    """Lay УЦ of an issue aside with their certificates; return those that were laid aside, each once.

    ``unreadable`` are УЦ that the issue lists and whose entry cannot be read: what is known of them stays in force. Of
    two entries with one key the first counts. The caller commits.
    """
    _put_certificates(connection, [c for authority in authorities for c in authority.certificates])
    rows = [_arrival(authority) for authority in authorities]
    rows += [{"inn": inn, "ogrn": ogrn, **_UNREAD} for inn, ogrn in unreadable]
    if not rows:
        return set()
    stored = connection.execute(
        text(
            """
            INSERT INTO ca_arrivals (issue_id, inn, ogrn, digest, name, short_name, number, successor_ogrn, status,
                                     status_since, history, thumbprints)
            SELECT :issue, a.inn, a.ogrn, a.digest, a.name, a.short_name, a.number, a.successor_ogrn, a.status,
                   a.status_since, CAST(a.history AS jsonb), CAST(a.thumbprints AS jsonb)
            FROM unnest(CAST(:inn AS text[]), CAST(:ogrn AS text[]), CAST(:digest AS bytea[]), CAST(:name AS text[]),
                CAST(:short_name AS text[]), CAST(:number AS text[]), CAST(:successor_ogrn AS text[]),
                CAST(:status AS text[]), CAST(:status_since AS timestamptz[]), CAST(:history AS text[]),
                CAST(:thumbprints AS text[]))
                AS a(inn, ogrn, digest, name, short_name, number, successor_ogrn, status, status_since, history,
                     thumbprints)
            ON CONFLICT DO NOTHING RETURNING inn, ogrn
            """
        ),
        {"issue": issue_id, **{name: [row[name] for row in rows] for name in rows[0]}},
    )
    return {(row.inn, row.ogrn) for row in stored}


def _arrival(authority: Authority) -> dict[str, Any]:
    told = [*sorted(authority.history, key=lambda a: a.since), authority.accreditation]
    return {
        "inn": authority.inn,
        "ogrn": authority.ogrn,
        "digest": authority.digest(),
        "name": authority.name,
        "short_name": authority.short_name,
        "number": authority.number,
        "successor_ogrn": authority.successor_ogrn,
        "status": authority.accreditation.status,
        "status_since": authority.accreditation.since,
        "history": json.dumps([[a.status, a.since.astimezone(UTC).isoformat()] for a in told], ensure_ascii=False),
        "thumbprints": json.dumps(sorted({c.thumbprint for c in authority.certificates})),
    }


_UNREAD: Final = dict.fromkeys(
    (
        "digest",
        "name",
        "short_name",
        "number",
        "successor_ogrn",
        "status",
        "status_since",
        "history",
        "thumbprints",
    )
)


def _put_certificates(connection: Connection, certificates: Sequence[CaCertificate]) -> None:
    """Keep certificates that are not yet kept: a thumbprint names its bytes, so the rest need not be sent again."""
    given = {c.thumbprint: c for c in certificates}
    known = connection.execute(
        text("SELECT thumbprint FROM ca_certificates WHERE thumbprint = ANY(CAST(:given AS text[]))"),
        {"given": list(given)},
    )
    new = [_certificate(given[name]) for name in sorted(given.keys() - set(known.scalars()))]
    if not new:
        return
    connection.execute(
        text(
            """
            INSERT INTO ca_certificates (thumbprint, key_id, subject, issuer, serial, valid_from, valid_to,
                                         subject_digest, serial_number, der)
            SELECT * FROM unnest(CAST(:thumbprint AS text[]), CAST(:key_id AS text[]), CAST(:subject AS text[]),
                CAST(:issuer AS text[]), CAST(:serial AS text[]), CAST(:valid_from AS timestamptz[]),
                CAST(:valid_to AS timestamptz[]), CAST(:subject_digest AS bytea[]), CAST(:serial_number AS text[]),
                CAST(:der AS bytea[]))
            ON CONFLICT DO NOTHING
            """
        ),
        {name: [row[name] for row in new] for name in new[0]},
    )


def _certificate(given: CaCertificate) -> dict[str, Any]:
    from gateway.x509 import read_certificate  # noqa: PLC0415 # 8 MiB that no other service of a worker has use for

    try:
        read = read_certificate(given.der)
    except InvalidRequest:
        read = None
    return {
        "thumbprint": given.thumbprint,
        "key_id": given.key_id or (read.key_id if read else ""),
        "subject": given.subject,
        "issuer": given.issuer,
        "serial": given.serial,
        "valid_from": given.valid_from,
        "valid_to": given.valid_to,
        "subject_digest": read.subject_digest if read else None,
        "serial_number": read.serial if read else None,
        "der": given.der,
    }


def complete(connection: Connection, issue_id: int) -> IssueCounts:
    """Put a loaded issue in force, whole or not at all. The caller commits.

    The history of statuses is appended to where (status, since) is new. A УЦ and a certificate that the issue does not
    have stay, marked as no longer listed.
    """
    asked = {"issue": issue_id}
    counted = connection.execute(text(_COUNT), asked).one()
    for statement in (_CHANGE, _ADD, _SEE, _APPEND, _HOLD, _RELEASE):
        connection.execute(text(statement), asked)
    missing = connection.execute(text(_MISS), asked).rowcount
    counts = IssueCounts(counted.total, counted.added, counted.changed, missing)
    connection.execute(update(ca_issues).where(ca_issues.c.current).values(current=False))
    connection.execute(
        update(ca_issues)
        .where(ca_issues.c.id == issue_id)
        .values(
            current=True,
            loaded_at=text("clock_timestamp()"),
            total=counts.total,
            added=counts.added,
            changed=counts.changed,
            missing=counts.missing,
        )
    )
    connection.execute(text("DELETE FROM ca_arrivals WHERE issue_id = :issue"), asked)
    connection.execute(text(_FORGET_FILES), {"kept": KEPT_FILES})
    return counts


_COUNT: Final = """
    SELECT count(*) AS total, count(*) FILTER (WHERE a.id IS NULL AND n.digest IS NOT NULL) AS added,
           count(*) FILTER (WHERE a.id IS NOT NULL AND (NOT a.listed OR n.digest <> a.digest)) AS changed
    FROM ca_arrivals n LEFT JOIN ca_authorities a USING (inn, ogrn) WHERE n.issue_id = :issue
"""

_CHANGE: Final = """
    UPDATE ca_authorities a SET digest = n.digest, name = n.name, short_name = n.short_name, number = n.number,
        successor_ogrn = n.successor_ogrn, status = n.status, status_since = n.status_since,
        changed_at = clock_timestamp()
    FROM ca_arrivals n
    WHERE n.issue_id = :issue AND (n.inn, n.ogrn) = (a.inn, a.ogrn) AND n.digest <> a.digest
"""

_ADD: Final = """
    INSERT INTO ca_authorities (inn, ogrn, digest, name, short_name, number, successor_ogrn, status, status_since,
                                seen_version)
    SELECT n.inn, n.ogrn, n.digest, n.name, n.short_name, n.number, n.successor_ogrn, n.status, n.status_since,
           i.version
    FROM ca_arrivals n JOIN ca_issues i ON i.id = n.issue_id
    WHERE n.issue_id = :issue AND n.digest IS NOT NULL ORDER BY n.inn, n.ogrn ON CONFLICT DO NOTHING
"""

_SEE: Final = """
    UPDATE ca_authorities a SET seen_version = i.version, listed = true
    FROM ca_arrivals n JOIN ca_issues i ON i.id = n.issue_id
    WHERE n.issue_id = :issue AND (n.inn, n.ogrn) = (a.inn, a.ogrn)
"""

_MISS: Final = """
    UPDATE ca_authorities a SET listed = false, changed_at = clock_timestamp()
    WHERE listed AND NOT EXISTS (
      SELECT 1 FROM ca_arrivals n WHERE n.issue_id = :issue AND (n.inn, n.ogrn) = (a.inn, a.ogrn))
"""

_APPEND: Final = """
    INSERT INTO ca_status_history (authority_id, status, since)
    SELECT a.id, told.entry ->> 0, CAST(told.entry ->> 1 AS timestamptz)
    FROM ca_arrivals n JOIN ca_authorities a USING (inn, ogrn)
    CROSS JOIN LATERAL jsonb_array_elements(n.history) WITH ORDINALITY AS told(entry, position)
    WHERE n.issue_id = :issue AND n.digest IS NOT NULL ORDER BY a.id, told.position ON CONFLICT DO NOTHING
"""

_HOLD: Final = """
    INSERT INTO ca_holdings (thumbprint, authority_id)
    SELECT held.thumbprint, a.id
    FROM ca_arrivals n JOIN ca_authorities a USING (inn, ogrn)
    CROSS JOIN LATERAL jsonb_array_elements_text(n.thumbprints) AS held(thumbprint)
    WHERE n.issue_id = :issue AND n.digest IS NOT NULL
    ON CONFLICT (thumbprint, authority_id) DO UPDATE SET listed = true WHERE NOT ca_holdings.listed
"""

_RELEASE: Final = """
    UPDATE ca_holdings h SET listed = false
    FROM ca_arrivals n JOIN ca_authorities a USING (inn, ogrn)
    WHERE n.issue_id = :issue AND n.digest IS NOT NULL AND h.authority_id = a.id AND h.listed
      AND NOT n.thumbprints ? h.thumbprint
"""

_FORGET_FILES: Final = """
    DELETE FROM ca_issue_chunks WHERE issue_id NOT IN (
      SELECT id FROM ca_issues WHERE loaded_at IS NOT NULL ORDER BY id DESC LIMIT :kept)
"""


def history_of(connection: Connection, authority_id: int) -> list[Accreditation]:
    """Statuses of a УЦ in the order in which they became known."""
    rows = connection.execute(
        text("SELECT status, since FROM ca_status_history WHERE authority_id = :authority ORDER BY id"),
        {"authority": authority_id},
    )
    return [Accreditation(row.status, row.since) for row in rows]


def find_holders(
    connection: Connection, *, thumbprints: Sequence[str], key_id: str, subject_digest: bytes
) -> Sequence[Row[Any]]:
    """Certificates of УЦ with one of the thumbprints, or this key, or this name, each with its УЦ.

    ``held`` tells whether the УЦ still lists the certificate, ``listed`` whether the newest issue lists the УЦ.
    """
    return connection.execute(
        text(
            """
            SELECT c.thumbprint, c.key_id, c.subject_digest, c.serial_number, c.der, h.listed AS held,
                   a.id, a.inn, a.ogrn, a.name, a.number, a.status, a.status_since, a.listed
            FROM ca_certificates c JOIN ca_holdings h USING (thumbprint) JOIN ca_authorities a ON a.id = h.authority_id
            WHERE c.thumbprint = ANY(CAST(:thumbprints AS text[])) OR (c.key_id = :key_id AND c.key_id <> '')
               OR c.subject_digest = :subject_digest
            ORDER BY a.id, c.thumbprint
            """
        ),
        {"thumbprints": list(thumbprints), "key_id": key_id, "subject_digest": subject_digest},
    ).all()


def list_authorities(connection: Connection, status: str | None = None) -> Sequence[Row[Any]]:
    """Every УЦ ever listed, or those in this status now, by name."""
    return connection.execute(
        text(
            """
            SELECT inn, ogrn, name, number, status, status_since, successor_ogrn, listed, seen_version
            FROM ca_authorities WHERE CAST(:status AS text) IS NULL OR status = :status ORDER BY name, id
            """
        ),
        {"status": status},
    ).all()
