"""Words of an exchange with a register that is read, compared with what the МИС submitted, and brought up to date."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from gateway.domain.errors import Finding, InvalidRequest
from gateway.domain.statuses import Operation, PacketStatus
from gateway.xml.instants import parse_instant
from workers.exchange.common import Element, SourceObject
from workers.exchange.dictionary import Dictionary, load_dictionary
from workers.exchange.packets import Verdict
from workers.exchange.session import Answer, Doubt, Request, Session, SessionEvent

VERBS: Final = {Operation.INSERT: "create", Operation.UPDATE: "update", Operation.DELETE: "delete"}
"""What the names of a register's operations end with that change it."""
CONFIRMED: Final = "Подтверждено чтением {register}"
NOT_THERE: Final = "В {register} изменения нет, оно передаётся заново"
CHECK: Final = "check"
"""Name, in every dictionary, of the event that begins an attempt."""

READINGS: Final = 3
"""So often a list is read that shifts meanwhile."""

Broken = Callable[[Element], bool]
"""Tells whether an element breaks a rule."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule, by the code of its message, and what breaks it, as «Объект» shows it."""

    code: str
    about: str


def text_at(element: Element, path: str) -> str:
    """Text of a field, empty when it is absent."""
    return (element.findtext(path) or "").strip()


def absent(*paths: str) -> Broken:
    """One of the fields is not filled in."""
    return lambda e: not all(text_at(e, path) for path in paths)


def no_date(*paths: str) -> Broken:
    """One of the fields is not a date."""
    return lambda e: not all(moment_of(text_at(e, path)) for path in paths)


def either(*rules: Broken) -> Broken:
    """One of the rules is broken."""
    return lambda e: any(broken(e) for broken in rules)


class RegisterTransport(Protocol):
    """A transport that knows the operations and entities of a register by their XSD.

    An entity in *normal form* has its fields in the order of the XSD and every value written in one way.
    """

    def packet(self, operation: str, parameters: Mapping[str, str], content: Element | None = None) -> Element:
        """Build the packet of an operation; ``content`` holds the fields of an entity in any order and form."""
        ...

    def check(self, packet: Element) -> tuple[Finding, ...]:
        """Tell what is wrong with a packet; empty means that it may be sent."""
        ...

    def data(self, packet: Element) -> bytes:
        """Bytes of a packet, as they are journaled and handed to ``call``."""
        ...

    def contents(self, answer: Answer) -> Sequence[Element]:
        """Entities that an answer holds, in normal form, each an element with its fields inside."""
        ...

    def next_page(self, packet: Element, answer: Answer) -> Element | None:
        """Return the packet that reads the page after ``answer``, or None when that was the last one.

        It begins with the last entity of the page before, so that a list that shifts between the two is seen.
        """
        ...

    def total(self, answer: Answer) -> int | None:
        """How many entities the whole list has that ``answer`` is a page of; None when it is no list."""
        ...


@dataclass(frozen=True, slots=True)
class Talk:
    """A session with a register, told in the words of its dictionary; ``register`` is what operators call it."""

    session: Session
    words: Dictionary
    register: str

    @classmethod
    def of(cls, session: Session, dictionary: Path, register: str) -> Talk:
        """Begin a talk in the words of this file and of the site's own. Raises as ``load_dictionary``."""
        return cls(session, load_dictionary(dictionary, session.settings), register)

    @property
    def transport(self) -> RegisterTransport:
        """The transport of the session."""
        transport: RegisterTransport = self.session.transport
        return transport

    def event(self, name: str, about: str | None = None) -> AbstractContextManager[SessionEvent]:
        """Journal an event as begun; it is closed when the block ends."""
        event = self.words.events[name]
        return self.session.event(event.code, event.title, about)

    def error(self, event: SessionEvent, stage: str, code: str, about: str, *, fails: bool = True) -> None:
        """Register an error by its code; ``stage`` is the name of an event. One may be told without failing."""
        event.error(self.words.events[stage].title, self.words.errors[code], about, fails=fails)

    def judge(self, event: SessionEvent, problems: Iterable[Problem], packets: Iterable[Element], about: str) -> bool:
        """Register the problems of an object, or else what its packets lack by their XSD; True when nothing is wrong.

        Packets are made and looked at only where there are no problems.
        """
        found = [(self.words.errors[problem.code], problem.about) for problem in problems]
        found = found or [(finding.message, about) for each in packets for finding in self.transport.check(each)]
        for message, what in found:
            event.error(self.words.events[CHECK].title, message, what)
        return not found

    def settle(self, doubt: Doubt, *, done: bool) -> None:
        """Tell what the register's state says of a request whose outcome is unknown."""
        told = (PacketStatus.ACCEPTED, CONFIRMED) if done else (PacketStatus.SEND_ERROR, NOT_THERE)
        self.session.close(doubt.packet_id, Verdict(told[0], told[1].format(register=self.register)), None)


