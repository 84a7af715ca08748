"""The web process: what Granian loads in each of its children, and how it is started."""

from __future__ import annotations

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server as Granian

from gateway.catalog.registry import installed
from gateway.journal.engine import connect
from gateway.journal.schema import load_secret, require_version
from gateway.logs import configure
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.settings import Settings, load_settings
from gateway.soap.app import build_wsgi
from gateway.soap.contract import SERVICES, operation_limits
from gateway.soap.front import Front
from gateway.soap.origin import Trust
from gateway.xml.limits import HEADERS_S, MAX_HEADER_BYTES


def make_context(settings: Settings) -> Context:
    """Connect to the journal and read the catalog.

    Raises:
        ConfigurationError: the database is of another version, or a manifest is wrong.
    """
    engine = connect(settings.require_database(), pool_size=settings.web_threads + 1, application="gateway-serve")
    require_version(engine)
    catalog = installed(settings)
    cursors = Cursors(load_secret(engine))
    return Context(engine, catalog, cursors, settings.max_objects, settings.public_url, settings.time_zone)


def application() -> Front:
    """RSGI application of one child process; settings come from the environment."""
    settings = load_settings()
    configure(settings.log_level)
    trust = Trust(settings.trusted_proxies, settings.certificate_header, settings.allow_plain_http)
    soap = build_wsgi(make_context(settings), public_url=settings.public_url, limits=settings.limits, trust=trust)
    return Front(soap, settings.web_threads)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; children that die are started again.

    Raises:
        ConfigurationError: the limits name what is none: told once, not by every child for ever.
    """
    operation_limits(SERVICES, settings.limits)
    server = Granian(
        "gateway.web:application",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.RSGI,
        workers=settings.web_processes,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_S * 1000, max_buffer_size=MAX_HEADER_BYTES),
        websockets=False,
        factory=True,
        respawn_failed_workers=True,
        workers_kill_timeout=10,
        log_access=False,
        log_enabled=False,
    )
    server.serve()
