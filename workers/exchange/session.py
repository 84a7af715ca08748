"""Words of an exchange in sessions: the exchange tells what happens, the session journals it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol
from uuid import UUID

from gateway.domain.statuses import Operation
from workers.exchange.common import Organization, SourceObject
from workers.exchange.packets import Verdict


class Session(Protocol):
    """One session with a peer for one МО: the exchange tells it what happens, it journals."""

    organization: Organization
    transport: Any

    def objects(self, object_type: str) -> Iterator[SourceObject]:
        """Yield the МО's submitted objects of one type, in the order of their ids."""
        ...

    def event(self, code: str, title: str, about: str | None = None) -> AbstractContextManager[SessionEvent]:
        """Journal an event as begun; it is closed when the block ends."""
        ...

    def packet(self, packet_type: str, operation: Operation, data: bytes, about: str | None = None) -> UUID:
        """Journal a packet as SENDING before its bytes leave; returns its id."""
        ...

    def close(self, packet_id: UUID, verdict: Verdict, answer: bytes | None) -> None:
        """Journal what the peer said of a packet."""
        ...


class SessionEvent(Protocol):
    """An open event of a session."""

    def sent(self) -> None:
        """The request left now («Передача»)."""
        ...

    def answered(self) -> None:
        """The answer came now («Ответ»)."""
        ...

    def error(self, stage: str, message: str, about: str | None = None) -> None:
        """Register an error of the session; ``message`` is Russian."""
        ...
