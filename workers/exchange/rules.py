"""Words of rules (ФЛК): fields of a source object as rules see them, common conditions, findings with a place. Pure.

A condition is silent when a field it compares is absent or unreadable: rules of obligation and the schema report that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lxml import etree

from gateway.domain.errors import Finding
from gateway.domain.numbers import snils_is_right
from workers.exchange.common import Element
from workers.exchange.reference import Reference

Values = Mapping[str, str]
"""Fields that are filled in, by name or by path below the root of the source object: ``DS1``, ``PERS/FAM``."""

Condition = Callable[[Values], bool]

EASTERNMOST: Final = timedelta(hours=12)
"""A day has begun when it has in Камчатка: what is dated by a local clock is not yet of tomorrow."""

UNFILLED: Final = "поле обязательно, но не заполнено"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``broken`` tells whether the values break it; ``message`` follows the title of the field.

    ``scope`` are the packet types, or the groups of a record, that it holds for.
    """

    code: str
    scope: Collection[str]
    path: str
    broken: Condition
    message: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """One rule on a code of a dictionary; ``form`` is what a code looks like: the schema reports what does not."""

    code: str
    scope: Collection[str]
    path: str
    dictionary: str
    form: re.Pattern[str]
    applies: Condition = lambda _values: True


def value(element: Element | None) -> str:
    """Read a field as packet and rules see it: blanks folded, empty when there is nothing."""
    if element is None:
        return ""
    return " ".join((element.text or "").split()) if len(element) == 0 else ""


def filled_in(element: Element, *groups: str) -> dict[str, str]:
    """The fields right below an element that are filled in, by name; those of the groups named, by path.

    Such a group that is there, be it empty, stands with an empty text.
    """
    values = {str(child.tag): text for child in element.iterchildren("*") if (text := value(child))}
    for name in groups:
        for group in element.iterfind(name):
            values[name] = ""
            values.update({f"{name}/{field}": text for field, text in filled_in(group).items()})
    return values


def date_of(text: str | None) -> date | None:
    """Read an ISO date; None when there is none or it cannot be read."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def later(first: str, second: str) -> Condition:
    """Both dates are known and the first comes after the second."""

    def broken(values: Values) -> bool:
        one, other = date_of(values.get(first)), date_of(values.get(second))
        return one is not None and other is not None and one > other

    return broken


def wrong_snils(path: str) -> Condition:
    """СНИЛС has the right form and wrong check digits."""
    return lambda values: not snils_is_right(values.get(path, ""))


def unknown_codes(lookups: Iterable[Lookup], values: Values, reference: Reference, on: date) -> Iterator[Lookup]:
    """Those whose dictionary does not hold the code given; one that is not loaded keeps its lookups silent."""
    for lookup in lookups:
        code = values.get(lookup.path, "")
        asked = lookup.form.fullmatch(code) and lookup.applies(values)
        if asked and reference.has(lookup.dictionary, code, on) is False:
            yield lookup


def root_path(source: Element) -> str:
    """Path of the source object, as findings begin."""
    return f"/{etree.QName(source).localname}"


def line_of(element: Element, path: str) -> int | None:
    """Line of the field at a path below an element, or of the nearest element above it that is there."""
    for name in path.split("/"):
        if (child := element.find(name)) is None:
            break
        element = child
    return element.sourceline


def about(titles: Mapping[str, str], element: Element, above: str, path: str, code: str, message: str) -> Finding:
    """A finding about the field at ``path`` below an element whose own path is ``above``."""
    title = titles[path.rpartition("/")[2]]
    return Finding(f"{above}/{path}", line_of(element, path), code, f"«{title}»: {message}.")
