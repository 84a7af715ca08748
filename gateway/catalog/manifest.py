"""The manifest of an exchange: data, read and checked before anything runs. Unknown keys are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.catalog.schedule import Schedule
from gateway.domain.dictionaries import find_dictionary
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import LogKind, OrganizationChoice
from gateway.domain.numbers import is_oid
from gateway.domain.roles import Role
from gateway.domain.statuses import (
    STATUS_TITLES,
    STRAY_ANSWER,
    STRAY_ANSWER_TITLE,
    Direction,
    Operation,
    PacketStatus,
)

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ElementPath = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*(/\w[\w.-]*)*$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=250, strip_whitespace=True)]


def _known(name: str) -> str:
    if find_dictionary(name) is None:
        raise ValueError(f"there is no dictionary {name}")
    return name


DictionaryName = Annotated[str, AfterValidator(_known)]


def _can_be_kept(cron: str) -> str:
    try:
        Schedule(cron, "UTC").check(datetime.now(UTC))
    except ConfigurationError as error:
        raise ValueError(error.message) from None
    return cron


Cron = Annotated[str, AfterValidator(_can_be_kept)]


class Strict(BaseModel):
    """Base of all manifest tables: frozen, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Titled(Strict):
    """A code and what people read for it."""

    code: Code
    title: Title


class Service(Titled):
    """An entry of «Список сервисов». ``schedule`` (five fields of cron) holds until a site sets another.

    ``position`` is its place in the list, ties go by title; a group stands where its first service does.
    ``organizations_required``: «Запуск» must name its МО; otherwise none stands for all that the viewer sees.
    ``oid_required``: the peer knows МО by their OID alone, so that one without it is neither offered nor taken.
    """

    position: int = Field(default=1000, ge=0)
    direction: Direction = Direction.EXPORT
    log: LogKind = LogKind.PACKETS
    manual_start: bool = True
    organization_choice: OrganizationChoice = OrganizationChoice.MANY
    organizations_required: bool = False
    oid_required: bool = False
    launch_per_organization: bool = False
    resumable: bool = False
    holdable: bool = False
    visible_to: frozenset[Role] = frozenset(Role) - {Role.STATISTICIAN}
    mis_may_start: bool = False
    schedule: Cron | None = None
    session_title: str = Field(default="", pattern=r"^[^{}]*(\{organization\}[^{}]*)?$")

    @model_validator(mode="after")
    def _chosen(self) -> Service:
        if self.oid_required and not self.organizations_required:
            raise ValueError("oid_required needs organizations_required: no МО named stands for all of them")
        return self

    def takes(self, oid: str) -> bool:
        """Tell whether a МО known by ``oid`` may be launched for: a МО that has no OID is known by some other mark."""
        return not self.oid_required or is_oid(oid)

    def titled(self, organization: str | None) -> str | None:
        """What a session is called: ``session_title`` with the name of its МО; None where sessions have no name."""
        if not self.session_title or organization is None:
            return None
        return self.session_title.replace("{organization}", organization)


class ObjectType(Strict):
    """A type of source object: its lax schema, by path in the folder or in the top-level xsd/.

    ``lookup`` are the elements that together tell whom or what the object is about, so that a document of the peer can
    be matched with it: paths below the root, names without prefixes.
    """

    code: Code
    schema_path: str = Field(alias="schema")
    lookup: tuple[ElementPath, ...] = ()


class PacketType(Titled):
    """A packet: the object it is made of, its strict schema and root element.

    The order of packet types is the order of sending; a Delete goes in reverse. What a peer sends is made of no object
    of ours and is known by its root element (``code`` unless told). ``records`` above 1 makes it a packet of many: so
    many objects of one МО and operation at most. ``standalone``: the peer wants the document to say that it needs no
    other. ``encoding`` is that of its bytes.
    """

    object_type: Code = ""
    root: str | None = None
    schema_path: str = Field(alias="schema")
    records: int = Field(default=1, ge=1, le=1000)
    standalone: bool = False
    encoding: Literal["utf-8", "windows-1251"] = "utf-8"

    @property
    def root_name(self) -> str:
        """Local name of the root element."""
        return self.root or self.code


class Retry(Strict):
    """Attempts of one packet within one run, the pause before the second (seconds) and how it grows."""

    attempts: int = Field(default=3, ge=1, le=10)
    delay_s: float = Field(default=1.0, ge=0, le=3600)
    factor: float = Field(default=2.0, ge=1, le=10)


