"""The stand-in fund of Волгоград: takes files «263» from a folder and answers each record, strict and stateful.

A file refused as a whole gets one code without a record: 1 no such archive or no XML, 2 schema, 3 name and header
disagree, 4 a name that came before with other content, 6 not windows-1251, 101 unknown МО, 900 the switch. Codes of
records are told in :mod:`workers.sandbox.volgograd_state`. The same file again gets the same reply again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.resources import resource_dir
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.commands import PORT, serve, signing_in
from workers.sandbox.exchange_folder import ExchangeFolder, content
from workers.sandbox.server import LOOPBACK
from workers.sandbox.tfoms_reference import Reference
from workers.sandbox.volgograd_state import BY_SWITCH, IDENTIFIERS, Element, LedgerEntry, Record, Refusal, Registry

log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"(I0[13-7])T34M([0-9]{6})_([0-9]{6})[0-9]{1,6}")
_DECLARED: Final = re.compile(rb"<\?xml[^>]*encoding=['\"]windows-1251['\"]", re.IGNORECASE)
_RECORDS: Final = {"I01": "DIR", "I03": "REF_HOSP", "I04": "HOSP", "I05": "HOSP", "I06": "DISCH", "I07": "PLACES"}
_RIGHT: Final = "0"

Words = Sequence[tuple[str, Refusal | None]]
"""What is said of a file: identifier of a record (empty: the whole file) and its refusal, if any."""


class FileRefused(Exception):
    """The whole file is refused, with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class VolgogradSandbox(ExchangeFolder):
    """The stand-in fund."""

    spoilt_before = b"<DATE_F>"

    def __init__(self) -> None:
        super().__init__()
        self._reference = Reference()
        self._registry = Registry(self._reference)
        self._files: dict[str, tuple[bytes, Words]] = {}

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every record accepted, in the order of its first arrival."""
        with self._lock:
            return self._registry.ledger()

    def judge(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Name and content of the reply to one archive."""
        try:
            words = self._words(name, data)
        except FileRefused as refused:
            log.info("a file is refused whole, code %s", refused.code)
            words = [("", Refusal(refused.code, "", ""))]
        return f"R{name}", self.spoilt(name, _reply(name, words))

    def _words(self, name: str, data: bytes) -> Words:
        if self.switches.take("refuse_file_next"):
            raise FileRefused(BY_SWITCH)
        kind, sender, root, digest = self._read(name, data)
        if name in self._files:
            before, words = self._files[name]
            if before != digest:
                raise FileRefused("4")
            return words
        records = list(_records(kind, sender, root))
        words = [(each.id, self._registry.judge(each, name, self.switches.values)) for each in records]
        self._files[name] = digest, words
        return words

    def _read(self, name: str, data: bytes) -> tuple[str, str, Element, bytes]:
        told = _NAME.fullmatch(name)
        if told is None:
            raise FileRefused("3")
        try:
            document = content(data, f"{name}.xml")
            root = parse(document, ANSWER_LIMITS)
        except (InvalidXml, TooLarge):
            raise FileRefused("1") from None
        if not _DECLARED.match(document):
            raise FileRefused("6")
        kind, sender, day = told.groups()
        if validate(root, resource_dir("xsd") / "volgograd" / "2.0" / f"{kind}.xsd"):
            raise FileRefused("2")
        formed = root.findtext("ZGLV/DATE_F", "")
        if root.findtext("ZGLV/NAME_F") != name or formed.replace("-", "")[2:] != day:
            raise FileRefused("3")
        if sender not in self._reference.organisations:
            raise FileRefused("101")
        return kind, sender, root, sha256(etree.tostring(root, method="c14n")).digest()


def _records(kind: str, sender: str, root: Element) -> Iterator[Record]:
    for group in root[1:]:
        keys = {str(child.tag): child.text or "" for child in group if child.tag != _RECORDS[kind]}
        keys |= {f"{group.tag!s}/{tag}": text for tag, text in keys.items()}
        for element in group.iterfind(_RECORDS[kind]):
            values = dict(keys)
            for child in element.iter("*"):
                if len(child) == 0 and child is not element:
                    above = child.getparent()
                    place = "" if above is None or above is element else f"{above.tag!s}/"
                    values[f"{place}{child.tag!s}"] = child.text or ""
            yield Record(kind, sender, values[IDENTIFIERS[kind]].lower(), values, element)


def _reply(name: str, words: Words) -> bytes:
    reply = etree.Element("FLK_P")
    for tag, text in (("NAME_F", f"R{name}"), ("DATE_F", datetime.now(UTC).date().isoformat())):
        etree.SubElement(reply, tag).text = text
    for identifier, refusal in words:
        line = etree.SubElement(reply, "PR")
        told = refusal or Refusal(_RIGHT, "", "")
        said = (("OSHIB", told.code), ("IM_POL", told.field), ("BAS_EL", told.parent), ("ID_BAS", identifier))
        for tag, text in said:
            if text:
                etree.SubElement(line, tag).text = text
    return etree.tostring(reply, encoding="windows-1251", xml_declaration=True)


@click.command
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Папка обмена: out и in."
)
@click.option("--host", default=LOOPBACK, show_default=True)
@click.option("--port", type=PORT, default=8094, show_default=True, help="Порт SFTP.")
@click.option("--ftp-port", type=PORT, default=8095, show_default=True, help="Порт FTP.")
@click.option("--admin-port", type=PORT, default=8096, show_default=True, help="Порт выключателей.")
@signing_in
def command(folder: Path, **given: Any) -> None:
    """ТФОМС Волгоградской области: файлы «263» через папку обмена, по SFTP и FTP."""
    sandbox = VolgogradSandbox()

    def start() -> str:
        path = sandbox.start(folder, **given)
        reached = sandbox.sftp_settings
        ports = f"sftp://{given['host']}:{reached['port']}, ftp://{given['host']}:{sandbox.ftp_settings['port']}"
        return f"{path}, {ports} (ключ {reached['host_key']})"

    serve("ТФОМС Волгоградской области", sandbox, start)
