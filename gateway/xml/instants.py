"""Instants in XML: xs:dateTime with a mandatory zone ⇄ aware datetime."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from gateway.domain.errors import InvalidRequest

_INSTANT: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)
_MAX_OFFSET: Final = timedelta(hours=14)


def parse_instant(text: str) -> datetime:
    """Read an xs:dateTime; the zone is mandatory and kept, digits beyond microseconds are cut off.

    ``24:00:00`` is midnight of the next day. Years 0001–9999, offsets up to ±14:00 (XSD 1.0, part 2, 3.2.7).
    The instant must also have a UTC form within those years, so that it can be stored and compared.

    Raises:
        InvalidRequest: anything else.
    """
    found = _INSTANT.fullmatch(text.strip(" \t\r\n"))
    if found is None:
        raise _invalid()
    day_ends = found["hour"] == "24"
    if day_ends and (found["minute"], found["second"]) != ("00", "00"):
        raise _invalid()
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    if day_ends and (found["fraction"] or "").strip("0"):
        raise _invalid()
    hour = "00" if day_ends else found["hour"]
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{hour}:{found['minute']}:{found['second']}.{fraction}")
        moment = (moment + timedelta(days=day_ends)).replace(tzinfo=_zone(found["zone"]))
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid() from None
    return moment


def format_instant(moment: datetime) -> str:
    """Write an aware datetime as xs:dateTime, its own offset kept; UTC is ``Z``, no fraction when it is zero.

    Raises:
        ValueError: ``moment`` has no zone, or an offset that is not whole minutes: a mistake of the caller.
    """
    offset = moment.utcoffset()
    if offset is None or offset % timedelta(minutes=1):
        raise ValueError("an instant needs a zone with an offset of whole minutes")
    text = moment.isoformat()
    return f"{text[:-6]}Z" if not offset else text


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    minutes = int(text[4:6])
    offset = timedelta(hours=int(text[1:3]), minutes=minutes)
    if minutes > 59 or offset > _MAX_OFFSET:
        raise ValueError(text)
    return timezone(-offset if text[0] == "-" else offset) if offset else UTC


def _invalid() -> InvalidRequest:
    return InvalidRequest("Дата и время должны быть в виде ГГГГ-ММ-ДДTчч:мм:сс с часовым поясом: Z или ±чч:мм.")
