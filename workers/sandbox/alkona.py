"""The stand-in Алькона: takes zipped files from one folder and puts its replies into another, strict and stateful.

A file refused as a whole gets a ФЛК protocol (order 79): 001 no such archive, 002 schema, 003 the name, FILENAME and
header disagree, 004 an id that came before with other content, 005 SD_Z or N_ZAP, 006 place in the group, 101 unknown
МО. All the rest gets a reply with a word on every record. A packet is judged once; the same packet again gets the same
reply again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.resources import resource_dir
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.alkona_state import Judged, LedgerEntry, Registry
from workers.sandbox.commands import PORT, serve, signing_in
from workers.sandbox.exchange_folder import ExchangeFolder, content
from workers.sandbox.server import LOOPBACK
from workers.sandbox.tfoms_reference import Reference

log = logging.getLogger(__name__)

TYPES: Final = ("DEP", "DN", "PRF")
Element = etree._Element


class FileRefused(Exception):
    """The whole file is refused: code and comment of its protocol."""

    def __init__(self, code: str, comment: str) -> None:
        super().__init__(comment)
        self.code = code
        self.comment = comment


class AlkonaSandbox(ExchangeFolder):
    """The stand-in Алькона."""

    spoilt_before = b"<RESULT>"

    def __init__(self) -> None:
        super().__init__()
        self._registry = Registry()
        self._reference = Reference()

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every packet ever taken, in the order of arrival."""
        with self._lock:
            return self._registry.ledger()

    def judge(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Name and content of the reply to one file."""
        try:
            root = self._read(name, data)
            judged = self._registry.known(root)
            if judged is None:
                self._check_header(root)
                judged = self._registry.judge(root, self.switches.values, self._reference)
            reply = _reply(root, judged)
            return f"R{name}", self.spoilt(judged.packet_id, reply)
        except FileRefused as refused:
            log.info("a file is refused whole, code %s", refused.code)
            return _protocol_name(name), _protocol(name, refused)

    def _read(self, name: str, data: bytes) -> Element:
        if self.switches.take("refuse_file_next"):
            raise FileRefused("900", "Отказ по переключателю стенда.")
        kind = next((kind for kind in TYPES if name.startswith(f"{kind}M")), None)
        try:
            root = parse(content(data, f"{name}.xml"), ANSWER_LIMITS)
        except (InvalidXml, TooLarge):
            raise FileRefused("001", "В архиве нет файла с тем же именем, или он не читается.") from None
        if kind is None:
            raise FileRefused("003", "Тип пакета по имени файла не определяется.")
        findings = validate(root, resource_dir("xsd") / "alkona" / "1.0" / f"{kind}.xsd")
        if findings:
            raise FileRefused("002", findings[0].message[:250])
        if name != root.findtext("ZGLV/FILENAME") or not name.startswith(
            f"{kind}M{root.findtext('ZGLV/CODE_MO')}T{root.findtext('ZGLV/CODE_MO', '')[:2]}_"
        ):
            raise FileRefused("003", "Имя файла расходится с заголовком.")
        return root

    def _check_header(self, root: Element) -> None:
        records = root.findall("ZAP")
        numbers = [record.findtext("N_ZAP") for record in records]
        if self._registry.holds(root):
            raise FileRefused("004", "Идентификатор уже занят другим содержанием.")
        if root.findtext("ZGLV/CODE_MO", "") not in self._reference.organisations:
            raise FileRefused("101", "МО нет в справочнике.")
        if root.findtext("ZGLV/SD_Z") != str(len(records)):
            raise FileRefused("005", "Число записей расходится с заголовком.")
        if numbers != [str(n) for n in range(1, len(records) + 1)]:
            raise FileRefused("005", "Записи пронумерованы не по порядку.")
        if not self._registry.takes_place(root):
            raise FileRefused("006", "Место пакета в группе занято или не существует.")


def _document(root: Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def _add(parent: Element, fields: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> None:
    for tag, text in fields:
        etree.SubElement(parent, tag).text = text


def _reply(root: Element, judged: Judged) -> bytes:
    reply = etree.Element("ZL_LIST")
    name = root.findtext("ZGLV/FILENAME", "")
    header = [("VERSION", "1.0"), ("DATA", datetime.now(UTC).date().isoformat()), ("FILENAME", f"R{name}")]
    header += [("FILENAME_1", name), ("ID", judged.packet_id), ("RESULT", judged.result)]
    _add(etree.SubElement(reply, "ZGLV"), header)
    if judged.result != "OK":
        for number, refusal in enumerate(judged.refusals, 1):
            word = [("N_ZAP", str(number)), ("RPL", "0" if refusal else "1")]
            _add(
                etree.SubElement(reply, "ZAP"),
                word + ([("OSHIB", refusal[0]), ("COMMENTR", refusal[1])] if refusal else []),
            )
    return _document(reply)


def _protocol_name(name: str) -> str:
    return f"V{name[1:]}"


def _protocol(name: str, refused: FileRefused) -> bytes:
    protocol = etree.Element("FLK_P")
    _add(protocol, [("FNAME", _protocol_name(name)[:30]), ("FNAME_I", name[:30])])
    _add(etree.SubElement(protocol, "PR"), [("OSHIB", refused.code), ("COMMENT", refused.comment)])
    return _document(protocol)


@click.command
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Папка обмена: out и in."
)
@click.option("--host", default=LOOPBACK, show_default=True)
@click.option("--port", type=PORT, default=8092, show_default=True, help="Порт SFTP.")
@click.option("--admin-port", type=PORT, default=8093, show_default=True, help="Порт выключателей.")
@signing_in
def command(folder: Path, **given: Any) -> None:
    """Алькона: файлы через папку обмена и по SFTP."""
    sandbox = AlkonaSandbox()

    def start() -> str:
        path = sandbox.start(folder, **given)
        reached = sandbox.sftp_settings
        return f"{path}, sftp://{given['host']}:{reached['port']} (ключ {reached['host_key']})"

    serve("Алькона", sandbox, start)
