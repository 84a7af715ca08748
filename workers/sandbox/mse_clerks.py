"""The clerks of the stand-in ФБ МСЭ: they take referrals from the folder, judge them, and lay out back tickets.

A referral is put aside, and nobody is told (there is no receipt): 001 not well-formed, 002 against its schema, 003 the
file is not called ``{G_Code}.xml``, 004 the code is no GUID, 005 another bureau, 006 a ticket was already given.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from lxml import etree

from gateway.domain.errors import GatewayError
from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.mse_state import Store
from workers.sandbox.mse_switches import current
from workers.sandbox.switches import Malformation, Switches, chosen
from workers.sandbox.uploads import Tree

Element = etree._Element

FORM88: Final = "http://rosmintrud.ru/mse/eaviias/form88/180906"
TICKET: Final = "urn:ours:mse:lpu-ticket:1"
BUREAU: Final = "34"
"""The one head bureau of the invented region."""
BURO_ID: Final = "34001"
FORGOTTEN_S: Final = 3600.0
"""A temporary file this old is of an upload that nobody will finish."""

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NS: Final = {"f": FORM88}


class Clerks:
    """What is done with the two folders, again and again, by one thread."""

    def __init__(self, tree: Tree, store: Store, switches: Switches) -> None:
        self._tree = tree
        self._store = store
        self._switches = switches
        self._desk = tree.root / ".desk"
        self._desk.mkdir(exist_ok=True)
        self._schema = resource_dir("xsd") / "mse" / "form88" / "2.0.1" / "form88.v.2.0.1.xsd"

    def work(self) -> None:
        """Take what lies in the folder for referrals; lay out the tickets that are ready."""
        if current(self._switches).idle:
            return
        for path in sorted(self._tree.exported.iterdir()):
            if path.name.startswith("."):
                self._tidy(path)
            elif path.is_file():
                self._take(path)
        for g_code, content in self._store.waiting(time.time() - self._switches.values.answer_delay_s):
            self._answer(g_code, parse(content))

    def lay_out(self, name: str, content: bytes) -> None:
        """Put a file whole into the folder of back tickets."""
        part = self._tree.imported / f".{name}.part"
        part.write_bytes(content)
        part.replace(self._tree.imported / name)

    def _tidy(self, path: Path) -> None:
        with suppress(FileNotFoundError):  # an upload that gets its name at this moment
            if path.stat().st_mtime < time.time() - FORGOTTEN_S:
                path.unlink()

    def _take(self, path: Path) -> None:
        # Away from the folder first: the МО may put a newer file of this name at any moment.
        taken = self._desk / path.name
        path.replace(taken)
        content = taken.read_bytes()
        codes = tuple(self._judged(path.name, content))
        moment = time.time()
        self._store.enter(path.name, sha256(content).hexdigest(), codes, moment)
        if not codes:
            self._store.keep(path.stem, content, moment)
        taken.unlink()

    def _judged(self, name: str, content: bytes) -> Iterator[str]:
        try:
            root = parse(content)
        except GatewayError:
            yield "001"
            return
        if validate(root, self._schema) or b"standalone='yes'" not in content[:80]:
            yield "002"
            return
        g_code = root.findtext("f:G_Code", "", _NS)
        if name != f"{g_code}.xml":
            yield "003"
        if not _GUID.fullmatch(g_code):
            yield "004"
        if root.findtext("f:TargetMseOrg/f:Id", "", _NS) != BUREAU:
            yield "005"
        if self._store.is_closed(g_code):
            yield "006"

    def _answer(self, g_code: str, referral: Element) -> None:
        ticket_id = str(uuid5(NAMESPACE_URL, f"ticket of {g_code}"))
        values = current(self._switches)
        namespace = None if chosen(values, "unqualified", g_code, values.unqualified_percent) else TICKET
        content = serialize(write_ticket(ticket_id, g_code, referral, namespace))
        if chosen(values, "malformed", g_code, values.malformed_answer_percent) or self._switches.take(
            "malformed_answer_next"
        ):
            truncated = values.malformation is Malformation.TRUNCATED
            content = content[: len(content) // 2] if truncated else content.replace(b"ExamDate>", b"ExamDay>")
        self.lay_out(f"{ticket_id}.xml", content)
        self._store.close_referral(g_code, ticket_id)


def write_ticket(ticket_id: str, g_code: str, referral: Element, namespace: str | None) -> Element:
    """Write the back ticket of a referral: the second group of disability, for a year."""
    prefix = f"{{{namespace}}}" if namespace else ""
    root = etree.Element(f"{prefix}Document", {"version": "1.0"}, {None: namespace} if namespace else None)

    def add(parent: Element, local: str, text: str | None = None) -> Element:
        element = etree.SubElement(parent, prefix + local)
        element.text = text
        return element

    meta = add(root, "Meta")
    for local, text in (("Id", ticket_id), ("BuroId", BURO_ID), ("G_Code", g_code)):
        add(meta, local, text)
    ticket = add(add(root, "DocContent"), "tLpuTicket")
    for local, value in _findings_of(g_code, referral).items():
        if value:
            add(ticket, local, value)
    add(add(ticket, "LifeRestrictions"), "Moving", "2")
    group = add(ticket, "DisabilityGroup")
    add(group, "Id", "2")
    add(group, "Value", "вторая")
    head = add(ticket, "FIOHead")
    add(head, "LastName", "Руководителев")
    add(head, "FirstName", "Образец")
    return root


def _findings_of(g_code: str, referral: Element) -> Mapping[str, str | None]:
    """What the ticket says of the person of a referral, in the order of its schema."""
    form = referral.find("f:Form", _NS)
    told = {} if form is None else {etree.QName(each).localname: each.text for each in form}
    today = datetime.now(UTC).date()
    return {
        "LastName": told.get("LastName"),
        "FirstName": told.get("FirstName"),
        "SecondName": told.get("SecondName"),
        "SNILS": told.get("Snils"),
        "SentOrgName": told.get("MedOrgName"),
        "SentOrgOgrn": told.get("MedOrgOgrn"),
        "ActNum": f"{g_code[:4]}.1.34/{today.year}",
        "ExamDate": today.isoformat(),
        "IssueDate": today.isoformat(),
        "ReExamDate": (today + timedelta(days=365)).isoformat(),
        "MainDeseaseMKBCode": referral.findtext("f:Form/f:Diagnosis/f:MainDeseaseCode", "", _NS),
        "LifeDysfunctions": "Нарушения нейромышечных функций: умеренные",
    }
