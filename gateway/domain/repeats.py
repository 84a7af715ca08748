"""Who repeats what: what the next run of a service does with one source object.

The same table stands in SQL as the generated column ``source_objects.due``, so that a run finds its work by index;
a test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.domain.statuses import Operation, PacketStatus

UNKNOWN_CONTENT: Final = b"baseline"
"""``accepted_hash`` of an object that the peer holds in a content we do not know: equal to no SHA-256, so that the
object is sent once more, as an Update."""


class Step(StrEnum):
    """What the next run does with an object."""

    NOTHING = "NOTHING"
    FORM = "FORM"
    RESEND = "RESEND"


@dataclass(frozen=True, slots=True)
class ObjectState:
    """A source object beside what was last done with it.

    ``wanted_hash``: SHA-256 of the content, None when the МИС removed the object. ``accepted_hash``: of the content
    the peer last accepted, None when it holds nothing. ``last_hash``: of the content in the newest packet, None for a
    Delete. ``closed``: a document of the peer ended its exchange (a back ticket its referral), nothing new is formed.
    ``last_rules`` names the schema, rules and reference data the newest packet was judged by.
    """

    wanted_hash: bytes | None
    accepted_hash: bytes | None
    last_status: PacketStatus | None
    last_hash: bytes | None
    last_rules: str | None
    held: bool
    repeat_requested: bool
    closed: bool


def next_step(state: ObjectState, rules: str) -> Step:
    """Decide what a run does now, when ``rules`` are the schema, rules and reference data in force."""
    if state.held:
        return Step.NOTHING
    if state.last_status is PacketStatus.SEND_ERROR:
        return Step.RESEND
    if state.closed or state.wanted_hash == state.accepted_hash:
        return Step.NOTHING
    changed = state.wanted_hash != state.last_hash
    match state.last_status:
        case None | PacketStatus.ACCEPTED | PacketStatus.PARTIAL:
            due = True
        case PacketStatus.FORM_ERROR:
            due = changed or state.last_rules != rules
        case PacketStatus.REJECTED:
            due = changed or state.repeat_requested
        case _:
            due = False
    return Step.FORM if due else Step.NOTHING


def operation_for(wanted_hash: bytes | None, accepted_hash: bytes | None) -> Operation | None:
    """Operation that brings the peer from what it accepted to what the МИС wants; None when nothing is needed."""
    if wanted_hash == accepted_hash:
        return None
    if wanted_hash is None:
        return Operation.DELETE
    return Operation.INSERT if accepted_hash is None else Operation.UPDATE
