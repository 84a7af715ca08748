"""Schedules of services: five fields of cron in a time zone, spread by some seconds. Pure: every moment is given.

Summer and winter time are kept as Debian's cron keeps them: a start at an hour that is skipped comes right after the
skip, and one at an hour that is repeated comes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from typing import Final, Protocol

from cronsim import CronSim, CronSimError

from gateway.domain.errors import ConfigurationError
from gateway.domain.zones import time_zone

OFF: Final = "off"
"""Stands in the settings of a service for «no schedule», whatever its manifest says."""

MAX_JITTER_S: Final = 3600
MAX_COUNTED: Final = 1000
"""Missed starts are counted up to here."""
_FIELDS: Final = 5
_LOOKED_AHEAD: Final = 20
"""Starts among which the shortest pause of a schedule is looked for."""


class Stored(Protocol):
    """What the settings of a service keep of its schedule; None: as the manifest and the installation say."""

    @property
    def schedule(self) -> str | None:
        """Five fields of cron, or ``OFF``."""

    @property
    def time_zone(self) -> str | None:
        """IANA name."""

    @property
    def jitter_s(self) -> int:
        """Seconds by which starts are spread."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a service starts by itself. ``jitter_s`` seconds at most are added by lot to every start."""

    cron: str
    time_zone: str
    jitter_s: int = 0

    @property
    def title(self) -> str:
        """The schedule as people read it: ``0 3 * * * Europe/Moscow``."""
        return f"{self.cron} {self.time_zone}"

    @property
    def mark(self) -> str:
        """What tells this schedule from any other."""
        return f"{self.title} {self.jitter_s}"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the starts after an aware moment, without jitter, rising, in UTC.

        Raises:
            ConfigurationError: not five fields of cron, or no such zone.
        """
        zone = time_zone(self.time_zone)
        if len(self.cron.split()) != _FIELDS:
            raise self._wrong()
        try:
            # Of an hour that is repeated only wall clock times are known here: those already past are left out.
            starts = (start.astimezone(UTC) for start in CronSim(self.cron, moment.astimezone(zone)))
        except CronSimError:
            raise self._wrong() from None
        return (start for start in starts if start > moment)

    def next_start(self, moment: datetime, lot: float = 0.0) -> datetime:
        """The first start after an aware moment, in UTC; ``lot`` (0 to 1) is the part of the jitter that it gets.

        Raises:
            ConfigurationError: as :meth:`after`, or no such day will ever come.
        """
        start = next(self.after(moment), None)
        if start is None:
            raise ConfigurationError(f"Расписание «{self.cron}»: такой даты не бывает")
        return start + timedelta(seconds=int(lot * self.jitter_s))

    def missed(self, planned: datetime, now: datetime, catch_up_s: int) -> tuple[bool, int]:
        """What a start planned for ``planned`` comes to when it is looked at ``now``.

        Tells whether to start now, for the last start that should have been is no more than ``catch_up_s`` ago, and how
        many other starts were missed, counted up to ``MAX_COUNTED``.
        """
        later = sum(1 for _ in islice(takewhile(lambda start: start <= now, self.after(planned)), MAX_COUNTED))
        oldest = now - timedelta(seconds=catch_up_s)
        fresh = planned >= oldest or next(self.after(oldest)) <= now
        return fresh, min(later + (not fresh), MAX_COUNTED)

    def check(self, now: datetime) -> None:
        """Refuse a schedule that cannot be kept.

        Raises:
            ConfigurationError: as :meth:`next_start`, or a jitter out of range or longer than a pause between starts.
        """
        self.next_start(now)
        if not 0 <= self.jitter_s <= MAX_JITTER_S:
            raise ConfigurationError(f"Разброс запусков: от 0 до {MAX_JITTER_S} с")
        starts = islice(self.after(now), _LOOKED_AHEAD)
        shortest_s = min(((two - one).total_seconds() for one, two in pairwise(starts)), default=float("inf"))
        if self.jitter_s >= shortest_s:
            raise ConfigurationError(f"Разброс запусков {self.jitter_s} с не меньше промежутка между ними")

    def _wrong(self) -> ConfigurationError:
        return ConfigurationError(
            f"Расписание «{self.cron}»: нужны пять полей cron: минута, час, день, месяц, день недели"
        )


def schedule_of(default: str | None, stored: Stored | None, zone: str) -> Schedule | None:
    """The schedule in force: the stored one, else the manifest's (``default``), in its own zone or the installation's.

    None when the service has no schedule or it is switched off.
    """
    cron = default if stored is None or stored.schedule is None else stored.schedule
    if cron is None or cron == OFF:
        return None
    if stored is None:
        return Schedule(cron, zone)
    return Schedule(cron, stored.time_zone or zone, stored.jitter_s)
