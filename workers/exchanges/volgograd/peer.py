"""Файлы «263» as the verbs of a peer: archives go out, replies come back, over any transport of files."""

from __future__ import annotations

import re
from typing import Final

from workers.exchange import Files, Peer, Reply, ZippedFiles

_REPLY_NAME: Final = re.compile(r"R(I0[1-7]T34M.*)")
_TOLD_NAME: Final = re.compile(rb"<NAME_F>\s*(?:R)?([0-9A-Z_]{1,32})\s*</NAME_F>")


def connect(transport: Files) -> Peer:
    """Sign in and find the folder for packets before any of them is said to be on its way.

    Raises:
        NotSent, SignInRefused, PeerRefused.
    """
    transport.reach()
    return ZippedFiles(transport, _packet_of, _reply)


def _packet_of(stem: str) -> str | None:
    found = _REPLY_NAME.fullmatch(stem)
    return found[1] if found else None


def _reply(file: str, data: bytes, name: str) -> Reply:
    """A reply names its packet by the name of its file and in NAME_F; where they differ it names none."""
    told = _TOLD_NAME.search(data)
    agreed = told is None or told[1].decode() == name
    return Reply(None, file, data, name if agreed else None)
