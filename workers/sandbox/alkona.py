"""The stand-in Алькона: takes zipped files from one folder and puts its replies into another, strict and stateful.

The folders are there for whoever shares the disk, and over SFTP for everybody else.

A file refused as a whole gets a ФЛК protocol (order 79): 001 no such archive, 002 schema, 003 the name, FILENAME and
header disagree, 004 an id that came before with other content, 005 SD_Z or N_ZAP, 006 place in the group, 101 unknown
МО. All the rest gets a reply with a word on every record. A packet is judged once; the same packet again gets the same
reply again.
"""

from __future__ import annotations

import io
import logging
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.resources import resource_dir
from gateway.xml.limits import ANSWER_LIMITS
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.sandbox.alkona_state import Judged, LedgerEntry, Registry
from workers.sandbox.commands import PORT, serve
from workers.sandbox.server import LOOPBACK, AdminPort
from workers.sandbox.sftp_door import SftpDoor
from workers.sandbox.switches import Count, Malformation, Outage, Switches, SwitchValues, chosen
from workers.sandbox.tfoms_reference import Reference
from workers.sandbox.uploads import Tree, UploadSwitchValues

log = logging.getLogger(__name__)

POLL_S: Final = 0.05
TYPES: Final = ("DEP", "DN", "PRF")
_AWAY: Final = ".away"
_BAD_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError)

Element = etree._Element


class AlkonaSwitches(UploadSwitchValues):
    """Beyond those of an exchange of files: ``refuse_file_next`` files are refused whole. ``reject_percent`` is of
    records; during an outage of either kind the folder of files to the peer is away.
    """

    refuse_file_next: Count = 0


class FileRefused(Exception):
    """The whole file is refused: code and comment of its protocol."""

    def __init__(self, code: str, comment: str) -> None:
        super().__init__(comment)
        self.code = code
        self.comment = comment


