"""What must change of a worker in ФРМР, without the register: what is ours, what was found there, what is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pytest
from lxml import etree

from workers.exchange import Element, Operation, PartIds, read_parts, text_at, write_parts
from workers.exchanges.frmr.compare import FIELD, FOUND, Comparison, Worker, compare, created, holds
from workers.exchanges.frmr.sections import SECTIONS, Section

PERSON: Final = "<lastName>Учебный</lastName>"
CARD: Final = "personCard"
NOBODYS: Final[PartIds] = frozenset()


def card(number: str, *, day: int = 9, post: int = 173, unit: str = "1.2.3", more: str = "") -> str:
    """A card as the МИС submits it."""
    key = f"<contractNumber>{number}</contractNumber><contractDate>2020-01-{day:02}T00:00:00Z</contractDate>"
    return f"{key}<nrPmuDepartId>{unit}</nrPmuDepartId><postId>{post}</postId>{more}"


def held(**cards: str) -> Element:
    """A worker as the register holds him: cards by their ids."""
    items = "".join(f"<personCardItem><id>{one}</id>{text}</personCardItem>" for one, text in cards.items())
    return etree.fromstring(f"<content>{PERSON}<personCard>{items}</personCard></content>")


def submitted(*cards: str) -> Worker:
    person = etree.fromstring(f"<content>{PERSON}</content>")
    return Worker(person, {CARD: [etree.fromstring(f"<content>{text}</content>") for text in cards]})


def steps(compared: Comparison) -> list[tuple[Operation, str | None]]:
    return [(step.operation, step.entity_id) for step in compared.steps]


def ours(*ids: str) -> PartIds:
    return frozenset((CARD, one) for one in ids)


def found(*ids: str) -> PartIds:
    return frozenset((FOUND + CARD, one) for one in ids)


def test_what_the_register_held_already_is_found_and_not_ours() -> None:
    compared = compare(submitted(card("1")), held(a=card("1"), b=card("2", unit="9")), NOBODYS)
    assert (steps(compared), compared.known) == ([], found("a"))


def test_what_is_ours_is_deleted_when_it_is_withdrawn_and_what_was_found_is_left() -> None:
    there = held(a=card("1"), b=card("2", unit="7"), c=card("3", unit="9"))
    compared = compare(submitted(), there, ours("a") | found("b"))
    assert (steps(compared), compared.known) == ([(Operation.DELETE, "a")], ours("a"))
    assert [(section.field, entity_id) for section, entity_id in compared.left] == [("personCard", "b")]
    assert compare(submitted(card("2", unit="7")), there, ours("a") | found("b")).left == ()


def test_what_was_found_and_withdrawn_stays_left_when_it_is_submitted_and_withdrawn_again() -> None:
    there = held(a=card("1"))
    again = compare(submitted(card("1")), there, compare(submitted(), there, found("a")).known)
    assert again.known == found("a")
    assert steps(compare(submitted(), there, again.known)) == []


@pytest.mark.parametrize("known", [ours("a"), found("a")], ids=["ours", "found"])
def test_a_known_entry_that_the_source_corrected_is_updated_and_stays_what_it_was(known: PartIds) -> None:
    moved = card("1", unit="9")
    for corrected in (card("1", more="<rate>0.5</rate>"), card("1/20"), card("1", day=10), moved):
        compared = compare(submitted(corrected), held(a=card("1")), known)
        assert (steps(compared), compared.known) == ([(Operation.UPDATE, "a")], known)


DISMISSED: Final = "<endDate>2026-03-01T00:00:00Z</endDate>"


def test_a_field_that_the_source_took_away_is_taken_away_of_ours_and_stays_of_a_found_one() -> None:
    there = held(a=card("1", more=DISMISSED))
    assert steps(compare(submitted(card("1")), there, ours("a"))) == [(Operation.UPDATE, "a")]
    assert steps(compare(submitted(card("1")), there, found("a"))) == []


LEAVE: Final = "<temporaryDerelictions><i{0}><reasonId>1</reasonId>{1}</i{0}></temporaryDerelictions>"


def test_a_field_inside_an_entry_of_ours_is_taken_away_too() -> None:
    ended = LEAVE.format("Item", "<endDate>2026-03-01T00:00:00Z</endDate>")
    there = held(a=card("1", more=ended))
    assert steps(compare(submitted(card("1", more=LEAVE.format("Item", ""))), there, ours("a"))) == [
        (Operation.UPDATE, "a")
    ]
    assert steps(compare(submitted(card("1", more=ended)), there, ours("a"))) == []


def test_what_the_register_adds_itself_was_not_taken_away() -> None:
    added = "<postName>Врач</postName><targeted>false</targeted><roomName/>"
    assert steps(compare(submitted(card("1")), held(a=card("1", more=added)), ours("a"))) == []
    added = "<omsMarks><code>1</code></omsMarks>"
    assert steps(compare(submitted(card("1")), held(a=card("1", more=added)), ours("a"))) == [(Operation.UPDATE, "a")]


def test_an_update_that_takes_a_field_away_is_done_when_the_field_is_gone() -> None:
    content = etree.fromstring(f"<content>{card('1')}</content>")
    assert not holds(held(a=card("1", more=DISMISSED)), "mr_card", content, ours("a"))
    assert holds(held(a=card("1")), "mr_card", content, ours("a"))
    assert holds(held(a=card("1", more=DISMISSED)), "mr_card", content, found("a"))


def test_another_entry_takes_the_place_of_ours_and_never_of_a_found_one() -> None:
    another = submitted(card("9", day=20, post=5))
    assert steps(compare(another, held(a=card("1")), ours("a"))) == [(Operation.UPDATE, "a")]
    compared = compare(another, held(a=card("1")), found("a"))
    assert (steps(compared), compared.known) == ([(Operation.INSERT, None)], NOBODYS)


def entry(section: Section, values: Mapping[str, str]) -> Element:
    """An entry that agrees with every other in whatever is not among the values."""
    fields = dict.fromkeys((*section.key, *section.more), "1") | dict(values)
    return etree.fromstring("<i>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items()) + "</i>")


def compared_with_one(
    section: Section, values: Mapping[str, str], mark: str, held: Mapping[str, str] = MappingProxyType({})
) -> list[tuple[Operation, str | None]]:
    """Compare one submitted entry with one that the register holds under this mark."""
    there = etree.fromstring(f"<content>{PERSON}<{section.field}/></content>")
    there[-1].append(entry(section, {section.id_field: "a"} | dict(held)))
    worker = Worker(etree.fromstring(f"<content>{PERSON}</content>"), {section.field: [entry(section, values)]})
    return steps(compare(worker, there, frozenset({(mark + section.field, "a")})))


def named(field: str) -> Section:
    (section,) = (one for one in SECTIONS if one.field == field)
    return section


LATER: Final = {
    "personCard": ("contractNumber", "contractDate", "beginDate"),
    "educationProf": ("docNumber", "docDate"),
    "educationExt": ("docNumber", "theme"),
    "educationPostgraduate": ("beginYear", "docNumber", "docDate", "specId"),
    "educationCert": ("certNumber", "examDate"),
    "personQualification": ("beginDate",),
    "personNomination": ("nomNumber", "nomDate"),
    "personOrganization": ("beginDate",),
}


@pytest.mark.parametrize(("field", "differ"), LATER.items(), ids=LATER)
def test_a_later_entry_of_its_kind_is_created_beside_the_found_one(field: str, differ: tuple[str, ...]) -> None:
    assert compared_with_one(named(field), dict.fromkeys(differ, "2"), FOUND) == [(Operation.INSERT, None)]
    assert compared_with_one(named(field), dict.fromkeys(differ, "2"), "") == [(Operation.UPDATE, "a")]


MOVED: Final = [("postId", "beginDate"), ("nrPmuDepartId", "beginDate"), ("contractDate", "beginDate")]


@pytest.mark.parametrize("differ", MOVED, ids=["another post", "another unit", "another contract without a number"])
def test_a_worker_who_was_moved_gets_a_card_beside_the_found_one(differ: tuple[str, ...]) -> None:
    assert compared_with_one(named("personCard"), dict.fromkeys(differ, "2"), FOUND) == [(Operation.INSERT, None)]


@pytest.mark.parametrize(
    ("section", "corrected"),
    [
        pytest.param(one, field, id=f"{one.field}-{field}")
        for one in SECTIONS
        for field in (*one.key, *one.more)
        if field not in one.fixed and len(one.key + one.more) > len(("corrected", "alike"))
    ],
)
def test_a_found_entry_of_which_one_field_was_corrected_is_updated(section: Section, corrected: str) -> None:
    assert compared_with_one(section, {corrected: "2"}, FOUND) == [(Operation.UPDATE, "a")]


@pytest.mark.parametrize("mark", [FOUND, "other."])
def test_a_card_that_is_over_is_not_taken_for_one_that_began_later(mark: str) -> None:
    over = {"endDate": "1"}
    card_again = compared_with_one(named("personCard"), {"beginDate": "2"}, mark, over)
    assert card_again == [(Operation.INSERT, None)]
    assert compared_with_one(named("personCard"), {"beginDate": "2"}, mark) == [(Operation.UPDATE, "a")]


def test_what_one_side_does_not_fill_in_tells_nothing_apart_and_nothing_alike() -> None:
    prof = named("educationProf")
    sparse = {"docDate": "", "institutionId": "", "specId": ""}
    assert compared_with_one(prof, {"docNumber": "2"}, FOUND, {"specId": ""}) == [(Operation.UPDATE, "a")]
    assert compared_with_one(prof, {"docNumber": "2"}, FOUND, sparse) == [(Operation.INSERT, None)]


def test_an_update_of_a_found_entry_keeps_the_fields_that_only_the_register_has() -> None:
    added = "<personalFileNumber>7</personalFileNumber>"
    there = held(a=card("1", more=added))
    for known, kept in ((found("a"), "7"), (ours("a"), "")):
        (step,) = compare(submitted(card("1", more="<rate>0.5</rate>")), there, known).steps
        assert step.content is not None
        assert (text_at(step.content, "personalFileNumber"), text_at(step.content, "id")) == (kept, "")


def test_a_new_entry_takes_the_found_one_that_is_named_alike_and_leaves_ours_to_another() -> None:
    there = held(a=card("1"), b=card("2", day=5))
    both = submitted(card("2/1", day=5), card("1", day=7))
    updated = compare(both, there, ours("a") | found("b")).steps
    contents = [(one.entity_id, one.content) for one in updated if one.content is not None]
    assert [(where, text_at(one, "contractNumber")) for where, one in contents] == [("b", "2/1"), ("a", "1")]


def test_an_entry_that_differs_is_updated_before_it_is_known() -> None:
    compared = compare(submitted(card("1", more="<rate>0.5</rate>")), held(a=card("1")), NOBODYS)
    assert (steps(compared), compared.known) == ([(Operation.UPDATE, "a")], found("a"))


def test_what_is_known_stays_so_where_the_register_once_does_not_know_the_person() -> None:
    lost = compare(submitted(card("1")), None, ours("a") | found("b"))
    assert [step.operation for step in lost.steps] == [Operation.INSERT, Operation.INSERT]
    back = compare(submitted(), held(a=card("1"), b=card("2", unit="7")), lost.known)
    assert steps(back) == [(Operation.DELETE, "a")]


def test_of_two_that_fit_the_one_that_is_ours_is_kept_then_the_one_found_before() -> None:
    there = held(a=card("1"), b=card("1"), c=card("1"))
    assert compare(submitted(card("1")), there, ours("c") | found("b")).known == ours("c")
    assert compare(submitted(card("1")), there, found("b")).known == found("b")


def test_what_was_found_before_is_not_what_an_unanswered_request_created() -> None:
    content = etree.fromstring(f"<content>{card('1')}</content>")
    assert created(held(a=card("1"), b=card("1")), "mr_card", content, found("a")) == (CARD, "b")
    assert created(held(a=card("1")), "mr_card", content, found("a")) is None
    assert created(held(a=card("1")), "mr_card", content, ours("a")) is None


def test_marks_are_written_one_a_line_and_read_back() -> None:
    known = ours("1:2") | found("b")
    assert read_parts(write_parts(known)) == known


def document(kind: int, number: str, more: str = "") -> str:
    return f"<documentsItem><documentId>{kind}</documentId><number>{number}</number>{more}</documentsItem>"


def address(kind: int, more: str = "") -> str:
    return f"<addressesItem><addressTypeId>{kind}</addressTypeId>{more}</addressesItem>"


def person(documents: str, addresses: str = "") -> Element:
    there = f"<addresses>{addresses}</addresses>" if addresses else ""
    return etree.fromstring(f"<content>{PERSON}<documents>{documents}</documents>{there}</content>")


def test_what_other_mo_added_to_the_common_person_is_no_difference() -> None:
    there = person(document(3, "7") + document(1, "1"), address(1))
    assert steps(compare(Worker(person(document(1, "1")), {}), there, NOBODYS)) == []
    assert holds(there, "mr_person", person(document(1, "1")))
    assert not holds(there, "mr_person", person(document(1, "2")))


def test_an_update_of_the_common_person_keeps_what_other_mo_added() -> None:
    there = person(document(3, "7") + document(1, "1"), address(1) + address(2))
    corrected = document(1, "1", "<passOrg>Выдумано</passOrg>")
    (step,) = compare(Worker(person(corrected), {}), there, NOBODYS).steps
    whole = person(corrected + document(3, "7"), address(1) + address(2))
    assert step.content is not None
    assert (step.operation, etree.tostring(step.content)) == (Operation.UPDATE, etree.tostring(whole))
    moved = Worker(person(corrected, address(2, "<regDate>2026-01-01T00:00:00Z</regDate>")), {})
    (step,) = compare(moved, there, NOBODYS).steps
    assert step.content is not None
    assert [text.text for text in step.content.iterfind("addresses/*/addressTypeId")] == ["2", "1"]
    assert len(moved.person.findall("documents/*")) == 1


def test_an_update_of_the_person_keeps_the_fields_that_only_the_register_has() -> None:
    there = held(a=card("1"))
    there.append(etree.fromstring("<phone>+7 900 000-00-00</phone>"))
    worker = Worker(etree.fromstring("<content><lastName>Иная</lastName></content>"), {})
    (step,) = compare(worker, there, NOBODYS).steps
    assert step.content is not None
    assert [(child.tag, child.text) for child in step.content] == [("lastName", "Иная"), ("phone", "+7 900 000-00-00")]


def someone(**fields: str) -> Element:
    """The person alone, with these fields beside his name."""
    more = "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items())
    return etree.fromstring(f"<content>{PERSON}{more}</content>")


def fields_of(compared: Comparison) -> list[str]:
    """Fields of the person that the first step brings; none when he is left as he is."""
    person = compared.steps[0].content if compared.steps else None
    return [] if person is None else [str(field.tag) for field in person]


def test_a_field_of_the_person_that_a_session_brought_is_taken_away_with_it_in_the_source() -> None:
    dead = compare(Worker(someone(deathDate="1"), {}), someone(phone="7"), NOBODYS)
    assert fields_of(dead) == ["lastName", "deathDate", "phone"]
    alive = compare(Worker(someone(), {}), someone(deathDate="1", phone="7"), dead.known)
    assert fields_of(alive) == ["lastName", "phone"]
    assert alive.known == dead.known  # until the register has taken it
    assert not holds(someone(deathDate="1"), "mr_person", someone(), dead.known)
    assert compare(Worker(someone(), {}), someone(phone="7"), alive.known) == Comparison([], NOBODYS)


def test_a_field_of_the_person_that_the_register_held_as_it_was_submitted_stays_there() -> None:
    same = compare(Worker(someone(phone="7"), {}), someone(phone="7"), NOBODYS)
    assert same == Comparison([], NOBODYS)
    assert fields_of(compare(Worker(someone(), {}), someone(phone="7"), same.known)) == []


def test_a_session_that_creates_a_person_brings_all_his_fields() -> None:
    created_now = compare(Worker(someone(phone="7"), {}), None, NOBODYS)
    assert created_now.known == {(FIELD, "lastName"), (FIELD, "phone")}
