"""A programme becomes a record; what ФРИ holds of it stays at home."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.demo.parts.fri_ipra_data import programme
from workers.demo.region import ORGANIZATIONS, REGION_CODES
from workers.exchange import Element, Frame, Job, Operation, Organization
from workers.exchanges.fri_ipra import fields, form

SCHEMA = resource_dir("xsd") / "fri_ipra" / "1.0" / "SubmitIpraExecution.xsd"
NS = {"f": fields.NAMESPACE}
MO = Organization(1, ORGANIZATIONS[0].oid, "Учебная  больница", {"ogrn": "1023400000007", **REGION_CODES})
MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)
SOUND = programme(ORGANIZATIONS[0], 1).content or b""


def job(content: bytes = SOUND, accepted: dict[str, str] | None = None) -> Job:
    head = (UUID(int=7), "IPRA_EXECUTION", Operation.INSERT, "ipra-1", MO, MOMENT)
    return Job(*head, parse(content), accepted_parts=accepted or {})


def packet(*jobs: Job) -> Element:
    frame = Frame(UUID(int=9), "IPRA_EXECUTION", Operation.INSERT, MO, MOMENT, UUID(int=8))
    return parse(serialize(form.frame(frame, [form.record(each) for each in jobs])))


def marks(root: Element) -> dict[str, str]:
    return {form.key(measure): form.mark(measure) for measure in root.iter(form.name("Rhb"))}


def test_a_packet_names_itself_its_sender_and_its_programmes() -> None:
    root = packet(job(), job())
    assert validate(root, SCHEMA) == ()
    assert root.findtext("f:PackageId", "", NS) == str(UUID(int=9))
    assert [each.text for each in root.iterfind("f:Sender/*", NS)] == [
        "1023400000007",
        "1",
        "3",
        "34",
        "Учебная больница",
    ]
    assert len(root.findall("f:Prg", NS)) == 2
    assert root.findtext("f:Prg/f:Snils", "", NS).isdigit()
    again = packet(job(), job())
    assert serialize(root) == serialize(again)


def test_identifiers_are_spelt_as_the_peer_spells_them() -> None:
    given = parse(SOUND)
    mse_id = given.findtext("MseId", "")
    root = packet(job(SOUND.replace(mse_id.encode(), mse_id.upper().encode())))
    assert root.findtext("f:Prg/f:MseId", "", NS) == mse_id


def test_a_measure_that_was_taken_as_it_is_stays_at_home() -> None:
    known = marks(packet(job()))
    first, second, third = known
    left = packet(job(accepted={first: known[first], third: known[third]}))
    assert list(marks(left)) == [second]
    changed = SOUND.replace("Реконструктивная операция".encode(), "Иная операция".encode())
    assert list(marks(packet(job(changed, known)))) == [third]


def test_a_programme_goes_whole_when_only_its_head_changed() -> None:
    known = marks(packet(job()))
    assert marks(packet(job(SOUND.replace(b"<DocNum>1/2026", b"<DocNum>7/2026"), known))) == known


def test_a_place_in_the_packet_is_a_place_in_the_source() -> None:
    known = marks(packet(job()))
    first = next(iter(known))
    task = job(accepted={first: known[first]})
    top = "/SubmitIpraExecution/Prg"
    assert form.locate(task, f"{top}/Rhb[2]/DtExc") == "/IpraExecution/Rhb[3]/DtExc"
    assert form.locate(task, f"{top}/Rhb[1]/Execut/Ogrn") == "/IpraExecution/Rhb[2]/Execut/Ogrn"
    assert form.locate(task, f"{top}/LName") == "/IpraExecution/LName"
    assert form.locate(task, "/SubmitIpraExecution/Sender/Ogrn") == "/IpraExecution"
