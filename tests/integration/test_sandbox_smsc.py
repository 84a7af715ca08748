"""The stand-in SMS centre refuses what a real one would, and owes its receipts until they are confirmed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from workers.sandbox.smpp_pdu import RESPONSE, Command, Pdu, Status, cut_pdu
from workers.sandbox.smsc import SmscSandbox
from workers.transports.smpp_parts import parts_of

NAME, PASSWORD, SENDER = "gateway", "secret-8", "Zdrav"
NUMBER = "79000000001"


@pytest.fixture
def centre() -> Iterator[SmscSandbox]:
    made = SmscSandbox()
    made.start(username=NAME, password=PASSWORD, sender=SENDER)
    yield made
    made.stop()


class Client:
    """A client that says exactly what it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = bytearray()

    def ask(self, command: int, body: bytes = b"", sequence: int = 1) -> Pdu:
        """Send a request and read its answer; receipts that come between are left."""
        self.say(Pdu(command, 0, sequence, body))
        while (pdu := self.hear()).command == Command.DELIVER_SM:
            continue
        return pdu

    def say(self, pdu: Pdu) -> None:
        self._connection.sendall(pdu.encoded())

    def hear(self) -> Pdu:
        while (pdu := cut_pdu(self._data)) is None:
            chunk = self._connection.recv(65536)
            assert chunk, "the session is over"
            self._data += chunk
        return pdu


@contextmanager
def session(centre: SmscSandbox) -> Iterator[Client]:
    place = urlsplit(centre.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        yield Client(connection)


def bind(client: Client, name: str = NAME, password: str = PASSWORD) -> int:
    body = f"{name}\0{password}\0\0".encode() + bytes((0x34, 0, 0)) + b"\0"
    return client.ask(Command.BIND_TRANSCEIVER, body).status


def submission(
    data: bytes, *, sender: str = SENDER, number: str = NUMBER, esm_class: int = 0, coding: int = 8, ton: int = 1
) -> bytes:
    head = b"\0\x05\0" + sender.encode() + b"\0" + bytes((ton, 1)) + number.encode() + b"\0"
    return head + bytes((esm_class, 0, 0)) + b"\0\0" + bytes((1, 0, coding, 0, len(data))) + data


def test_nothing_is_taken_before_a_bind_nor_of_a_stranger(centre: SmscSandbox) -> None:
    with session(centre) as client:
        assert client.ask(Command.SUBMIT_SM, submission(b"\0A")).status == Status.NOT_BOUND
        assert bind(client, password="other") == Status.INVALID_PASSWORD
    assert centre.store.count() == 0


def test_no_more_sessions_than_allowed(centre: SmscSandbox) -> None:
    centre.switches.update({"max_sessions": 1})
    with session(centre) as first, session(centre) as second:
        assert bind(first) == Status.OK
        assert bind(second) == Status.ALREADY_BOUND


LONG = parts_of("я" * 80, 7)
REFUSED = {
    "a foreign sender": (submission(b"\0A", sender="Bank"), Status.INVALID_SOURCE),
    "a number of another country": (submission(b"\0A", number="4915100000001"), Status.INVALID_DESTINATION),
    "a national number": (submission(b"\0A", ton=2), Status.INVALID_DESTINATION),
    "an odd length": (submission(b"\0AB"), Status.INVALID_LENGTH),
    "too long": (submission(b"\0A" * 71), Status.INVALID_LENGTH),
    "empty": (submission(b""), Status.INVALID_LENGTH),
    "another alphabet": (submission(b"\0A", coding=0), Status.INVALID_LENGTH),
    "a header that is none": (submission(b"\0A" * 5, esm_class=0x40), Status.INVALID_ESM_CLASS),
    "a part beyond the last": (submission(LONG[0][:5] + b"\x03" + b"\0A", esm_class=0x40), Status.INVALID_ESM_CLASS),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_wrong_is_refused_by_its_code(centre: SmscSandbox, why: str) -> None:
    body, status = REFUSED[why]
    with session(centre) as client:
        bind(client)
        assert client.ask(Command.SUBMIT_SM, body).status == status
    assert centre.ledger() == []


def test_parts_become_a_message_in_whatever_order_they_come(centre: SmscSandbox) -> None:
    with session(centre) as client:
        bind(client)
        for part in reversed(LONG):
            assert client.ask(Command.SUBMIT_SM, submission(part, esm_class=0x40)).status == Status.OK
    (message,) = centre.ledger()
    assert (message.number, message.text, message.whole) == (NUMBER, "я" * 80, True)


def test_a_receipt_comes_again_until_it_is_confirmed(centre: SmscSandbox) -> None:
    with session(centre) as client:
        bind(client)
        client.ask(Command.SUBMIT_SM, submission("ю".encode("utf-16-be")))
        assert b"stat:DELIVRD" in client.hear().body
    with session(centre) as client:
        bind(client)
        again = client.hear()
        assert b"stat:DELIVRD" in again.body
        client.say(Pdu(Command.DELIVER_SM | RESPONSE, Status.OK, again.sequence, b"\0"))
        assert client.ask(Command.ENQUIRE_LINK).status == Status.OK
    assert centre.store.owed(10, ()) == []


def test_junk_ends_the_session_and_an_unknown_command_is_told(centre: SmscSandbox) -> None:
    with session(centre) as client:
        bind(client)
        assert client.ask(0x99).status == Status.INVALID_COMMAND
        client.say(Pdu(Command.SUBMIT_SM, 0, 5, b"no end"))
        with pytest.raises(AssertionError, match="over"):
            client.hear()
