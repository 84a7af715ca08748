"""Switches of the stand-in ФБ МСЭ."""

from __future__ import annotations

from workers.sandbox.switches import Percent, Switches
from workers.sandbox.uploads import UploadSwitchValues


class MseSwitchValues(UploadSwitchValues):
    """Beyond those of an exchange of files; ``answer_delay_s`` delays a back ticket.

    ``unqualified_percent``: back tickets without a namespace. ``idle``: the clerks of the bureau are away, files lie
    where they were put.
    """

    unqualified_percent: Percent = 0
    idle: bool = False


def current(switches: Switches) -> MseSwitchValues:
    """What is switched on at this moment."""
    values = switches.values
    if not isinstance(values, MseSwitchValues):
        raise TypeError("switches of another peer")
    return values
