"""Checks of ФРМО and ФРМР by themselves: a session without a journal and without a peer, and ways to spoil what is
submitted.

The session hands the objects to the exchange and keeps the errors that it tells; whatever would reach the peer ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.demo.parts.frm_data import Submitted
from workers.exchange import Element, Organization, SourceObject
from workers.transports.ips_rest import IpsTransport

OID: Final = "1.2.643.5.1.13.13.12.2.34.1"
MO: Final = "Учебная больница"
STAGE: Final = "Проверка данных МО перед отправкой"
"""«Стадия» of every error of the check."""
SESSIONS: Final = Path(__file__).parents[1] / "integration"
OFFLINE: Any = None
"""Packets are built and held against their XSD without what reaches the peer."""

Told = tuple[str, str, str | None]
"""An error as operators see it: «Стадия», «Ошибка», «Объект»."""


class PastTheCheck(Exception):
    """The session found nothing that stops it and turned to the peer."""


@dataclass
class Scene:
    """What the МИС submitted of one МО, by the ids of its objects; spoiled in place."""

    objects: dict[str, tuple[str, Element]]
    oid: str = OID

    def content(self, object_id: str) -> Element:
        """The submitted content of an object."""
        return self.objects[object_id][1]


Spoil = Callable[[Scene], None]


def scene(given: Iterable[Submitted]) -> Scene:
    """A scene of what a МИС would submit."""
    return Scene({object_id: (kind, parse(content)) for kind, object_id, content in given})


def drop(object_id: str, path: str) -> Spoil:
    """Take a field away."""

    def spoil(given: Scene) -> None:
        for found in _found(given, object_id, path):
            parent = found.getparent()
            assert parent is not None
            parent.remove(found)

    return spoil


def say(object_id: str, path: str, text: str) -> Spoil:
    """Write something else into a field."""

    def spoil(given: Scene) -> None:
        for found in _found(given, object_id, path):
            found.text = text

    return spoil


def add(object_id: str, path: str, xml: str) -> Spoil:
    """Put one more element into a field; an empty path is the object itself."""

    def spoil(given: Scene) -> None:
        for found in _found(given, object_id, path) if path else [given.content(object_id)]:
            found.append(parse(xml.encode()))

    return spoil


def mark(object_id: str, path: str, name: str, text: str) -> Spoil:
    """Set an attribute of a field; an empty path is the object itself."""

    def spoil(given: Scene) -> None:
        for found in _found(given, object_id, path) if path else [given.content(object_id)]:
            found.set(name, text)

    return spoil


def without(object_id: str) -> Spoil:
    """Let the МИС never have submitted an object."""
    return lambda given: given.objects.__delitem__(object_id)


def twin(object_id: str, of: str) -> Spoil:
    """Submit an object once more under another id."""
    return lambda given: given.objects.__setitem__(object_id, (given.objects[of][0], deepcopy(given.content(of))))


def both(*spoils: Spoil) -> Spoil:
    """Spoil in several places."""

    def spoil(given: Scene) -> None:
        for each in spoils:
            each(given)

    return spoil


def told(run: Callable[[Any], str | None], given: Scene) -> tuple[list[Told], bool]:
    """Run a session over a scene: errors of its check, and whether it turned to the peer."""
    session = _Session(given)
    with suppress(PastTheCheck):
        run(session)
    return session.errors, session.went_on


def is_refused_at_the_door(given: Scene, register: str) -> bool:
    """Tell whether the schema of what is submitted refuses an object, so that no session ever sees it."""
    schemas = resource_dir("xsd") / register / "1.0" / "source"
    return any(validate(content, schemas / f"{kind}.xsd") for kind, content in given.objects.values())


def arises(test: str, message: str) -> bool:
    """Tell whether there is such a test of whole sessions (file::function) and its file speaks of the error."""
    file, _, name = test.partition("::")
    text = (SESSIONS / file).read_text(encoding="utf-8")
    return f"def {name}(" in text and message in text


def _found(given: Scene, object_id: str, path: str) -> list[Element]:
    found = given.content(object_id).findall(path)
    assert found, f"{object_id} has no {path}"
    return found


@dataclass
class _Session:
    """See ``workers.exchange.Session``: no journal, no peer."""

    given: Scene
    settings: Mapping[str, str] = field(default_factory=dict)
    transport: IpsTransport = field(default_factory=lambda: IpsTransport(OFFLINE, "", OFFLINE, OFFLINE))
    errors: list[Told] = field(default_factory=list)
    went_on: bool = False

    @property
    def organization(self) -> Organization:
        return Organization(1, self.given.oid, MO, {})

    def objects(self, object_type: str, *, due: bool = False) -> Iterator[SourceObject]:
        del due  # the peer holds none of them
        for object_id, (kind, content) in sorted(self.given.objects.items()):
            if kind == object_type:
                yield SourceObject(kind, object_id, content, digest=object_id.encode())

    def doubts(self) -> Sequence[object]:
        return ()

    def withhold(self) -> None:
        self.went_on = False

    def claiming(self, things: Iterable[str]) -> AbstractContextManager[None]:
        assert all(things)
        return nullcontext()

    @contextmanager
    def event(self, code: str, title: str, about: str | None = None) -> Iterator[_Event]:
        del code, title, about
        yield _Event(self.errors)

    def send(self, event: _Event, request: object) -> object:
        del event, request
        self.went_on = True
        raise PastTheCheck

    send_all = send


@dataclass
class _Event:
    """See ``workers.exchange.SessionEvent``."""

    errors: list[Told]
    id: UUID = field(default_factory=uuid4)

    def error(self, stage: str, message: str, about: str | None = None, *, fails: bool = True) -> None:
        assert fails
        self.errors.append((stage, message, about))
