"""Back tickets come from ФБ МСЭ: matched with a person, kept for the МИС, ending their referral, each once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from uuid import uuid4

import pytest
from lxml import etree

from gateway.domain.dictionaries import EVER, Entry
from gateway.journal import reference
from gateway.journal.bodies import unpack
from gateway.resources import resource_dir
from gateway.settings import load_settings
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.mse import EXPORT, FIRST, IMPORT, SECOND, SLUG, MseHouse, exported, results
from workers.checks import run_checks
from workers.demo.parts.mse_data import Made, patients, referral, referrals
from workers.exchanges.mse import peer
from workers.exchanges.mse.form import g_code_of
from workers.exchanges.mse.receive import DONE, NAMESPACE, OTHER_NAMESPACE, OTHER_ROOT
from workers.sandbox.mse_clerks import write_ticket
from workers.sandbox.switches import Malformation

Element = etree._Element
Change = Mapping[str, str]
FORM88 = "{http://rosmintrud.ru/mse/eaviias/form88/180906}"
KNOWN = "6f1c0f0e-8f5b-4d0c-9d0a-0b1f0a880181"
XSD = resource_dir("xsd") / "mse" / "ticket" / "1.0"


def ticket(changed: Change = MappingProxyType({}), namespace: str | None = NAMESPACE) -> bytes:
    """A ticket of the first МО's first patient; elements with new texts, an empty one left out."""
    data = referral(FIRST, 1, sound=True)
    form = etree.Element(f"{FORM88}Document")
    body = etree.SubElement(form, f"{FORM88}Form")
    for child in data:
        etree.SubElement(body, f"{FORM88}{etree.QName(child).localname}").text = child.text
    diagnosis = etree.SubElement(body, f"{FORM88}Diagnosis")
    etree.SubElement(diagnosis, f"{FORM88}MainDeseaseCode").text = "G80.1"
    made = write_ticket(str(uuid4()), g_code_of(FIRST.oid, "mse-1", 0), form, namespace)
    for name, text in changed.items():
        element = next(made.iter("{*}" + name))
        parent = element.getparent()
        assert parent is not None
        element.text = text
        if not text:
            parent.remove(element)
    return serialize(made)


def test_tickets_close_their_referrals_and_wait_for_the_mis(house: MseHouse) -> None:
    house.sandbox.switches.update({"unqualified_percent": 50})
    exported(house, 6)
    assert house.launch(IMPORT) == ("SUCCESS", None)
    assert results(house) == [("PROCESSED", DONE)] * 6
    assert list(house.sandbox.tree.imported.glob("*")) == []
    closed = house.rows(
        "SELECT o.object_id, p.object_id AS linked FROM source_objects o JOIN packets p ON p.id = o.closed_by"
    )
    assert sorted(r.object_id for r in closed) == [f"mse-{n}" for n in range(1, 7)]
    assert all(r.object_id == r.linked for r in closed)
    waiting = house.rows("SELECT document_type, organization_id, content FROM inbound_documents")
    assert {(r.document_type, r.organization_id) for r in waiting} == {("LpuTicket", house.organizations[FIRST.oid])}
    assert all(validate(parse(unpack(r.content)), XSD / "lpu-ticket.xsd") == () for r in waiting)


def test_a_referral_that_a_ticket_ended_is_not_exported_again(house: MseHouse) -> None:
    exported(house, 2)
    for file in house.sandbox.tree.imported.glob("*"):
        file.unlink()
    house.sandbox.lay_out(f"{uuid4()}.xml", ticket())  # of the first referral alone
    assert house.launch(IMPORT) == ("SUCCESS", None)
    changed = [
        (kind, object_id, content.replace(b"</ProtocolNum>", b"-2</ProtocolNum>"))
        for kind, object_id, content in referrals(FIRST, 2, sound=True)
    ]
    house.submit(EXPORT, FIRST.oid, changed)
    assert house.launch()[0] == "SUCCESS"
    again = house.rows("SELECT object_id, operation FROM packets WHERE service_code = :s ORDER BY id", s=EXPORT)
    assert [tuple(r) for r in again] == [("mse-1", "Insert"), ("mse-2", "Insert"), ("mse-2", "Update")]


