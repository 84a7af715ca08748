"""A peer of packets over zipped files: a packet is an archive with one file in it, replies are files of known names."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from gateway.domain.statuses import PacketStatus
from workers.exchange.common import TransportError
from workers.exchange.files import Arrivals, Files
from workers.exchange.packets import Known, Outgoing, Receipt, Reply, Verdict

MAX_REPLY_BYTES: Final = 32 * 1024 * 1024
PAGE_BYTES: Final = 32 * 1024 * 1024
"""No further reply is read once those of a page are as large as this together."""
_BAD_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, OSError)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Moment of every file in an archive, so that the same packet makes the same bytes."""


class ZippedFiles:
    """The verbs of a peer (:class:`workers.exchange.Peer`) over any transport of files.

    A packet's file has its own name for ever, and the peer knows a packet that comes again, so sending is safe to
    repeat. ``packet_of`` tells from the name of a file that came, without its extension, which packet it speaks of;
    None for files that are not ours to read. ``reply`` makes the reply of what such a file holds: file name, bytes,
    name of the packet.
    """

    def __init__(
        self,
        files: Files,
        packet_of: Callable[[str], str | None],
        reply: Callable[[str, bytes, str], Reply],
    ) -> None:
        self._files = files
        self._arrivals = Arrivals(files)
        self._packet_of = packet_of
        self._reply = reply
        self._unread: set[str] = set()

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Put files in the given order; one that has its reply already is not put again.

        When the transport fails in the middle, those put so far are told and the rest are in doubt.
        """
        receipts: list[Receipt] = []
        try:
            answered = {self._spoken_of(file) for file in self._files.names()}
            for packet in packets:
                name = packet.name or str(packet.packet_id)
                if name not in answered:
                    self._files.put(f"{name}.zip", zipped(f"{name}.xml", packet.data))
                receipts.append(Receipt(packet.packet_id, Verdict(PacketStatus.SENT)))
        except TransportError:
            if not receipts:
                raise
        return receipts

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """A folder does not tell; sending again is safe."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:
        """Read replies not read yet, at most ``limit``; the name of the file is also what removes it.

        A page ends early when what it holds is large. A file that cannot be read is an empty answer: its packet is
        told so, and it stays.
        """
        replies: list[Reply] = []
        size = 0
        for file in self._arrivals.fresh():
            name = self._spoken_of(file)
            if name is None:
                continue
            data = self._content(file)
            size += len(data)
            replies.append(self._reply(file, data, name))
            if len(replies) == limit or size > PAGE_BYTES:
                break
        return replies

    def _content(self, file: str) -> bytes:
        data = self._arrivals.read(file)
        if data is not None and file.lower().endswith(".zip"):
            data = unzipped(data)
        if data is not None and len(data) <= MAX_REPLY_BYTES:
            return data
        self._unread.add(file)
        return b""

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """Remove replies that the journal holds; a file that could not be read is nowhere else, and stays."""
        self._arrivals.remove([file for file in confirm_ids if file not in self._unread])

    def _spoken_of(self, file: str) -> str | None:
        stem, _, suffix = file.rpartition(".")
        return self._packet_of(stem) if suffix.lower() in ("xml", "zip") else None


def zipped(name: str, data: bytes) -> bytes:
    """An archive of one file; the same bytes for the same file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def unzipped(data: bytes) -> bytes:
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
