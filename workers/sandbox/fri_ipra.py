"""The stand-in ФГИС ФРИ for the execution of ИПРА: SOAP 1.2 over HTTP, strict and stateful.

It knows the programmes of its register, judges every programme and every measure by rules of its own, takes what is
sound and tells of the rest. A package is known by its PackageId, a measure by its Id; a measure that comes again with
other content is another revision of it.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click
from lxml import etree

from gateway.domain.errors import ConfigurationError, Conflict, InvalidRequest
from gateway.resources import resource_dir
from gateway.xml.canonical import content_digest, serialize
from gateway.xml.parser import parse
from workers.sandbox.commands import serve, serving, signing_in
from workers.sandbox.fri_ipra_state import Measure, Package, Programme, Store
from workers.sandbox.server import Request, Response
from workers.sandbox.soap import LIMITS, Credentials, Element
from workers.sandbox.soap12 import Soap12Peer
from workers.sandbox.stand import Opened, SoapStand
from workers.sandbox.switches import Malformation, Switches, SwitchValues, chosen

PATH: Final = "/ipra"
NAMESPACE: Final = "urn:ours:fri:ipra:1"
_NS: Final = {"f": NAMESPACE}
_EVENTS: Final[Mapping[str, frozenset[str]]] = {"2": frozenset("1234"), "3": frozenset(), "4": frozenset()}
"""Subtypes of the types that health care reports; a type without any must come without."""
_OTHER_REASONS: Final = "5"
_KAMCHATKA: Final = timedelta(hours=12)
_SUBSTANCE: Final = ("TypeId", "EvntId", "DicId", "Name", "TsrId", "DtExc")
"""What makes two measures of one programme the same whatever their identifiers."""
_PERSON: Final = {"LName": "last_name", "FName": "first_name", "BDate": "birth_date"}


class FriIpraSwitches(SwitchValues):
    """Beyond those of every peer; ``reject_percent`` refuses fresh measures, ``answer_delay_s`` delays an answer.

    ``learn``: a programme that is not in the register is entered as it comes.
    """

    learn: bool = False


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a programme, or one measure of it, is not taken."""

    code: str
    message: str
    measure: str | None = None


class FriIpraSandbox(SoapStand):
    """One stand-in in this process. ``switches`` may be changed at any moment.

    The admin endpoint has GET /packages, GET /measures and POST /programmes.
    """

    path = PATH

    def __init__(self) -> None:
        super().__init__(FriIpraSwitches)

    def _open(self, credentials: Credentials, state: Path | None) -> Opened:
        self._store = Store(state)
        peer = _Door(credentials, _Register(self._store, self.switches), self.switches)
        admin = {
            ("GET", "/packages"): lambda _: [asdict(each) for each in self.packages()],
            ("GET", "/measures"): lambda _: [asdict(each) for each in self.measures()],
            ("POST", "/programmes"): lambda given: {"known": self.know(_programmes(given.get("programmes")))},
        }
        return peer, admin, self._store

    def know(self, programmes: Iterable[Programme]) -> int:
        """Enter programmes into the register; return how many."""
        return self._store.know(programmes)

    def packages(self) -> tuple[Package, ...]:
        """Every package ever answered, in the order of arrival."""
        return self._store.packages()

    def measures(self) -> tuple[Measure, ...]:
        """Every measure ever accepted, in the order of acceptance."""
        return self._store.measures()


