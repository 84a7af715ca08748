"""The stand-in ФБ МСЭ: an exchange of files over FTP, FTPS or SFTP, strict and stateful.

Both doors lead to one tree with two folders: ``export`` (the МО writes, cannot read) and ``import`` (the МО reads and
removes). Clerks take referrals away and lay out back tickets; see :mod:`workers.sandbox.mse_clerks`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import click

from gateway.disk import temporary_folder
from workers.sandbox.commands import PORT, serve, serving, signing_in
from workers.sandbox.ftp_door import FtpDoor
from workers.sandbox.mse_clerks import Clerks
from workers.sandbox.mse_state import LedgerEntry, Store
from workers.sandbox.mse_switches import MseSwitchValues
from workers.sandbox.server import LOOPBACK, AdminPort
from workers.sandbox.sftp_door import SftpDoor
from workers.sandbox.switches import Outage, Switches, SwitchValues
from workers.sandbox.uploads import Tree

log = logging.getLogger(__name__)

ROUND_S: Final = 0.05
"""Pause between two rounds of the clerks."""


class MseSandbox:
    """One stand-in ФБ МСЭ in this process. ``switches`` may be changed at any moment."""

    def __init__(self) -> None:
        self.switches: Final = Switches(MseSwitchValues)

    def start(
        self,
        *,
        username: str,
        password: str,
        port: int = 0,
        sftp_port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
        certificate: Path | None = None,
    ) -> str:
        """Open both doors and return the address of the FTP one; port 0 takes a free one.

        ``state`` is the file that outlives a restart, the folders lie beside it; None keeps all until the stop.
        ``certificate`` (PEM with its key) makes TLS a duty at the FTP door.

        Raises:
            OSError: a port is taken or the folders cannot be made.
            ConfigurationError: the state file cannot be opened, or the certificate cannot be used.
        """
        self._credentials = (username, password)
        self._host, self._certificate = host, certificate
        with ExitStack() as opened:
            root = state.with_suffix(".files") if state else opened.enter_context(temporary_folder("mse-"))
            self.tree = Tree(root, "export", "import")
            self._store = Store(state)
            opened.callback(self._store.close)
            self._clerks = Clerks(self.tree, self._store, self.switches)
            self._sftp = SftpDoor(self.tree, self.switches)
            self._open_doors(port, sftp_port)
            opened.callback(self._close_doors)
            self._admin = AdminPort(self.switches, self._routes())
            self._admin.start(admin_port)
            opened.callback(self._admin.stop)
            opened.callback(self._dismiss_clerks)
            self._set_to_work()
            self.switches.on_change(self._apply)
            self._opened = opened.pop_all()
        return self.url

    @property
    def url(self) -> str:
        """Address of the FTP door."""
        return f"{'ftps' if self._certificate else 'ftp'}://{self._host}:{self.port}"

    @property
    def admin_url(self) -> str:
        """Address of the admin endpoint: GET, POST, DELETE /switches; GET /ledger; GET /referrals."""
        return self._admin.address

    @property
    def host_key(self) -> str:
        """Public key of the SFTP door, as known_hosts holds it."""
        return self._sftp.host_key

    def stop(self) -> None:
        """Close the doors and the state."""
        self._opened.close()

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every file ever taken from the folder for referrals."""
        return self._store.ledger()

    def referrals(self) -> dict[str, str | None]:
        """Codes of the referrals that stand, each with the id of its back ticket."""
        return self._store.referrals()

    def lay_out(self, name: str, content: bytes) -> None:
        """Put a file into the folder of back tickets."""
        self._clerks.lay_out(name, content)

    def _routes(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], object]]:
        return {
            ("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()],
            ("GET", "/referrals"): lambda _: self.referrals(),
        }

    def _open_doors(self, port: int, sftp_port: int) -> None:
        self._ftp = FtpDoor(self.tree, self.switches)
        self._ftp.start(self._host, port, *self._credentials, self._certificate)
        try:
            self._sftp.start(self._host, sftp_port, *self._credentials)
        except OSError:
            self._ftp.stop()
            raise
        self.port, self.sftp_port = self._ftp.port, self._sftp.port
        self._doors_open = True

    def _close_doors(self) -> None:
        if self._doors_open:
            self._doors_open = False
            self._ftp.stop()
            self._sftp.stop()

    def _apply(self, values: SwitchValues) -> None:
        if values.outage is Outage.REFUSE:
            self._close_doors()
        elif not self._doors_open:
            self._open_doors(self.port, self.sftp_port)

    def _work(self) -> None:
        while not self._over.wait(ROUND_S):
            try:
                self._clerks.work()
            except OSError as error:
                log.warning("the clerks' round was interrupted: %s", type(error).__name__)

    def _set_to_work(self) -> None:
        self._over = Event()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _dismiss_clerks(self) -> None:
        self._over.set()
        self._thread.join()


@click.command
@serving
@click.option("--sftp-port", type=PORT, default=8092, show_default=True)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="PEM с ключом: FTP только с TLS.",
)
@signing_in
def command(sftp_port: int, certificate: Path | None, **given: Any) -> None:
    """ФБ МСЭ: направления и обратные талоны файлами по FTP и SFTP."""
    sandbox = MseSandbox()

    def start() -> str:
        url = sandbox.start(sftp_port=sftp_port, certificate=certificate, **given)
        return f"{url}, sftp://{given['host']}:{sandbox.sftp_port} (ключ {sandbox.host_key})"

    serve("ФБ МСЭ", sandbox, start)
