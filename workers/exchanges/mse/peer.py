"""ФБ МСЭ as a peer of files: a referral is a file put into its folder, a back ticket a file taken from ours.

There is no receipt: that a file lies in the folder under its name is all that ФБ МСЭ ever says of it at once. A file of
a name replaces the one before it, so that putting it again is safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from workers.exchange import (
    MAX_NAMES,
    Arrivals,
    Files,
    FileUnusable,
    Handled,
    Incoming,
    InDoubt,
    Known,
    NotSent,
    Outgoing,
    PacketStatus,
    Peer,
    PeerRefused,
    Receipt,
    Reply,
    Source,
    TransportError,
    Verdict,
)

SUFFIX: Final = ".xml"
TRIES: Final = 3
PAGE_BYTES: Final = 32 * 1024 * 1024
"""No further file is read once those of a page are as large as this together."""
MORE: Final = "В папке остались ещё файлы, их возьмут следующие запуски"
NOT_PUT: Final = "Не удалось загрузить файл с идентификатором направления {g_code} в папку обмена"


def connect(transport: Files) -> Peer:
    """Sign in and find the folder for referrals before any of them is said to be on its way.

    Raises:
        NotSent, SignInRefused, PeerRefused.
    """
    transport.reach()
    return _Bureau(transport)


def source(transport: Files, limit: int = MAX_NAMES) -> Source:
    """Take back tickets from the folder they are laid into, at most so many over one connection."""
    return _Tickets(transport, limit)


class _Bureau:
    def __init__(self, files: Files) -> None:
        self._files = files

    def send(self, packets: Sequence[Outgoing]) -> Sequence[Receipt]:
        """Put one file per packet. A file that the server does not take bars no other: its packet alone fails."""
        return [self._put(packet) for packet in packets]

    def _put(self, packet: Outgoing) -> Receipt:
        name = packet.name or ""
        trouble: TransportError | None = None
        for _ in range(TRIES):
            try:
                self._files.put(name, packet.data)
                return Receipt(packet.packet_id, Verdict(PacketStatus.ACCEPTED))
            except PeerRefused as error:
                trouble = error
                break
            except (NotSent, InDoubt) as error:
                trouble = error
                self._still_there(error)
        text = NOT_PUT.format(g_code=name.removesuffix(SUFFIX))
        return Receipt(packet.packet_id, Verdict(PacketStatus.SEND_ERROR, f"{text}: {trouble}"))

    def _still_there(self, error: TransportError) -> None:
        """Tell a file that does not pass from a server that went away: the latter ends the call."""
        try:
            self._files.reach()
        except NotSent:
            raise error from None

    def ask(self, packet_ids: Sequence[UUID]) -> Mapping[UUID, Known]:
        """Nobody can tell: a file that ФБ МСЭ took away looks like one that never came. The manifest repeats."""
        return dict.fromkeys(packet_ids, Known.UNKNOWN)

    def take_answers(self, limit: int) -> Sequence[Reply]:  # noqa: ARG002 # as the protocol asks
        """There are none: a back ticket is a document of the other service."""
        return ()

    def confirm(self, confirm_ids: Sequence[str]) -> None:
        """There is nothing to confirm."""


class _Tickets:
    """``_fresh`` goes through one listing of the folder, ``_trouble`` is what a file that cannot be read said."""

    def __init__(self, files: Files, limit: int) -> None:
        self._files = files
        self._arrivals = Arrivals(files, SUFFIX, limit)
        self._fresh = self._arrivals.fresh()
        self._trouble: PeerRefused | None = None

    def take(self, limit: int) -> Sequence[Incoming]:
        """Read the next files; each stays until it is confirmed. One that cannot be read is told after all others."""
        taken = self._read(limit)
        if not taken:  # what has come meanwhile: a large folder is listed once for all its pages
            self._fresh = self._arrivals.fresh()
            taken = self._read(limit)
        if not taken and self._trouble is not None:
            raise self._trouble
        return taken

    def _read(self, limit: int) -> list[Incoming]:
        taken: list[Incoming] = []
        size = 0
        for name in self._fresh:
            try:
                taken.append(Incoming(name, name, self._files.read(name)))
            except FileUnusable as error:
                self._trouble = error
                continue
            size += len(taken[-1].data)
            if len(taken) == limit or size > PAGE_BYTES:
                break
        return taken

    def remaining(self) -> str | None:
        """Tell of the files of a folder that is too large for one launch."""
        return MORE if self._arrivals.more else None

    def confirm(self, handled: Sequence[Handled]) -> Mapping[str, str]:
        """Remove the files that are journaled, those with mistakes too: the journal keeps them byte for byte.

        One that is not for us to remove bars none behind it.
        """
        refused: dict[str, str] = {}
        for each in handled:
            try:
                self._files.remove(each.incoming.name)
            except FileUnusable as error:
                refused[each.incoming.key] = str(error)
        return refused