def test_the_same_ticket_again_is_journaled_once(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    same = ticket()
    for _ in range(2):
        house.sandbox.lay_out("a.xml", same)
        assert house.launch(IMPORT) == ("SUCCESS", None)
        assert list(house.sandbox.tree.imported.glob("*")) == []
    assert results(house) == [("PROCESSED", DONE)]


def test_the_same_ticket_in_another_file_and_the_same_examination_are_refused(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    same = ticket()
    for name, content in (("a.xml", same), ("b.xml", same), (f"{uuid4()}.xml", ticket())):
        house.sandbox.lay_out(name, content)
        assert house.launch(IMPORT) == ("SUCCESS", None)
    (done, again, other) = results(house)
    assert done == ("PROCESSED", DONE)
    assert again == ("REFUSED", "Не удалось импортировать Обратный талон: Обратный талон импортирован ранее")
    assert other[1].endswith(".xml: Обратный талон импортирован ранее")
    assert house.rows("SELECT count(*) FROM inbound_documents")[0][0] == 1


BAD: list[tuple[Change, str]] = [
    ({"Id": "не GUID"}, "Неверный формат GUID"),
    ({"ExamDate": "31.02.2026"}, "Дата освидетельствования (ExamDate): ожидается дата в виде ГГГГ-ММ-ДД."),
    ({"SentOrgOgrn": "1023400009997"}, "Талон не относится к МО загрузки"),
    (
        {"BuroId": "99999"},
        "В Системе отсутствует служба МСЭ с Кодом ЕАВИИАС «99999», указанным в Обратном талоне",
    ),
    ({"LastName": "Никтов"}, "Пациент не идентифицирован"),
    ({"Id": KNOWN}, "Обратный талон импортирован ранее"),
]
"""One mistake for each check, in the order of the checks; the last is there once a ticket with this id is imported."""


def test_each_check_is_made_before_the_one_behind_it(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    load_bureaux(house, "34001")
    house.sandbox.lay_out("0.xml", ticket({"Id": KNOWN, "ExamDate": "2026-01-01"}))
    assert house.launch(IMPORT) == ("SUCCESS", None)
    pairs = [({**later, **first}, told) for (first, told), (later, _) in pairwise(BAD)]
    for number, (changed, _) in enumerate([*BAD, *pairs], 1):
        house.sandbox.lay_out(f"{number:02}.xml", ticket(changed))
    assert house.launch(IMPORT) == ("SUCCESS", None)
    told = [f"Не удалось импортировать Обратный талон: {reason}" for _, reason in [*BAD, *pairs]]
    assert results(house) == [("PROCESSED", DONE), *(("REFUSED", text) for text in told)]


def test_tickets_of_unknown_people_are_kept_byte_for_byte_and_taken_away(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    contents = [
        ticket(changed) for changed in ({"LastName": "Никтов"}, {"SNILS": "112-233-445 95"}, {"SecondName": ""})
    ]
    for number, content in enumerate(contents):
        house.sandbox.lay_out(f"{number}.xml", content)
    assert house.launch(IMPORT) == ("SUCCESS", None)
    told = "Не удалось импортировать Обратный талон: Пациент не идентифицирован"
    assert results(house) == [("REFUSED", told)] * 3
    kept = house.rows("SELECT content FROM packet_bodies WHERE kind = 'DATA' ORDER BY packet_id")
    assert [unpack(r.content) for r in kept] == contents
    assert list(house.sandbox.tree.imported.glob("*")) == []


def load_bureaux(house: MseHouse, *codes: str) -> None:
    """Load the dictionary of the region's bureaux."""
    with house.engine.begin() as connection:
        reference.put_version(connection, "X_MSE_BURO", EVER, [Entry(code, "бюро") for code in codes])


@pytest.mark.parametrize("malformation", list(Malformation))
def test_what_cannot_be_read_is_journaled_and_taken_away_all_the_same(
    house: MseHouse, malformation: Malformation
) -> None:
    house.sandbox.switches.update({"malformed_answer_next": 1, "malformation": malformation})
    exported(house, 1)
    assert house.launch(IMPORT) == ("SUCCESS", None)
    ((status, text),) = results(house)
    assert status == "REFUSED"
    assert text.startswith("Не удалось импортировать Обратный талон ")
    assert "Макетный" not in text
    assert list(house.sandbox.tree.imported.glob("*")) == []
    assert house.rows("SELECT count(*) FROM source_objects WHERE closed_by IS NOT NULL")[0][0] == 0


def test_one_person_of_two_organisations_is_told_apart_by_the_sender(house: MseHouse) -> None:
    for oid in (FIRST.oid, SECOND.oid):
        house.submit(IMPORT, oid, patients(FIRST, 1))
    house.sandbox.lay_out("a.xml", ticket({"SentOrgOgrn": ""}))
    house.launch(IMPORT)
    house.sandbox.lay_out("b.xml", ticket())
    house.launch(IMPORT)
    assert [r[0] for r in results(house)] == ["REFUSED", "PROCESSED"]
    rows = house.rows("SELECT organization_id FROM packets ORDER BY id")
    assert [r[0] for r in rows] == [None, house.organizations[FIRST.oid]]


def test_a_ticket_ends_the_newest_open_referral_or_the_very_one_it_names(house: MseHouse) -> None:
    made: list[Made] = [(t, f"{i}-{n}", c) for n in "ab" for t, i, c in referrals(FIRST, 1, sound=True)]
    for each in made:
        house.submit(EXPORT, FIRST.oid, [each])
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    named = g_code_of(FIRST.oid, "mse-1-a", 0)
    for number, changed in enumerate(({"G_Code": named}, {"G_Code": ""}), 1):
        house.sandbox.lay_out("a.xml", ticket({**changed, "ExamDate": f"2026-03-0{number}"}))
        house.launch(IMPORT)
    rows = house.rows("SELECT p.object_id FROM packets p WHERE p.direction = 'IMPORT' ORDER BY p.id")
    assert [r.object_id for r in rows] == ["mse-1-a", "mse-1-b"]


def test_a_folder_too_large_for_one_launch_is_read_in_part_and_the_rest_by_the_next(
    house: MseHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "source", partial(peer.source, limit=2))
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    for number in (3, 1, 2):
        house.sandbox.lay_out(f"{number}.xml", ticket({"ExamDate": f"2026-03-0{number}"}))
    assert house.launch(IMPORT) == ("SUCCESS", "В папке остались ещё файлы, их возьмут следующие запуски")
    assert len(list(house.sandbox.tree.imported.iterdir())) == 1
    assert house.launch(IMPORT) == ("SUCCESS", None)
    assert results(house) == [("PROCESSED", DONE)] * 3


def unchecked_root(root: Element) -> None:
    root.tag = "ОбратныйТалон"


def prefixed(root: Element) -> None:
    for each in root.iter():
        each.tag = f"{{urn:other}}{etree.QName(each).localname}"


def test_root_and_namespace_do_not_matter(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    for number, change in enumerate((unchecked_root, prefixed), 1):
        root = parse(ticket({"ExamDate": f"2026-03-0{number}"}, None))
        assert validate(root, XSD / "lpu-ticket-unqualified.xsd") == ()
        change(root)
        house.sandbox.lay_out(f"{number}.xml", serialize(root))
    house.launch(IMPORT)
    assert results(house) == [("PROCESSED", DONE)] * 2


def test_a_site_states_root_and_namespace_and_others_are_refused(house: MseHouse) -> None:
    house.submit(IMPORT, FIRST.oid, patients(FIRST, 1))
    for number, (space, change) in enumerate(
        ((NAMESPACE, None), (None, None), (None, prefixed), (None, unchecked_root))
    ):
        root = parse(ticket({"ExamDate": f"2026-03-0{number + 1}"}, space))
        if change is not None:
            change(root)
        house.sandbox.lay_out(f"{number}.xml", serialize(root))
    stated = {"ticket_root": "Document", "ticket_namespace": NAMESPACE}
    assert house.finish(house.start(IMPORT), house.worker(changed=stated)) == ("SUCCESS", None)
    failed = "Не удалось импортировать Обратный талон: "
    assert results(house) == [
        ("PROCESSED", DONE),
        ("PROCESSED", DONE),
        ("REFUSED", failed + OTHER_NAMESPACE.format(stated=NAMESPACE)),
        ("REFUSED", failed + OTHER_ROOT.format(stated="Document")),
    ]
    assert list(house.sandbox.tree.imported.glob("*")) == []


@pytest.mark.parametrize(("key", "value"), [("ticket_root", "{urn:a}Document"), ("ticket_namespace", "urn:a urn:b")])
def test_a_wrong_statement_is_told_by_check_and_takes_no_ticket(house: MseHouse, key: str, value: str) -> None:
    house.sandbox.lay_out("a.xml", ticket())
    settings = load_settings(services={SLUG: {**house.settings, key: value}})
    told = [
        each.problem for each in run_checks(settings, None) if each.title == "Обмен mse, сервис mse-import: настройки"
    ]
    assert any(problem is not None and problem.startswith(f"{key}: ") for problem in told), told
    result, reason = house.launch(IMPORT, **{key: value})
    assert (result, (reason or "").partition(":")[0]) == ("FAILED", key)
    assert results(house) == []
    assert [path.name for path in house.sandbox.tree.imported.glob("*")] == ["a.xml"]
