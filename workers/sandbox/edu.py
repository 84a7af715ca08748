"""The stand-in service of educational organisations: SOAP over HTTP, strict and stateful.

It knows the organisations of its own list, takes a notification once, and answers each with a receipt at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import GatewayError
from gateway.resources import resource_dir
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from workers.sandbox.commands import serve, serving, signing_in
from workers.sandbox.soap import Credentials, Element
from workers.sandbox.soap11 import Soap11Peer
from workers.sandbox.stand import Memory, Opened, SoapStand
from workers.sandbox.switches import Switches, chosen

PATH: Final = "/edu"
SERVICE: Final = "urn:ours:edu:notify:ws:1"
_NS: Final = {"n": "urn:ours:edu:notify:1"}
SCHOOLS: Final = frozenset({"1023400000017", "1023400000028"})
"""ОГРН of the invented organisations it knows."""
_LEDGER: Final = (
    "CREATE TABLE IF NOT EXISTS ledger (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,"
    " school TEXT NOT NULL, sha256 TEXT NOT NULL, verdict TEXT NOT NULL, code TEXT, receptions INTEGER NOT NULL);"
)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One notification the service answered; ``receptions`` counts its arrivals."""

    number: int
    id: str
    school: str
    sha256: str
    verdict: str
    code: str | None
    receptions: int


class _Refused(Exception):
    """This notification is not taken."""

    def __init__(self, code: str, message: str, given_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.given_id = given_id


class EduSandbox(SoapStand):
    """One stand-in in this process. ``switches`` may be changed at any moment; the admin endpoint has GET /ledger."""

    path = PATH

    def _open(self, credentials: Credentials, state: Path | None) -> Opened:
        self._store = _Store(state)
        peer = _Schools(self._store, self.switches)
        soap = Soap11Peer(
            resource_dir("wsdl") / "edu.wsdl",
            PATH,
            credentials,
            {"SendNotifications": peer.send_notifications},
            frozenset({"SendNotifications"}),
            fault="eduFault",
        )
        admin = {("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()]}
        return soap, admin, self._store

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every notification ever answered, in the order of arrival."""
        return self._store.ledger()


class _Schools:
    """The operation of the WSDL."""

    def __init__(self, store: _Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._schema = resource_dir("xsd") / "edu" / "1.0" / "EduNotification.xsd"

    def send_notifications(self, request: Element) -> Element:
        """Take notifications in the order given, all in one transaction."""
        result = etree.Element(_name("result"), nsmap={None: SERVICE})
        receipts = etree.SubElement(result, _name("receipts"))
        given = request.iterfind(f"{_name('notifications')}/{_name('notification')}")
        with self._store.transaction():
            for position, notification in enumerate(given, 1):
                receipt = etree.SubElement(receipts, _name("receipt"))
                _add(receipt, "position", str(position))
                self._answer(receipt, notification.text or "")
        return result

    def _answer(self, receipt: Element, text: str) -> None:
        try:
            notification_id, status = self._take(text)
        except _Refused as refused:
            _add(receipt, "notificationId", refused.given_id)
            _add(receipt, "status", "REJECTED")
            _add(receipt, "code", refused.code)
            _add(receipt, "message", refused.message)
        else:
            _add(receipt, "notificationId", notification_id)
            _add(receipt, "status", status)

    def _take(self, text: str) -> tuple[str, str]:
        try:
            root = parse_text(text)
        except GatewayError:
            raise _Refused("XML_INVALID", "Уведомление не читается.") from None
        found = validate(root, self._schema)
        given = root.findtext("n:NotificationId", None, _NS)
        if found or given is None:
            raise _Refused("XML_INVALID", "Уведомление не соответствует схеме.")
        digest = sha256(text.encode()).hexdigest()
        known = self._store.find(given.lower())
        if known is not None and known.sha256 != digest:
            raise _Refused("DUPLICATE_ID", "Идентификатор уже занят другим содержанием.", given)
        if known is not None:
            self._store.received_again(known.id)
            if known.code is not None:
                raise _Refused(known.code, "Уведомление уже было отклонено.", given)
            return given, "DUPLICATE"
        school = root.findtext("n:EduOrg/n:Ogrn", "", _NS)
        refused = self._refusal(root, school, given)
        self._store.record(given.lower(), school, digest, refused.code if refused else None)
        if refused:
            raise refused
        return given, "ACCEPTED"

    def _refusal(self, root: Element, school: str, given: str) -> _Refused | None:
        values = self._switches.values
        if school not in SCHOOLS:
            return _Refused("EDU_ORG_UNKNOWN", "Образовательная организация не найдена.", given)
        begun, ended = (root.findtext(f"n:Period/n:{name}", "", _NS) for name in ("From", "To"))
        if ended and ended < begun:
            return _Refused("PERIOD_INVALID", "Период заканчивается раньше, чем начался.", given)
        if chosen(values, "reject", given, values.reject_percent):
            return _Refused("CHILD_NOT_FOUND", "Ребёнок в организации не найден.", given)
        return None


class _Store(Memory):
    """The ledger."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(file, _LEDGER)

    def find(self, key: str) -> LedgerEntry | None:
        """What came under an id before."""
        row = self._one("SELECT * FROM ledger WHERE id = ?", key)
        return LedgerEntry(*row) if row else None

    def received_again(self, key: str) -> None:
        """Count one more arrival."""
        self._all("UPDATE ledger SET receptions = receptions + 1 WHERE id = ?", key)

    def record(self, key: str, school: str, digest: str, code: str | None) -> None:
        """Write a first arrival with its verdict."""
        verdict = "REJECTED" if code else "ACCEPTED"
        self._all(
            "INSERT INTO ledger (id, school, sha256, verdict, code, receptions) VALUES (?, ?, ?, ?, ?, 1)",
            *(key, school, digest, verdict, code),
        )

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every row, in order."""
        return tuple(LedgerEntry(*row) for row in self._all("SELECT * FROM ledger ORDER BY number"))


@click.command
@serving
@signing_in
def command(**given: Any) -> None:
    """Служба образования: уведомления по SOAP."""
    sandbox = EduSandbox()
    serve("Служба образования", sandbox, partial(sandbox.start, **given))


def _name(local: str) -> str:
    return f"{{{SERVICE}}}{local}"


def _add(parent: Element, local: str, text: str | None) -> None:
    if text is not None:
        etree.SubElement(parent, _name(local)).text = text
