from __future__ import annotations

from itertools import product

import pytest

from gateway.domain.roles import ROLE_TITLES, Account, Actor, Role, Verb, Viewer

RIGHTS = """
              VIEW  RUN  HOLD  SUBMIT  TAKE_INBOUND
dc_admin      +     +    +     -       -
mo_admin      +     +    +     -       -
statistician  +     -    -     -       -
mis           +     +    -     +       +
"""


def rights() -> dict[tuple[Role, Verb], bool]:
    head, *lines = (line.split() for line in RIGHTS.strip().splitlines())
    return {
        (Role(name), Verb(verb)): mark == "+" for name, *marks in lines for verb, mark in zip(head, marks, strict=True)
    }


def viewer(role: Role, organizations: set[int] | None, actor: Actor | None = None) -> Viewer:
    visible = None if organizations is None else frozenset(organizations)
    return Viewer(Account(1, "mis-01", role, visible, may_act=True), actor)


@pytest.mark.parametrize(("role", "verb"), list(product(Role, Verb)))
def test_an_account_may_what_its_role_may(role: Role, verb: Verb) -> None:
    assert viewer(role, {1}).may(verb) == rights()[role, verb]


@pytest.mark.parametrize(("role", "acting"), list(product(Role, Role)))
def test_acting_for_a_person_leaves_only_what_both_may(role: Role, acting: Role) -> None:
    both = viewer(role, {1}, Actor("person-1", acting, 1))
    for verb in Verb:
        assert both.may(verb) == (rights()[role, verb] and rights()[acting, verb])


@pytest.mark.parametrize(
    ("own", "actor", "seen"),
    [
        (None, None, None),
        ({1, 2}, None, {1, 2}),
        (set(), None, set()),
        (None, Actor("person-1", Role.DC_ADMIN, None), None),
        ({1, 2}, Actor("person-1", Role.DC_ADMIN, None), {1, 2}),
        ({1, 2}, Actor("person-1", Role.MO_ADMIN, 2), {2}),
        ({1, 2}, Actor("person-1", Role.STATISTICIAN, 3), set()),
        (None, Actor("person-1", Role.MO_ADMIN, 3), {3}),
        ({1, 2}, Actor("person-1", Role.MO_ADMIN, None), set()),
        (None, Actor("person-1", Role.MIS, None), set()),
    ],
)
def test_the_visible_organizations_are_those_of_both(
    own: set[int] | None, actor: Actor | None, seen: set[int] | None
) -> None:
    who = viewer(Role.MIS if own is not None else Role.DC_ADMIN, own, actor)
    assert who.organization_ids == seen
    assert [who.sees_organization(i) for i in (1, 2, 3)] == [seen is None or i in seen for i in (1, 2, 3)]
    assert who.sees_organization(None) == (seen is None)


def test_the_journal_names_the_account_and_the_person() -> None:
    assert viewer(Role.MIS, {1}).name == "mis-01"
    assert viewer(Role.MIS, {1}, Actor("person-1", Role.MO_ADMIN, 1)).name == "mis-01 (для person-1)"
    assert set(ROLE_TITLES) == set(Role)
