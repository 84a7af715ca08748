"""«Печать» over the wire: a short report in the answer, a long one by its link, and links that open nothing."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sqlalchemy import insert
from zeep.exceptions import Fault

from gateway.journal import tables
from gateway.journal.engine import new_ids
from gateway.resources import resource_dir
from gateway.xml.parser import parse, parse_text
from gateway.xml.schemas import validate
from tests.support.over_the_wire import SERVICE, Region, Story, code_of
from tests.support.waiting import eventually

REPORT = resource_dir("xsd") / "report" / "1.0" / "report.xsd"
MANY = 1_500


@pytest.fixture(scope="module")
def story(region: Region) -> Story:
    return region.story(16)


@pytest.fixture(scope="module")
def launch(story: Story) -> Any:
    story.submit(*[story.case(at).referral() for at in range(3)])
    return story.launch()


def test_a_short_report_comes_in_the_answer(story: Story, launch: Any) -> None:
    receipt = story.admin.journal.ExportReport(kind="PACKETS", launchId=launch.id)
    report = parse_text(receipt.xml)
    assert validate(report, REPORT) == ()
    assert receipt.xml.count("Направления на госпитализацию") >= 3
    page = requests.get(receipt.downloadUrl, params="print", timeout=30)
    assert page.headers["Content-Type"].startswith("application/xhtml+xml")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Направления на госпитализацию" in page.content.decode()


def test_a_long_report_is_made_by_a_worker_and_fetched_by_its_link(region: Region, story: Story, launch: Any) -> None:
    with region.engine.begin() as connection:
        ids = new_ids(connection)
        like = {"launch_id": launch.id, "service_code": SERVICE, "organization_id": 16, "status": "ACCEPTED"}
        kind = {"packet_type": "HOSPITALISATION_REFERRAL", "operation": "Insert"}
        connection.execute(insert(tables.packets), [{"id": next(ids), **like, **kind} for _ in range(MANY)])
    receipt = story.admin.journal.ExportReport(kind="PACKETS", launchId=launch.id)
    assert receipt.xml is None
    first = requests.get(receipt.downloadUrl, timeout=30)
    assert first.status_code in {200, 503}
    got = eventually(lambda: ready(receipt.downloadUrl), 60, what="the report is made", poll_s=0.2)
    assert got is not None
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert validate(parse(got.content), REPORT) == ()
    assert got.content.count("Направления на госпитализацию".encode()) >= MANY


def ready(url: str) -> requests.Response | None:
    answer = requests.get(url, timeout=30)
    return answer if answer.status_code == 200 else None


def test_a_link_that_nobody_gave_opens_nothing(region: Region) -> None:
    answer = requests.get(f"{region.url}/reports/invented", timeout=30)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")
    assert requests.post(f"{region.url}/reports/invented", timeout=30).status_code == 405


def test_a_report_of_another_list_is_refused(story: Story) -> None:
    with pytest.raises(Fault) as refused:
        story.admin.journal.ExportReport(kind="SERVICES", packetType="HOSPITALISATION")
    assert code_of(refused.value) == "INVALID_REQUEST"
