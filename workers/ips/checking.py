"""What is wrong with a packet, in words for those who must mend its data.

libxml2 tells of a missing field only by the next one that it meets, and these entities have dozens that may be
absent; so the required fields are looked for here first, and its verdict is asked when none is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
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
    lacking = [] if content is None else list(_missing(content, operation.entity, register))
    return tuple(_told(packet, lacking, register)) if lacking else validate(packet, register.schema)


def _missing(content: Element, entity: str, register: Register) -> Iterator[tuple[Element, str]]:
    """Yield each required field that is not there, after the entity that lacks it."""
    waiting = deque([(content, entity)])
    while waiting:
        element, kind = waiting.popleft()
        present = {str(child.tag): child for child in element}
        for name, field in register.entities[kind].items():
            found = present.get(name)
            if found is None:
                if field.required:
                    yield element, name
            elif field.type in register.entities:
                waiting.extend((inner, field.type) for inner in (found if field.item else [found]))


def _told(packet: Element, lacking: Iterable[tuple[Element, str]], register: Register) -> Iterator[Finding]:
    titles, paths = describe(register.schema), Paths(packet)
    for element, name in lacking:
        title = f"{titles[name]} ({name})" if name in titles else name
        message = f"{title}: обязательное поле не заполнено."
        yield Finding(paths.of(element), element.sourceline or None, CODE, message)