class ListShifted(Exception):
    """A list changed each time while it was read: of what stood between two pages nothing is known."""


def read_all(session: Session, event: SessionEvent, packet: Element) -> list[Element] | None:
    """Read every page of what a packet asks for, anew when the list shifts meanwhile; None when a page is refused.

    Raises:
        ListShifted: it shifted ``READINGS`` times.
        TransportError: as ``Session.send``.
    """
    for _ in range(READINGS):
        with suppress(ListShifted):
            return _read_once(session, event, packet)
    raise ListShifted


def _read_once(session: Session, event: SessionEvent, packet: Element) -> list[Element] | None:
    transport: RegisterTransport = session.transport
    records: list[Element] = []
    totals: set[int | None] = set()
    page: Element | None = packet
    while page is not None:
        answer = session.send(event, request_of(transport, page, Operation.READ))
        if answer.refusal:
            return None
        found = list(transport.contents(answer))
        if records and (not found or not _is_same(records[-1], found.pop(0))):
            raise ListShifted
        records += found
        totals.add(transport.total(answer))
        page = transport.next_page(page, answer)
    if totals not in ({None}, {len(records)}):
        raise ListShifted
    return records


def _is_same(one: Element, other: Element) -> bool:
    return covers(one, other) and covers(other, one)


def request_of(
    transport: RegisterTransport,
    packet: Element,
    operation: Operation,
    about: SourceObject | None = None,
    brings: SourceObject | None = None,
    peer_id: str | None = None,
) -> Request:
    """Make the request that a packet is; ``about`` is the object that it is a part of, ``brings`` the one it is."""
    return Request(str(packet.tag), operation, transport.data(packet), brings or about, brings, peer_id)


def content_of(packet: Element) -> Element:
    """Entity inside a packet that brings one, in normal form."""
    content = packet.find("request/content")
    if content is None:
        raise ValueError("a packet without an entity")
    return content


def moment_of(text: str) -> datetime | None:
    """Read a date of an entity (xs:dateTime; one without a zone is in UTC); None when it is none."""
    for written in (text, f"{text}Z"):
        with suppress(InvalidRequest):
            return parse_instant(written)
    return None


def covers(wanted: Element, found: Element) -> bool:
    """Tell whether the register holds all that is wanted; both in normal form.

    What the register holds beyond it (ids, titles that it adds itself) is no difference, nor is how it words the title
    of a code. An empty field is as good as none. Items of an array may stand in another order, but there must be as
    many.
    """
    if not len(wanted):
        return not len(found) and (wanted.text or "").strip() == (found.text or "").strip()
    if _is_array(wanted):
        return _all_paired(wanted, found, covers)
    given = {child.tag: child for child in found}
    title = _title_of_code(wanted)
    told = (child for child in wanted if child is not title)
    return all(covers(child, given[child.tag]) if child.tag in given else _is_empty(child) for child in told)


def holds_more(wanted: Element, held: Element, id_field: str = "") -> bool:
    """Tell whether the register holds what is not wanted, of an entity that ``covers`` what is; both in normal form.

    What the register adds itself is nothing more: the entity's own id (``id_field``; ``id`` or ``oid`` inside), the
    title of a code, whatever stands beside a code that alone was wanted, a sign that is not set, an empty field.
    """
    if not len(wanted):
        return False
    if _is_array(wanted):
        return not _all_paired(wanted, held, lambda one, other: covers(one, other) and not holds_more(one, other))
    given = {str(child.tag): child for child in wanted}
    if given.keys() <= _CODES:
        return False
    more = [child for child in held if child.tag not in given and child.tag != id_field and not _says_nothing(child)]
    if any(not _is_added(child, held, inside=not id_field) for child in more):
        return True
    return any(holds_more(given[str(child.tag)], child) for child in held if child.tag in given)


