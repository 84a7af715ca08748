"""Ответ ТФОМС: element ANSWER (xsd/tfoms/1.0/ANSWER.xsd) → outcome of the packet."""

from __future__ import annotations

from typing import Final

from workers.exchange import Element, PacketStatus, Verdict, lines

_NS: Final = {"t": "urn:service-journal:tfoms:1"}


def read(element: Element) -> Verdict:
    """Tell what an ANSWER says; pure. The element follows ANSWER.xsd.

    OK is ACCEPTED; anything else is REJECTED with a line ``OSHIB: COMMENT`` per reason. The offending values
    (ZN_POL) are not repeated: they stand in the answer itself.
    """
    if element.findtext("t:BODY/t:RESULT", namespaces=_NS) == "OK":
        return Verdict(PacketStatus.ACCEPTED)
    reasons = (
        f"{reason.findtext('t:OSHIB', '', _NS)}: {reason.findtext('t:COMMENT', '', _NS)}"
        for reason in element.iterfind("t:BODY/t:PR", _NS)
    )
    return Verdict(PacketStatus.REJECTED, lines(reasons))
