"""The documents of a launch as files: to be handed over by other means than the exchange itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from gateway.domain.roles import Viewer
from gateway.domain.statuses import PacketStatus
from gateway.journal import registry
from gateway.journal.archives import documents_of_launch
from gateway.journal.bodies import unpack
from gateway.journal.packets import XML
from gateway.journal.report_queries import snapshot
from gateway.operations.context import Context
from gateway.operations.journal import require_launch

FAULTY: Final = frozenset({PacketStatus.FORM_ERROR, PacketStatus.REJECTED, PacketStatus.REFUSED})
"""Documents with mistakes; one that only failed to be sent has none, and is the very one to hand over."""


@dataclass(frozen=True, slots=True)
class Filed:
    """One packet as a file. ``name`` is a plain file name; ``data`` is None where no document could be formed."""

    name: str
    status_title: str
    text: str
    faulty: bool
    data: bytes | None


def read_launch(ctx: Context, viewer: Viewer, launch_id: UUID) -> Iterator[Filed]:
    """Yield the packets of a launch that this viewer sees, in the order they were made; commits the audit first.

    Raises:
        NotFound: no such launch for this viewer.
    """
    with ctx.engine.begin() as connection:
        launch = require_launch(ctx, connection, viewer, launch_id)
        registry.audit(connection, viewer, registry.AuditEvent("archive-launch", [str(launch_id)]))
    manifest = ctx.catalog.manifest(launch.service_code)
    with snapshot(ctx.engine, timeout_s=3600) as connection:
        for row in documents_of_launch(connection, launch_id, viewer.organization_ids):
            status = PacketStatus(row.status)
            name = row.name or f"{row.id}{'.xml' if row.media_type in (None, XML) else ''}"
            title = manifest.status_title(status) if manifest else row.status
            data = None if row.content is None else unpack(row.content)
            yield Filed(name, title, row.result_text or "", status in FAULTY, data)
