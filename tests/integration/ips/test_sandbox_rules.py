"""What the stand-in ФРМО and ФРМР refuse by a rule: HTTP 200 with ``errorUserMessage``, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.ips import OID, smallest
from tests.support.ips_client import OTHER, PERSON, Client, Json, content_of, naming, path_of, sound
from workers.ips.register import load
from workers.sandbox.ips_registers import ID_FIELDS
from workers.sandbox.ips_rules import REFERENCES, Reference

FRMO = load("frmo")
CASES = [pytest.param(e, r, id=f"{e}/{r.path}") for e, references in REFERENCES.items() for r in references]
NAMES = {"buildingId", "departId", "headDepart", "nrPmuDepartId", "moTerritorialDepartId"}
ROUND = "Структурное подразделение не может входить в само себя."


@pytest.fixture
def standing(client: Client) -> dict[str, str]:
    """A record of each entity that others name, by the entity."""
    return records_of(client, OID)


def records_of(client: Client, oid: str) -> dict[str, str]:
    named = ("Building", "TerritorialDepart", "Department")
    return {entity: client.create(f"{path_of(entity)}?oid={oid}", sound(entity, {})) for entity in named}


def told(answer: tuple[int, Json]) -> str:
    status, members = answer
    assert (status, set(members)) == (200, {"requestId", "errorUserMessage"}), members
    return str(members["errorUserMessage"])


@pytest.mark.parametrize(("entity", "reference"), CASES)
def test_a_record_names_only_what_its_mo_has(
    client: Client, standing: dict[str, str], entity: str, reference: Reference
) -> None:
    call = f"{path_of(entity)}?oid={OID}"
    good = naming(entity, reference, standing, standing[reference.entity])
    one = client.create(call, good)
    before = client.ask("GET", call)[1]["content"]
    for named in ("00000000-0000-4000-8000-000000000000", records_of(client, OTHER)[reference.entity], " "):
        bad = {**naming(entity, reference, standing, named), ID_FIELDS[entity]: one}
        for method, place in (("POST", call), ("PUT", f"{call}&entityId={one}")):
            message = told(client.ask(method, place, bad))
            assert message.casefold() == f"{reference.noun} не найдено в ФРМО.".casefold()
    assert client.ask("GET", call)[1]["content"] == before
    same = {**good, ID_FIELDS[entity]: one}
    assert client.ask("PUT", f"{call}&entityId={one}", same)[1].keys() == {"requestId"}


@pytest.mark.parametrize(("entity", "reference"), CASES)
def test_what_another_record_names_is_not_removed(
    client: Client, standing: dict[str, str], entity: str, reference: Reference
) -> None:
    call, named = f"{path_of(entity)}?oid={OID}", standing[reference.entity]
    one = client.create(call, naming(entity, reference, standing, named))
    place = f"{path_of(reference.entity)}?oid={OID}&entityId={named}"
    assert told(client.ask("DELETE", place)) == f"Удаление невозможно: запись указана как {reference.noun}."
    for removed in (f"{call}&entityId={one}", place):
        assert client.ask("DELETE", removed)[1].keys() == {"requestId"}


def test_every_field_that_names_a_record_is_known() -> None:
    known = {(e, r.path) for e, references in REFERENCES.items() for r in references}
    served = {operation.entity for operation in FRMO.operations.values() if operation.answer == "created"}
    found = {(entity, path) for entity in served for path in naming_fields(entity) if path != ID_FIELDS[entity]}
    assert found == {(entity, path) for entity, path in known if path != "depart/code"}  # whose name does not tell


def naming_fields(entity: str, above: str = "") -> Iterator[str]:
    if above and entity == "Building":  # in another record it stands for the one that its id names
        yield f"{above}id"
        return
    for name, field in FRMO.entities[entity].items():
        if name in NAMES:
            yield above + name
        elif field.type in FRMO.entities:
            yield from naming_fields(field.type, f"{above}{name}/")


def test_a_unit_needs_no_head_no_sections_and_no_id_of_its_building_in_them(client: Client) -> None:
    unit = content_of("mo_depart.create")
    assert unit["departStructure"]["headDepart"] == ""
    (section,) = unit["departHospital"]["hospitalSubdivision"]
    section["buildings"] = [content_of("mo_building.create")]
    for sections in ([section], None):
        client.create(f"org/depart?oid={OID}", {**unit, "departHospital": {"hospitalSubdivision": sections}})


def test_every_item_of_an_array_is_looked_at(client: Client, standing: dict[str, str]) -> None:
    of_unit = next(r for r in REFERENCES["Department"] if r.path.startswith("departBuildings"))
    unit = naming("Department", of_unit, {}, standing["Building"])
    unit["departBuildings"].append({**unit["departBuildings"][0], "buildingId": "нет такого"})
    assert told(client.ask("POST", f"org/depart?oid={OID}", unit)).startswith("Здание структурного подразделения")


def test_no_unit_belongs_to_itself(client: Client) -> None:
    def unit(head: str) -> Json:
        return {**sound("Department", {}), "departStructure": {"level": "1", "headDepart": head}}

    call = f"org/depart?oid={OID}"
    top, other = client.create(call, unit("")), client.create(call, unit(""))
    middle = client.create(call, unit(top))
    low = client.create(call, unit(middle))
    for head in (top, middle, low):
        assert told(client.ask("PUT", f"{call}&entityId={top}", unit(head))) == ROUND
    for one, head in ((middle, other), (top, low)):  # moved away, what was below it may be above
        assert client.ask("PUT", f"{call}&entityId={one}", unit(head))[1].keys() == {"requestId"}
    assert told(client.ask("PUT", f"{call}&entityId={other}", unit(top))) == ROUND


def test_a_card_is_kept_by_the_mo_that_made_it(client: Client) -> None:
    card = content_of("mr_card.create")
    person = f"{PERSON}&lastName=Примерова-Проверкина"
    theirs = person.replace(f"mo={OID}", f"mo={OTHER}")
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    one = f"&entityId={client.create(f'person/card?{person}', card)}"
    before = client.ask("GET", f"person/card?{person}")[1]["content"]
    for method, call, content in (
        ("POST", theirs, card),  # under the name of another
        ("PUT", theirs + one, card),
        ("PUT", theirs + one, {**card, "oid": OTHER}),  # taken over
        ("PUT", person + one, {**card, "oid": OTHER}),  # given away
        ("DELETE", theirs + one, None),
    ):
        status, answer = client.ask(method, f"person/card?{call}", content)
        assert (status, answer["errorUserMessage"]) == (200, "Личное дело ведёт другая МО.")
    assert client.ask("GET", f"person/card?{person}")[1]["content"] == before
    client.create(f"person/card?{theirs}", {**card, "oid": OTHER})
    assert client.ask("PUT", f"person/card?{person}{one}", {**card, "rate": 0.5})[1].keys() == {"requestId"}


def test_one_snils_belongs_to_one_person(client: Client) -> None:
    person = content_of("mr_person.create")
    client.create(f"person?mo={OID}&mr=true", person)
    assert "СНИЛС" in client.ask("POST", f"person?mo={OID}&mr=true", person)[1]["errorUserMessage"]
    assert client.ask("PUT", f"person?{PERSON}", {**person, "patronymic": "Опытовна"})[0] == 200
    assert client.ask("GET", f"person?{PERSON}")[1]["content"]["patronymic"] == "Опытовна"


@pytest.mark.parametrize(("section", "entity"), [("common", "EducationCommon"), ("militaryService", "MilitaryService")])
def test_some_sections_of_a_person_hold_one_record(client: Client, section: str, entity: str) -> None:
    client.create(f"person?mo={OID}&mr=true", content_of("mr_person.create"))
    call, content = f"person/{section}?{PERSON}", smallest(entity, load("frmr"))
    one = client.create(call, content)
    assert "только одна" in told(client.ask("POST", call, content))
    for method, body in (("PUT", content), ("DELETE", None)):
        assert client.ask(method, f"{call}&entityId={one}", body)[1].keys() == {"requestId"}
    client.create(call, content)