class _Door(Soap12Peer):
    """The service, whose answers may come late or spoilt."""

    def __init__(self, credentials: Credentials, register: _Register, switches: Switches) -> None:
        wsdl = resource_dir("wsdl") / "fri_ipra.wsdl"
        super().__init__(wsdl, PATH, credentials, {"SubmitIpraExecution": register.submit}, "friFault")
        self._switches = switches

    def handle(self, request: Request) -> Response:
        """See ``server.Application``; what is delayed or spoilt here is committed already."""
        response = super().handle(request)
        if request.method != "POST" or response.status != HTTPStatus.OK:
            return response
        values = self._switches.values
        time.sleep(values.answer_delay_s)
        digest = sha256(request.body).hexdigest()
        spoilt = self._switches.take("malformed_answer_next") or chosen(
            values, "malformed", digest, values.malformed_answer_percent
        )
        if not spoilt:
            return response
        if values.malformation is Malformation.TRUNCATED:
            return Response(response.status, response.body[: len(response.body) // 2], response.content_type)
        return Response(response.status, response.body.replace(b"Status>", b"State>"), response.content_type)


class _Register:
    """The operation of the WSDL."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches

    def submit(self, request: Element) -> Element:
        """Take a package in one transaction; one that came before gets the answer it got."""
        package_id = _text(request, "PackageId").lower()
        digest = content_digest(request)
        with self._store.transaction():
            known = self._store.answered(package_id)
            if known is not None and known[0] != digest:
                raise Conflict("Идентификатор пакета уже занят другим содержанием.")
            if known is not None:
                return parse(known[1], LIMITS)
            answer, status = self._judge(request, package_id)
            programmes, measures = request.findall("f:Prg", _NS), request.findall("f:Prg/f:Rhb", _NS)
            package = Package(0, package_id, status, len(programmes), len(measures), 1)
            self._store.answer(package, digest, serialize(answer))
        return answer

    def _judge(self, request: Element, package_id: str) -> tuple[Element, str]:
        answer = etree.Element(f"{{{NAMESPACE}}}SubmitIpraExecutionResponse", nsmap={None: NAMESPACE})
        _add(answer, "PackageId", package_id)
        _add(answer, "ReceivedAt", datetime.now(UTC).isoformat(timespec="seconds"))
        status = etree.SubElement(answer, f"{{{NAMESPACE}}}Status")
        statuses = set()
        for programme in request.iterfind("f:Prg", _NS):
            word, faults = self._programme(programme)
            statuses.add(word)
            result = etree.SubElement(answer, f"{{{NAMESPACE}}}PrgResult")
            _add(result, "MseId", _text(programme, "MseId"))
            _add(result, "Status", word)
            for fault in faults:
                told = etree.SubElement(result, f"{{{NAMESPACE}}}Error")
                _add(told, "Code", fault.code)
                _add(told, "RhbId", fault.measure)
                _add(told, "Message", fault.message)
        status.text = statuses.pop() if len(statuses) == 1 else "PARTIAL"
        return answer, status.text

    def _programme(self, given: Element) -> tuple[str, list[_Fault]]:
        """Take what is sound of a programme."""
        mse_id = _text(given, "MseId").lower()
        known = self._store.programme(mse_id)
        values = self._switches.values
        if known is None and isinstance(values, FriIpraSwitches) and values.learn:
            known = _as_told(given)
            self._store.know([known])
        if known is None or (known.number, known.issued) != (_text(given, "PrgNum"), _text(given, "PrgDt")):
            return "REJECTED", [
                _Fault("IPRA_NOT_FOUND", "Программа с таким идентификатором, номером и датой не найдена.")
            ]
        if not _is_person(given, known):
            return "REJECTED", [_Fault("PERSON_MISMATCH", "Сведения о лице не совпадают со сведениями программы.")]
        measures = given.findall("f:Rhb", _NS)
        faults = [fault for measure in measures if (fault := self._measure(measure, known)) is not None]
        if not faults:
            return "ACCEPTED", faults
        return ("REJECTED" if len(faults) == len(measures) else "PARTIAL"), faults

    def _measure(self, given: Element, programme: Programme) -> _Fault | None:
        """Take a measure, or tell why not."""
        measure_id = _text(given, "Id").lower()
        values = self._switches.values
        substance = sha256("\n".join(_text(given, name) for name in _SUBSTANCE).encode()).digest()
        for code, message in _wrong(given, programme):
            return _Fault(code, message, measure_id)
        owner, same = self._store.owner(measure_id), self._store.same(programme.mse_id, substance)
        if owner not in (None, programme.mse_id) or same not in (None, measure_id):
            return _Fault("DUPLICATE", "Такое мероприятие уже передано.", measure_id)
        if owner is None and chosen(values, "reject", measure_id, values.reject_percent):
            return _Fault("IPRA_EXPIRED", "Отказ по переключателю стенда.", measure_id)
        self._store.accept(measure_id, programme.mse_id, content_digest(given), substance)
        return None


def _wrong(given: Element, programme: Programme) -> Iterator[tuple[str, str]]:
    """What is wrong with a measure by itself."""
    event, done = _text(given, "EvntId"), date.fromisoformat(_text(given, "DtExc"))
    allowed = _EVENTS.get(_text(given, "TypeId"), frozenset())
    if bool(event) != bool(allowed) or (event and event not in allowed):
        yield "BAD_TYPE_EVENT", "Тип и подтип мероприятия не сочетаются."
    if _text(given, "ResId") == _OTHER_REASONS and not _text(given, "Result"):
        yield "RESULT_REQUIRED", "При иных причинах неисполнения нужен результат словами."
    if not date.fromisoformat(programme.issued) <= done <= (datetime.now(UTC) + _KAMCHATKA).date():
        yield "DATE_OUT_OF_RANGE", "Дата исполнения раньше выдачи программы или ещё не наступила."
    if programme.valid_until and done > date.fromisoformat(programme.valid_until):
        yield "IPRA_EXPIRED", "Срок программы истёк раньше даты исполнения."


def _is_person(given: Element, known: Programme) -> bool:
    snils = _text(given, "Snils")
    same = (_text(given, name).casefold() == getattr(known, field).casefold() for name, field in _PERSON.items())
    return all(same) and (not snils or not known.snils or snils == known.snils)


def _as_told(given: Element) -> Programme:
    head = (_text(given, "MseId").lower(), _text(given, "PrgNum"), _text(given, "PrgDt"), "", _text(given, "Snils"))
    return Programme(*head, *(_text(given, name) for name in _PERSON))


def _programmes(given: Any) -> list[Programme]:
    """Programmes as JSON or CSV tells them, by the names of their fields.

    Raises:
        InvalidRequest: a field is missing, unknown or no text.
    """
    names = {field.name for field in fields(Programme)}
    rows = given if isinstance(given, list) else []
    if not rows or not all(isinstance(row, dict) and row.keys() == names for row in rows):
        raise InvalidRequest(f"Нужен список программ с полями {', '.join(sorted(names))}.")
    return [Programme(**{key: str(value or "").strip() for key, value in row.items()}) for row in rows]


def _text(element: Element, name: str) -> str:
    return (element.findtext(f"f:{name}", "", _NS) or "").strip()


def _add(parent: Element, local: str, text: str | None) -> None:
    if text is not None:
        etree.SubElement(parent, f"{{{NAMESPACE}}}{local}").text = text


@click.command
@serving
@signing_in
@click.option(
    "--programmes",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="CSV с программами, которые ФРИ знает; без него неизвестная программа заносится при первом приёме.",
)
def command(programmes: Path | None, **given: Any) -> None:
    """ФГИС ФРИ: исполнение ИПРА по SOAP 1.2."""
    sandbox = FriIpraSandbox()

    def start() -> str:
        address = sandbox.start(**given)
        if programmes is None:
            sandbox.switches.update({"learn": True})
        else:
            sandbox.know(_read(programmes))
        return address

    serve("ФГИС ФРИ, исполнение ИПРА", sandbox, start)


def _read(file: Path) -> list[Programme]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _programmes(list(csv.DictReader(lines, delimiter=";")))
    except (InvalidRequest, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"Файл программ не читается: {error}") from error
