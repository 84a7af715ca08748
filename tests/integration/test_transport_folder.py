"""The folder transport on a real file system: whole files or none, and nothing but files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import FileUnusable, InDoubt, NotSent, PeerRefused
from workers.transports import folder, open_transport
from workers.transports.folder import FolderTransport

FOLDER = manifest.Transport(kind="folder", settings=("out", "in"))


@pytest.fixture
def transport(tmp_path: Path) -> FolderTransport:
    for name in ("out", "in"):
        (tmp_path / name).mkdir()
    opened: FolderTransport = open_transport(FOLDER, {name: str(tmp_path / name) for name in ("out", "in")})
    return opened


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir())


def test_a_file_is_put_whole_and_replaced(transport: FolderTransport, tmp_path: Path) -> None:
    transport.put("a.xml", b"<a/>")
    transport.put("a.xml", b"<b/>")
    assert names(tmp_path / "out") == ["a.xml"]
    assert (tmp_path / "out" / "a.xml").read_bytes() == b"<b/>"


def test_a_file_put_is_there_until_the_peer_takes_it(transport: FolderTransport, tmp_path: Path) -> None:
    transport.put("a.xml", b"<a/>")
    assert transport.has("a.xml")
    (tmp_path / "out" / "a.xml").unlink()
    assert not transport.has("a.xml")


def test_files_that_came_are_listed_read_and_removed(transport: FolderTransport, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    for name in ("b.xml", "a.xml", "c.zip", ".d.xml"):
        (inbox / name).write_bytes(name.encode())
    (inbox / "e.xml").mkdir()
    (inbox / "f.xml").symlink_to(inbox / "a.xml")
    assert transport.names(".xml") == ("a.xml", "b.xml")
    assert [len(transport.names(suffix, 1)) for suffix in (".xml", "")] == [1, 1]
    assert transport.read("a.xml") == b"a.xml"
    transport.remove("a.xml")
    transport.remove("a.xml")
    assert transport.names(".xml") == ("b.xml",)
    transport.close()


def test_a_file_that_cannot_be_written_leaves_nothing(
    transport: FolderTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotSent, match="28"):
        transport.put("a.xml", b"<a/>")
    assert names(tmp_path / "out") == []


def test_a_file_in_place_that_the_disk_did_not_confirm_is_in_doubt(
    transport: FolderTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(folder, "sync_folder", broken)
    with pytest.raises(InDoubt, match="5"):
        transport.put("a.xml", b"<a/>")
    assert names(tmp_path / "out") == ["a.xml"]


def test_folders_that_went_away(transport: FolderTransport, tmp_path: Path) -> None:
    (tmp_path / "out").rmdir()
    (tmp_path / "in").rmdir()
    with pytest.raises(NotSent):
        transport.put("a.xml", b"<a/>")
    with pytest.raises(NotSent):
        transport.names(".xml")
    with pytest.raises(NotSent):
        transport.has("a.xml")
    with pytest.raises(NotSent) as caught:
        transport.read("Примерова.xml")
    assert "Примерова" not in str(caught.value)


def test_only_files_are_read(transport: FolderTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = tmp_path / "in"
    os.mkfifo(inbox / "pipe")
    (inbox / "link").symlink_to("/etc/hostname")
    (inbox / "large").write_bytes(b"12345")
    monkeypatch.setattr(folder, "MAX_FILE_BYTES", 4)
    with pytest.raises(PeerRefused, match="не файл"):
        transport.read("pipe")
    with pytest.raises(FileUnusable):
        transport.read("link")
    with pytest.raises(PeerRefused, match="больше"):
        transport.read("large")


@pytest.mark.parametrize("name", ["", ".", "..", "../a.xml", "a/b.xml", "/a.xml", ".a.xml", "a\0.xml", "я" * 101])
def test_a_name_that_is_not_a_plain_name_is_a_mistake_of_the_caller(transport: FolderTransport, name: str) -> None:
    for call in (transport.read, transport.remove, lambda each: transport.put(each, b"")):
        with pytest.raises(ValueError, match="plain"):
            call(name)


def test_settings_are_checked_first(tmp_path: Path) -> None:
    for settings in ({"out": str(tmp_path), "in": str(tmp_path)}, {"out": str(tmp_path), "in": "/нет"}, {}):
        with pytest.raises(ConfigurationError):
            open_transport(FOLDER, settings)


def test_services_that_share_a_folder_see_their_own_files(tmp_path: Path) -> None:
    for name in ("out", "in"):
        (tmp_path / name).mkdir()
    for name in ("RDN1.zip", "RPRF1.zip", "rdn2.zip", "VN3.xml"):
        (tmp_path / "in" / name).write_bytes(b"x")
    shared = manifest.Transport(kind="folder", settings=("out", "in"), incoming=("RDN*", "VN*"))
    transport = open_transport(shared, {name: str(tmp_path / name) for name in ("out", "in")})
    assert transport.names() == ("RDN1.zip", "VN3.xml")
    assert transport.names(".xml") == ("VN3.xml",)
    transport.remove("VN3.xml")
    assert transport.names(".xml") == ()
    transport.close()
