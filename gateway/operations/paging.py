"""Pages of lists: limits, cursors, totals that are exact up to a cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from gateway.domain.errors import InvalidRequest
from gateway.domain.roles import Viewer
from gateway.journal.launch_queries import COUNT_CAP
from gateway.operations.context import Context
from gateway.operations.records import DEFAULT_LIMIT, MAX_LIMIT, Page, PageRequest


class Identified(Protocol):
    """A record of a list."""

    @property
    def id(self) -> UUID:
        """Its id, by which pages follow each other."""
        ...


T = TypeVar("T", bound=Identified)


def bounds(ctx: Context, viewer: Viewer, wanted: object, page: PageRequest, start: UUID) -> tuple[int, UUID]:
    """Limit of the page and the id it begins behind; ``start`` where there is no cursor.

    Raises:
        InvalidRequest: the limit is out of 1–1000, or the cursor is not of this list and viewer.
    """
    limit = DEFAULT_LIMIT if page.limit is None else page.limit
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(f"page/limit: допустимо от 1 до {MAX_LIMIT}")
    return limit, start if page.cursor is None else ctx.cursors.read(viewer, wanted, page.cursor)


def page_of(ctx: Context, viewer: Viewer, wanted: object, records: Sequence[T], limit: int, total: int) -> Page[T]:
    """Make a page of up to ``limit`` + 1 records read and a total counted up to ``COUNT_CAP`` + 1."""
    items = tuple(records[:limit])
    cursor = ctx.cursors.make(viewer, wanted, items[-1].id) if len(records) > limit else None
    return Page(items, cursor, min(total, COUNT_CAP), total <= COUNT_CAP)
