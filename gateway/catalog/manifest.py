"""The manifest of an exchange: data, read and checked before anything runs. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from gateway.domain.launches import LogKind, OrganizationChoice
from gateway.domain.roles import Role
from gateway.domain.statuses import STATUS_TITLES, Direction, Operation, PacketStatus

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=250, strip_whitespace=True)]


class Strict(BaseModel):
    """Base of all manifest tables: frozen, no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Titled(Strict):
    """A code and what people read for it."""

    code: Code
    title: Title


class Service(Titled):
    """An entry of «Список сервисов»."""

    direction: Direction = Direction.EXPORT
    log: LogKind = LogKind.PACKETS
    manual_start: bool = True
    organization_choice: OrganizationChoice = OrganizationChoice.MANY
    launch_per_organization: bool = False
    resumable: bool = False
    holdable: bool = False
    visible_to: frozenset[Role] = frozenset(Role) - {Role.STATISTICIAN}
    mis_may_start: bool = False


class ObjectType(Strict):
    """A type of source object: its lax schema, by path in the folder or in the top-level xsd/."""

    code: Code
    schema_path: str = Field(alias="schema")


class PacketType(Titled):
    """A packet: the object it is made of, its strict schema and root element.

    The order of packet types is the order of sending; a Delete goes in reverse.
    """

    object_type: Code
    schema_path: str = Field(alias="schema")


class Transport(Strict):
    """How the peer is reached. ``settings`` are the keys a site must set; ``secrets`` among them are masked."""

    kind: Code
    wsdl: str | None = None
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


class Retry(Strict):
    """Attempts of one packet within one run, the pause before the second (seconds) and how it grows."""

    attempts: int = Field(default=3, ge=1, le=10)
    delay_s: float = Field(default=1.0, ge=0, le=3600)
    factor: float = Field(default=2.0, ge=1, le=10)


class Sending(Strict):
    """Sizes and waiting of a run. Times in seconds."""

    form_batch: int = Field(default=500, ge=1, le=5000)
    send_batch: int = Field(default=100, ge=1, le=1000)
    answers: Literal["none", "collect"] = "none"
    answer_poll_s: float = Field(default=2.0, gt=0, le=3600)
    answer_window_s: float = Field(default=600, ge=0)
    in_doubt: Literal["ask", "repeat", "operator"] = "operator"


class Manifest(Strict):
    """One exchange folder, described."""

    slug: Slug
    peer: Title
    service: Service
    group: Titled | None = None
    object_types: tuple[ObjectType, ...] = ()
    packet_types: tuple[PacketType, ...] = ()
    answer_schema: str | None = None
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
        unknown = {p.object_type for p in self.packet_types} - set(objects)
        if unknown:
            raise ValueError(f"packet_types name unknown object types: {', '.join(sorted(unknown))}")
        if not set(self.transport.secrets) <= set(self.transport.settings):
            raise ValueError("transport.secrets must be among transport.settings")
        return self

    def status_title(self, status: PacketStatus) -> str:
        """Title of a status as this exchange's operators know it."""
        return self.status_titles.get(status, STATUS_TITLES[status])

    def packet_type(self, code: str) -> PacketType | None:
        """The packet type of this code, or None when the manifest no longer knows it."""
        return next((p for p in self.packet_types if p.code == code), None)
