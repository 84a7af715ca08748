"""The plan of differences between what the МИС wants and what ФРМО holds, without either."""

from __future__ import annotations

from itertools import count

import pytest
from lxml import etree

from workers.exchange import Element, SourceObject, covers, holds_more, registers
from workers.exchanges.frmo.compare import Plan, make_plan, resolved
from workers.exchanges.frmo.kinds import BUILDING, DEPARTMENT, STAFF, Kind
from workers.exchanges.frmo.records import Found, Wanted

NAMES = {"Building": "buildName", "Department": "departName", "Staff": "staffNum"}


def content(kind: Kind, name: str, more: str = "") -> Element:
    field = NAMES[kind.object_type]
    return etree.fromstring(f"<content><{field}>{name}</{field}>{more}</content>")


def wanted(kind: Kind, object_id: str, more: str = "", **known: str) -> Wanted:
    """An object named like its id; ``known`` may give ``name``, ``peer_id``, ``accepted``."""
    accepted = known.get("accepted")
    source = SourceObject(
        kind.object_type,
        object_id,
        content(kind, known.get("name", object_id), more),
        known.get("peer_id"),
        b"now",
        accepted.encode() if accepted else None,
    )
    return Wanted(kind, source)


def removed(kind: Kind, object_id: str, peer_id: str | None = None, accepted: bytes | None = None) -> Wanted:
    former = content(kind, object_id)
    return Wanted(kind, SourceObject(kind.object_type, object_id, None, peer_id, None, accepted, former))


def found(kind: Kind, record_id: str, name: str, more: str = "") -> Found:
    return Found(kind, content(kind, name, f"<{kind.id_field}>{record_id}</{kind.id_field}>{more}"))


def told(plan: Plan) -> list[tuple[str, str, str | None]]:
    return [(step.operation.value, step.wanted.source.object_id, step.peer_id) for step in plan.steps]


def test_what_the_register_lacks_is_inserted_and_what_it_holds_is_kept() -> None:
    plan = make_plan([wanted(BUILDING, "a"), wanted(BUILDING, "b")], [found(BUILDING, "1", "a")])
    assert told(plan) == [("Insert", "b", None)]
    assert [one.source.object_id for one in plan.kept] == ["a"]
    assert plan.ids == {("Building", "a"): "1"}


def test_what_nobody_submitted_is_left_alone() -> None:
    assert told(make_plan([], [found(BUILDING, "1", "a")])) == []


def test_the_journal_knows_best_then_the_document_then_the_key() -> None:
    objects = [
        wanted(BUILDING, "a", name="same", peer_id="3"),
        wanted(BUILDING, "b", "<id>2</id>", name="same"),
        wanted(BUILDING, "c", name="same"),
    ]
    plan = make_plan(objects, [found(BUILDING, n, "same") for n in "123"])
    assert plan.ids == {("Building", "a"): "3", ("Building", "b"): "2", ("Building", "c"): "1"}
    assert told(plan) == []


def test_an_id_that_nobody_gave_is_not_sent() -> None:
    plan = make_plan([wanted(BUILDING, "a", "<id>9</id>")], [found(BUILDING, "1", "a")])
    assert told(plan) == []
    assert [one.source.object_id for one in plan.unknown] == ["a"]


def test_who_names_another_id_than_that_of_its_record_is_not_sent_and_holds_nothing_back() -> None:
    under = '<departStructure><headDepart objectId="a"/></departStructure>'
    objects = [wanted(DEPARTMENT, "a", "<oid>2</oid>", peer_id="1"), wanted(DEPARTMENT, "b", under)]
    plan = make_plan(objects, [found(DEPARTMENT, "1", "a"), found(DEPARTMENT, "2", "c")])
    assert [one.source.object_id for one in plan.unknown] == ["a"]
    assert told(plan) == [("Insert", "b", None)]
    assert plan.ids["Department", "a"] == "1"


def test_a_record_that_the_register_lost_is_inserted_again() -> None:
    assert told(make_plan([wanted(BUILDING, "a", peer_id="1")], [])) == [("Insert", "a", None)]


def test_of_two_alike_each_gets_a_record_and_the_third_is_inserted() -> None:
    objects = [wanted(BUILDING, o, f"<floorCount>{n}</floorCount>", name="same") for n, o in enumerate("abc")]
    records = [found(BUILDING, str(n), "same", f"<floorCount>{n}</floorCount>") for n in (2, 5)]
    plan = make_plan(objects, records)
    assert told(plan) == [("Update", "a", "5"), ("Insert", "b", None)]
    assert plan.ids["Building", "c"] == "2"


