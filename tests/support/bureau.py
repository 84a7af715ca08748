"""The stand-in ФБ МСЭ and the ways to it: what the tests of file servers and of its exchange stand on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from gateway.catalog import manifest
from tests.support.tls import CERTIFICATE
from workers.sandbox.mse import MseSandbox
from workers.transports import open_transport

USER, PASSWORD = "mse", "выдуманный пароль"
WAYS: Final = ("ftp", "ftps", "sftp")


@contextmanager
def bureau(way: str = "ftp") -> Iterator[MseSandbox]:
    """A running ФБ МСЭ that can be reached in one of the ways (SFTP always)."""
    sandbox = MseSandbox()
    sandbox.start(username=USER, password=PASSWORD, certificate=CERTIFICATE if way == "ftps" else None)
    try:
        yield sandbox
    finally:
        sandbox.stop()


def settings(sandbox: MseSandbox, way: str = "ftp") -> dict[str, str]:
    """Settings of the exchange by which it reaches this ФБ МСЭ in one of the ways."""
    common = {
        "host": "127.0.0.1",
        "user": USER,
        "password": PASSWORD,
        "export_folder": "/export",
        "import_folder": "/import",
        "read_timeout_s": "3",
    }
    if way == "sftp":
        return {**common, "transport": "sftp", "port": str(sandbox.sftp_port), "host_key": sandbox.host_key}
    secure = {"tls": "yes", "ca_bundle": str(CERTIFICATE)} if way == "ftps" else {"tls": "no"}
    return {**common, "port": str(sandbox.port), **secure}


def transport(given: dict[str, str]) -> Any:
    """The transport that these settings give."""
    return open_transport(manifest.Transport(kind=given.get("transport", "ftp")), given)
