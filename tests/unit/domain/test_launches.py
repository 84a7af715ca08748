from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.launches import RESULT_TITLES, LaunchResult, scopes_intersect

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
