"""The peer's reasons reach the packet: each at the element of our XML that it is about."""

from __future__ import annotations

import re

from sqlalchemy import text

from gateway.journal.bodies import unpack
from gateway.xml.parser import parse
from tests.integration.runner.conftest import Driver
from tests.support.houses import House

REFUSED = """
    SELECT p.result_text, f.path, f.line, f.code, f.message, b.content
    FROM packets p JOIN packet_findings f ON f.packet_id = p.id
    JOIN packet_bodies b ON b.packet_id = p.id AND b.kind = 'DATA'
    WHERE p.status = 'REJECTED' ORDER BY p.id"""


def test_each_reason_of_a_rejection_is_kept_at_its_element(home: House, drive: Driver) -> None:
    home.submit(24)
    assert drive().launch() == ("SUCCESS", None)
    with home.engine.connect() as connection:
        rows = connection.execute(text(REFUSED)).all()
    assert len(rows) >= home.statuses()["REJECTED"] > 0
    for row in rows:
        root = parse(unpack(row.content))
        element = root.find("/".join(f"{{*}}{step}" for step in row.path.split("/")[2:]))
        assert element is not None, row.path
        assert element.sourceline == row.line
        assert f"{row.code}: {row.message.removesuffix('.')} ({row.path}, строка {row.line})." in row.result_text
    assert any(re.search("/ZAP/PERS/", row.path) for row in rows)


def test_an_accepted_packet_has_no_findings(home: House, drive: Driver) -> None:
    home.submit(2)
    drive().launch()
    with home.engine.connect() as connection:
        found = (
            "SELECT count(*) FROM packet_findings f JOIN packets p ON p.id = f.packet_id WHERE p.status = 'ACCEPTED'"
        )
        assert connection.execute(text(found)).scalar_one() == 0
