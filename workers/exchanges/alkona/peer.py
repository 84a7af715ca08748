"""Файлы Альконы as the verbs of a peer: zipped packets go out, replies come back, over any transport of files."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from workers.exchange import (
    Files,
    Known,
    Outgoing,
    PacketStatus,
    Peer,
    Receipt,
    Reply,
    TransportError,
    Verdict,
)

MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
_BAD_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError, OSError)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Moment of every file in an archive, so that the same packet makes the same bytes."""
_PACKET: Final = re.compile(rb"<ID>\s*([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\s*</ID>")
_REPLY_NAME: Final = re.compile(r"R((?:DEP|DN|PRF)M.*)")
_PROTOCOL_NAME: Final = re.compile(r"V(EP|N|RF)(M.*)")
_PROTOCOL_TYPES: Final = {"EP": "DEP", "N": "DN", "RF": "PRF"}
"""A ФЛК protocol bears the name of its file with the first letter changed to V (order 79)."""


def connect(transport: Files) -> Peer:
    """Sign in and find the folder for packets before any of them is said to be on its way.

    Raises:
        NotSent, SignInRefused, PeerRefused.
    """
    transport.reach()
    return _Alkona(transport)


class _Alkona:
    def __init__(self, files: Files) -> None:
        self._files = files

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Put files in the given order; one that has its reply already is not put again.

        Safe to repeat: a packet's file has its own name for ever, and Алькона knows the packet by its id. When the
        transport fails in the middle, those put so far are told and the rest are in doubt.
        """
        receipts: list[Receipt] = []
        try:
            answered = {self._name(file) for file in self._files.names()}
            for packet in packets:
                name = packet.name or str(packet.packet_id)
                if name not in answered:
                    self._files.put(f"{name}.zip", _zipped(f"{name}.xml", packet.data))
                receipts.append(Receipt(packet.packet_id, Verdict(PacketStatus.SENT)))
        except TransportError:
            if not receipts:
                raise
        return receipts

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """A folder does not tell; sending again is safe."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:
        """Read replies and protocols, at most ``limit``; the name of the file is also what removes it."""
        replies = []
        for file in self._files.names():
            name = self._name(file)
            if name is not None:
                data = _unzipped(self._files.read(file)) if file.endswith(".zip") else self._files.read(file)
                found = _PACKET.search(data)
                replies.append(Reply(UUID(found[1].decode()) if found else None, file, data, name))
                if len(replies) == limit:
                    break
        return replies

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """Remove replies that the journal holds."""
        for file in confirm_ids:
            self._files.remove(file)

    @staticmethod
    def _name(file: str) -> str | None:
        """Name of the packet that a file which came speaks of; None for files that are not ours to read."""
        stem, _, suffix = file.rpartition(".")
        if suffix not in ("xml", "zip"):
            return None
        if reply := _REPLY_NAME.fullmatch(stem):
            return reply[1]
        protocol = _PROTOCOL_NAME.fullmatch(stem)
        return f"{_PROTOCOL_TYPES[protocol[1]]}{protocol[2]}" if protocol else None


def _zipped(name: str, data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _unzipped(data: bytes) -> bytes:
    """The one file of an archive; the archive itself when it is not such an archive, for nobody will read that."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (entry,) = archive.infolist()
            if entry.file_size > MAX_REPLY_BYTES:
                return data
            with archive.open(entry) as file:
                return file.read(MAX_REPLY_BYTES)
    except _BAD_ARCHIVE:
        return data