class AlkonaSandbox:
    """One stand-in Алькона in this process, with a thread that polls. ``switches`` may be changed at any moment."""

    def __init__(self) -> None:
        self.switches: Final = Switches(AlkonaSwitches)
        self._registry = Registry()
        self._reference = Reference()
        self._lock = RLock()
        self._over = Event()
        self._waiting: list[tuple[float, str, bytes]] = []

    def start(
        self,
        folder: Path,
        *,
        username: str,
        password: str,
        host: str = LOOPBACK,
        port: int = 0,
        admin_port: int = 0,
    ) -> str:
        """Make the folders ``out`` (to Алькона) and ``in`` (from it) in ``folder``, open them over SFTP, and poll.

        Returns the path of ``folder``; port 0 takes a free one.

        Raises:
            OSError: a port is taken or the folders cannot be made.
        """
        self._credentials = (username, password)
        tree = Tree(folder, "out", "in")
        self._out, self._in = tree.exported, tree.imported
        with ExitStack() as opened:
            self._sftp = SftpDoor(tree, self.switches)
            self._sftp.start(host, port, username, password)
            opened.callback(self._sftp.stop)
            self._admin = AdminPort(
                self.switches, {("GET", "/ledger"): lambda _: [asdict(entry) for entry in self.ledger()]}
            )
            self._admin.start(admin_port)
            opened.callback(self._admin.stop)
            self.switches.on_change(self._apply)
            self._thread = Thread(target=self._poll, name="alkona", daemon=True)
            self._thread.start()
            opened.callback(self._leave)
            self._opened = opened.pop_all()
        return str(folder)

    @property
    def settings(self) -> dict[str, str]:
        """What an installation that shares the disk must set to reach this peer."""
        return {"out": str(self._out), "in": str(self._in)}

    @property
    def sftp_settings(self) -> dict[str, str]:
        """What any other installation must set."""
        user, password = self._credentials
        return {
            "transport": "sftp",
            "host": LOOPBACK,
            "port": str(self._sftp.port),
            "user": user,
            "password": password,
            "host_key": self._sftp.host_key,
            "export_folder": "/out",
            "import_folder": "/in",
        }

    @property
    def admin_url(self) -> str:
        """Address of the admin endpoint: GET, POST, DELETE /switches; GET /ledger."""
        return self._admin.address

    def stop(self) -> None:
        """Finish the file at hand, end the thread and close the ports; what waits stays in the folder."""
        self._opened.close()

    def _leave(self) -> None:
        self._over.set()
        self._thread.join()

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every packet ever taken, in the order of arrival."""
        with self._lock:
            return self._registry.ledger()

    def _apply(self, values: SwitchValues) -> None:
        away = self._out.with_name(self._out.name + _AWAY)
        with self._lock:
            if values.outage is not Outage.NONE and self._out.exists():
                self._out.rename(away)
            elif values.outage is Outage.NONE and away.exists():
                away.rename(self._out)

    def _poll(self) -> None:
        while not self._over.wait(POLL_S):
            with self._lock:
                if self.switches.values.outage is Outage.NONE:
                    self.step()

    def step(self) -> None:
        """Take what lies in the folder, and put the replies whose time has come."""
        for path in sorted(self._out.glob("[!.]*.zip")):
            name, reply = self._judge(path.stem, path.read_bytes())
            self._waiting.append((time.monotonic() + self.switches.values.answer_delay_s, name, reply))
            path.unlink()
        now = time.monotonic()
        due = [each for each in self._waiting if each[0] <= now or not self.switches.values.answer_delay_s]
        for each in due:
            self._put(*each[1:])
            self._waiting.remove(each)

    def _put(self, name: str, reply: bytes) -> None:
        suffix, data = ("zip", _zipped(f"{name}.xml", reply)) if name.startswith("R") else ("xml", reply)
        part = self._in / f".{name}.part"
        part.write_bytes(data)
        part.replace(self._in / f"{name}.{suffix}")

    def _judge(self, name: str, data: bytes) -> tuple[str, bytes]:
        """Name and content of the reply to one file."""
        try:
            root = self._read(name, data)
            judged = self._registry.known(root)
            if judged is None:
                self._check_header(root)
                judged = self._registry.judge(root, self.switches.values, self._reference)
            reply = _reply(root, judged)
            return f"R{name}", self._spoilt(judged.packet_id, reply)
        except FileRefused as refused:
            log.info("a file is refused whole, code %s", refused.code)
            self._registry.refused_whole += 1
            return _protocol_name(name), _protocol(name, refused)

    def _read(self, name: str, data: bytes) -> Element:
        if self.switches.take("refuse_file_next"):
            raise FileRefused("900", "Отказ по переключателю стенда.")
        kind = next((kind for kind in TYPES if name.startswith(f"{kind}M")), None)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                root = parse(archive.read(f"{name}.xml"), ANSWER_LIMITS)
        except (KeyError, InvalidXml, TooLarge, *_BAD_ARCHIVE):
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

    def _spoilt(self, packet_id: str, reply: bytes) -> bytes:
        values = self.switches.values
        if not (
            chosen(values, "malformed", packet_id, values.malformed_answer_percent)
            or self.switches.take("malformed_answer_next")
        ):
            return reply
        if values.malformation is Malformation.TRUNCATED:
            return reply[: len(reply) // 2]
        return reply.replace(b"<RESULT>", b"<RESULT>?")


def _zipped(name: str, data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return target.getvalue()


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
@click.option("--username", default="gateway", show_default=True)
@click.option("--password", envvar="GATEWAY_SANDBOX_PASSWORD", default="sandbox", show_default=True)
def command(folder: Path, **given: Any) -> None:
    """Алькона: файлы через папку обмена и по SFTP."""
    sandbox = AlkonaSandbox()

    def start() -> str:
        path = sandbox.start(folder, **given)
        reached = sandbox.sftp_settings
        return f"{path}, sftp://{given['host']}:{reached['port']} (ключ {reached['host_key']})"

    serve("Алькона", sandbox, start)
