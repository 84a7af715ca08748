"""FTP, plain or over TLS: passive mode, binary, one control connection for all files of a run.

Sources: RFC 959 (FTP), RFC 3659 (SIZE, MLSD), RFC 4217 (explicit TLS). A data connection that ends early looks to the
server like the end of the file, so a file gets its name only after the server has told its size.
"""

from __future__ import annotations

import ftplib
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

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

PORT: Final = 21
T = TypeVar("T")
BLOCK_BYTES: Final = 64 * 1024
_NOT_IMPLEMENTED: Final = frozenset({"500", "501", "502", "504"})
_LAST_WORD_S: Final = 1.0
_NOT_NOW: Final = frozenset({"421", "425", "426", "451"})
"""The connection or the server failed, not the file: the same file may pass later."""

_REPLIES: Final = (ftplib.error_perm, ftplib.error_temp)
_BROKEN: Final = (OSError, EOFError, ftplib.error_reply, ftplib.error_proto)


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> FtpFiles:
    """Prepare a connection; nothing is opened yet.

    Settings: ``host``, ``port`` (21), ``user``, ``password``, ``export_folder`` (ours to the peer), ``import_folder``
    (the peer's to us), ``tls`` (yes or no; yes), ``ca_bundle`` (certificates to trust instead of the system's),
    ``connect_timeout_s`` (5), ``read_timeout_s`` (30), ``transfer_timeout_s`` (600, one file).

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    tls = settings.get("tls") or "yes"
    if tls not in ("yes", "no"):
        raise ConfigurationError("Настройка tls: допустимо yes или no.")
    bundle = settings.get("ca_bundle") or None
    if bundle and not Path(bundle).is_file():
        raise ConfigurationError("Настройка ca_bundle: такого файла с сертификатами нет.")
    context = ssl.create_default_context(cafile=bundle) if tls == "yes" else None
    return FtpFiles(read_site(settings, PORT), context, transport.incoming)


class FtpFiles:
    """The two folders of an exchange on an FTP server (:class:`workers.exchange.Files`); for one thread at a time.

    After any failure of the connection the next call signs in anew.
    """

    def __init__(self, site: Site, context: ssl.SSLContext | None, incoming: Sequence[str]) -> None:
        self._site = site
        self._context = context
        self._incoming = incoming
        self._ftp: ftplib.FTP | None = None
        self._home = "/"

    def reach(self) -> None:
        """Sign in and enter the folder that files are put into."""
        with self._within(self._site.exported):
            return

    def put(self, name: str, data: bytes) -> None:
        """Put a file whole; one of that name is replaced."""
        part = part_name(name, data)
        with self._within(self._site.exported) as ftp:
            try:
                self._upload(ftp, part, data)
                self._rename(ftp, part, name)
            except _REPLIES as error:
                _forget(ftp, part)
                self._drop()
                raise _refusal(error, "Сервер не принял файл") from None
            except NotSent:
                _forget(ftp, part)
                raise

    def has(self, name: str) -> bool:
        """Tell whether a file that was put still lies there."""
        plain(name)
        with self._within(self._site.exported) as ftp:
            ftp.voidcmd("TYPE I")
            return _size(ftp, name) is not None

    def names(self, suffix: str = "", limit: int = MAX_NAMES) -> tuple[str, ...]:
        """Names of the files that came."""
        some = SomeNames(self._incoming, suffix, limit)
        with self._within(self._site.imported) as ftp:
            _list(ftp, self._in_time(some.add))
        return some.told()

    def read(self, name: str) -> bytes:
        """Read a file that came."""
        plain(name)
        content = bytearray()

        def keep(block: bytes) -> None:
            content.extend(block)
            if len(content) > MAX_FILE_BYTES:
                raise FileUnusable(TOO_LARGE)

        with self._within(self._site.imported) as ftp:
            ftp.voidcmd("TYPE I")
            size = _size(ftp, name)
            if size is not None and size > MAX_FILE_BYTES:
                raise FileUnusable(TOO_LARGE)
            try:
                ftp.retrbinary(f"RETR {name}", self._in_time(keep), BLOCK_BYTES)
            except _REPLIES as error:
                _blame(ftp, name, error, UNREADABLE)
                raise
        if size is not None and size != len(content):
            self._drop()
            raise NotSent(NOT_WHOLE)
        return bytes(content)

    def remove(self, name: str) -> None:
        """Remove a file that came; one that is no longer there is no error."""
        plain(name)
        with self._within(self._site.imported) as ftp:
            try:
                ftp.delete(name)
            except ftplib.error_perm as error:
                _blame(ftp, name, error, NOT_REMOVED)

    def close(self) -> None:
        """Sign out."""
        if self._ftp is not None:
            with suppress(*_BROKEN, *_REPLIES):
                self._ftp.putcmd("QUIT")
            self._drop()

    def _drop(self) -> None:
        if self._ftp is not None:
            self._ftp.close()
            self._ftp = None

    @contextmanager
    def _within(self, folder: Folder) -> Iterator[ftplib.FTP]:
        """Stand in a folder; whatever breaks the connection drops it."""
        path = folder.require()
        ftp = self._signed_in()
        try:
            try:
                ftp.cwd(path if path.startswith("/") else f"{self._home.rstrip('/')}/{path}")
            except _REPLIES as error:
                if _code(error) in _NOT_NOW:
                    raise EOFError from None
                raise PeerRefused(folder.away) from None
            yield ftp
        except (InDoubt, PeerRefused):
            self._drop()
            raise
        except _BROKEN:
            self._drop()
            raise NotSent(CUT) from None
        except _REPLIES as error:
            raise NotSent(f"Сервер ответил отказом: код {_code(error)}.") from None

    def _signed_in(self) -> ftplib.FTP:
        if self._ftp is None:
            self._ftp = self._connect()
        return self._ftp

    def _connect(self) -> ftplib.FTP:
        site = self._site
        ftp: ftplib.FTP
        ftp = _SecureFtp(context=self._context) if self._context else _PlainFtp(encoding="utf-8")
        try:
            ftp.connect(site.host, site.port, site.connect_timeout_s)
            ftp.timeout = site.read_timeout_s
            if ftp.sock is not None:
                ftp.sock.settimeout(site.read_timeout_s)
            self._sign_in(ftp)
        except ssl.SSLError:
            ftp.close()
            host = f"{site.host}:{site.port}"
            text = f"Не удалось установить защищённое соединение с {host}: проверьте сертификаты."
            raise NotSent(text) from None
        except (*_BROKEN, *_REPLIES):
            ftp.close()
            raise no_connection(site) from None
        except BaseException:
            ftp.close()
            raise
        return ftp

    def _sign_in(self, ftp: ftplib.FTP) -> None:
        if isinstance(ftp, _SecureFtp):
            try:
                ftp.auth()
            except _REPLIES:
                raise PeerRefused("Сервер не поддерживает защищённое соединение (AUTH TLS).") from None
        try:
            ftp.login(self._site.user, self._site.password)
        except ftplib.error_perm:
            raise SignInRefused(SIGN_IN_REFUSED) from None
        if isinstance(ftp, _SecureFtp):
            ftp.prot_p()
        self._home = ftp.pwd()

    def _in_time(self, act: Callable[[T], None]) -> Callable[[T], None]:
        """Let one transfer take so long and no longer, however it drips."""
        until = time.monotonic() + self._site.transfer_timeout_s

        def timed(block: T) -> None:
            act(block)
            if time.monotonic() > until:
                raise TimeoutError

        return timed

    def _upload(self, ftp: ftplib.FTP, part: str, data: bytes) -> None:
        try:
            ftp.storbinary(f"STOR {part}", io.BytesIO(data), BLOCK_BYTES, self._in_time(lambda _: None))
        except OSError:
            if ftp.sock is not None:
                ftp.sock.settimeout(_LAST_WORD_S)
            ftp.voidresp()  # a server that ends the transfer says why, unless it is gone altogether
            raise
        if _size(ftp, part) != len(data):
            raise NotSent(NOT_WHOLE)

    def _rename(self, ftp: ftplib.FTP, part: str, name: str) -> None:
        """Give a file its name; some servers refuse a name that is taken until it is free."""
        ftp.sendcmd(f"RNFR {part}")
        try:
            self._finish(ftp, name)
        except _REPLIES:
            with suppress(*_REPLIES):
                ftp.delete(name)
            ftp.sendcmd(f"RNFR {part}")
            self._finish(ftp, name)

    def _finish(self, ftp: ftplib.FTP, name: str) -> None:
        try:
            ftp.voidcmd(f"RNTO {name}")
        except _BROKEN:
            raise InDoubt("Файл передан, но сервер не подтвердил его имя.") from None


_PlainFtp = ftplib.FTP
"""For a site that says ``tls = "no"``: its channel to the peer is protected otherwise."""


class _SecureFtp(ftplib.FTP_TLS):
    """Data connections go on in the TLS session of the control connection, as most servers demand."""

    def __init__(self, *, context: ssl.SSLContext) -> None:
        super().__init__(context=context, encoding="utf-8")
        self._tls = context

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = _PlainFtp.ntransfercmd(self, cmd, rest)
        session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
        return self._tls.wrap_socket(connection, server_hostname=self.host, session=session), size


def _code(error: Exception) -> str:
    """Code of a reply; its text belongs to the peer and may name a file."""
    return str(error)[:3]


def _refusal(error: Exception, text: str) -> NotSent | PeerRefused:
    kind = NotSent if _code(error) in _NOT_NOW else PeerRefused
    return kind(f"{text}: код {_code(error)}.")


def _blame(ftp: ftplib.FTP, name: str, error: Exception, unusable: str) -> None:
    """Tell a file that lies there and is refused from one that is gone, or a server that fails."""
    if _code(error) not in _NOT_NOW and _lies_there(ftp, name):
        raise FileUnusable(f"{unusable}: код {_code(error)}.") from None


def _lies_there(ftp: ftplib.FTP, name: str) -> bool:
    """Tell whether there is such a file; a listing, which may be long, is asked for only where its size is not told."""
    with suppress(ftplib.error_perm):
        ftp.voidcmd("TYPE I")
        if _size(ftp, name) is not None:
            return True
    listed: list[str] = []
    _list(ftp, lambda each: listed.append(each) if each == name else None)
    return bool(listed)


def _size(ftp: ftplib.FTP, name: str) -> int | None:
    """Size that the server tells; None when there is no such file."""
    try:
        return ftp.size(name)
    except ftplib.error_perm as error:
        if _code(error) == "550":
            return None
        raise


def _list(ftp: ftplib.FTP, keep: Callable[[str], None]) -> None:
    """Tell the names in the folder we stand in, as they come: MLSD, or NLST where the server has no MLSD."""

    def file(line: str) -> None:
        facts, _, name = line.partition(" ")
        if "type=file" in facts.lower().split(";"):
            keep(name)

    try:
        ftp.retrlines("MLSD", file)
    except ftplib.error_perm as error:
        if _code(error) not in _NOT_IMPLEMENTED:
            raise
    else:
        return
    try:
        ftp.retrlines("NLST", lambda line: keep(line.replace("\\", "/").rpartition("/")[2]))
    except ftplib.error_perm as error:
        if _code(error) != "550":  # what many servers say of an empty folder
            raise


def _forget(ftp: ftplib.FTP, part: str) -> None:
    with suppress(*_REPLIES, *_BROKEN):
        ftp.delete(part)
