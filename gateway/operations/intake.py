"""The door for source objects: each is judged by its lax schema and kept, or refused with every finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.catalog.manifest import ObjectType
from gateway.catalog.registry import Exchange
from gateway.domain.errors import Finding, GatewayError, InvalidRequest, NotAllowed, TooMany
from gateway.domain.lookups import comparable
from gateway.domain.roles import Verb, Viewer
from gateway.journal import objects as object_records
from gateway.journal import registry
from gateway.journal.bodies import pack
from gateway.journal.objects import Arrival
from gateway.operations import access
from gateway.operations.bounds import MAX_KEY, require_length
from gateway.operations.context import Context
from gateway.operations.records import Submission, SubmitOutcome, SubmitResult
from gateway.xml.canonical import content_digest, serialize
from gateway.xml.limits import DOCUMENT_LIMITS
from gateway.xml.messages import listed_values
from gateway.xml.parser import parse, parse_text
from gateway.xml.paths import values_at
from gateway.xml.schemas import validate

MAX_ID: Final = 64
CLOCK_SKEW: Final = timedelta(hours=24)
"""A later state would bar every true one behind it, so a МИС whose clock runs ahead further is told so."""
NOTHING: Final = b""


def submit_objects(
    ctx: Context,
    viewer: Viewer,
    service_code: str,
    organization_oid: str,
    objects: Sequence[Submission],
    batch_id: str | None,
) -> tuple[SubmitOutcome, ...]:
    """Take source objects of one МО, latest state wins; one outcome per object, in their order. Commits; audited.

    An object that is INVALID is not kept and harms no other of the batch.

    Raises:
        NotAllowed: the account may not submit.
        NotFound: no such service or МО for this account.
        InvalidRequest: the service takes no source objects.
        TooMany: more objects than the limit that the message names.
    """
    if not viewer.may(Verb.SUBMIT):
        raise NotAllowed("Передача исходных документов разрешена только МИС")
    exchange = access.require_service(ctx.catalog, viewer, service_code)
    if len(objects) > ctx.max_objects:
        raise TooMany(f"objects: не больше {ctx.max_objects} документов в одном запросе")
    require_length("batchId", batch_id, MAX_KEY)
    types = {o.code: o for o in exchange.manifest.object_types}
    if not types:
        raise InvalidRequest("Сервис не принимает исходные документы")
    judged = [_judge(exchange, types, submission) for submission in objects]
    arrivals = [j for j in judged if isinstance(j, Arrival)]
    with ctx.engine.begin() as connection:
        organization = access.require_organizations(connection, viewer, [organization_oid])[0]
        changed = object_records.submit(connection, service_code, organization.id, arrivals, batch_id)
        if any(changed):
            detail = {"service": service_code, "batch": batch_id, "changed": sum(changed)}
            event = registry.AuditEvent("submit-objects", organization_id=organization.id, detail=detail)
            registry.audit(connection, viewer, event)
    return _outcomes(objects, judged, changed)


def _outcomes(
    objects: Sequence[Submission], judged: Sequence[Arrival | tuple[Finding, ...]], changed: Iterable[bool]
) -> tuple[SubmitOutcome, ...]:
    stored = iter(changed)
    return tuple(
        SubmitOutcome(
            s.object_id,
            s.object_type,
            SubmitResult.INVALID if not isinstance(j, Arrival) else _kept(next(stored)),
            () if isinstance(j, Arrival) else j,
        )
        for s, j in zip(objects, judged, strict=True)
    )


def _kept(changed: bool) -> SubmitResult:
    return SubmitResult.ACCEPTED if changed else SubmitResult.UNCHANGED


def _judge(exchange: Exchange, types: Mapping[str, ObjectType], s: Submission) -> Arrival | tuple[Finding, ...]:
    if not s.object_id.strip() or len(s.object_id) > MAX_ID:
        return (_finding("objectId", f"Идентификатор документа: от 1 до {MAX_ID} знаков"),)
    if s.changed_at > datetime.now(UTC) + CLOCK_SKEW:
        return (_finding("changedAt", "Время изменения в будущем: проверьте часы МИС"),)
    if s.object_type not in types:
        known = listed_values(tuple(types))
        return (_finding("objectType", f"Сервис {exchange.manifest.service.code} принимает типы: {known}"),)
    if s.content is not None and s.content_base64 is not None:
        return (_finding("content", "Передайте либо content, либо contentBase64"),)
    if s.deleted:
        if s.content or s.content_base64:
            return (_finding("content", "Для удалённого документа содержимое не передаётся"),)
        return Arrival(s.object_type, s.object_id, s.changed_at, True, NOTHING, NOTHING)
    if not s.content and not s.content_base64:
        return (_finding("content", "Нет содержимого документа"),)
    object_type = types[s.object_type]
    return _judge_content(exchange.schema(object_type.schema_path), object_type, s)


def _judge_content(schema: Path, object_type: ObjectType, s: Submission) -> Arrival | tuple[Finding, ...]:
    try:
        root = parse_text(s.content) if s.content else parse(s.content_base64 or NOTHING)
        if findings := validate(root, schema):
            return findings
        digest = content_digest(root)
    except GatewayError as error:
        return error.findings or (_finding("/", error.message),)
    data = serialize(root) if s.content else s.content_base64 or NOTHING
    if len(data) > DOCUMENT_LIMITS.max_bytes:  # no run could read again what is kept
        return (_finding("/", f"Документ больше допустимых {DOCUMENT_LIMITS.max_bytes} байт"),)
    lookup = comparable(values_at(root, object_type.lookup))
    return Arrival(s.object_type, s.object_id, s.changed_at, False, pack(data), digest, lookup)


def _finding(path: str, message: str) -> Finding:
    return Finding(path, None, "OBJECT", message)
