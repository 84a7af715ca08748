"""Ответ ФГИС ФРИ на пакет программ → outcome of the packet, of every programme and of every measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from workers.exchange import Element, InDoubt, ItemVerdict, PacketStatus, Refusal, Verdict, lines, value
from workers.exchanges.fri_ipra.form import key, mark, name

_FIELDS: Final = {
    "IPRA_NOT_FOUND": "MseId",
    "IPRA_EXPIRED": "DtExc",
    "BAD_TYPE_EVENT": "TypeId",
    "RESULT_REQUIRED": "Result",
    "DUPLICATE": "Id",
    "DATE_OUT_OF_RANGE": "DtExc",
}
"""The field that a code speaks of; the others speak of the programme or the measure as a whole."""
UNEXPLAINED: Final = "ФГИС ФРИ не приняла пакет и причину не указала."


@dataclass(frozen=True, slots=True)
class _Reason:
    code: str
    measure: str
    message: str

    @property
    def told(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Word:
    """What the answer says of one programme."""

    status: str
    reasons: tuple[_Reason, ...]


def verdict(sent: Element, answer: Element) -> Verdict:
    """Tell what an answer says of a packet; pure. Both follow SubmitIpraExecution.xsd.

    A refusal outweighs a status that says better, and a programme taken in part, nobody knows which, makes the packet
    PARTIAL: what is sent once more by mistake is known again by its identifier, what is not sent is lost.

    Raises:
        InDoubt: the answer is about another packet or about programmes that it does not hold.
    """
    if _text(answer, "PackageId") != _text(sent, "PackageId"):
        raise InDoubt("ФГИС ФРИ прислала ответ на другой пакет: исход неизвестен.")
    programmes = sent.findall(name("Prg"))
    said = _said(answer)
    if said.keys() - {_text(programme, "MseId") for programme in programmes}:
        raise InDoubt("ФГИС ФРИ прислала ответ о программах, которых в пакете нет: исход неизвестен.")
    whole = _Word(answer.findtext(name("Status"), ""), ())
    items, refusals, vague = {}, list[Refusal](), False
    for position, programme in enumerate(programmes, start=1):
        words = said.get(_text(programme, "MseId"), [whole])
        items[position] = _of_programme(programme, words)
        if not items[position].accepted:
            refusals.extend(_refusals(programme, words))
            vague = vague or (not _tells_apart(programme, words) and any(word.status != "REJECTED" for word in words))
    status = PacketStatus.PARTIAL if vague else _status(items.values())
    text = UNEXPLAINED if status is PacketStatus.REJECTED and not refusals else ""
    return Verdict(status, text, items=items, refusals=tuple(dict.fromkeys(refusals)))


def _said(answer: Element) -> dict[str, list[_Word]]:
    """Words on programmes by MseId; a programme that stands in the packet twice has as many."""
    said = defaultdict(list)
    for result in answer.iterfind(name("PrgResult")):
        reasons = tuple(
            _Reason(error.findtext(name("Code"), ""), _text(error, "RhbId"), value(error.find(name("Message"))))
            for error in result.iterfind(name("Error"))
        )
        said[_text(result, "MseId")].append(_Word(result.findtext(name("Status"), ""), reasons))
    return said


def _of_programme(programme: Element, words: Sequence[_Word]) -> ItemVerdict:
    parts = {key(measure): mark(measure) for measure in programme.iterfind(name("Rhb"))}
    reasons = [reason for word in words for reason in word.reasons]
    if not reasons and all(word.status == "ACCEPTED" for word in words):
        return ItemVerdict(accepted=True, parts=parts)
    refused = {reason.measure for reason in reasons} if _tells_apart(programme, words) else parts.keys()
    taken = {measure: digest for measure, digest in parts.items() if measure not in refused}
    return ItemVerdict(accepted=False, text=lines(reason.told for reason in reasons), parts=taken)


def _tells_apart(programme: Element, words: Sequence[_Word]) -> bool:
    """Taken for certain is only what stands beside refusals that are all of measures of the programme."""
    refused = {reason.measure for word in words for reason in word.reasons}
    measures = {key(measure) for measure in programme.iterfind(name("Rhb"))}
    return bool(refused) and refused <= measures and all(word.status != "REJECTED" for word in words)


def _refusals(programme: Element, words: Sequence[_Word]) -> Iterable[Refusal]:
    measures = {key(measure) for measure in programme.iterfind(name("Rhb"))}
    for reason in (reason for word in words for reason in word.reasons):
        known = reason.measure in measures
        about = reason.measure if known else _text(programme, "MseId")
        field = _FIELDS.get(reason.code, "") if known or reason.code == "IPRA_NOT_FOUND" else ""
        yield Refusal(reason.code, reason.message, field, locators=(("ID_BAS", about),))


def _status(items: Iterable[ItemVerdict]) -> PacketStatus:
    every = list(items)
    if all(item.accepted for item in every):
        return PacketStatus.ACCEPTED
    return PacketStatus.PARTIAL if any(item.accepted or item.parts for item in every) else PacketStatus.REJECTED


def _text(element: Element, local: str) -> str:
    return value(element.find(name(local))).lower()
