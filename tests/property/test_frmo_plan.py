"""Whatever the МИС wants and whatever ФРМО holds: carrying the plan out leaves nothing to do, and nothing doubled."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workers.exchange import Element, Operation, SourceObject, covers
from workers.exchanges.frmo.compare import Plan, make_plan, resolved
from workers.exchanges.frmo.kinds import BUILDING, DEPARTMENT
from workers.exchanges.frmo.records import Found, Wanted

NAMES = st.sampled_from("xyz")


def building(object_id: str, name: str, floors: int, state: str, removed: bool) -> Wanted:
    content = etree.fromstring(f"<c><buildName>{name}</buildName><floorCount>{floors}</floorCount></c>")
    accepted = {"never": None, "as it is": b"now", "before": b"before"}[state]
    if removed:
        return Wanted(BUILDING, SourceObject("Building", object_id, None, None, None, accepted, content))
    return Wanted(BUILDING, SourceObject("Building", object_id, content, None, b"now", accepted))


def unit(object_id: str, name: str, head: str | None, stands_in: str) -> Wanted:
    above = f'<departStructure><headDepart objectId="{head}"/></departStructure>' if head else ""
    place = f'<departBuildings><departBuildingsItem><buildingId objectId="{stands_in}"/></departBuildingsItem>'
    place += "</departBuildings>"
    content = etree.fromstring(f"<c><departName>{name}</departName>{above}{place}</c>")
    return Wanted(DEPARTMENT, SourceObject("Department", object_id, content, None, b"now"))


@st.composite
def sources(draw: st.DrawFn) -> list[Wanted]:
    """Buildings, and units under earlier units, submitted in any order."""
    states = st.sampled_from(["never", "as it is", "before"])
    rows = draw(st.lists(st.tuples(NAMES, st.integers(1, 2), states, st.booleans()), max_size=5))
    buildings = [building(f"b{n}", *row) for n, row in enumerate(rows)]
    standing = [b.source.object_id for b in buildings if not b.removed]
    units: list[Wanted] = []
    for n in range(draw(st.integers(0, 4)) if standing else 0):
        head = draw(st.none() | st.sampled_from([u.source.object_id for u in units])) if units else None
        units.append(unit(f"d{n}", draw(NAMES), head, draw(st.sampled_from(standing))))
    return draw(st.permutations([*buildings, *units]))


def held(rows: list[tuple[str, int]]) -> list[Found]:
    return [
        Found(
            BUILDING, etree.fromstring(f"<c><id>r{n}</id><buildName>{name}</buildName><floorCount>{f}</floorCount></c>")
        )
        for n, (name, f) in enumerate(rows)
    ]


def carried_out(plan: Plan, register: list[Found]) -> tuple[list[Found], dict[tuple[str, str], str]]:
    """The register and the known ids after every step; a step that its references do not allow fails here."""
    ids, fresh = dict(plan.ids), count()
    for step in plan.steps:
        kind = step.wanted.kind
        if step.operation is not Operation.INSERT:
            assert any(r.id == step.peer_id for r in register)
            register = [r for r in register if r.kind is not kind or r.id != step.peer_id]
        if step.operation is Operation.DELETE:
            continue
        content = resolved(step.wanted.content, ids)
        assert content is not None
        content = content if step.held is None else step.wanted.whole(content, step.held)
        record_id = step.peer_id or f"new{next(fresh)}"
        ids[step.wanted.reference] = record_id
        register = [*register, Found(kind, with_id(content, kind.id_field, record_id))]
    return register, ids


def with_id(content: Element, field: str, record_id: str) -> Element:
    etree.SubElement(content, field).text = record_id
    return content


def known(one: Wanted, ids: dict[tuple[str, str], str]) -> Wanted:
    """The object as the journal knows it after the session."""
    source = one.source
    state = (source.content, one.note(ids[one.reference]), source.digest, source.digest, source.former)
    return Wanted(one.kind, SourceObject(source.object_type, source.object_id, *state))


@given(sources(), st.lists(st.tuples(NAMES, st.integers(1, 2)), max_size=5))
def test_a_plan_carried_out_leaves_nothing_to_do(wanted: list[Wanted], rows: list[tuple[str, int]]) -> None:
    plan = make_plan(wanted, held(rows))
    register, ids = carried_out(plan, held(rows))
    present = [one for one in wanted if not one.removed]
    assert len({ids[one.reference] for one in present}) == len(present)
    for one in present:
        content = resolved(one.content, ids)
        record = next(r for r in register if r.kind is one.kind and r.id == ids[one.reference])
        assert content is not None
        assert covers(content, record.content)
    again = make_plan([known(one, ids) for one in present], register)
    assert again.steps == ()


@given(sources(), st.lists(st.tuples(NAMES, st.integers(1, 2)), max_size=5), st.data())
def test_a_plan_broken_off_anywhere_and_forgotten_creates_nothing_twice(
    wanted: list[Wanted], rows: list[tuple[str, int]], data: st.DataObject
) -> None:
    present = [one for one in wanted if not one.removed]
    plan = make_plan(present, held(rows))
    done = data.draw(st.integers(0, len(plan.steps)))
    register, _ = carried_out(Plan(plan.steps[:done], plan.ids, ()), held(rows))
    again = make_plan(present, register)
    whole, _ = carried_out(again, register)
    assert len(whole) == len(carried_out(plan, held(rows))[0])
