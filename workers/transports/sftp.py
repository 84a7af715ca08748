"""SFTP: files over SSH, to a server whose host key the site has pinned; no key is ever accepted unseen.

Sources: RFC 4253 (SSH), draft-ietf-secsh-filexfer-02 (SFTP 3), OpenSSH's extension ``posix-rename``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar, cast

import asyncssh

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import MAX_NAMES, FileUnusable, InDoubt, NotSent, PeerRefused, SignInRefused
from workers.transports.file_servers import (
    CUT,
    MAX_FILE_BYTES,
    NOT_REMOVED,
    NOT_WHOLE,
    SIGN_IN_REFUSED,
    TOO_LARGE,
    UNREADABLE,
    Folder,
    Site,
    SomeNames,
    no_connection,
    part_name,
    plain,
    read_site,
)

PORT: Final = 22
T = TypeVar("T")

# asyncssh tells logins at INFO and every file's name at DEBUG; a name belongs to the peer.
logging.getLogger("asyncssh").setLevel(logging.WARNING)

_LOST: Final = (asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, asyncssh.DisconnectError, OSError)
_ABSENT: Final = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_ONE_FILE: Final = (asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure)
"""What a server of SFTP 3 says of one file and not of the connection."""
_FINGERPRINT: Final = "SHA256:"


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> SftpFiles:
    """Prepare a connection; nothing is opened yet.

    Settings: ``host``, ``port`` (22), ``user``, ``password``, ``host_key`` (the server's public key as it stands in
    known_hosts, ``ssh-ed25519 AAAA…``, or its fingerprint ``SHA256:…``), ``export_folder`` (ours to the peer),
    ``import_folder`` (the peer's to us), ``connect_timeout_s`` (5), ``read_timeout_s`` (30), ``transfer_timeout_s``
    (600, one file).

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    fingerprint = _fingerprint(settings.get("host_key") or "")
    return SftpFiles(read_site(settings, PORT), fingerprint, transport.incoming)


def _fingerprint(host_key: str) -> str:
    if host_key.startswith(_FINGERPRINT):
        return host_key.rstrip("=")
    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except (asyncssh.KeyImportError, ValueError):
        text = "Настройка host_key: нужен открытый ключ сервера (ssh-ed25519 AAAA…) или его отпечаток SHA256:…"
        raise ConfigurationError(text) from None


class _Pinned(asyncssh.SSHClient):
    """Trusts one host key and no other."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 # fixed by the library
        return key.get_fingerprint() == self._fingerprint


class SftpFiles:
    """The two folders of an exchange on an SFTP server (:class:`workers.exchange.Files`); for one thread at a time.

    After any failure of the connection the next call signs in anew.
    """

    def __init__(self, site: Site, fingerprint: str, incoming: Sequence[str]) -> None:
        self._site = site
        self._fingerprint = fingerprint
        self._incoming = incoming
        self._runner: asyncio.Runner | None = None
        self._ssh: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    def reach(self) -> None:
        """Sign in and find the folder that files are put into."""
        self._talk(self._site.exported, _nothing)

    def put(self, name: str, data: bytes) -> None:
        """Put a file whole; one of that name is replaced."""
        folder = self._site.exported
        part, target = folder.place(part_name(name, data)), folder.place(name)

        async def act(sftp: asyncssh.SFTPClient) -> None:
            try:
                await _upload(sftp, part, data)
            except (asyncssh.SFTPError, NotSent) as error:
                await _forget(sftp, part)
                raise _refusal(error) from None
            await _rename(sftp, part, target)

        self._talk(folder, act)

    def has(self, name: str) -> bool:
        """Tell whether a file that was put still lies there."""
        path = self._site.exported.place(plain(name))
        return self._talk(self._site.exported, lambda sftp: sftp.isfile(path))

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> tuple[str, ...]:
        """Names of the files that came."""
        folder = self._site.imported
        some = SomeNames(self._incoming, suffix, limit)

        async def act(sftp: asyncssh.SFTPClient) -> None:
            async for entry in sftp.scandir(folder.require()):
                if entry.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR:
                    some.add(str(entry.filename))

        self._talk(folder, act)
        return some.told()

    def read(self, name: str) -> bytes:
        """Read a file that came."""
        folder = self._site.imported
        path = folder.place(plain(name))

        async def act(sftp: asyncssh.SFTPClient) -> bytes:
            size = (await sftp.stat(path)).size
            if size is not None and size > MAX_FILE_BYTES:
                raise FileUnusable(TOO_LARGE)
            async with sftp.open(path, "rb") as file:
                content = cast("bytes", await file.read(MAX_FILE_BYTES + 1))
            if size is not None and len(content) != size:
                raise NotSent(NOT_WHOLE)
            return content

        return self._talk(folder, act, UNREADABLE)

    def remove(self, name: str) -> None:
        """Remove a file that came; one that is no longer there is no error."""
        path = self._site.imported.place(plain(name))

        async def act(sftp: asyncssh.SFTPClient) -> None:
            with suppress(*_ABSENT):
                await sftp.remove(path)

        self._talk(self._site.imported, act, NOT_REMOVED)

    def close(self) -> None:
        """Sign out."""
        self._drop()
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _talk(self, folder: Folder, act: Callable[[asyncssh.SFTPClient], Awaitable[T]], unusable: str = "") -> T:
        """Act in a folder that is there; whatever breaks the connection drops it.

        ``unusable`` is said of a file that the server refuses for good.
        """
        path = folder.require()
        if self._runner is None:
            self._runner = asyncio.Runner()
        try:
            return self._runner.run(self._acted(folder, path, act))
        except InDoubt:
            self._drop()
            raise
        except _LOST:
            self._drop()
            raise NotSent(CUT) from None
        except asyncssh.SFTPError as error:
            if unusable and isinstance(error, _ONE_FILE):
                raise FileUnusable(f"{unusable}: код {error.code}.") from None
            raise NotSent(f"Сервер ответил отказом: код {error.code}.") from None

    async def _acted(self, folder: Folder, path: str, act: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        site = self._site
        if self._sftp is None:
            self._sftp = await self._connect()
        sftp = self._sftp
        async with asyncio.timeout(site.read_timeout_s):
            if not await sftp.isdir(path):
                raise PeerRefused(folder.away)
        async with asyncio.timeout(site.transfer_timeout_s):
            return await act(sftp)

    async def _connect(self) -> asyncssh.SFTPClient:
        site = self._site
        try:
            async with asyncio.timeout(site.connect_timeout_s + site.read_timeout_s):
                self._ssh = await asyncssh.connect(
                    site.host,
                    site.port,
                    username=site.user,
                    password=site.password,
                    client_factory=lambda: _Pinned(self._fingerprint),
                    known_hosts=([], [], []),
                    server_host_key_algs="default",
                    config=None,
                    client_keys=None,
                    agent_path=None,
                    preferred_auth="password,keyboard-interactive",
                    connect_timeout=site.connect_timeout_s,
                    login_timeout=site.read_timeout_s,
                )
                return await self._ssh.start_sftp_client()
        except asyncssh.PermissionDenied:
            raise SignInRefused(SIGN_IN_REFUSED) from None
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            raise SignInRefused("Ключ сервера не совпадает с настройкой host_key: соединение не установлено") from None
        except (asyncssh.Error, OSError):
            raise no_connection(site) from None

    def _drop(self) -> None:
        ssh, self._ssh, self._sftp = self._ssh, None, None
        if ssh is None or self._runner is None:
            return

        async def hang_up() -> None:
            ssh.abort()
            await ssh.wait_closed()

        self._runner.run(hang_up())


async def _nothing(_sftp: asyncssh.SFTPClient) -> None:
    """Being there was all that was asked."""


async def _upload(sftp: asyncssh.SFTPClient, part: str, data: bytes) -> None:
    async with sftp.open(part, "wb") as file:
        await file.write(data)
    if (await sftp.stat(part)).size != len(data):
        raise NotSent(NOT_WHOLE)


async def _rename(sftp: asyncssh.SFTPClient, part: str, target: str) -> None:
    """Give a file its name; a server without ``posix-rename`` refuses a name that is taken until it is free."""
    try:
        try:
            await sftp.posix_rename(part, target)
        except asyncssh.SFTPOpUnsupported:
            with suppress(*_ABSENT):
                await sftp.remove(target)
            await sftp.rename(part, target)
    except _LOST:
        raise InDoubt("Файл передан, но сервер не подтвердил его имя.") from None
    except asyncssh.SFTPError as error:
        await _forget(sftp, part)
        raise _refusal(error) from None


async def _forget(sftp: asyncssh.SFTPClient, part: str) -> None:
    with suppress(asyncssh.SFTPError, OSError):
        await sftp.remove(part)


def _refusal(error: Exception) -> Exception:
    """What a failed upload means: the connection's failure and an incomplete file may pass, a refusal may not."""
    if isinstance(error, asyncssh.SFTPError) and not isinstance(error, _LOST):
        return PeerRefused(f"Сервер не принял файл: код {error.code}.")
    return error