def test_a_change_that_only_takes_a_field_away_is_an_update() -> None:
    record = found(BUILDING, "1", "a", "<floorCount>3</floorCount>")
    noted = "1\nfield:buildName\nfield:floorCount"
    assert told(make_plan([wanted(BUILDING, "a", peer_id=noted, accepted="now")], [record])) == []
    assert told(make_plan([wanted(BUILDING, "a", peer_id=noted, accepted="before")], [record])) == [
        ("Update", "a", "1")
    ]
    assert told(make_plan([wanted(BUILDING, "a", peer_id="1", accepted="before")], [record])) == []  # another's field


def test_a_change_that_changes_nothing_is_no_update() -> None:
    plan = make_plan([wanted(BUILDING, "a", accepted="before")], [found(BUILDING, "1", "a")])
    assert told(plan) == []
    assert [(one.source.object_id, peer_id) for one, peer_id in plan.news()] == [("a", "1")]


def test_buildings_come_before_units_before_staff_and_deletions_last_the_other_way_round() -> None:
    objects = [
        wanted(STAFF, "s"),
        removed(STAFF, "t", "3"),
        wanted(DEPARTMENT, "d"),
        removed(DEPARTMENT, "e", "2"),
        wanted(BUILDING, "b"),
        removed(BUILDING, "c", "1"),
    ]
    records = [found(STAFF, "3", "t"), found(DEPARTMENT, "2", "e"), found(BUILDING, "1", "c")]
    order = [("Insert", "b"), ("Insert", "d"), ("Insert", "s"), ("Delete", "t"), ("Delete", "e"), ("Delete", "c")]
    assert [(operation, object_id) for operation, object_id, _ in told(make_plan(objects, records))] == order


def test_heads_come_first_whatever_the_order_of_submission() -> None:
    under = '<departStructure><headDepart objectId="{}"/></departStructure>'
    chain = [wanted(DEPARTMENT, o, under.format(head)) for o, head in (("a", "b"), ("b", "c"), ("d", "a"))]
    plan = make_plan([*chain, wanted(DEPARTMENT, "c")], [])
    assert [step.wanted.source.object_id for step in plan.steps] == ["c", "b", "a", "d"]


def test_a_head_named_by_its_id_in_the_register_comes_first_too() -> None:
    above = "<departStructure><level>1</level><headDepart>{}</headDepart></departStructure>"
    objects = [
        wanted(DEPARTMENT, object_id, above.format(head), peer_id=peer_id)
        for object_id, head, peer_id in (("a", "2", "1"), ("b", "", "2"))
    ]
    plan = make_plan(objects, [found(DEPARTMENT, "1", "a"), found(DEPARTMENT, "2", "b", above.format("1"))])
    assert told(plan) == [("Update", "b", "2"), ("Update", "a", "1")]


def test_units_are_removed_before_the_units_they_belong_to_in_the_register() -> None:
    above = "<departStructure><headDepart>{}</headDepart></departStructure>"
    heads = {"1": "", "2": "1", "3": "2"}
    records = [found(DEPARTMENT, n, f"u{n}", above.format(head)) for n, head in heads.items()]
    for order in ("123", "321", "213"):
        doomed = [removed(DEPARTMENT, f"u{n}", n) for n in order]
        assert [step.peer_id for step in make_plan(doomed, records).steps] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("peer_id", "accepted", "name", "gone"),
    [
        ("1", None, "other", True),
        (None, b"baseline", "a", True),
        (None, b"baseline", "other", False),
        (None, None, "a", False),  # the МИС removed what it never brought: another's record
    ],
)
def test_what_is_removed_is_deleted_when_it_is_surely_that(
    peer_id: str | None, accepted: bytes | None, name: str, gone: bool
) -> None:
    plan = make_plan([removed(BUILDING, "a", peer_id, accepted)], [found(BUILDING, "1", name)])
    assert told(plan) == ([("Delete", "a", "1")] if gone else [])
    assert bool(plan.kept) is not gone


def test_a_record_wanted_under_another_name_of_the_source_is_not_deleted() -> None:
    plan = make_plan([removed(BUILDING, "old"), wanted(BUILDING, "new", name="old")], [found(BUILDING, "1", "old")])
    assert told(plan) == []


@pytest.mark.parametrize("more", ["<id>1</id>", ""], ids=["named", "nameless"])
def test_what_came_back_under_another_id_of_the_source_keeps_its_record(more: str) -> None:
    objects = [removed(BUILDING, "a", "1"), wanted(BUILDING, "new", more, name="a")]
    plan = make_plan(objects, [found(BUILDING, "1", "a")])
    assert told(plan) == []
    assert plan.ids == {("Building", "new"): "1"}
    assert [(one.source.object_id, peer_id) for one, peer_id in plan.news()] == [("new", "1"), ("a", None)]


