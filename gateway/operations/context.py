"""What every operation needs, made once per process by the composition root."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Engine

from gateway.catalog.registry import Catalog
from gateway.domain.zones import DEFAULT_ZONE
from gateway.operations.cursors import Cursors
from gateway.operations.passwords import PasswordGate


@dataclass(frozen=True, slots=True)
class Context:
    """The journal's database, the catalog, and what is kept in memory of this process."""

    engine: Engine
    catalog: Catalog
    cursors: Cursors
    max_objects: int = 1000
    public_url: str = "http://127.0.0.1:8080"
    time_zone: str = DEFAULT_ZONE
    passwords: PasswordGate = field(default_factory=PasswordGate)
