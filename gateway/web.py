"""The web process: what Granian loads in each of its children, and how it is started."""

from __future__ import annotations

from typing import Any

from granian.constants import Interfaces
from granian.server import Server as Granian

from gateway.catalog.registry import load_catalog
from gateway.journal.engine import connect
from gateway.journal.schema import load_secret, require_version
from gateway.logs import configure
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.settings import Settings, load_settings
from gateway.soap.app import build_wsgi


def make_context(settings: Settings) -> Context:
    """Connect to the journal and read the catalog.

    Raises:
        ConfigurationError: the database is of another version, or a manifest is wrong.
    """
    engine = connect(settings.require_database(), pool_size=settings.web_threads + 1, application="gateway-serve")
    require_version(engine)
    catalog = load_catalog(settings.exchange_folders, settings.services_off)
    return Context(engine, catalog, Cursors(load_secret(engine)), settings.max_objects)


def application() -> Any:
    """WSGI application of one child process; settings come from the environment."""
    settings = load_settings()
    configure(settings.log_level)
    return build_wsgi(make_context(settings), public_url=settings.public_url)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; children that die are started again."""
    server = Granian(
        "gateway.web:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        factory=True,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_access=False,
        log_enabled=False,
    )
    server.serve()
