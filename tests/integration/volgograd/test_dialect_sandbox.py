"""The stand-in fund refuses what the real one would refuse, and answers a file that comes again alike."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.volgograd_samples import SCHEMAS, SOUND, file, job, of
from tests.support.waiting import eventually
from workers.exchange import Element, Job
from workers.sandbox.exchange_folder import archive
from workers.sandbox.volgograd import VolgogradSandbox

REFERRAL, CANCELLATION, STAY, EMERGENCY, REFUSAL, DISCHARGE, BEDS = SOUND
NUMBER = ("3400022026000001", "3400012026000001")
TO_ITSELF = ("<MCOD_STC>340002", "<MCOD_STC>340001")
FROM_ITSELF = ("<MCOD_NAP>340002", "<MCOD_NAP>340001")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[VolgogradSandbox]:
    made = VolgogradSandbox()
    made.start(tmp_path, username="gateway", password="выдуманный пароль")
    yield made
    made.stop()


def put(sandbox: VolgogradSandbox, name: str, data: bytes) -> Element:
    """Put an archive as the gateway does, and take the reply, which follows its schema."""
    out, came = Path(sandbox.settings["out"]), Path(sandbox.settings["in"])
    part = out / ".part"
    part.write_bytes(data)
    part.replace(out / f"{name}.zip")
    (path,) = eventually(lambda: list(came.glob("[!.]*")), 10, what="a reply")
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as opened:
        reply = parse(opened.read(f"{path.stem}.xml"))
    path.unlink()
    assert path.stem == f"R{name}"
    assert validate(reply, SCHEMAS / "REPLY.xsd") == ()
    return reply


def answer(sandbox: VolgogradSandbox, root: Element) -> list[str]:
    """Codes of a file's records, or of the file."""
    name = root.findtext("ZGLV/NAME_F", "")
    reply = put(sandbox, name, archive(f"{name}.xml", serialize(root, encoding="windows-1251")))
    return [line.findtext("OSHIB", "") for line in reply.iterfind("PR")]


def one(task: Job, number: int) -> Element:
    return file(task, number=number)


def test_the_life_of_a_referral_is_held_to(sandbox: VolgogradSandbox) -> None:
    said = iter(range(1, 100))

    def tell(task: Job) -> str:
        (code,) = answer(sandbox, one(task, next(said)))
        return code

    stay = job(STAY, NUMBER, FROM_ITSELF)
    assert tell(stay) == "201"  # its referral never came
    assert tell(job(CANCELLATION)) == "201"
    assert tell(job(REFERRAL, TO_ITSELF)) == "0"
    assert tell(job(REFERRAL, TO_ITSELF, ("<USL_OK>1", "<USL_OK>2"))) == "0"  # the same identifier: a change
    assert tell(job(DISCHARGE, NUMBER)) == "205"
    assert tell(stay) == "0"
    assert tell(job(CANCELLATION)) == "203"
    assert tell(job(REFERRAL, TO_ITSELF)) == "203"
    assert tell(job(STAY, NUMBER, FROM_ITSELF, key="7")) == "203"
    assert tell(job(DISCHARGE, NUMBER)) == "0"
    assert tell(job(DISCHARGE, NUMBER, key="7")) == "209"
    ledger = [(entry.kind, entry.times) for entry in sandbox.ledger()]
    assert ledger == [("I01", 2), ("I04", 1), ("I06", 1)]


def test_an_annulment_is_for_those_entitled_to_it(sandbox: VolgogradSandbox) -> None:
    assert answer(sandbox, one(job(REFERRAL), 1)) == ["0"]
    stranger = of("340003", job(CANCELLATION, ("<ACOD>340001", "<ACOD>340003")))
    assert answer(sandbox, one(stranger, 1)) == ["105"]
    assert answer(sandbox, one(job(CANCELLATION, ("<PR_ANL>3", "<PR_ANL>5")), 2)) == ["208"]
    assert answer(sandbox, one(job(CANCELLATION, ("2026-03-05", "2026-03-01")), 3)) == ["204"]
    assert answer(sandbox, one(job(CANCELLATION), 4)) == ["0"]
    hospital = of("340002", job(CANCELLATION, ("<IST_ANL>3", "<IST_ANL>2"), ("<ACOD>340001", "<ACOD>340002")))
    assert answer(sandbox, one(hospital, 1)) == ["202"]


