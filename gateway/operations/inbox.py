"""What peers sent for the МИС: taken until confirmed, so that nothing is lost between the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from gateway.domain.errors import InvalidRequest, NotAllowed
from gateway.domain.roles import Verb, Viewer
from gateway.journal import inbox, registry
from gateway.journal.bodies import unpack
from gateway.operations import access
from gateway.operations.bounds import MAX_REASON, require_length
from gateway.operations.context import Context

MAX_TAKEN: Final = 1000
MAX_TAKEN_BYTES: Final = 16 * 1024 * 1024
"""One answer carries at most so many bytes of documents, and always at least one document."""


@dataclass(frozen=True, slots=True)
class InboundDocument:
    """Входящий документ."""

    id: Annotated[UUID, "Идентификатор документа"]
    service_code: Annotated[str, "Код сервиса"]
    document_type: Annotated[str, "Тип документа"]
    received_at: Annotated[datetime, "Когда получен от внешней системы"]
    organization_oid: Annotated[str | None, "OID МО"]
    content: Annotated[str, "XML документа текстом"]


@dataclass(frozen=True, slots=True)
class InboundOutcome:
    """Результат подтверждения одного документа."""

    id: Annotated[UUID, "Идентификатор документа"]
    done: Annotated[bool, "Документ подтверждён, сейчас или раньше"]
    refusal: Annotated[str | None, "Почему подтверждение не выполнено"]


def take_inbound(ctx: Context, viewer: Viewer, service_code: str | None, limit: int) -> tuple[InboundDocument, ...]:
    """The oldest documents of the account's МО not yet confirmed; the same come again until then. Commits; audited.

    Raises:
        NotAllowed: the account may not take documents.
        NotFound: no such service for this account.
        InvalidRequest: the limit is out of 1–1000.
    """
    codes = _services(ctx, viewer, service_code)
    if not 1 <= limit <= MAX_TAKEN:
        raise InvalidRequest(f"limit: допустимо от 1 до {MAX_TAKEN}")
    documents: list[InboundDocument] = []
    size = 0
    with ctx.engine.begin() as connection:
        for row in inbox.take(connection, sorted(viewer.organization_ids or ()), codes, limit):
            content = unpack(row.content)
            size += len(content)
            if documents and size > MAX_TAKEN_BYTES:
                break
            head = (row.id, row.service_code, row.document_type, row.received_at, row.organization_oid)
            documents.append(InboundDocument(*head, content.decode()))
        if documents:
            event = registry.AuditEvent("take-inbound", [str(d.id) for d in documents])
            registry.audit(connection, viewer, event)
    return tuple(documents)


def confirm_inbound(
    ctx: Context, viewer: Viewer, ids: Sequence[UUID], accepted: bool, reason: str | None
) -> tuple[InboundOutcome, ...]:
    """Tell that the МИС has these documents (or, not ``accepted``, refuses them). Commits; audited.

    Confirming again what is confirmed is no error and changes nothing.

    Raises:
        NotAllowed: the account may not confirm documents.
        InvalidRequest: no id, more than 1000, or a refusal without a reason.
    """
    codes = _services(ctx, viewer, None)
    wanted = list(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MAX_TAKEN:
        raise InvalidRequest(f"ids: укажите от 1 до {MAX_TAKEN} документов")
    if not accepted and not reason:
        raise InvalidRequest("reason: укажите, почему документы не приняты")
    require_length("reason", reason, MAX_REASON)
    organizations = sorted(viewer.organization_ids or ())
    with ctx.engine.begin() as connection:
        known = inbox.confirm(connection, wanted, organizations, codes, accepted=accepted, reason=reason)
        fresh = [str(key) for key, now in known.items() if now]
        if fresh:
            detail = {"accepted": accepted}
            registry.audit(connection, viewer, registry.AuditEvent("confirm-inbound", fresh, detail=detail))
    return tuple(InboundOutcome(key, key in known, None if key in known else "Документ не найден") for key in wanted)


def _services(ctx: Context, viewer: Viewer, service_code: str | None) -> list[str]:
    if not viewer.may(Verb.TAKE_INBOUND):
        raise NotAllowed("Получение входящих документов разрешено только МИС")
    if service_code is not None:
        return [access.require_service(ctx.catalog, viewer, service_code).manifest.service.code]
    return [e.manifest.service.code for e in access.visible_exchanges(ctx.catalog, viewer)]
