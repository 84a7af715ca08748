"""The stand-in Алькона refuses what the real peer would refuse, and answers a packet that comes again alike."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.waiting import eventually
from workers.demo.parts.alkona_data import observations
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Element, Frame, Job, Operation, Organization
from workers.exchanges.alkona import form
from workers.sandbox.alkona import AlkonaSandbox

MO = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"tfoms": "340001"})
MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)
REPLY = resource_dir("xsd") / "alkona" / "1.0" / "REPLY.xsd"


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[AlkonaSandbox]:
    made = AlkonaSandbox()
    made.start(tmp_path, username="alkona", password="выдуманный пароль")
    yield made
    made.stop()


def packet(*numbers: int, key: int = 7, operation: Operation = Operation.INSERT, number: int = 1) -> Element:
    records = []
    for n in numbers:
        (made,) = observations(ORGANIZATIONS[0], 1, n)
        job = Job(UUID(int=key), "DN", operation, made[1], MO, MOMENT, parse(made[2]))
        records.append(form.record(job))
    frame = Frame(UUID(int=key), "DN", operation, MO, MOMENT, UUID(int=number), 1, 1, number)
    return form.frame(frame, records)


def zipped(name: str, data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(f"{name}.xml", data)
    return target.getvalue()


def answer(sandbox: AlkonaSandbox, root: Element, name: str | None = None) -> Element:
    """Put a file as the gateway does, and take the reply, which follows its schema."""
    name = name or root.findtext("ZGLV/FILENAME") or ""
    out, came = Path(sandbox.settings["out"]), Path(sandbox.settings["in"])
    part = out / ".part"
    part.write_bytes(zipped(root.findtext("ZGLV/FILENAME") or "", serialize(root)))
    part.replace(out / f"{name}.zip")
    (path,) = eventually(lambda: list(came.glob("[!.]*")), 10, what="a reply")
    data = path.read_bytes()
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(f"{path.stem}.xml")
    path.unlink()
    reply = parse(data)
    assert validate(reply, REPLY) == ()
    return reply


def words(reply: Element) -> list[tuple[str | None, str | None]]:
    return [(record.findtext("RPL"), record.findtext("OSHIB")) for record in reply.iterfind("ZAP")]


def test_a_file_is_judged_record_by_record_and_answered_alike_again(sandbox: AlkonaSandbox) -> None:
    root = packet(1, 2, 4)
    first = answer(sandbox, root)
    assert (first.findtext("ZGLV/RESULT"), words(first)) == ("PART", [("1", None), ("1", None), ("0", "103")])
    assert etree.tostring(answer(sandbox, root)) == etree.tostring(first)
    (entry,) = sandbox.ledger()
    assert (entry.receptions, entry.accepted, entry.records) == (2, 2, 3)


def test_it_knows_which_records_it_holds(sandbox: AlkonaSandbox) -> None:
    assert answer(sandbox, packet(1)).findtext("ZGLV/RESULT") == "OK"
    assert words(answer(sandbox, packet(1, key=8, number=2))) == [("0", "208")]
    changed = packet(1, 2, key=9, operation=Operation.UPDATE, number=3)
    assert words(answer(sandbox, changed)) == [("1", None), ("0", "209")]
    assert answer(sandbox, packet(1, key=10, operation=Operation.DELETE, number=4)).findtext("ZGLV/RESULT") == "OK"
    again = packet(1, key=11, operation=Operation.DELETE, number=5)
    assert words(answer(sandbox, again)) == [("0", "209")]


def text(path: str, value: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        found = root.find(path)
        assert found is not None
        found.text = value

    return change


WRONG = [
    (text("ZGLV/DATA", "20.03.2026"), "002"),
    (text("ZGLV/SD_Z", "3"), "005"),
    (text("ZAP/N_ZAP", "2"), "005"),
    (text("ZGLV/N_PACK", "2"), "006"),
    (text("ZGLV/CODE_MO", "340002"), "003"),
]


@pytest.mark.parametrize(("change", "code"), WRONG, ids=["schema", "count", "numbering", "place", "foreign"])
def test_a_file_that_is_wrong_as_a_whole_gets_a_protocol(
    sandbox: AlkonaSandbox, change: Callable[[Element], None], code: str
) -> None:
    root = packet(1, 2)
    change(root)
    assert answer(sandbox, root).findtext("PR/OSHIB") == code
    assert sandbox.ledger() == ()


def test_names_groups_and_ids_are_held_to(sandbox: AlkonaSandbox) -> None:
    other = "DNM340001T34_26032099999"
    assert answer(sandbox, packet(1), name=other).findtext("PR/OSHIB") == "001"
    assert answer(sandbox, packet(1)).findtext("ZGLV/RESULT") == "OK"
    assert answer(sandbox, packet(2)).findtext("PR/OSHIB") == "004"  # the same id, other content
    assert answer(sandbox, packet(2, key=8)).findtext("PR/OSHIB") == "006"  # the same place of the same group


def test_an_outage_takes_the_folder_away_and_gives_it_back(sandbox: AlkonaSandbox) -> None:
    out = Path(sandbox.settings["out"])
    sandbox.switches.update({"outage": "refuse"})
    assert not out.exists()
    sandbox.switches.reset()
    assert answer(sandbox, packet(1)).findtext("ZGLV/RESULT") == "OK"
