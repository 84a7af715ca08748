"""What is wrong with a packet, in words for those who must mend its data.

libxml2 tells of a missing field only by the next one that it meets, and these entities have dozens that may be
absent; so the required fields are looked for here first, and its verdict is asked when none is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from lxml import etree

from gateway.domain.errors import Finding
from gateway.xml.paths import Paths
from gateway.xml.schemas import describe, validate
from workers.ips.register import Operation, Register, load

Element = etree._Element

CODE: Final = "REQUIRED"


def findings(packet: Element, operation: Operation) -> tuple[Finding, ...]:
    """Hold a packet against the XSD of its register; empty means valid.

    Findings of a missing field have the code REQUIRED and the path of the entity that lacks it; as long as there is
    one, nothing else is told.
    """
    register = load(operation.register)
    content = packet.find("request/content")
    absent = () if content is None else tuple(_missing(packet, content, operation.entity, register))
    return absent or validate(packet, register.schema)


def _missing(packet: Element, content: Element, entity: str, register: Register) -> Iterator[Finding]:
    titles, paths = describe(register.schema), Paths(packet)
    waiting = deque([(content, entity)])
    while waiting:
        element, kind = waiting.popleft()
        for name, field in register.entities[kind].items():
            found = element.find(name)
            if found is None and field.required:
                title = f"{titles[name]} ({name})" if name in titles else name
                yield Finding(
                    paths.of(element), element.sourceline or None, CODE, f"{title}: обязательное поле не заполнено."
                )
            elif found is not None and field.type in register.entities:
                waiting.extend((inner, field.type) for inner in (found if field.item else [found]))
