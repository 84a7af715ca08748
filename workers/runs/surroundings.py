"""What a run of an exchange needs of the process it runs in, and how it asks to be called again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Engine

from workers.exchange import Peer
from workers.runs.reference import Library


class Point(StrEnum):
    """Named points of a run, between any two of which a worker may die; tests kill it at each."""

    TAKEN = "taken"
    REARMED = "rearmed"
    FORMING = "forming"
    FORMED = "formed"
    NUMBERED = "numbered"
    SENDING = "sending"
    SENT = "sent"
    SETTLED = "settled"
    ASKED = "asked"
    ANSWERS_TAKEN = "answers-taken"
    ANSWERS_JOURNALED = "answers-journaled"
    ANSWERS_CONFIRMED = "answers-confirmed"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class Pause:
    """A run that is not over asks to be called again after so many seconds.

    ``failures`` of the peer in a row so far, ``crashes`` of the run itself in a row so far.
    """

    seconds: float
    failures: int = 0
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs of its process. ``reached`` is told every named point; ``stopping`` asks for an early pause.

    ``settings`` are those of the site for this exchange; ``library`` holds the process's dictionaries;
    ``system`` are the services of the exchange's folder, which share its settings.
    """

    engine: Engine
    open_peer: Callable[[], AbstractContextManager[Peer]]
    stopping: Callable[[], bool] = lambda: False
    reached: Callable[[Point], None] = lambda _point: None
    settings: Mapping[str, str] = field(default_factory=dict)
    library: Library = field(default_factory=Library)
    system: Sequence[str] = ()
