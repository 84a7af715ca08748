"""FTP servers differ: those without MLSD, those that refuse a taken name, those that keep sizes to themselves."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support import bureau
from tests.support.bureau import PASSWORD, USER
from workers.exchange import NotSent, PeerRefused

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
Opened = Callable[..., Any]


def without(*commands: str) -> dict[str, Any]:
    """A server that does not know these commands."""
    return {"proto_cmds": {name: each for name, each in FTPHandler.proto_cmds.items() if name not in commands}}


def refuses_taken_names(handler: Any, path: str) -> None:
    if Path(path).exists():
        handler.respond("550 File exists.")
    else:
        FTPHandler.ftp_RNTO(handler, path)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Start a server that differs so from the usual one; the transport to it."""
    for name in ("export", "import"):
        (tmp_path / name).mkdir()
    loops: list[tuple[Thread, list[bool], Any]] = []

    def start(**members: Any) -> Any:
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(tmp_path), perm="elradfmwMT")
        handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, **members})
        server = FTPServer(("127.0.0.1", 0), handler, ioloop=IOLoop())
        stopped: list[bool] = []
        thread = Thread(target=lambda: serve(server, stopped), daemon=True)
        thread.start()
        files = bureau.transport(
            {
                "host": "127.0.0.1",
                "port": str(server.address[1]),
                "user": USER,
                "password": PASSWORD,
                "tls": "no",
                "export_folder": "export/",
                "import_folder": "/import",
            }
        )
        loops.append((thread, stopped, files))
        return files

    yield start
    for thread, stopped, files in loops:
        files.close()
        stopped.append(True)
        thread.join()


def serve(server: Any, stopped: list[bool]) -> None:
    while not stopped:
        server.ioloop.loop(0.02, blocking=False)
    server.close_all()


def test_names_are_listed_where_there_is_no_mlsd(opened: Opened, tmp_path: Path) -> None:
    files = opened(**without("MLSD", "MLST"))
    assert files.names(".xml") == ()
    for name in ("b.xml", "a.xml", "c.txt", ".d.xml"):
        (tmp_path / "import" / name).write_bytes(b"<a/>")
    assert files.names(".xml") == ("a.xml", "b.xml")
    assert files.names(".xml", 1) in {("a.xml",), ("b.xml",)}
    assert files.read("a.xml") == b"<a/>"


def test_a_taken_name_is_freed_where_the_server_demands_it(opened: Opened, tmp_path: Path) -> None:
    files = opened(ftp_RNTO=refuses_taken_names)
    for content in (b"<a/>", b"<b/>"):
        files.put("a.xml", content)
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "export").iterdir()] == [("a.xml", b"<b/>")]


def test_a_server_that_tells_no_sizes_is_refused_for_an_upload_cannot_be_confirmed(
    opened: Opened, tmp_path: Path
) -> None:
    files = opened(**without("SIZE"))
    with pytest.raises(PeerRefused, match="500"):
        files.put("a.xml", b"<a/>")
    assert list((tmp_path / "export").iterdir()) == []


def test_a_server_that_says_no_later_is_an_ordinary_failure(opened: Opened, tmp_path: Path) -> None:
    files = opened(max_login_attempts=1, ftp_DELE=lambda handler, _path: handler.respond("450 Busy."))
    (tmp_path / "import" / "a.xml").write_bytes(b"<a/>")
    with pytest.raises(NotSent, match="450"):
        files.remove("a.xml")
    assert files.read("a.xml") == b"<a/>"
