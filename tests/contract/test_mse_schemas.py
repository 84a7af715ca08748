"""The schemas of the exchange with ФБ МСЭ say what the table of fields says, and what the format demands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.namespaces import XSD
from gateway.xml.schemas import describe, validate
from workers.demo.parts.mse_data import referral
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Element, Job, Operation, Organization
from workers.exchanges.mse.fields import ATTACHMENT, FORM, TARGET, Field, Kind
from workers.exchanges.mse.form import NAMESPACE, form

FORM88 = resource_dir("xsd") / "mse" / "form88" / "2.0.1" / "form88.v.2.0.1.xsd"
LAX = Path(__file__).parents[2] / "workers" / "exchanges" / "mse" / "source"
TYPES = {
    Kind.DATE: "xs:date",
    Kind.INT: "xs:int",
    Kind.DOUBLE: "xs:double",
    Kind.BOOLEAN: "xs:boolean",
    Kind.OGRN: "OgrnType",
    Kind.SNILS: "SnilsType",
    Kind.ZIP: "ZipCodeType",
    Kind.GENDER: "GenderType",
    Kind.PERCENT: "PercentType",
}
Shape = tuple[str, str, bool, bool, bool]
"""Path, simple type or «group», nillable, may be absent, may be repeated."""


def tag(name: str) -> str:
    return f"{{{XSD}}}{name}"


def declared(content: Element, root: Element, path: str = "") -> Iterator[Shape]:
    """What a complex type of the schema says of each element below it, in order."""
    types = {each.get("name"): each for each in root.iterchildren(tag("complexType"))}
    for element in content.iterfind(f"{tag('sequence')}/{tag('element')}"):
        here = f"{path}/{element.get('name')}"
        inner = element.find(tag("complexType"))
        inner = types.get(element.get("type")) if inner is None else inner
        kind = "group" if inner is not None else str(element.get("type"))
        optional, many = element.get("minOccurs") == "0", element.get("maxOccurs") == "unbounded"
        yield here, kind, element.get("nillable") == "true", optional, many
        if inner is not None:
            yield from declared(inner, root, here)


def tabled(fields: tuple[Field, ...], path: str = "") -> Iterator[Shape]:
    """What the table of fields says."""
    for field in fields:
        here = f"{path}/{field.name}"
        kind = "group" if field.parts else TYPES.get(field.kind, "xs:string")
        yield here, kind, field.nil, field.optional, field.many
        yield from tabled(field.parts, here)


def test_the_table_of_fields_is_the_form_of_the_schema() -> None:
    root = etree.parse(FORM88).getroot()
    (content,) = (each for each in root.iterchildren(tag("complexType")) if each.get("name") == "Form88Type")
    assert list(declared(content, root)) == list(tabled(FORM))
    assert len(FORM) == 53


def test_the_lax_schema_takes_every_field_of_the_table_and_no_computed_one() -> None:
    known = {str(each.get("name")) for file in LAX.glob("*.xsd") for each in etree.parse(file).iter(tag("element"))}
    wanted = {path.rpartition("/")[2] for path, *_ in tabled((TARGET, *FORM, *ATTACHMENT))}
    assert wanted - known == {"Age", "Years", "Months", "BMI"}


@pytest.mark.parametrize("file", [FORM88, LAX / "MseReferral.xsd", LAX / "Patient.xsd"], ids=lambda path: path.name)
def test_every_element_has_a_russian_title(file: Path) -> None:
    titles = describe(file)
    named = {str(each.get("name")) for each in etree.parse(file).iter(tag("element")) if each.get("name")}
    untitled = {
        name for name in named if not etree.parse(file).xpath(f"//*[@name='{name}']//*[local-name()='documentation']")
    }
    assert untitled == set()
    assert titles


def document() -> Element:
    source = referral(ORGANIZATIONS[0], 1, sound=True)
    organization = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {})
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    return form(Job(UUID(int=7), "MSE_REFERRAL", Operation.INSERT, "mse-1", organization, moment, source))


def at(root: Element, path: str) -> Element:
    found = root.find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert found is not None, path
    return found


def test_what_the_format_demands_is_demanded() -> None:
    assert validate(document(), FORM88) == ()
    for path, wrong in (
        ("Form/MedOrgOgrn", "123"),
        ("Form/Snils", "11223344595"),
        ("Form/Gender", "3"),
        ("Form/Citizenship/Id", ""),
        ("Form/BirthDate", "01.02.1990"),
        ("Form/Address/ZipCode", "40000"),
        ("TargetMseOrg/Id", "бюро"),
    ):
        root = document()
        at(root, path).text = wrong
        assert len(validate(root, FORM88)) == 1, path
    for change in ("version", "order"):
        root = document()
        if change == "version":
            root.set("version", "2.0.2")
        else:
            at(root, "Form").append(at(root, "Form/MedOrgName"))
        assert validate(root, FORM88) != ()