WRONG = [
    (job(REFERRAL, ("<PROFIL>97", "<PROFIL>999")), "207"),
    (job(REFERRAL, ("I20.0", "U99.9")), "206"),
    (job(REFERRAL, ("0001</NPOLIS>", "0000</NPOLIS>")), "103"),
    (job(REFERRAL, ("0001</NPOLIS>", "0404</NPOLIS>")), "104"),
    (job(REFERRAL, ("<SMO>34001", "<SMO>34999")), "102"),
    (job(REFERRAL, ("<MCOD_STC>340002", "<MCOD_STC>777777")), "101"),
    (job(REFERRAL, ("2026-03-16", "2026-03-01")), "204"),
    (of("340003", job(REFERRAL)), "105"),
    (job(BEDS, ("<PLACE_FREE>9", "<PLACE_FREE>90")), "210"),
    (job(BEDS, ("2026-03-22", "2026-03-21")), "210"),
]


@pytest.mark.parametrize(("task", "code"), WRONG, ids=[f"{code}-{n}" for n, (_, code) in enumerate(WRONG)])
def test_a_wrong_record_is_refused_with_its_code(sandbox: VolgogradSandbox, task: Job, code: str) -> None:
    assert answer(sandbox, one(task, 1)) == [code]
    assert sandbox.ledger() == ()


def text(path: str, value: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        found = root.find(path)
        assert found is not None
        found.text = value

    return change


def test_a_file_that_is_wrong_as_a_whole_is_refused_whole(sandbox: VolgogradSandbox) -> None:
    root = one(job(REFERRAL), 1)
    name = root.findtext("ZGLV/NAME_F", "")
    right = serialize(root, encoding="windows-1251")

    def codes(data: bytes, inside: str = f"{name}.xml", outside: str = name) -> list[str]:
        return [each.findtext("OSHIB", "") for each in put(sandbox, outside, archive(inside, data)).iterfind("PR")]

    other = f"{name[:-1]}2"
    assert codes(right, "other.xml") == ["1"]
    assert codes(right[:-9]) == ["1"]
    assert codes(right.replace(b"<DS>", b"<DS>x")) == ["2"]
    assert codes(right, f"{other}.xml", other) == ["3"]
    assert codes(right.replace(b"DATE_F>2026-03-20", b"DATE_F>2026-03-21")) == ["3"]
    assert codes(serialize(root)) == ["6"]
    assert sandbox.ledger() == ()


def test_a_file_that_comes_again_is_answered_alike_and_one_of_its_name_with_other_content_is_not(
    sandbox: VolgogradSandbox,
) -> None:
    root = file(job(REFERRAL), job(REFERRAL, ("3400012026000001", "3400012026000002"), ("<SMO>34001", "<SMO>34999")))
    assert answer(sandbox, root) == answer(sandbox, root) == ["0", "102"]
    text("MO_D/DIR/DISP", "1")(root)
    assert answer(sandbox, root) == ["4"]
    assert [entry.times for entry in sandbox.ledger()] == [1]


def test_a_refusal_names_the_field_its_element_and_the_record(sandbox: VolgogradSandbox) -> None:
    root = one(job(REFERRAL, ("<SMO>34001", "<SMO>34999")), 1)
    name = root.findtext("ZGLV/NAME_F", "")
    (line,) = put(sandbox, name, archive(f"{name}.xml", serialize(root, encoding="windows-1251"))).iterfind("PR")
    said = [line.findtext(tag) for tag in ("OSHIB", "IM_POL", "BAS_EL", "ID_BAS")]
    assert said == ["102", "SMO", "PATIENT", root.findtext("MO_D/DIR/ID_D")]


def test_random_refusals_are_of_records_and_an_outage_takes_the_folder_away(sandbox: VolgogradSandbox) -> None:
    sandbox.switches.update({"reject_percent": 100})
    assert answer(sandbox, one(job(BEDS), 1)) == ["900"]
    sandbox.switches.update({"reject_percent": 0, "outage": "refuse"})
    assert not Path(sandbox.settings["out"]).exists()
    sandbox.switches.reset()
    assert answer(sandbox, one(job(BEDS), 2)) == ["0"]
