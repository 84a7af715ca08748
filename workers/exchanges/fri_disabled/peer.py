"""Операции ФГИС ФРИ (wsdl/fri_disabled.wsdl) as the verbs of a peer that is asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from workers.exchange import BadAnswer, Caller, Changes, Element, Finding, Incoming, Inquiry, PeerRefused, Question
from workers.exchanges.fri_disabled.request import arguments, check, request

REFUSED: Final = "ФГИС ФРИ не принимает этот запрос."
UNREADABLE: Final = "Ответ ФГИС ФРИ не читается: запрос повторится при следующем запуске."
AT_ODDS: Final = "ФГИС ФРИ прислала итог, который не согласуется с выпиской."
EMPTY: Final = "ФГИС ФРИ прислала пустой ответ."
MAX_REFUSALS: Final = 5
"""So many in a row without a usable answer mean that it is the peer's trouble, not one of the people we ask for."""


def inquiry(transport: Caller) -> Inquiry:
    """Ask ФГИС ФРИ over a transport that calls the operations of its WSDL."""
    return _Register(transport)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where reading goes on: since a moment of the peer's clock, at a page while there are pages."""

    since: str | None = None
    token: str | None = None


class _Register:
    def __init__(self, transport: Caller) -> None:
        self._call = transport.call
        self._refusals = 0

    def changes(self, cursor: str | None, limit: int) -> Changes:
        """ListChanges. Without a cursor the peer only tells the moment to begin with.

        A page token that the peer has forgotten means beginning its pages again: what was journaled is known by then.
        """
        place = _Place() if cursor is None else _Place(**json.loads(cursor))
        try:
            page = self._page(place, limit)
        except PeerRefused:
            if place.token is None:
                raise
            place = _Place(place.since)
            page = self._page(place, limit)
        token = page.nextPageToken or None
        following = _Place(place.since, token) if token else _Place(_moment(page.until))
        documents = [_changed(each) for each in getattr(page.changes, "change", None) or []]
        return Changes(documents, json.dumps(asdict(following)), more=token is not None)

    def _page(self, place: _Place, limit: int) -> Any:
        given = {"Since": place.since, "PageToken": place.token, "Limit": limit}
        page = self._call("ListChanges", **{name: value for name, value in given.items() if value is not None})
        if page is None or page.until is None:
            raise BadAnswer(EMPTY)
        return page

    def ask(self, question: Question) -> Incoming:
        """GetInvalidExtract, for one person. One that is refused or answered badly does not bar the others."""
        content = question.source.content
        asked = Incoming(question.key, "", b"", question=question, request=request(content))
        if found := check(content):
            return _with(asked, found)
        try:
            extract = self._extract(content)
        except (PeerRefused, BadAnswer) as error:
            self._refusals += 1
            if self._refusals > MAX_REFUSALS:
                self._refusals = 0
                raise
            code, told = ("FRI-004", REFUSED) if isinstance(error, PeerRefused) else ("FRI-007", UNREADABLE)
            return _with(asked, (Finding("/", None, code, told),))
        self._refusals = 0
        return Incoming(asked.key, "", extract, question=question, request=asked.request)

    def _extract(self, content: Element | None) -> bytes:
        """The extract of one person; empty when the register knows nobody of that СНИЛС."""
        result = self._call("GetInvalidExtract", ExtractionInvalidDataRequest=arguments(content))
        if result is None:
            raise BadAnswer(EMPTY)
        if result.status not in ("FOUND", "NOT_FOUND") or (result.status == "FOUND") != bool(result.extract):
            raise BadAnswer(AT_ODDS)
        extract: bytes = result.extract or b""
        return extract


def _with(asked: Incoming, findings: tuple[Finding, ...]) -> Incoming:
    """No answer, for a reason: another delivery than the peer's word that it knows nobody, which is as empty."""
    key = f"{asked.key} {findings[0].code}"
    return Incoming(key, "", b"", findings=findings, question=asked.question, request=asked.request)


def _changed(change: Any) -> Incoming:
    return Incoming(f"change {_moment(change.changedAt)}", "", change.extract or b"")


def _moment(value: datetime) -> str:
    return value.isoformat()
