"""One session: a file per department goes out, a line of text comes back; both are journaled."""

from __future__ import annotations

import time
from typing import Final

from lxml import etree

from workers.exchange import InDoubt, Operation, PacketStatus, Session, SourceObject, Verdict

WAIT_S: Final = 20.0
POLL_S: Final = 0.05
TAKEN: Final = "принято".encode()


def run(session: Session) -> None:
    """Check every department, then send those that are complete."""
    complete = []
    with session.event("60", "Проверка данных МО перед отправкой") as check:
        for department in session.objects("BedCount"):
            if department.content is None:
                continue
            if department.content.findtext("FREE") is None:
                check.error("Проверка", "Не указано число свободных коек", department.object_id)
            else:
                complete.append(department)
    for department in complete:
        _send(session, department)


def _send(session: Session, department: SourceObject) -> None:
    assert department.content is not None
    data = etree.tostring(department.content, encoding="utf-8", xml_declaration=True)
    with session.event("70", "Передача сводки", department.object_id) as event:
        packet_id = session.packet("BED_COUNT", Operation.INSERT, data, department.object_id)
        session.transport.put(f"{packet_id}.xml", data)
        event.sent()
        answer = _await_answer(session, f"{packet_id}.txt")
        event.answered()
        accepted = answer == TAKEN
        status = PacketStatus.ACCEPTED if accepted else PacketStatus.REJECTED
        session.close(packet_id, Verdict(status, "" if accepted else "Диспетчерская не приняла сводку"), answer)


def _await_answer(session: Session, name: str) -> bytes:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        if name in session.transport.names(".txt"):
            answer: bytes = session.transport.read(name)
            session.transport.remove(name)
            return answer
        time.sleep(POLL_S)
    raise InDoubt("Диспетчерская не ответила за отведённое время")
