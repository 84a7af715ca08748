"""Ответ ТФОМС: element ANSWER (xsd/tfoms/1.0/ANSWER.xsd) → outcome of the packet."""

from __future__ import annotations

from typing import Final

from workers.exchange import Element, PacketStatus, Verdict, flk

_NS: Final = {"t": "urn:service-journal:tfoms:1"}


def read(element: Element) -> Verdict:
    """Tell what an ANSWER says; pure. The element follows ANSWER.xsd.

    OK is ACCEPTED; anything else is REJECTED with a refusal per PR, whose place in our packet IM_POL and BAS_EL name.
    The offending values (ZN_POL) are not repeated: they stand in the answer itself.
    """
    if element.findtext("t:BODY/t:RESULT", namespaces=_NS) == "OK":
        return Verdict(PacketStatus.ACCEPTED)
    return Verdict(PacketStatus.REJECTED, refusals=tuple(flk.read_refusals(element)))