def test_of_two_alike_of_which_one_is_removed_each_keeps_its_own_record() -> None:
    objects = [removed(BUILDING, "a", "1"), wanted(BUILDING, "b", name="a", peer_id="2")]
    records = [found(BUILDING, "1", "a"), found(BUILDING, "2", "a")]
    assert told(make_plan(objects, records)) == [("Delete", "a", "1")]
    assert told(make_plan(objects, records[:1])) == [("Insert", "b", None), ("Delete", "a", "1")]


def test_what_is_new_takes_the_record_of_a_removed_one_only_where_no_other_is_free() -> None:
    objects = [removed(BUILDING, "a", "1"), wanted(BUILDING, "b", name="a")]
    records = [found(BUILDING, "1", "a"), found(BUILDING, "2", "a")]
    assert told(make_plan(objects, records)) == [("Delete", "a", "1")]


def test_what_is_removed_never_takes_the_record_of_another_in_place_of_its_lost_one() -> None:
    objects = [removed(BUILDING, "a", "1")]
    assert told(make_plan(objects, [found(BUILDING, "2", "a")])) == []


def place(stands_in: str, head: str = "") -> str:
    building = f'<buildingId objectId="{stands_in}"/>' if stands_in else "<buildingId>1</buildingId>"
    of_head = f'<headDepart objectId="{head}"/>' if head else "<headDepart/>"
    return (
        f"<departStructure>{of_head}</departStructure>"
        f"<departBuildings><departBuildingsItem>{building}</departBuildingsItem></departBuildings>"
    )


def held_in(building: str, head: str = "") -> str:
    return place("", "").replace("<headDepart/>", f"<headDepart>{head}</headDepart>").replace(">1<", f">{building}<")


BUILDINGS = [wanted(BUILDING, "b1"), wanted(BUILDING, "b2")], [found(BUILDING, "1", "b1"), found(BUILDING, "2", "b2")]


@pytest.mark.parametrize("order", [1, -1])
def test_of_units_named_alike_the_one_that_stands_there_takes_the_record(order: int) -> None:
    units = [
        wanted(DEPARTMENT, "u1", place("b1") + "<pcCount>5</pcCount>", name="same"),
        wanted(DEPARTMENT, "u2", place("b2") + "<pcCount>6</pcCount>", name="same"),
    ]
    there = found(DEPARTMENT, "9", "same", held_in("2") + "<pcCount>5</pcCount>")
    plan = make_plan([*BUILDINGS[0], *units[::order]], [*BUILDINGS[1], there])
    assert sorted(told(plan)) == [("Insert", "u1", None), ("Update", "u2", "9")]


