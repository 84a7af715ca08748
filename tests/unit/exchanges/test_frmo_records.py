"""Which fields of a record of ФРМО are the МИС's, and which an update carries over."""

from __future__ import annotations

import pytest
from lxml import etree

from workers.exchange import Element, SourceObject, with_others
from workers.exchanges.frmo.kinds import BUILDING
from workers.exchanges.frmo.records import Wanted, filled


def fields(**given: str) -> Element:
    more = "".join(f"<{tag}>{text}</{tag}>" for tag, text in given.items())
    return etree.fromstring(f"<content><buildName>a</buildName>{more}</content>")


def building(content: Element, peer_id: str | None = None, accepted: bytes | None = None) -> Wanted:
    return Wanted(BUILDING, SourceObject("Building", "b", content, peer_id, b"now", accepted))


def told(content: Element) -> dict[str, str | None]:
    return {str(field.tag): field.text for field in content}


def test_the_journal_keeps_the_id_and_what_was_taken_under_it() -> None:
    one = building(fields(floorCount="3", renter=""))
    assert one.note("7") == "7\nfield:buildName\nfield:floorCount"
    assert one.note("7") == f"7\n{one.fields}"
    known = building(one.content, one.note("7"), b"now")
    assert (known.peer_id, known.brought) == ("7", {"buildName", "floorCount"})
    assert known.is_known_as("7")
    assert not building(one.content, "7", b"now").is_known_as("7")


@pytest.mark.parametrize("noted", [None, "7", "field:renter", "7\nfield:renter"])
def test_what_may_have_been_taken_is_kept_beside_what_is_known(noted: str | None) -> None:
    one = building(fields(), noted)
    more = one.with_brought({"floorCount"})
    assert (more.peer_id, more.brought) == (one.peer_id, one.brought | {"floorCount"})
    assert one.with_brought(set()).source.peer_id == noted
    assert Wanted.so_far(more, "8") == "\n".join(["8", *(f"field:{tag}" for tag in sorted(more.brought))])


def test_what_others_wrote_is_no_difference_and_goes_along_with_one() -> None:
    there = fields(id="7", floorCount="3", renter="Иной")
    one = building(fields(floorCount="4"), "7\nfield:buildName\nfield:floorCount", b"before")
    assert one.is_held(fields(floorCount="3"), there)
    assert not one.is_held(one.content, there)
    whole = {"buildName": "a", "floorCount": "4", "renter": "Иной"}
    assert told(one.whole(one.content, there)) == whole
    assert told(building(fields(floorCount="4")).whole(one.content, there)) == whole


@pytest.mark.parametrize(("accepted", "gone"), [(b"before", True), (None, True), (b"now", False)])
def test_what_the_source_no_longer_brings_is_taken_away(accepted: bytes | None, gone: bool) -> None:
    there = fields(id="7", floorCount="3", renter="Иной")
    one = building(fields(), "7\nfield:buildName\nfield:renter", accepted)
    assert one.is_held(one.content, there) is not gone
    assert told(one.whole(one.content, there)) == {"buildName": "a", "floorCount": "3"}


def test_a_name_of_an_object_of_the_source_is_a_value_too() -> None:
    content = etree.fromstring('<c><a/><b> </b><d><e objectId="x"/></d><f><g>1</g></f></c>')
    assert filled(content) == {"d", "f"}


@pytest.mark.parametrize(
    ("wanted", "others"),
    [
        ("<postId>1</postId>", ["postName", "note"]),
        ("<postId>2</postId>", ["note"]),  # the title of another post
        ("<note>x</note>", ["postId", "postName"]),
        ("<note>x</note><postName>y</postName>", ["postId"]),
    ],
)
def test_the_title_of_a_code_that_changes_stays_behind(wanted: str, others: list[str]) -> None:
    held = etree.fromstring("<c><own>7</own><postId>1</postId><postName>Врач</postName><note>x</note></c>")
    given = etree.fromstring(f"<c>{wanted}</c>")
    whole = with_others(given, held, {"own"})
    assert [field.tag for field in whole][len(given) :] == others


def test_the_title_of_a_code_that_is_taken_away_goes_with_it() -> None:
    held = etree.fromstring("<c><postId>1</postId><postName>Врач</postName><id>7</id><note>x</note></c>")
    whole = with_others(etree.fromstring("<c><floorCount>1</floorCount></c>"), held, {"postId", "id"})
    assert [field.tag for field in whole] == ["floorCount", "note"]


@pytest.mark.parametrize(("noted", "taken_away"), [("7", False), ("7\nfield:renter", True)])
def test_an_empty_field_takes_away_what_was_brought_and_nothing_else(noted: str, taken_away: bool) -> None:
    there = fields(id="7", renter="Иной")
    one = building(fields(renter=""), noted, b"before")
    assert one.is_held(one.content, there) is not taken_away
    assert (told(one.whole(one.content, there))["renter"] == "Иной") is not taken_away
    assert "renter" in told(one.whole(one.content, fields(id="7")))