def without_unsaid(wanted: Element, held: Element, brought: Set[str] = frozenset()) -> Element:
    """What is wanted, less the fields that it leaves empty where the register says something.

    Some arrays must always be sent, and an empty one is no word that nothing is to be there. A field that was
    ``brought`` before is taken away by leaving it empty.
    """
    there = {str(child.tag) for child in held if not _is_empty(child)} - brought
    unsaid = [child for child in wanted if child.tag in there and _is_empty(child)]
    if not unsaid:
        return wanted
    said = copy.deepcopy(wanted)
    for child in unsaid:
        said.remove(said[wanted.index(child)])
    return said


def with_others(wanted: Element, held: Element, but: Set[str]) -> Element:
    """What is put in place of what a register holds: what is wanted, and the fields that it alone has but for some.

    The title of a code that is to be another one, or none, stays behind: the register adds the new one's itself.
    """
    whole = copy.deepcopy(wanted)
    given = {str(child.tag): child for child in wanted}
    there = {str(child.tag): child for child in held}
    other = {tag for tag, child in given.items() if tag not in there or not covers(child, there[tag])}
    left = given.keys() | but
    others = (child for child in held if child.tag not in left and not _is_title(child, other | (but - given.keys())))
    whole.extend([copy.deepcopy(child) for child in others])
    return whole


_CODES: Final = frozenset({"id", "code"})
_IDS: Final = frozenset({"id", "oid"})


def _title_of_code(element: Element) -> Element | None:
    """The title in a pair of a code and its title: ``name`` beside ``code``, or whatever stands beside ``id`` in a
    field named so. The register knows it by its own dictionary."""
    if len(element) != 2:
        return None
    code, title = sorted(element, key=lambda child: child.tag not in _CODES)
    of_code = (code.tag, title.tag) == ("code", "name")
    of_id = code.tag == "id" and str(element.tag).removesuffix("Item").endswith("Id")
    return title if (of_code or of_id) and not len(title) and _own_text(code) else None


def _is_added(child: Element, held: Element, *, inside: bool) -> bool:
    """Whether the register adds this field to an entity itself: an id inside, or the title of a code."""
    tag, place = str(child.tag), str(held.tag)
    if inside and (tag in _IDS or place.removesuffix("Id") == tag):
        return True
    return _is_title(child, {str(other.tag) for other in held if not len(other)})  # one with fields has its own title


def _is_title(child: Element, codes: Set[str]) -> bool:
    """Whether a field is the title of one of the codes with these tags."""
    title = str(child.tag).removesuffix("Name").casefold()
    return any(code.casefold().endswith((f"{title}id", f"{title}oid")) for code in codes)


def _says_nothing(element: Element) -> bool:
    return {str(text).strip() for text in element.itertext()} <= {"", "false"}


def _is_array(element: Element) -> bool:
    return str(element[0].tag).endswith("Item")


def _is_empty(element: Element) -> bool:
    return not "".join(str(text) for text in element.itertext()).strip()


def _all_paired(wanted: Element, held: Element, fits: Callable[[Element, Element], bool]) -> bool:
    """Whether each item of an array has a held one of its own that fits, which ``covers`` it at least.

    That is the one in its place, else one of those with its first value: a staffing table has thousands of lines.
    """
    if len(wanted) != len(held):
        return False
    left = [pair for pair in zip(wanted, held, strict=True) if not fits(*pair)]
    alike: dict[str, defaultdict[str, list[Element]]] = {}
    taken: set[Element] = set()
    for one, _ in left:
        tag = next((str(field.tag) for field in one if not len(field) and _own_text(field)), "")
        if tag not in alike:
            alike[tag] = _by_value(tag, [other for _, other in left])
        among = alike[tag][_value_at(one, tag)]
        mine = next((other for other in among if other not in taken and fits(one, other)), None)
        if mine is None:
            return False
        taken.add(mine)
    return True


def _by_value(tag: str, items: Iterable[Element]) -> defaultdict[str, list[Element]]:
    found: defaultdict[str, list[Element]] = defaultdict(list)
    for item in items:
        found[_value_at(item, tag)].append(item)
    return found


def _value_at(item: Element, tag: str) -> str:
    """Text of a field of an item; without a tag of the item itself."""
    return text_at(item, tag) if tag else _own_text(item)


def _own_text(element: Element) -> str:
    return (element.text or "").strip()
