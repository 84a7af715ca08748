"""The stand-in ФГИС ФРИ that tells of disabled people: SOAP over HTTP, strict and stateful.

It knows the extracts it was given, judges requests by rules of its own, tells changes page by page, and keeps a ledger
of whatever it handed out.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import InvalidRequest
from gateway.domain.numbers import snils_is_right
from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.commands import serve, serving, signing_in
from workers.sandbox.fri_disabled_state import LedgerEntry, Page, Store
from workers.sandbox.soap import Credentials, Element
from workers.sandbox.soap11 import Soap11Peer
from workers.sandbox.stand import Opened, SoapStand
from workers.sandbox.switches import Count, Malformation, Switches, SwitchValues

PATH: Final = "/disabled"
SERVICE: Final = "urn:ours:fri:disabled:ws:1"
_REQUEST: Final = "{http://kvs.fri.com/extraction-invalid-data/1.0.3}"
_PERSON: Final = {"f": "http://fri.pfr.ru"}
_OPERATIONS: Final = frozenset({"GetInvalidExtract", "ListChanges"})
DEFAULT_LIMIT: Final = 100


class FriSwitchValues(SwitchValues):
    """What this peer can do wrong besides.

    ``wrong_person_next``: so many extracts asked for are of somebody else. ``answer_delay_s`` holds every answer back.
    """

    wrong_person_next: Count = 0


class FriDisabledSandbox(SoapStand):
    """One stand-in in this process. ``switches`` may be changed at any moment; the admin endpoint has GET /ledger, POST
    /extracts (``{"extract": "<ВыпискаФРИ …>"}``) and POST /forget-pages.
    """

    path = PATH

    def __init__(self) -> None:
        super().__init__(FriSwitchValues)

    def _open(self, credentials: Credentials, state: Path | None) -> Opened:
        self._store = Store(state)
        register = _Register(self._store, self.switches)
        soap = Soap11Peer(
            resource_dir("wsdl") / "fri_disabled.wsdl",
            PATH,
            credentials,
            {"GetInvalidExtract": register.get_extract, "ListChanges": register.list_changes},
            _OPERATIONS,
            fault="friFault",
        )
        admin = {
            ("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()],
            ("POST", "/extracts"): self._posted,
            ("POST", "/forget-pages"): lambda _: self.forget_pages(),
        }
        return soap, admin, self._store

    def put(self, extract: bytes) -> None:
        """Know a person by this extract from now on; a change of it is told.

        Raises:
            InvalidRequest: it is not a right extract of a right СНИЛС.
        """
        root = parse(extract)
        snils = "".join(root.xpath("string(f:ПерсональныеДанные/f:СНИЛС)", namespaces=_PERSON).split()).replace("-", "")
        if validate(root, resource_dir("xsd") / "fri_disabled" / "1.0" / "extract.xsd") or not snils_is_right(snils):
            raise InvalidRequest("Это не выписка или СНИЛС в ней неверен.")
        self._store.put(snils, extract)

    def tell(self, content: bytes) -> None:
        """Tell a change with this very content, whatever it is."""
        self._store.announce("", content)

    def forget_pages(self) -> None:
        """Forget every page token that was given out."""
        self._store.pages.clear()

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Whatever was handed out, in order; nothing that was asked for in vain is missing."""
        return self._store.ledger()

    def _posted(self, given: Mapping[str, object]) -> object:
        self.put(str(given.get("extract", "")).encode())
        return {"known": True}


class _Register:
    """The operations of the WSDL."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches

    def get_extract(self, request: Element) -> Element:
        """The extract of one person; that nobody is known under a СНИЛС is an answer, not a fault."""
        self._hold_back()
        asked = request.find(f"{_REQUEST}ExtractionInvalidDataRequest")
        snils = "" if asked is None else asked.findtext(f"{_REQUEST}SNILS", "")
        if asked is None or not snils_is_right(snils):
            raise InvalidRequest("СНИЛС неверен.")
        begun, ended = (asked.findtext(f".//{_REQUEST}{name}", "") for name in ("DateFrom", "DateTo"))
        if begun > ended:
            raise InvalidRequest("Период заканчивается раньше, чем начался.")
        extract = self._store.extract(snils)
        if extract is not None and self._switches.take("wrong_person_next"):
            extract = self._store.extract_of_another(snils) or extract
        result = etree.Element(_name("result"), nsmap={None: SERVICE})
        _add(result, "status", "NOT_FOUND" if extract is None else "FOUND")
        if extract is not None:
            _add(result, "extract", base64.b64encode(self._spoilt(extract)).decode())
        self._store.record("GetInvalidExtract", snils, "NOT_FOUND" if extract is None else "FOUND")
        return result

    def list_changes(self, request: Element) -> Element:
        """Changes of everybody since a moment, oldest first; a page token goes on where its page ended."""
        self._hold_back()
        limit = int(request.findtext(_name("Limit")) or DEFAULT_LIMIT)
        page = self._page(request.findtext(_name("Since")), request.findtext(_name("PageToken")))
        changes = [] if page.since is None else self._store.changes(page, limit + 1)
        result = etree.Element(_name("result"), nsmap={None: SERVICE})
        listed = etree.SubElement(result, _name("changes"))
        for number, snils, changed_at, extract in changes[:limit]:
            change = etree.SubElement(listed, _name("change"))
            _add(change, "changedAt", changed_at)
            _add(change, "extract", base64.b64encode(self._spoilt(extract)).decode())
            self._store.record("ListChanges", snils, str(number))
        if len(changes) > limit:
            token = secrets.token_hex(16)
            self._store.pages[token] = Page(page.since, page.until, changes[limit - 1][0])
            _add(result, "nextPageToken", token)
        _add(result, "until", page.until)
        return result

    def _page(self, since: str | None, token: str | None) -> Page:
        if token:
            known = self._store.pages.get(token)
            if known is None or since is None:
                raise InvalidRequest("Метка страницы неизвестна или устарела.")
            return known
        now = self._store.tick()
        if since is None:
            return Page(None, now, 0)
        moment = datetime.fromisoformat(since)
        if moment.tzinfo is None or moment > datetime.fromisoformat(now):
            raise InvalidRequest("Since указывается с часовым поясом и не позже текущего момента.")
        return Page(moment.astimezone(UTC).isoformat(timespec="microseconds"), now, 0)

    def _spoilt(self, extract: bytes) -> bytes:
        if not self._switches.take("malformed_answer_next"):
            return extract
        if self._switches.values.malformation is Malformation.TRUNCATED:
            return extract[: len(extract) // 2]
        return extract.replace("ПерсональныеДанные".encode(), "НеПерсональныеДанные".encode())

    def _hold_back(self) -> None:
        if delay_s := self._switches.values.answer_delay_s:
            time.sleep(delay_s)


@click.command
@serving
@signing_in
def command(**given: Any) -> None:
    """ФГИС ФРИ: выписки сведений об инвалидах по SOAP."""
    sandbox = FriDisabledSandbox()
    serve("ФГИС ФРИ", sandbox, partial(sandbox.start, **given))


def _name(local: str) -> str:
    return f"{{{SERVICE}}}{local}"


def _add(parent: Element, local: str, text: str) -> None:
    etree.SubElement(parent, _name(local)).text = text