class Transport(Strict):
    """How the peer is reached. ``settings`` are the keys a site must set; ``secrets`` among them are masked.

    ``optional`` are all other keys that are read of a site's table; ``field_*`` stands for every key so begun.

    ``incoming`` are shell patterns of the names of files that come for this service, where several services of one
    peer share a folder; empty means every file. ``alternatives`` are other ways to the same peers and files, one of
    which a site may choose by its setting ``transport``; ``retry`` and ``status_titles`` say where such a way differs.
    ``unconfigured`` is what a launch says, before it names them, when settings are missing, whichever way is chosen.
    """

    kind: Code
    alternatives: tuple[Transport, ...] = ()
    incoming: tuple[str, ...] = ()
    wsdl: str | None = None
    settings: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    unconfigured: Title = "Не заданы настройки обмена"
    secrets: tuple[str, ...] = ()
    retry: Retry | None = None
    status_titles: dict[PacketStatus, Title] = {}

    def chosen(self, kind: str | None) -> Transport:
        """The transport of this kind among those that the manifest allows; None: the first.

        Raises:
            ConfigurationError: it allows no such one.
        """
        ways = {way.kind: way for way in (self, *self.alternatives)}
        if (kind or self.kind) not in ways:
            raise ConfigurationError(f"Настройка transport: допустимо {', '.join(ways)}")
        common = {"incoming": self.incoming, "unconfigured": self.unconfigured}
        return ways[kind or self.kind].model_copy(update=common)


class Sending(Strict):
    """Sizes and waiting of a run. Times in seconds."""

    form_batch: int = Field(default=500, ge=1, le=5000)
    send_batch: int = Field(default=100, ge=1, le=1000)
    answers: Literal["none", "collect"] = "none"
    answer_poll_s: float = Field(default=2.0, gt=0, le=3600)
    answer_window_s: float = Field(default=600, ge=0)
    in_doubt: Literal["ask", "repeat", "operator"] = "operator"


class Manifest(Strict):
    """One exchange folder, described. ``dictionaries`` are those that its rules ask of (``job.reference``).

    ``unreachable`` is what a launch says when the peer cannot be reached, where operators know another sentence than
    «{peer} недоступен».
    """

    slug: Slug
    peer: Title
    unreachable: Title | None = None
    service: Service
    group: Titled | None = None
    object_types: tuple[ObjectType, ...] = ()
    packet_types: tuple[PacketType, ...] = ()
    answer_schema: str | None = None
    dictionaries: tuple[DictionaryName, ...] = ()
    operations: dict[Operation, Title] = {}
    status_titles: dict[PacketStatus, Title] = {}
    launch_columns: tuple[Titled, ...]
    detail_columns: tuple[Titled, ...]
    transport: Transport
    retry: Retry = Retry()
    sending: Sending = Sending()

    @model_validator(mode="after")
    def _consistent(self) -> Manifest:
        objects = [o.code for o in self.object_types]
        packets = [p.code for p in self.packet_types]
        for name, codes in (("object_types", objects), ("packet_types", packets)):
            if len(set(codes)) != len(codes):
                raise ValueError(f"{name}: a code stands twice")
        unknown = {p.object_type for p in self.packet_types if p.object_type} - set(objects)
        if unknown:
            raise ValueError(f"packet_types name unknown object types: {', '.join(sorted(unknown))}")
        self._formed_or_received()
        ways = (self.transport, *self.transport.alternatives)
        if not all(set(way.secrets) <= set(way.settings) for way in ways):
            raise ValueError("transport.secrets must be among transport.settings")
        return self

    @property
    def known_settings(self) -> frozenset[str]:
        """Keys that a site's table may have, whichever way it chooses; one with ``*`` at its end is a family."""
        ways = (self.transport, *self.transport.alternatives)
        return frozenset({"transport"}.union(*((*way.settings, *way.optional) for way in ways)))

    @property
    def receives(self) -> bool:
        """Whether a run takes documents from the peer; a session that does so tells it by itself."""
        return self.service.direction is Direction.IMPORT and self.service.log is LogKind.PACKETS

    def _formed_or_received(self) -> None:
        if self.receives:
            roots = [p.root_name for p in self.packet_types]
            if len(set(roots)) != len(roots):
                raise ValueError("packet_types: two have one root")
        elif self.service.log is LogKind.PACKETS and any(not p.object_type for p in self.packet_types):
            raise ValueError("packet_types: object_type is missing")

    def by_way(self, kind: str | None) -> Manifest:
        """The manifest of a site that chose this kind of transport (None: the first).

        One that is not allowed changes nothing here: opening the transport refuses it.
        """
        try:
            way = self.transport.chosen(kind)
        except ConfigurationError:
            return self
        titles = {**self.status_titles, **way.status_titles}
        return self.model_copy(update={"transport": way, "retry": way.retry or self.retry, "status_titles": titles})

    @property
    def peer_is_away(self) -> str:
        """What a launch says when the peer cannot be reached."""
        return self.unreachable or f"{self.peer} недоступен"

    def status_title(self, status: PacketStatus) -> str:
        """Title of a status as this exchange's operators know it."""
        return self.status_titles.get(status, STATUS_TITLES[status])

    def packet_type(self, code: str) -> PacketType | None:
        """The packet type of this code, or None when the manifest no longer knows it."""
        return next((p for p in self.packet_types if p.code == code), None)

    @property
    def packet_type_titles(self) -> dict[str, str]:
        """Titles of all packet types that a packet of this service may have, by code."""
        return {STRAY_ANSWER: STRAY_ANSWER_TITLE} | {p.code: p.title for p in self.packet_types}
