"""Counters per (launch, МО): one delta per batch, rows in sorted order, never one update per packet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, text


@dataclass(slots=True)
class CounterDeltas:
    """Changes of counters gathered over one batch."""

    service_code: str
    _deltas: dict[tuple[UUID, int], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))

    def add(
        self,
        launch_id: UUID,
        organization_id: int,
        *,
        packets: int = 0,
        with_errors: int = 0,
        errors: int = 0,
    ) -> None:
        """Note a change: packets formed, packets that became or ceased to be «с ошибками», session errors."""
        row = self._deltas[launch_id, organization_id]
        row[0] += packets
        row[1] += with_errors
        row[2] += errors

    def write(self, connection: Connection) -> None:
        """Apply all changes in one statement, rows in the order of their key. The caller commits."""
        rows = sorted((key, row) for key, row in self._deltas.items() if any(row))
        if not rows:
            return
        connection.execute(
            text(
                """
                INSERT INTO launch_counters (service_code, launch_id, organization_id, packets_total,
                                             packets_with_errors, error_count)
                SELECT :service, * FROM unnest(CAST(:launches AS uuid[]), CAST(:organizations AS bigint[]),
                    CAST(:packets AS int[]), CAST(:with_errors AS int[]), CAST(:errors AS int[]))
                ON CONFLICT (launch_id, organization_id) DO UPDATE SET
                    packets_total = launch_counters.packets_total + excluded.packets_total,
                    packets_with_errors = launch_counters.packets_with_errors + excluded.packets_with_errors,
                    error_count = launch_counters.error_count + excluded.error_count
                """
            ),
            {
                "service": self.service_code,
                "launches": [key[0] for key, _ in rows],
                "organizations": [key[1] for key, _ in rows],
                "packets": [row[0] for _, row in rows],
                "with_errors": [row[1] for _, row in rows],
                "errors": [row[2] for _, row in rows],
            },
        )
