"""Pages of lists: cursors that fit only their own list, limits, totals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from zeep.exceptions import Fault

from tests.support.over_the_wire import SERVICE, SOAP11, SOAP12, Region, Story, code_of

FORGED = "Курсор не относится к этому списку: запросите первую страницу без cursor"


@pytest.fixture(scope="module")
def story(region: Region) -> Story:
    return region.story(17)


@pytest.fixture(scope="module")
def launch(story: Story) -> Any:
    """A launch of seven packets."""
    story.submit(*[story.case(at).referral() for at in range(7)])
    return story.launch()


def ask(story: Story, launch: Any, **given: Any) -> Any:
    return story.admin.journal.ListPackets(launchId=launch.id, **given)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_pages_follow_each_other_without_gap_or_repeat(region: Region, launch: Any, version: str) -> None:
    journal = region.sign_in("admin", version).journal
    seen: list[str] = []
    cursor = None
    while True:
        answer = journal.ListPackets(launchId=launch.id, page={"limit": 3, "cursor": cursor})
        assert (answer.total, answer.totalIsExact) == (7, True)
        seen += [packet.id for packet in answer.packets.packet]
        cursor = answer.nextCursor
        if cursor is None:
            break
    assert len(seen) == 7
    assert seen == sorted(seen, reverse=True)


def test_a_cursor_fits_only_its_list_filter_and_account(region: Region, story: Story, launch: Any) -> None:
    cursor = ask(story, launch, page={"limit": 2}).nextCursor
    foreign = region.sign_in("mis").journal
    period = {"createdFrom": datetime.now(UTC) - timedelta(days=1), "createdTo": datetime.now(UTC) + timedelta(days=1)}
    page = {"limit": 2, "cursor": cursor}
    attempts: list[Callable[[], Any]] = [
        lambda: ask(story, launch, page={"limit": 2, "cursor": cursor[:-2] + "AA"}),
        lambda: ask(story, launch, page={"limit": 2, "cursor": "выдумка"}),
        lambda: ask(story, launch, page=page, statuses={"status": ["REJECTED"]}),
        lambda: story.admin.journal.ListPackets(**period, page=page),
        lambda: story.admin.journal.ListLaunches(serviceCode=SERVICE, page=page),
        lambda: foreign.ListPackets(launchId=launch.id, page=page),
    ]
    for attempt in attempts:
        with pytest.raises(Fault) as caught:
            attempt()
        assert (code_of(caught.value), caught.value.message) == ("INVALID_REQUEST", FORGED)
    assert len(ask(story, launch, page={"limit": 5, "cursor": cursor}).packets.packet) == 5


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_is_of_1_to_1000(story: Story, launch: Any, limit: int) -> None:
    with pytest.raises(Fault) as caught:
        ask(story, launch, page={"limit": limit})
    assert code_of(caught.value) == "INVALID_REQUEST"


def test_filters_narrow_a_list(story: Story, launch: Any) -> None:
    packets = ask(story, launch).packets.packet
    by_object = ask(story, launch, objectId=packets[0].objectId)
    assert [p.id for p in by_object.packets.packet] == [packets[0].id]
    assert ask(story, launch, statuses={"status": ["ACCEPTED", "REJECTED"]}).total == 7
    for nothing in (
        {"statuses": {"status": ["SENT"]}},
        {"packetType": "MOTION_IN_HOSPITAL"},
        {"operation": "Delete"},
        {"held": True},
        {"text": "такого текста нет"},
        {"changedSince": datetime.now(UTC) + timedelta(hours=1)},
    ):
        empty = ask(story, launch, **nothing)
        assert (empty.total, empty.nextCursor) == (0, None)
    assert ask(story, launch, text=packets[0].objectId[-4:]).total == 1


def test_a_filter_that_cannot_be_is_refused(story: Story) -> None:
    now = datetime.now(UTC)
    for wrong in (
        {},
        {"createdFrom": now},
        {"createdFrom": now, "createdTo": now - timedelta(days=1)},
        {"createdFrom": now - timedelta(days=367), "createdTo": now},
        {"createdFrom": now - timedelta(days=40), "createdTo": now, "text": "отказ"},
        {"createdFrom": now - timedelta(days=1), "createdTo": now, "statuses": {"status": ["LOST"]}},
        {"createdFrom": now - timedelta(days=1), "createdTo": now, "operation": "INSERT"},
    ):
        with pytest.raises(Fault) as caught:
            story.admin.journal.ListPackets(**wrong)
        assert code_of(caught.value) == "INVALID_REQUEST"


def test_a_period_that_ends_before_it_begins_is_refused(story: Story, launch: Any) -> None:
    now = datetime.now(UTC)
    journal = story.admin.journal
    for until in (now, now - timedelta(days=1)):
        started = {"serviceCode": SERVICE, "startedFrom": now, "startedTo": until}
        created = {"launchId": launch.id, "createdFrom": now, "createdTo": until}
        attempts: list[Callable[[], Any]] = [
            partial(journal.ListLaunches, **started),
            partial(journal.ExportReport, kind="LAUNCHES", **started),
            partial(journal.ListPackets, **created),
            partial(journal.ExportReport, kind="PACKETS", **created),
        ]
        for attempt in attempts:
            with pytest.raises(Fault) as caught:
                attempt()
            assert code_of(caught.value) == "INVALID_REQUEST"
            assert "должен быть положительным" in caught.value.message
