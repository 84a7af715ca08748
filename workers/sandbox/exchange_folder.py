"""What stand-ins whose exchange is zipped files in a folder have in common: folders, doors, polling, replies in time.

The folders are there for whoever shares the disk, and over SFTP and FTP for everybody else.
"""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any, Final

from gateway.domain.errors import InvalidXml
from workers.sandbox.ftp_door import FtpDoor
from workers.sandbox.server import LOOPBACK, AdminPort
from workers.sandbox.sftp_door import SftpDoor
from workers.sandbox.switches import Count, Malformation, Outage, Switches, SwitchValues, chosen
from workers.sandbox.uploads import Tree, UploadSwitchValues

POLL_S: Final = 0.05
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_AWAY: Final = ".away"
_BAD_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError)


class FolderSwitches(UploadSwitchValues):
    """Beyond those of an exchange of files: ``refuse_file_next`` files are refused whole. ``reject_percent`` is of
    records; during an outage of either kind the folder of files to the peer is away.
    """

    refuse_file_next: Count = 0


class ExchangeFolder(ABC):
    """One stand-in in this process, with a thread that polls. ``switches`` may be changed at any moment."""

    spoilt_before: bytes
    """Where an answer against its schema gets a character too much."""

    def __init__(self) -> None:
        self.switches: Final = Switches(FolderSwitches)
        self._lock = RLock()
        self._over = Event()
        self._waiting: list[tuple[float, str, bytes]] = []
        self._ftp: FtpDoor | None = None

    @abstractmethod
    def judge(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Name and content of the reply to one archive; called under the lock."""

    @abstractmethod
    def ledger(self) -> Sequence[Any]:
        """Everything ever taken, in the order of arrival, as dataclasses."""

    def start(
        self,
        folder: Path,
        *,
        username: str,
        password: str,
        host: str = LOOPBACK,
        port: int = 0,
        admin_port: int = 0,
        ftp_port: int | None = None,
    ) -> str:
        """Make the folders ``out`` (to the peer) and ``in`` (from it) in ``folder``, open them over SFTP, and poll.

        Returns the path of ``folder``; port 0 takes a free one. FTP is opened where ``ftp_port`` is given.

        Raises:
            OSError: a port is taken or the folders cannot be made.
        """
        self._credentials = (username, password)
        tree = Tree(folder, "out", "in")
        self._out, self._in = tree.exported, tree.imported
        with ExitStack() as opened:
            self._sftp = SftpDoor(tree, self.switches)
            self._sftp.start(host, port, username, password)
            opened.callback(self._sftp.stop)
            if ftp_port is not None:
                self._ftp = FtpDoor(tree, self.switches)
                self._ftp.start(host, ftp_port, username, password, None)
                opened.callback(self._ftp.stop)
            self._admin = AdminPort(
                self.switches, {("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()]}
            )
            self._admin.start(admin_port)
            opened.callback(self._admin.stop)
            self.switches.on_change(self._apply)
            self._thread = Thread(target=self._poll, name="exchange-folder", daemon=True)
            self._thread.start()
            opened.callback(self._leave)
            self._opened = opened.pop_all()
        return str(folder)

    @property
    def settings(self) -> dict[str, str]:
        """What an installation that shares the disk must set to reach this peer."""
        return {"out": str(self._out), "in": str(self._in)}

    @property
    def sftp_settings(self) -> dict[str, str]:
        """What any other installation must set."""
        key = {"host_key": self._sftp.host_key}
        return {"transport": "sftp", "port": str(self._sftp.port), **key, **self._server}

    @property
    def ftp_settings(self) -> dict[str, str]:
        """What an installation that comes over FTP must set; empty when that door is closed."""
        if self._ftp is None:
            return {}
        return {"transport": "ftp", "tls": "no", "port": str(self._ftp.port), **self._server}

    @property
    def _server(self) -> dict[str, str]:
        user, password = self._credentials
        folders = {"export_folder": "/out", "import_folder": "/in"}
        return {"host": LOOPBACK, "user": user, "password": password, **folders}

    @property
    def admin_url(self) -> str:
        """Address of the admin endpoint: GET, POST, DELETE /switches; GET /ledger."""
        return self._admin.address

    def stop(self) -> None:
        """Finish the file at hand, end the thread and close the ports; what waits stays in the folder."""
        self._opened.close()

    def _leave(self) -> None:
        self._over.set()
        self._thread.join()

    def _apply(self, values: SwitchValues) -> None:
        away = self._out.with_name(self._out.name + _AWAY)
        with self._lock:
            if values.outage is not Outage.NONE and self._out.exists():
                self._out.rename(away)
            elif values.outage is Outage.NONE and away.exists():
                away.rename(self._out)

    def _poll(self) -> None:
        while not self._over.wait(POLL_S):
            with self._lock:
                if self.switches.values.outage is Outage.NONE:
                    self.step()

    def step(self) -> None:
        """Take what lies in the folder, and put the replies whose time has come."""
        for path in sorted(self._out.glob("[!.]*.zip")):
            name, reply = self.judge(path.stem, path.read_bytes())
            self._waiting.append((time.monotonic() + self.switches.values.answer_delay_s, name, reply))
            path.unlink()
        now = time.monotonic()
        due = [each for each in self._waiting if each[0] <= now or not self.switches.values.answer_delay_s]
        for each in due:
            self._put(*each[1:])
            self._waiting.remove(each)

    def _put(self, name: str, reply: bytes) -> None:
        suffix, data = ("zip", archive(f"{name}.xml", reply)) if name.startswith("R") else ("xml", reply)
        part = self._in / f".{name}.part"
        part.write_bytes(data)
        part.replace(self._in / f"{name}.{suffix}")

    def spoilt(self, key: str, reply: bytes) -> bytes:
        """A reply as the switches let it go out; ``key`` is what their lot is drawn for."""
        values = self.switches.values
        if not (
            chosen(values, "malformed", key, values.malformed_answer_percent)
            or self.switches.take("malformed_answer_next")
        ):
            return reply
        if values.malformation is Malformation.TRUNCATED:
            return reply[: len(reply) // 2]
        return reply.replace(self.spoilt_before, self.spoilt_before + b"?")


def archive(name: str, data: bytes) -> bytes:
    """An archive of one file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return target.getvalue()


def content(data: bytes, name: str) -> bytes:
    """The file of this name in an archive that holds nothing else.

    Raises:
        InvalidXml: it is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            (entry,) = opened.infolist()
            if entry.filename == name and entry.file_size <= MAX_FILE_BYTES:
                return opened.read(entry)
    except _BAD_ARCHIVE:
        pass
    raise InvalidXml("В архиве нет файла с тем же именем, или он не читается.")
