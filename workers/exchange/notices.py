"""Words of an exchange of notifications: a reminder the МИС submits, the message it becomes, what its carrier says.

A carrier is a transport: SMPP, an HTTP gateway of SMS, SMTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from string import Template
from typing import ClassVar, Final, Protocol
from uuid import UUID

from gateway.domain.notices import Word
from workers.exchange.common import Element, Organization
from workers.exchange.rules import date_of

ZONES: Final = frozenset(
    {
        *("Europe/Kaliningrad", "Europe/Moscow", "Europe/Simferopol", "Europe/Kirov", "Europe/Volgograd"),
        *("Europe/Astrakhan", "Europe/Saratov", "Europe/Ulyanovsk", "Europe/Samara", "Asia/Yekaterinburg"),
        *("Asia/Omsk", "Asia/Novosibirsk", "Asia/Barnaul", "Asia/Tomsk", "Asia/Novokuznetsk", "Asia/Krasnoyarsk"),
        *("Asia/Irkutsk", "Asia/Chita", "Asia/Yakutsk", "Asia/Khandyga", "Asia/Vladivostok", "Asia/Ust-Nera"),
        *("Asia/Magadan", "Asia/Sakhalin", "Asia/Srednekolymsk", "Asia/Kamchatka", "Asia/Anadyr"),
    }
)
"""Time zones of Russia (IANA, 2025b). A list of its own, so that no database of zones is asked for one it lacks."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """Source object ``PreventionReminder`` (xsd/notifications/1.0), read. What is absent or blank is None."""

    surname: str | None
    given_name: str | None
    patronymic: str | None
    birth_date: date
    kind: str
    planned_on: date
    phone: str | None
    email: str | None
    consent: bool
    time_zone: str | None
    visited: bool

    @property
    def full_name(self) -> str:
        """Ф. И. О., empty when nothing of it is known."""
        return " ".join(part for part in (self.surname, self.given_name, self.patronymic) if part)


KINDS: Final = ("ДВ4", "ОПВ", "ДН")
"""Диспансеризация, профилактический осмотр, диспансерное наблюдение."""


def read_reminder(source: Element) -> Reminder | None:
    """Read a source object; None when it lacks what no reminder can be without: birth date, kind, planned day."""
    born, planned = date_of(_text(source, "PERS/DR")), date_of(_text(source, "PLAN_DATE"))
    kind = _text(source, "KIND")
    if born is None or planned is None or kind not in KINDS:
        return None
    consent = _text(source, "CONSENT/GIVEN") in {"1", "true"} and date_of(_text(source, "CONSENT/DATE")) is not None
    return Reminder(
        surname=_text(source, "PERS/FAM"),
        given_name=_text(source, "PERS/IM"),
        patronymic=_text(source, "PERS/OT"),
        birth_date=born,
        kind=kind,
        planned_on=planned,
        phone=_text(source, "PHONE"),
        email=_text(source, "EMAIL"),
        consent=consent,
        time_zone=_text(source, "TIME_ZONE"),
        visited=_text(source, "VISITED") in {"1", "true"},
    )


def _text(source: Element, path: str) -> str | None:
    found = source.find(path)
    return None if found is None else " ".join((found.text or "").split()) or None


class RussianTemplate(Template):
    """A text with places named in Russian: ``$дата``, ``${организация}``; ``$$`` is a dollar sign."""

    flags = re.RegexFlag(0)
    idpattern = "[а-яё]+"


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one kind of reminder. A subject may name the МО only: strangers see it."""

    text: RussianTemplate
    subject: RussianTemplate

    TEXT_PLACES: ClassVar = frozenset({"обращение", "дата", "организация"})
    SUBJECT_PLACES: ClassVar = frozenset({"организация"})

    def text_for(self, reminder: Reminder, organization: Organization) -> str:
        """The text for one person."""
        called = " ".join(part for part in (reminder.given_name, reminder.patronymic) if part)
        day = reminder.planned_on.strftime("%d.%m.%Y")
        return self.text.substitute({"обращение": called, "дата": day, "организация": organization.name})

    def subject_for(self, organization: Organization) -> str:
        """The subject, without anything personal."""
        return self.subject.substitute({"организация": organization.name})


@dataclass(frozen=True, slots=True)
class NoticeJob:
    """One reminder to word. ``wording`` is of its kind and its МО."""

    reminder: Reminder
    organization: Organization
    wording: Wording


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as it will be sent. ``address`` is in the one form by which its channel knows it."""

    address: str
    text: str
    subject: str = ""


class NotToBeSent(Exception):
    """``compose`` finds that the person cannot be told in this way: «Отменено». The reason is Russian, for the journal,
    without the document's values."""


class Compose(Protocol):
    """``notice.compose``: words one reminder; pure. ``notice.CHANNEL`` is its :class:`Channel`.

    Raises:
        NotToBeSent: no address, or a wrong one.
    """

    def __call__(self, job: NoticeJob) -> Draft:
        """Word one reminder."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way out; the peer may be told the id, which is the same at every attempt."""

    id: UUID
    address: str
    text: str
    subject: str = ""


class Fate(StrEnum):
    """What became of one attempt to hand over a message.

    TAKEN: the peer has it. REFUSED: it never will. LATER: it refused now, repeating may help; counts as an attempt.
    NOT_SENT: it certainly did not leave, or the peer does not take anything now. IN_DOUBT: it may have it.
    """

    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    LATER = "LATER"
    NOT_SENT = "NOT_SENT"
    IN_DOUBT = "IN_DOUBT"


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of one message. ``text`` is Russian, for the journal. ``parts`` it was cut into, and the peer's ids
    of those that it took, when it will tell of their delivery."""

    id: UUID
    fate: Fate
    text: str = ""
    parts: int = 0
    peer_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """The peer's later word on one part of a message. ``token`` goes back to the carrier when it is journaled."""

    peer_id: str
    word: Word
    token: int


class Carrier(Protocol):
    """A transport of messages; for one run and one thread at a time.

    ``repeats_safely``: the peer knows a message by its id, so that sending it again doubles nothing.
    """

    repeats_safely: bool

    def send(self, messages: Sequence[Message]) -> Sequence[Handed]:
        """Hand over messages, at most the manifest's batch; tell of each. Connects when it must.

        Raises:
            NotSent: nothing left.
            SignInRefused: the peer does not accept us.
        """
        ...

    def take_notices(self, limit: int, wait_s: float) -> Sequence[Notice]:
        """Take the words that came, at most ``limit``, waiting so many seconds for the first; the same come again, in
        another session, until confirmed.

        Raises:
            NotSent, SignInRefused: the peer cannot be asked now.
        """
        ...

    def ask(self, peer_ids: Sequence[str]) -> Mapping[str, Word]:
        """Ask about parts of which no word came; those of which the peer cannot tell are left out.

        Raises:
            NotSent, SignInRefused: the peer cannot be asked now.
        """
        ...

    def confirm(self, tokens: Sequence[int]) -> None:
        """Tell the peer that these words are journaled.

        Raises:
            NotSent: it was not told; it will say them again.
        """
        ...

    def close(self) -> None:
        """Take leave of the peer."""
        ...
