"""Ответ ТФОМС: element ANSWER (xsd/tfoms/1.0/ANSWER.xsd) → outcome of the packet."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from workers.exchange import BadAnswer, Element, PacketStatus, Verdict, flk

_NS: Final = {"t": "urn:service-journal:tfoms:1"}
CONTRADICTION: Final = "ТФОМС принял пакет и тут же назвал его ошибки."


def read(element: Element) -> Verdict:
    """Tell what an ANSWER says, and of which packet; pure. The element follows ANSWER.xsd.

    OK is ACCEPTED; anything else is REJECTED with a refusal per PR, whose place in our packet IM_POL and BAS_EL name.
    The offending values (ZN_POL) are not repeated: they stand in the answer itself.

    Raises:
        BadAnswer: OK with errors, of which the schema knows nothing.
    """
    about = _about(element)
    refusals = tuple(flk.read_refusals(element))
    if element.findtext("t:BODY/t:RESULT", namespaces=_NS) != "OK":
        return Verdict(PacketStatus.REJECTED, "" if refusals else flk.UNEXPLAINED, refusals=refusals, about=about)
    if refusals:
        raise BadAnswer(CONTRADICTION)
    return Verdict(PacketStatus.ACCEPTED, about=about)


def _about(element: Element) -> UUID | None:
    try:
        return UUID(element.findtext("t:HEADER/t:MESSAGE_ID", "", namespaces=_NS))
    except ValueError:
        return None
