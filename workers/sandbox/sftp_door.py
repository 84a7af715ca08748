"""The SFTP door of a stand-in whose exchange is files, on asyncssh."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import asyncssh

from workers.sandbox.switches import Outage, Switches
from workers.sandbox.uploads import Cut, Tree, Upload, current

_FULL: Final = "No space left on device"

logging.getLogger("asyncssh").setLevel(logging.WARNING)


class _SignIn(asyncssh.SSHServer):
    def __init__(self, door: SftpDoor) -> None:
        self._door = door

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._door.connections.add(conn)
        if self._door.switches.values.outage is Outage.FAULT:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 # as the library calls it
        self._door.connections.discard(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == self._door.credentials


class _Folders(asyncssh.SFTPServer):
    """The tree with its rights, and the switches' troubles."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], tree: Tree, switches: Switches) -> None:
        super().__init__(channel, chroot=str(tree.root).encode())
        self._tree = tree
        self._switches = switches
        self._uploads: dict[int, Upload] = {}

    def _require(self, path: bytes, verb: str) -> None:
        place = Path(self.map_path(path).decode())
        if not self._tree.allows(place, verb, current(self._switches)):
            raise asyncssh.SFTPPermissionDenied("no rights")

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        writing = bool(pflags & asyncssh.FXF_WRITE)
        self._require(path, "write" if writing else "read")
        file = super().open(path, pflags, attrs)
        if writing:
            self._uploads[id(file)] = Upload(self._switches)
        return file

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        upload = self._uploads[id(file_obj)]
        try:
            kept = upload.admit(data, offset)
        except Cut:
            return len(data)
        except OSError:
            raise asyncssh.SFTPFailure(_FULL) from None
        if kept:
            super().write(file_obj, offset, kept)
        if upload.is_cut:
            file_obj.flush()
            self.connection.abort()
        return len(data)

    def close(self, file_obj: Any) -> Any:
        self._uploads.pop(id(file_obj), None)
        return super().close(file_obj)

    def scandir(self, path: bytes) -> Any:
        self._require(path, "list")
        return super().scandir(path)

    def stat(self, path: bytes) -> Any:
        self._require(path, "enter")
        return super().stat(path)

    def lstat(self, path: bytes) -> Any:
        self._require(path, "enter")
        return super().lstat(path)

    def remove(self, path: bytes) -> Any:
        self._require(path, "remove")
        return super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        return self._renamed(super().rename, oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        return self._renamed(super().posix_rename, oldpath, newpath)

    def _renamed(self, rename: Any, oldpath: bytes, newpath: bytes) -> Any:
        for path in (oldpath, newpath):
            self._require(path, "write")
        done = rename(oldpath, newpath)
        if self._switches.take("drop_rename_next"):
            self.connection.abort()
        return done


class SftpDoor:
    """One SFTP server in a thread of its own. ``start`` once, ``stop`` once."""

    def __init__(self, tree: Tree, switches: Switches) -> None:
        self._tree = tree
        self.switches: Final = switches
        self.connections: Final[set[asyncssh.SSHServerConnection]] = set()
        self.credentials = ("", "")
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.host_key: Final = self._key.export_public_key().decode().strip()
        self._failed: OSError | None = None

    def start(self, host: str, port: int, user: str, password: str) -> None:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        self._ready = Event()
        self.credentials = (user, password)
        self._thread = Thread(target=lambda: asyncio.run(self._listen(host, port)), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """Close the port and every connection."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _listen(self, host: str, port: int) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        try:
            server = await asyncssh.listen(
                host,
                port,
                server_factory=lambda: _SignIn(self),
                server_host_keys=[self._key],
                sftp_factory=lambda channel: _Folders(channel, self._tree, self.switches),
                allow_scp=False,
            )
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self.port: int = server.get_port()
        self._ready.set()
        await self._over.wait()
        server.close()
        left = list(self.connections)
        for connection in left:
            connection.abort()
        await asyncio.gather(server.wait_closed(), *(connection.wait_closed() for connection in left))
