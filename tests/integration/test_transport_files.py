"""FTP, FTPS and SFTP against real servers: a whole file or none, whatever happens on the way."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gateway.domain.errors import ConfigurationError
from tests.support import bureau
from tests.support.bureau import WAYS
from workers.exchange import InDoubt, NotSent, PeerRefused, SignInRefused
from workers.sandbox.mse import MseSandbox
from workers.sandbox.switches import Outage
from workers.transports import file_servers

DATA = b"<Document>" + bytes(range(256)) * 600 + b"</Document>"
BIG = len(DATA)


class Door:
    """One way into one running server whose clerks are away, so that files lie where they were put."""

    def __init__(self, sandbox: MseSandbox, given: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.settings = given
        self.files = bureau.transport(given)

    def changed(self, **given: str) -> Any:
        """A transport of its own, some settings changed."""
        return bureau.transport({**self.settings, **given})

    def exported(self) -> dict[str, bytes]:
        """Every file in the folder for referrals, temporary ones too."""
        return {path.name: path.read_bytes() for path in self.sandbox.tree.exported.iterdir()}


@pytest.fixture(scope="module", params=WAYS)
def server(request: pytest.FixtureRequest) -> Iterator[Door]:
    with bureau.bureau(request.param) as sandbox:
        yield Door(sandbox, bureau.settings(sandbox, request.param))


@pytest.fixture
def door(server: Door) -> Iterator[Door]:
    server.sandbox.switches.reset()
    server.sandbox.switches.update({"idle": True})
    for folder in (server.sandbox.tree.exported, server.sandbox.tree.imported):
        for path in folder.iterdir():
            path.unlink(missing_ok=True)
    fresh = Door(server.sandbox, server.settings)
    yield fresh
    fresh.files.close()
    server.sandbox.switches.reset()


def test_a_file_is_put_whole_and_replaced(door: Door) -> None:
    door.files.reach()
    door.files.put("a.xml", b"<a/>")
    door.files.put("a.xml", DATA)
    assert door.exported() == {"a.xml": DATA}
    assert door.files.has("a.xml")
    assert not door.files.has("b.xml")


def test_files_that_came_are_listed_read_and_removed(door: Door) -> None:
    for name in ("b.xml", "a.xml", "c.zip"):
        door.sandbox.lay_out(name, DATA + name.encode())
    (door.sandbox.tree.imported / ".hidden.xml").write_bytes(b"<x/>")
    (door.sandbox.tree.imported / "folder.xml").mkdir()
    assert door.files.names(".xml") == ("a.xml", "b.xml")
    assert [len(door.files.names(suffix, 1)) for suffix in (".xml", "")] == [1, 1]
    assert door.files.read("a.xml") == DATA + b"a.xml"
    door.files.remove("a.xml")
    door.files.remove("a.xml")
    assert door.files.names(".xml") == ("b.xml",)
    (door.sandbox.tree.imported / "folder.xml").rmdir()
    with pytest.raises(NotSent):
        door.files.read("a.xml")


@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, BIG))
@example(0)
@example(1)
@example(BIG - 1)
@example(BIG)
def test_an_upload_cut_at_any_byte_leaves_no_half_file_and_the_next_one_repairs_it(door: Door, byte: int) -> None:
    door.files.put("a.xml", b"<before/>")
    door.sandbox.switches.update({"cut_at_byte": byte, "cut_next": 1})
    with pytest.raises(NotSent):
        door.files.put("a.xml", DATA)
    assert door.exported()["a.xml"] == b"<before/>"
    door.files.put("a.xml", DATA)
    assert door.exported() == {"a.xml": DATA}


@pytest.mark.parametrize("byte", [0, 1, 70_000, BIG - 1])
def test_a_file_that_the_server_calls_whole_and_is_not_never_gets_its_name(door: Door, byte: int) -> None:
    door.sandbox.switches.update({"cut_at_byte": byte, "shorten_next": 1})
    with pytest.raises(NotSent, match="не целиком"):
        door.files.put("a.xml", DATA)
    assert door.exported() == {}
    door.files.put("a.xml", DATA)
    assert door.exported() == {"a.xml": DATA}


def test_a_rename_without_an_answer_is_in_doubt_and_can_be_asked_about(door: Door) -> None:
    door.sandbox.switches.update({"drop_rename_next": 1})
    with pytest.raises(InDoubt):
        door.files.put("a.xml", DATA)
    assert door.files.has("a.xml")
    assert door.exported() == {"a.xml": DATA}


def test_a_full_disk_and_missing_rights_are_refusals(door: Door) -> None:
    door.sandbox.switches.update({"disk_full": True})
    with pytest.raises((PeerRefused, NotSent)):
        door.files.put("a.xml", DATA)
    assert "a.xml" not in door.exported()
    door.sandbox.switches.update({"disk_full": False, "deny_export": True})
    with pytest.raises(PeerRefused, match="нет доступа"):
        door.files.put("a.xml", DATA)
    door.sandbox.switches.update({"deny_export": False})
    door.files.put("a.xml", DATA)
    assert door.exported() == {"a.xml": DATA}


def test_a_folder_that_is_not_there(door: Door) -> None:
    elsewhere = door.changed(export_folder="/нет", import_folder="/export")
    with pytest.raises(PeerRefused, match="Папки для экспорта не существует или к ней нет доступа"):
        elsewhere.reach()
    with pytest.raises((NotSent, PeerRefused)):
        elsewhere.names()
    elsewhere.close()
    nowhere = door.changed(export_folder="", import_folder="")
    with pytest.raises(ConfigurationError, match="Не задана папка для экспорта"):
        nowhere.reach()
    with pytest.raises(ConfigurationError, match="Не задана папка для импорта"):
        nowhere.names()
    nowhere.close()


def test_a_wrong_password_is_told_as_such(door: Door) -> None:
    stranger = door.changed(password="не тот")
    with pytest.raises(SignInRefused, match="Ошибка при авторизации"):
        stranger.reach()
    stranger.close()


def test_a_server_that_is_away_took_nothing(door: Door) -> None:
    door.files.put("a.xml", DATA)
    door.sandbox.switches.update({"outage": Outage.REFUSE})
    for _ in range(2):
        with pytest.raises(NotSent):
            door.files.put("b.xml", DATA)
    door.sandbox.switches.update({"outage": Outage.NONE})
    door.files.put("b.xml", DATA)
    assert door.exported().keys() == {"a.xml", "b.xml"}


def test_a_server_that_accepts_and_says_nothing_is_given_up(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        files = door.changed(port=port, connect_timeout_s="0.3", read_timeout_s="0.3")
        with pytest.raises(NotSent, match="Нет соединения"):
            files.reach()
        files.close()


def test_too_large_a_file_is_not_read(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.transports import ftp, sftp  # noqa: PLC0415 # both hold the limit under the same name

    for module in (file_servers, ftp, sftp):
        monkeypatch.setattr(module, "MAX_FILE_BYTES", 100)
    door.sandbox.lay_out("a.xml", DATA)
    with pytest.raises(PeerRefused, match="больше"):
        door.files.read("a.xml")


@pytest.mark.parametrize("name", ["", ".", "..", "../a.xml", "a/b.xml", ".a.xml", "a\r\nDELE b.xml", "я" * 101])
def test_a_name_that_is_not_a_plain_name_is_a_mistake_of_the_caller(door: Door, name: str) -> None:
    for call in (door.files.has, door.files.read, door.files.remove, lambda each: door.files.put(each, b"")):
        with pytest.raises(ValueError, match="plain"):
            call(name)


def test_a_server_with_another_host_key_is_never_spoken_to() -> None:
    with bureau.bureau("sftp") as sandbox, bureau.bureau("sftp") as other:
        given = {**bureau.settings(sandbox, "sftp"), "host_key": other.host_key}
        files = bureau.transport(given)
        with pytest.raises(SignInRefused, match="host_key"):
            files.reach()
        files.close()
        for wrong in ("", "ssh-ed25519 AAAA"):
            with pytest.raises(ConfigurationError, match="host_key"):
                bureau.transport({**given, "host_key": wrong})


def test_a_certificate_nobody_vouches_for_is_never_spoken_to() -> None:
    with bureau.bureau("ftps") as sandbox:
        files = bureau.transport({**bureau.settings(sandbox, "ftps"), "ca_bundle": ""})
        with pytest.raises(NotSent, match="сертификаты"):
            files.reach()
        files.close()
        plain = bureau.transport({**bureau.settings(sandbox, "ftps"), "tls": "no"})
        with pytest.raises((NotSent, SignInRefused)):
            plain.reach()
        plain.close()
    with bureau.bureau("ftp") as sandbox:
        secure = bureau.transport({**bureau.settings(sandbox), "tls": "yes"})
        with pytest.raises(PeerRefused, match="AUTH TLS"):
            secure.reach()
        secure.close()
