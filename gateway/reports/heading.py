"""What stands above the records of a report: what, who, under which filter, how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.reports.kinds import LISTINGS, Column, Listing, ReportFormat, ReportKind


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the filter, as given: a code's title where it has one, a moment as xs:dateTime."""

    code: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class Heading:
    """What is known of a report when it is ordered."""

    kind: ReportKind
    format: ReportFormat
    made_by: str
    role: str
    service_code: str | None
    service_title: str | None
    conditions: tuple[Condition, ...]
    columns: tuple[Column, ...]

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
    """What is known of a report when its snapshot of the journal is taken; the moment is aware."""

    at: datetime
    totals: tuple[Total, ...]
