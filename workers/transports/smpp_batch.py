"""The books of one batch of SMS: which part is where, and what that makes of each message."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from workers.exchange import Fate, Handed, Message

_FIRST_PAUSE_S: Final = 0.1
_MAX_PAUSE_S: Final = 5.0
_HALF: Final = "передана часть сообщения"


@dataclass(slots=True)
class Part:
    """One part of a message; ``number`` counts from 1."""

    message_id: UUID
    address: str
    number: int
    of: int
    data: bytes
    sent_at: float = 0.0


@dataclass(slots=True)
class _Kept:
    parts: int
    peer_ids: list[str] = field(default_factory=list)
    fate: Fate | None = None
    text: str = ""


class Batch:
    """Messages on their way; times are of the monotonic clock."""

    def __init__(self) -> None:
        self._kept: dict[UUID, _Kept] = {}
        self._queue: deque[Part] = deque()
        self.unanswered: dict[int, Part] = {}
        self.throttled_since: float | None = None
        self.resume_at = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def add(self, message: Message, parts: Sequence[bytes]) -> None:
        """Queue a message behind the others."""
        self._kept[message.id] = _Kept(len(parts))
        of = len(parts)
        self._queue.extend(Part(message.id, message.address, n, of, data) for n, data in enumerate(parts, 1))

    def refuse(self, message_id: UUID, text: str) -> None:
        """Note a message that is not even tried."""
        self._kept[message_id] = _Kept(0, fate=Fate.REFUSED, text=text)

    @property
    def has_next(self) -> bool:
        """A part waits to leave."""
        return bool(self._queue)

    @property
    def is_over(self) -> bool:
        """Every part has left and was answered."""
        return not self._queue and not self.unanswered

    def next_part(self) -> Part:
        """Take the part that leaves now."""
        return self._queue.popleft()

    def note_sent(self, sequence: int, part: Part, now: float) -> None:
        """The part's bytes leave under this sequence number."""
        part.sent_at = now
        self.unanswered[sequence] = part

    def took(self, sequence: int, peer_id: str) -> None:
        """The peer took a part."""
        part = self.unanswered.pop(sequence, None)
        if part is None:
            return
        self.throttled_since, self._pause_s = None, _FIRST_PAUSE_S
        kept = self._kept[part.message_id]
        kept.peer_ids.append(peer_id)
        if len(kept.peer_ids) == kept.parts and kept.fate is None:
            kept.fate = Fate.TAKEN

    def wait(self, sequence: int, now: float) -> None:
        """The peer asks us to slow down: the part goes back to the head of the queue, behind a growing pause."""
        part = self.unanswered.pop(sequence, None)
        if part is None:
            return
        if self._kept[part.message_id].fate is None:
            self._queue.appendleft(part)
        self.throttled_since = self.throttled_since or now
        if now >= self.resume_at:  # the answers of one window ask for one pause
            self.resume_at = now + self._pause_s
            self._pause_s = min(self._pause_s * 2, _MAX_PAUSE_S)

    def refused(self, sequence: int, fate: Fate, text: str) -> None:
        """The peer did not take a part: its message will not be whole, so its other parts do not leave."""
        part = self.unanswered.pop(sequence, None)
        if part is None:
            return
        kept = self._kept[part.message_id]
        kept.fate, kept.text = fate, text
        self._queue = deque(each for each in self._queue if each.message_id != part.message_id)

    def give_up(self, text: str) -> None:
        """Leave the rest: what has not begun was not sent."""
        for part in self._queue:
            kept = self._kept[part.message_id]
            kept.fate = kept.fate or Fate.NOT_SENT
            kept.text = kept.text or text
        self._queue.clear()
        self.throttled_since = None

    def break_off(self, lost: str, untouched: str) -> None:
        """The session is over: what was not answered may have been taken."""
        for part in self.unanswered.values():
            kept = self._kept[part.message_id]
            kept.fate, kept.text = Fate.IN_DOUBT, lost
        self.unanswered.clear()
        self.give_up(untouched)

    def handed(self) -> list[Handed]:
        """What became of each message. One of which the peer has a part is never repeated whole."""
        return [_handed(key, kept) for key, kept in self._kept.items()]


def _handed(message_id: UUID, kept: _Kept) -> Handed:
    fate, text = kept.fate or Fate.IN_DOUBT, kept.text
    if kept.peer_ids and fate is Fate.NOT_SENT:
        fate, text = Fate.IN_DOUBT, f"{text}, {_HALF}"
    elif kept.peer_ids and fate in (Fate.LATER, Fate.REFUSED):
        fate, text = Fate.REFUSED, f"{text}, {_HALF}"
    return Handed(message_id, fate, text, kept.parts, tuple(kept.peer_ids))
