"""Counters per (launch, МО): one delta per batch, rows in sorted order, never one update per packet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

_COUNTED: Final = ("packets", "with_errors", "errors", "notices", "sent")


@dataclass(slots=True)
class CounterDeltas:
    """Changes of counters gathered over one batch."""

    service_code: str
    _deltas: dict[tuple[UUID, int | None], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * len(_COUNTED))
    )

    def add(
        self,
        launch_id: UUID,
        organization_id: int | None,
        *,
        packets: int = 0,
        with_errors: int = 0,
        errors: int = 0,
        notices: int = 0,
        sent: int = 0,
    ) -> None:
        """Note a change: packets formed, packets that became or ceased to be «с ошибками», session errors,
        «Сформировано уведомлений», «Отправлено уведомлений».

        ``organization_id`` is None for what concerns no МО.
        """
        row = self._deltas[launch_id, organization_id]
        changes = (packets, with_errors, errors, notices, sent)
        row[:] = [counted + change for counted, change in zip(row, changes, strict=True)]

    def write(self, connection: Connection) -> None:
        """Apply all changes in one statement, rows in the order of their key. The caller commits."""
        rows = sorted(((k, row) for k, row in self._deltas.items() if any(row)), key=lambda r: (r[0][0], r[0][1] or 0))
        if not rows:
            return
        connection.execute(
            text(
                """
                INSERT INTO launch_counters (service_code, launch_id, organization_id, packets_total,
                                             packets_with_errors, error_count, notifications_formed,
                                             notifications_sent)
                SELECT :service, * FROM unnest(CAST(:launches AS uuid[]), CAST(:organizations AS bigint[]),
                    CAST(:packets AS int[]), CAST(:with_errors AS int[]), CAST(:errors AS int[]),
                    CAST(:notices AS int[]), CAST(:sent AS int[]))
                ON CONFLICT (launch_id, organization_id) DO UPDATE SET
                    packets_total = launch_counters.packets_total + excluded.packets_total,
                    packets_with_errors = launch_counters.packets_with_errors + excluded.packets_with_errors,
                    error_count = launch_counters.error_count + excluded.error_count,
                    notifications_formed = launch_counters.notifications_formed + excluded.notifications_formed,
                    notifications_sent = launch_counters.notifications_sent + excluded.notifications_sent
                """
            ),
            {
                "service": self.service_code,
                "launches": [key[0] for key, _ in rows],
                "organizations": [key[1] for key, _ in rows],
                **{name: [row[place] for _, row in rows] for place, name in enumerate(_COUNTED)},
            },
        )
