"""Switches of a stand-in peer: the troubles it makes on demand, changed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from hashlib import sha256
from threading import Lock
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.domain.errors import InvalidRequest

Count = Annotated[int, Field(ge=0, le=1_000_000)]
Percent = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Outage(StrEnum):
    """How the peer is down: not at all, nobody listens on its port, or every call gets a SOAP Fault."""

    NONE = "none"
    REFUSE = "refuse"
    FAULT = "fault"


class Malformation(StrEnum):
    """How a spoilt answer is spoilt: cut in the middle, or well-formed and against its schema."""

    TRUNCATED = "truncated"
    INVALID = "invalid"


class SwitchValues(BaseModel):
    """What is switched on now.

    ``answer_delay_s``: seconds from reception until the verdict can be fetched.
    ``reject_percent``: share of fresh packets refused at random; the choice hangs on ``seed`` and the packet
    id alone, so it does not depend on the order of arrival.
    ``malformed_answer_percent``, ``malformed_answer_next``: answers spoilt on their way out, by share and by
    number; the stored answer stays right.
    ``drop_before_next``: so many submissions lose their connection before they are read.
    ``take_and_drop_next``: so many are taken and committed, and lose the connection instead of an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)

    outage: Outage = Outage.NONE
    answer_delay_s: Seconds = 0.0
    reject_percent: Percent = 0
    malformed_answer_percent: Percent = 0
    malformed_answer_next: Count = 0
    malformation: Malformation = Malformation.TRUNCATED
    drop_before_next: Count = 0
    take_and_drop_next: Count = 0
    seed: int = 0


class Switches:
    """The switches of one running peer; safe to read and to change from any thread.

    ``model`` names the switches a peer has beyond those of every peer.
    """

    def __init__(self, model: type[SwitchValues] = SwitchValues) -> None:
        self._lock = Lock()
        self._model = model
        self._values = model()
        self._listener: Callable[[SwitchValues], None] | None = None

    @property
    def values(self) -> SwitchValues:
        """What is switched on at this moment."""
        return self._values

    def on_change(self, listener: Callable[[SwitchValues], None]) -> None:
        """Call ``listener`` after every ``update`` and ``reset``, in the thread that made the change."""
        self._listener = listener

    def update(self, changes: Mapping[str, object]) -> SwitchValues:
        """Change the named switches, leave the others, return them all.

        Raises:
            InvalidRequest: an unknown switch or a value out of its range; nothing is changed then.
        """
        with self._lock:
            try:
                self._values = self._model.model_validate({**self._values.model_dump(), **changes})
            except ValidationError as error:
                names = sorted({str(problem["loc"][0]) for problem in error.errors()})
                raise InvalidRequest(f"Нет такого переключателя или значения: {', '.join(names)}.") from None
        return self._changed()

    def reset(self) -> SwitchValues:
        """Switch everything off."""
        with self._lock:
            self._values = self._model()
        return self._changed()

    def take(self, name: str) -> bool:
        """Count one off the countdown of this name; False when it stands at 0."""
        with self._lock:
            left: int = getattr(self._values, name)
            if left:
                self._values = self._values.model_copy(update={name: left - 1})
            return left > 0

    def _changed(self) -> SwitchValues:
        values = self._values
        if self._listener is not None:
            self._listener(values)
        return values


def chosen(values: SwitchValues, purpose: str, key: str, percent: int) -> bool:
    """Tell whether ``key`` falls into the given share (0–100) for this purpose; always the same answer."""
    lot = int.from_bytes(sha256(f"{values.seed}:{purpose}:{key}".encode()).digest()[:8])
    return lot % 100 < percent
