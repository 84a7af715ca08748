"""What stands above the records of a report: what, who, under which filter, how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from gateway.domain.zones import DEFAULT_ZONE, time_zone
from gateway.reports.kinds import LISTINGS, Column, Listing, ReportFormat, ReportKind


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the filter, as given: a code's title where it has one, a moment as xs:dateTime."""

    code: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What is known of a report when it is ordered; ``session_title`` where it is of one session that has a name.

    ``time_zone`` is the IANA name of the zone of its moments.
    """

    kind: ReportKind
    format: ReportFormat
    made_by: str
    role: str
    service_code: str | None
    service_title: str | None
    conditions: tuple[Condition, ...]
    columns: tuple[Column, ...]
    session_title: str | None = None
    time_zone: str = DEFAULT_ZONE

    @property
    def listing(self) -> Listing:
        """The list that is reported."""
        return LISTINGS[self.kind]


@dataclass(frozen=True, slots=True)
class Total:
    """A number over the whole report, not over a page."""

    code: str
    title: str
    value: int


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of a report when its snapshot of the journal is taken.

    ``at`` has the offset that every moment of the report is written with: the one that its zone has at that moment.
    """

    at: datetime
    totals: tuple[Total, ...]

    @classmethod
    def now(cls, moment: datetime, totals: tuple[Total, ...], zone: str) -> Made:
        """What is made at an aware moment, for readers of a zone of this IANA name."""
        offset = moment.astimezone(time_zone(zone)).utcoffset()
        return cls(moment.astimezone(timezone(offset) if offset else UTC), totals)

    @property
    def offset(self) -> timedelta:
        """Offset from UTC, east is positive."""
        return self.at.utcoffset() or timedelta()

    @property
    def zone(self) -> str:
        """The offset as it ends every moment: ``Z`` or ``+03:00``."""
        return self.at.isoformat()[-6:] if self.offset else "Z"

    def written(self, moment: datetime) -> str:
        """An aware moment as xs:dateTime, to the millisecond."""
        local = moment.astimezone(self.at.tzinfo).replace(tzinfo=None)
        return f"{local.isoformat(timespec='milliseconds')}{self.zone}"
