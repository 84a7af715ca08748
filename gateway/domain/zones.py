"""Time zones by their IANA names."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from gateway.domain.errors import ConfigurationError

DEFAULT_ZONE: Final = "Europe/Moscow"


def time_zone(name: str) -> ZoneInfo:
    """The zone of this name, such as ``Europe/Kaliningrad``.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a name at all; a folder of the zone database
        raise ConfigurationError(f"Часового пояса «{name}» нет: нужно имя вида Europe/Moscow") from None