@pytest.mark.parametrize("order", [1, -1])
def test_of_units_named_alike_the_one_of_the_same_head_takes_the_record(order: int) -> None:
    units = [
        wanted(DEPARTMENT, "u1", place("b1", "new") + "<pcCount>5</pcCount>", name="same"),
        wanted(DEPARTMENT, "u2", place("b2", "head"), name="same"),
        wanted(DEPARTMENT, "head", place("b1") + "<pcCount>7</pcCount>"),
        wanted(DEPARTMENT, "new", place("b1")),
    ]
    records = [
        found(DEPARTMENT, "9", "same", held_in("1", "8") + "<pcCount>5</pcCount>"),
        found(DEPARTMENT, "8", "head", held_in("1")),
    ]
    plan = make_plan([*BUILDINGS[0], *units[::order]], [*BUILDINGS[1], *records])
    assert plan.ids["Department", "u2"] == "9"
    assert sorted(told(plan)) == [
        ("Insert", "new", None),
        ("Insert", "u1", None),
        ("Update", "head", "8"),
        ("Update", "u2", "9"),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_of_units_named_alike_in_one_place_the_one_with_most_in_common_takes_the_record(order: int) -> None:
    more = "<pcCount>5</pcCount><phones><phonesItem>{}</phonesItem></phones><ARMCount>{}</ARMCount>"
    units = [
        wanted(DEPARTMENT, o, place("b1") + more.format(*of), name="same")
        for o, of in (("u1", (1, 1)), ("u2", (2, 7)), ("u3", (3, 1)))
    ]
    there = found(DEPARTMENT, "9", "same", held_in("1") + more.format(2, 8))
    plan = make_plan([*BUILDINGS[0], *units[::order]], [*BUILDINGS[1], there])
    assert ("Update", "u2", "9") in told(plan)


def test_a_request_in_doubt_created_none_that_was_known_before() -> None:
    objects = [removed(BUILDING, "a", "1"), wanted(BUILDING, "b")]
    sent = {("Building", "b"): content(BUILDING, "a")}
    plan = make_plan(objects, [found(BUILDING, "1", "a"), found(BUILDING, "2", "a")], sent)
    assert told(plan) == [("Update", "b", "2"), ("Delete", "a", "1")]


def test_references_get_the_ids_of_the_register_or_wait() -> None:
    whole = etree.fromstring('<content><buildingId objectId="b"/><headDepart objectId="d">9</headDepart></content>')
    assert resolved(whole, {("Building", "b"): "1"}) is None
    ready = resolved(whole, {("Building", "b"): "1", ("Department", "d"): "2"})
    assert ready is not None
    assert etree.tostring(ready) == b"<content><buildingId>1</buildingId><headDepart>2</headDepart></content>"
    assert whole[0].get("objectId") == "b"


def test_the_state_of_the_register_tells_what_became_of_requests_in_doubt() -> None:
    plan = make_plan(
        [wanted(BUILDING, "there"), wanted(BUILDING, "not"), removed(BUILDING, "gone")], [found(BUILDING, "1", "there")]
    )
    assert plan.id_of(("Building", "there")) == "1"
    assert plan.id_of(("Building", "not")) is None
    assert [plan.leaves(("Building", name)) for name in ("there", "gone", "not")] == [True, True, False]


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("<a>1</a>", "<a>1</a><id>7</id>", True),
        ("<a>1</a>", "<a>2</a>", False),
        ("<a>1</a>", "", False),
        ("<a/>", "", True),
        ("<a><b/></a>", "", True),
        ("<a/>", "<a><aItem>1</aItem></a>", False),
        ("<a><c>1</c></a>", "<a><b>2</b><c>1</c></a>", True),
        ("<a><aItem>1</aItem><aItem>2</aItem></a>", "<a><aItem>2</aItem><aItem>1</aItem></a>", True),
        ("<a><aItem>1</aItem><aItem>1</aItem></a>", "<a><aItem>1</aItem><aItem>2</aItem></a>", False),
        ("<a><aItem>1</aItem></a>", "<a><aItem>1</aItem><aItem>2</aItem></a>", False),
        ("<a>007</a>", "<a>7</a>", False),
    ],
)
def test_a_register_covers_what_is_wanted(one: str, other: str, verdict: bool) -> None:
    assert covers(etree.fromstring(f"<x>{one}</x>"), etree.fromstring(f"<x>{other}</x>")) is verdict


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ("<a>1</a>", "<own>7</own><a>1</a>", False),  # the register's own id
        ("<a>1</a>", "<a>1</a><b>2</b>", True),
        ("<a>1</a>", "<a>1</a><b>false</b><c/><d><e>false</e></d>", False),  # says nothing
        ("<a>1</a>", "<a>1</a><d><e>true</e></d>", True),
        ("<kindId><id>1</id></kindId>", "<kindId><id>1</id><kind>Поликлиника</kind></kindId>", False),
        ("<k><code>1</code></k>", "<k><code>1</code><name>Первый</name></k>", False),
        ("<k><code>1</code><n>2</n></k>", "<k><code>1</code><n>2</n><m>3</m></k>", True),
        ("<r><c>1</c></r>", "<r><c>1</c><r>Область</r><id>4</id></r>", False),
        ("<partId>1</partId>", "<partId>1</partId><partName>Часть</partName>", False),
        ("<partId><id>1</id></partId>", "<partId><id>1</id><part>Часть</part></partId><partName>Своя</partName>", True),
        ("<nrDepartId>1</nrDepartId>", "<nrDepartId>1</nrDepartId><departName>Часть</departName>", False),
        ("<d><b>1</b></d>", "<d><b>1</b><c>2</c></d>", True),  # inside
        ("<d><b>1</b></d>", "<d><b>1</b><oid>2</oid></d>", False),
        ("<a><aItem><b>1</b></aItem></a>", "<a><aItem><b>1</b><c>2</c></aItem></a>", True),
        (
            "<a><aItem><b>1</b></aItem><aItem><b>2</b><c>3</c></aItem></a>",
            "<a><aItem><b>2</b><c>3</c></aItem><aItem><b>1</b></aItem></a>",
            False,
        ),
        ("<a/>", "<a/>", False),
    ],
)
def test_a_register_holds_more_than_is_wanted(one: str, other: str, verdict: bool) -> None:
    wanted, held = etree.fromstring(f"<x>{one}</x>"), etree.fromstring(f"<x>{other}</x>")
    assert covers(wanted, held)
    assert holds_more(wanted, held, "own") is verdict


def test_lines_in_another_order_are_not_compared_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = count()
    monkeypatch.setattr(registers, "covers", lambda one, other: next(calls) >= 0 and covers(one, other))
    lines = [f"<lItem><unit>{n}</unit><rate>1</rate></lItem>" for n in range(300)]
    there = etree.fromstring(f"<c><l>{''.join(reversed(lines))}</l></c>")
    assert registers.covers(etree.fromstring(f"<c><l>{''.join(lines)}</l></c>"), there)
    assert not registers.covers(etree.fromstring(f"<c><l>{''.join([*lines[1:], lines[1]])}</l></c>"), there)
    assert next(calls) < 300 * 20
