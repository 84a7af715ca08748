"""«Who repeats what», row by row as the life cycle tells it."""

from __future__ import annotations

import pytest

from gateway.domain.repeats import ObjectState, Step, next_step, operation_for
from gateway.domain.statuses import PacketStatus

A, B, GONE = b"a" * 32, b"b" * 32, None
S, RULES = PacketStatus, "rules-1"


def state(
    status: PacketStatus | None, wanted: bytes | None, *, last: bytes | None = A, accepted: bytes | None = None
) -> ObjectState:
    return ObjectState(wanted, accepted, status, last, RULES, held=False, repeat_requested=False, closed=False)


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (state(None, A, last=None), Step.FORM),
        (state(None, GONE, last=None), Step.NOTHING),
        (state(S.FORM_ERROR, A), Step.NOTHING),
        (state(S.FORM_ERROR, B), Step.FORM),
        (state(S.FORM_ERROR, B, accepted=B), Step.NOTHING),
        (state(S.SEND_ERROR, A), Step.RESEND),
        (state(S.SEND_ERROR, B), Step.RESEND),
        (state(S.FORMED, B), Step.NOTHING),
        (state(S.SENDING, B), Step.NOTHING),
        (state(S.IN_DOUBT, B), Step.NOTHING),
        (state(S.SENT, B), Step.NOTHING),
        (state(S.REJECTED, A), Step.NOTHING),
        (state(S.REJECTED, B), Step.FORM),
        (state(S.REJECTED, GONE), Step.NOTHING),
        (state(S.REJECTED, GONE, accepted=A), Step.FORM),
        (state(S.PARTIAL, A), Step.FORM),
        (state(S.ACCEPTED, A, accepted=A), Step.NOTHING),
        (state(S.ACCEPTED, B, accepted=A), Step.FORM),
        (state(S.ACCEPTED, GONE, accepted=A), Step.FORM),
        (state(S.ACCEPTED, GONE, last=None), Step.NOTHING),
    ],
)
def test_the_next_run_follows_the_table(found: ObjectState, step: Step) -> None:
    assert next_step(found, RULES) is step


def test_new_rules_form_again_only_what_rules_refused() -> None:
    assert next_step(state(S.FORM_ERROR, A), "rules-2") is Step.FORM
    assert next_step(state(S.REJECTED, A), "rules-2") is Step.NOTHING
    assert next_step(state(S.ACCEPTED, A, accepted=A), "rules-2") is Step.NOTHING


@pytest.mark.parametrize("status", [None, *PacketStatus])
def test_a_ban_bars_everything(status: PacketStatus | None) -> None:
    held = ObjectState(B, A, status, A, "rules-0", held=True, repeat_requested=True, closed=False)
    assert next_step(held, RULES) is Step.NOTHING


def test_an_operators_repeat_forms_a_rejected_object_unchanged() -> None:
    asked = ObjectState(A, None, S.REJECTED, A, RULES, held=False, repeat_requested=True, closed=False)
    assert next_step(asked, RULES) is Step.FORM


@pytest.mark.parametrize(
    ("wanted", "accepted", "operation"),
    [(A, GONE, "Insert"), (B, A, "Update"), (GONE, A, "Delete"), (A, A, None), (GONE, GONE, None)],
)
def test_the_operation_follows_what_the_peer_last_accepted(
    wanted: bytes | None, accepted: bytes | None, operation: str | None
) -> None:
    assert operation_for(wanted, accepted) == operation
