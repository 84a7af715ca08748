"""PDUs of SMPP 3.4 as a strict centre reads and writes them: only those of a transceiver session.

Source: Short Message Peer-to-Peer Protocol Specification v3.4, issue 1.2, sections 4 and 5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEADER: Final = struct.Struct(">IIII")
MAX_PDU_BYTES: Final = 64 * 1024
RESPONSE: Final = 0x80000000


class Command(IntEnum):
    """command_id of a request; a response has the highest bit set."""

    GENERIC_NACK = 0x00
    QUERY_SM = 0x03
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15


class Status(IntEnum):
    """command_status, 5.1.3."""

    OK = 0x00
    INVALID_LENGTH = 0x01
    INVALID_COMMAND = 0x03
    NOT_BOUND = 0x04
    ALREADY_BOUND = 0x05
    INVALID_SOURCE = 0x0A
    INVALID_DESTINATION = 0x0B
    INVALID_PASSWORD = 0x0E
    QUEUE_FULL = 0x14
    INVALID_ESM_CLASS = 0x43
    THROTTLED = 0x58
    QUERY_FAILED = 0x67


class BrokenPdu(Exception):
    """The bytes are no PDU: the session cannot go on."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One PDU read whole."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def encoded(self) -> bytes:
        """Its bytes."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    def answer(self, status: Status = Status.OK, body: bytes = b"") -> Pdu:
        """The response to this request."""
        return Pdu(self.command | RESPONSE, status, self.sequence, body)


@dataclass(frozen=True, slots=True)
class Submission:
    """The fields of submit_sm that the centre looks at."""

    source: str
    destination_ton: int
    destination: str
    esm_class: int
    data_coding: int
    message: bytes


def cut_pdu(data: bytearray) -> Pdu | None:
    """Take the first PDU off the bytes received; None while it is not whole.

    Raises:
        BrokenPdu: its length cannot be right.
    """
    if len(data) < HEADER.size:
        return None
    length, command, status, sequence = HEADER.unpack_from(data)
    if not HEADER.size <= length <= MAX_PDU_BYTES:
        raise BrokenPdu
    if len(data) < length:
        return None
    body = bytes(data[HEADER.size : length])
    del data[:length]
    return Pdu(command, status, sequence, body)


def read_bind(body: bytes) -> tuple[str, str]:
    """system_id and password of a bind.

    Raises:
        BrokenPdu: the fields are not there.
    """
    reader = _Reader(body)
    return reader.text(16), reader.text(9)


def read_submission(body: bytes) -> Submission:
    """The fields of submit_sm, 4.4.1.

    Raises:
        BrokenPdu: the body is not one.
    """
    reader = _Reader(body)
    reader.text(6)
    reader.byte(), reader.byte()
    source = reader.text(21)
    ton, _ = reader.byte(), reader.byte()
    destination = reader.text(21)
    esm_class, _, _ = reader.byte(), reader.byte(), reader.byte()
    reader.text(17), reader.text(17)
    _, _, coding, _ = reader.byte(), reader.byte(), reader.byte(), reader.byte()
    message = reader.bytes(reader.byte())
    return Submission(source, ton, destination, esm_class, coding, message)


def read_query(body: bytes) -> tuple[str, str]:
    """message_id and source address of query_sm, 4.8.1.

    Raises:
        BrokenPdu: the body is not one.
    """
    reader = _Reader(body)
    peer_id = reader.text(65)
    reader.byte(), reader.byte()
    return peer_id, reader.text(21)


def write_state(peer_id: str, state: int) -> bytes:
    """Body of query_sm_resp, 4.8.2; the final date is not told."""
    return peer_id.encode() + b"\0" + b"\0" + bytes((state, 0))


def write_receipt(number: str, sender: str, text: str, peer_id: str, state: int) -> bytes:
    """Body of the deliver_sm of a delivery receipt, with the text of appendix B and the TLVs of 5.3.2."""
    body = b"\0" + b"\x01\x01" + number.encode() + b"\0" + b"\0\0" + sender.encode() + b"\0"
    body += bytes((0x04, 0, 0)) + b"\0\0" + bytes((0, 0, 0, 0))
    message = text.encode("ascii")
    tlvs = struct.pack(">HH", 0x001E, len(peer_id) + 1) + peer_id.encode() + b"\0"
    tlvs += struct.pack(">HHB", 0x0427, 1, state)
    return body + bytes((len(message),)) + message + tlvs


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._place = 0

    def text(self, limit: int) -> str:
        """A C-octet string of at most ``limit`` octets with its NUL."""
        end = self._body.find(b"\0", self._place, self._place + limit)
        if end < 0:
            raise BrokenPdu
        found = self._body[self._place : end]
        self._place = end + 1
        return found.decode("latin-1")

    def byte(self) -> int:
        return self.bytes(1)[0]

    def bytes(self, length: int) -> bytes:
        found = self._body[self._place : self._place + length]
        if len(found) != length:
            raise BrokenPdu
        self._place += length
        return found
