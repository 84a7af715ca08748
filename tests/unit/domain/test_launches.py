from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.launches import RESULT_TITLES, LaunchResult, scopes_intersect, told

EVERY = frozenset(range(6))
SCOPES = st.none() | st.frozensets(st.sampled_from(sorted(EVERY)), min_size=1)


@given(SCOPES, SCOPES)
def test_scopes_intersect_when_some_organization_is_in_both(
    one: frozenset[int] | None, other: frozenset[int] | None
) -> None:
    touched = [i for i in EVERY if (one is None or i in one) and (other is None or i in other)]
    assert scopes_intersect(one, other) == bool(touched) == scopes_intersect(other, one)


def test_every_launch_of_a_service_meets_a_launch_of_all_organizations() -> None:
    assert scopes_intersect(None, None)
    assert scopes_intersect(None, frozenset({1}))
    assert not scopes_intersect(frozenset({1}), frozenset({2}))


def test_results_have_the_titles_of_the_life_cycle() -> None:
    assert RESULT_TITLES == {
        LaunchResult.RUNNING: "Выполняется",
        LaunchResult.SUCCESS: "Успешно",
        LaunchResult.FAILED: "Завершено с ошибкой",
    }


def test_a_remark_of_the_run_follows_its_result_and_its_numbers() -> None:
    everyone, mine = frozenset({1, 2}), frozenset({1})
    assert told("Недоступен", "ждут: 2", everyone, None, "Примечание") == "Недоступен, ждут: 2. Примечание"
    assert told("Недоступен", "ждут: 2", everyone, mine, "Примечание") == "Недоступен. Примечание"
    assert told(None, None, None, mine, "Примечание") == "Примечание"
    assert told(None, "ждут: 2", None, mine) is None
