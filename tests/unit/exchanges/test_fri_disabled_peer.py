"""What ФГИС ФРИ says that means nothing is an answer nobody can use, and never that a person is not known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.xml.parser import parse
from workers.demo.parts.fri_disabled_data import asked_for
from workers.exchange import BadAnswer, Organization, Question, SourceObject
from workers.exchanges.fri_disabled.peer import inquiry


class Answering:
    """A transport that gives the same to every call."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def call(self, _operation: str, /, **_given: object) -> Any:
        return self._answer


def question() -> Question:
    asked = asked_for(0)
    content = parse(asked.content or b"")
    return Question(
        "key", Organization(1, "1.2.3", "МО", {}), SourceObject(asked.object_type, asked.object_id, content)
    )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        SimpleNamespace(status="FOUND", extract=None),
        SimpleNamespace(status="NOT_FOUND", extract=b"<x/>"),
        SimpleNamespace(status="UNAVAILABLE", extract=None),
        SimpleNamespace(status=None, extract=None),
    ],
)
def test_an_answer_at_odds_with_itself_is_refused_for_its_person_alone(answer: Any) -> None:
    told = inquiry(Answering(answer)).ask(question())
    assert [finding.code for finding in told.findings] == ["FRI-007"]


@pytest.mark.parametrize("answer", [None, SimpleNamespace(until=None)])
def test_an_empty_page_of_changes_is_no_page(answer: Any) -> None:
    with pytest.raises(BadAnswer, match="пустой ответ"):
        inquiry(Answering(answer)).changes(None, 10)
