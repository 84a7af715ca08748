"""The FTP door of a stand-in whose exchange is files: passive mode, plain or over TLS, on pyftpdlib."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, Final

from OpenSSL import SSL

from gateway.domain.errors import ConfigurationError
from workers.sandbox.switches import Outage, Switches
from workers.sandbox.uploads import Cut, Tree, Upload, current

with warnings.catch_warnings():
    # pyftpdlib stands on asyncore, whose removal from the standard library it has provided for (pyasyncore).
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

POLL_S: Final = 0.02
_VERBS: Final = {"e": "enter", "l": "list", "r": "read", "w": "write", "f": "write", "d": "remove"}

# It logs every command with its argument, and prints them itself when nobody has asked for its logger.
logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())


class _Authorizer(DummyAuthorizer):
    """Rights by folder instead of by user."""

    tree: Tree
    switches: Switches

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:  # noqa: ARG002 # as pyftpdlib calls
        verb = _VERBS.get(perm)
        return verb is not None and path is not None and self.tree.allows(path, verb, current(self.switches))


class _Uploaded:
    """A file being written, as far as the switches let it."""

    def __init__(self, file: Any, upload: Upload, hang_up: Any) -> None:
        self._file = file
        self._upload = upload
        self._hang_up = hang_up
        self._came = 0

    def write(self, data: bytes) -> int:
        try:
            self._file.write(self._upload.admit(data, self._came))
        except Cut:
            return len(data)
        self._came += len(data)
        if self._upload.is_cut:
            self._file.flush()
            self._hang_up()
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _Folders(AbstractedFS):
    def open(self, filename: str, mode: str) -> Any:
        file = super().open(filename, mode)
        if "w" not in mode:
            return file
        return _Uploaded(file, Upload(self.cmd_channel.switches), self.cmd_channel.close)


class _Rules(FTPHandler):
    """What both kinds of connection have in common."""

    switches: Switches
    respond: Callable[..., None]

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        if self.switches.values.outage is Outage.FAULT:
            self.respond("421 Service not available.")
            self.close_when_done()
        else:
            beneath: Any = super()
            beneath.pre_process_command(line, cmd, arg)

    def ftp_RNTO(self, path: str) -> Any:  # noqa: N802 # pyftpdlib finds a command by its name
        if not self.switches.take("drop_rename_next"):
            return super().ftp_RNTO(path)
        answer, self.respond = self.respond, lambda *_, **__: None
        super().ftp_RNTO(path)
        self.respond = answer
        return self.close()


class FtpDoor:
    """One FTP server in a thread of its own. ``start`` once, ``stop`` once."""

    def __init__(self, tree: Tree, switches: Switches) -> None:
        self._tree = tree
        self._switches = switches
        self._open = False

    def start(self, host: str, port: int, user: str, password: str, certificate: Path | None) -> None:
        """Listen; port 0 takes a free one. ``certificate`` (PEM with its key) makes TLS a duty.

        Raises:
            OSError: the port is taken.
            ConfigurationError: the certificate cannot be used.
        """
        authorizer = _Authorizer()
        authorizer.tree, authorizer.switches = self._tree, self._switches
        authorizer.add_user(user, password, str(self._tree.root), perm="e")
        # The size of what was written is told where nothing can be read: an upload is confirmed by it.
        commands = {**TLS_FTPHandler.proto_cmds} if certificate else {**FTPHandler.proto_cmds}
        commands["SIZE"] = {**commands["SIZE"], "perm": "e"}
        members = {
            "authorizer": authorizer,
            "abstracted_fs": _Folders,
            "switches": self._switches,
            "proto_cmds": commands,
            "banner": "Стенд",
            "auth_failed_timeout": 0,
            "use_sendfile": False,
        }
        base: Any = FTPHandler
        if certificate:
            base = TLS_FTPHandler
            secure = {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
            members = {**members, **secure}
        handler = type("Handler", (_Rules, base), members)
        try:
            self._server = FTPServer((host, port), handler, ioloop=IOLoop())
        except SSL.Error:
            message = f"Сертификат {certificate} не читается: нужен PEM с сертификатом и его ключом"
            raise ConfigurationError(message) from None
        self.port: int = self._server.address[1]
        self._open = True
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self._open = False
        self._thread.join()

    def _serve(self) -> None:
        while self._open:
            self._server.ioloop.loop(POLL_S, blocking=False)
        self._server.close_all()
