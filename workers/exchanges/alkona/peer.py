"""Файлы Альконы as the verbs of a peer: zipped packets go out, replies come back, over any transport of files."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from workers.exchange import Files, Peer, Reply, ZippedFiles

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
    return ZippedFiles(transport, _packet_of, _reply)


def _packet_of(stem: str) -> str | None:
    """Name of the packet that a reply or a protocol speaks of."""
    if reply := _REPLY_NAME.fullmatch(stem):
        return reply[1]
    protocol = _PROTOCOL_NAME.fullmatch(stem)
    return f"{_PROTOCOL_TYPES[protocol[1]]}{protocol[2]}" if protocol else None


def _reply(file: str, data: bytes, name: str) -> Reply:
    """A reply names its packet by id too; a protocol does not."""
    found = _PACKET.search(data)
    return Reply(UUID(found[1].decode()) if found else None, file, data, name)
