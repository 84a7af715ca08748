"""The embedded profile's PostgreSQL: a real server from the wheel, data in one folder, no installation."""

from __future__ import annotations

from gateway.embedded.postgres import RunningPostgres, discard, running_url, start

__all__ = ["RunningPostgres", "discard", "running_url", "start"]
