"""Form № 088/у of ЕАВИИАС МСЭ 2.0.1, row by row: the schema and what our forming writes against the published table.

``data/form88.csv`` is that table, facts only: owner and path of an element, base type and facets, how many, whether it
may be nil, what must be empty in the referral for it to be nil, the codes that are published, what stands for nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.namespaces import XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange import Element, Job, Operation, Organization
from workers.exchanges.mse.form import NAMESPACE, XSI, form
from workers.exchanges.mse.rules import check

FORM88: Final = resource_dir("xsd") / "mse" / "form88" / "2.0.1" / "form88.v.2.0.1.xsd"
FULL: Final = Path(__file__).parents[2] / "workers" / "exchanges" / "mse" / "samples" / "valid" / "referral-full.xml"
NOBODY: Final = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "", {})
COMPUTED: Final = ("Age", "AnthropometricData/BMI")
"""What the referral does not hold."""


@dataclass(frozen=True)
class Row:
    """One row of the table; ``most`` is «*» where there is no limit, ``nil`` «nil» or empty."""

    owner: str
    path: str
    type: str
    facets: str
    least: str
    most: str
    nil: str
    empty_without: str = ""
    codes: str = ""
    default: str = ""

    @property
    def titles(self) -> dict[str, str]:
        """Title by code."""
        return dict(each.split(" ", 1) for each in self.codes.split("; ")) if self.codes else {}


def read_table() -> list[Row]:
    with (Path(__file__).parent / "data" / "form88.csv").open(encoding="utf-8", newline="") as file:
        return [Row(**row) for row in csv.DictReader(file)]


TABLE: Final = read_table()
TYPES: Final = {row.owner for row in TABLE}


def unfolded(owner: str, prefix: str = "") -> Iterator[Row]:
    """Every element below a type, with its whole path, in the order of the document."""
    for row in TABLE:
        if row.owner == owner:
            yield replace(row, path=f"{prefix}{row.path}")
            if row.type in TYPES:
                yield from unfolded(row.type, f"{prefix}{row.path}/")


FORM: Final = list(unfolded("Form88Type"))


def tag(name: str) -> str:
    return f"{{{XSD}}}{name}"


def declared(owner: str, content: Element, root: Element, prefix: str = "") -> Iterator[Row]:
    """What the schema says of each element of a type, down to the next named type."""
    simple = {each.get("name"): each.find(tag("restriction")) for each in root.iterchildren(tag("simpleType"))}
    for element in content.iterfind(f"{tag('sequence')}/{tag('element')}"):
        path, kind, facets = f"{prefix}{element.get('name')}", element.get("type", "complex"), ""
        if (restriction := simple.get(kind)) is not None:
            kind = str(restriction.get("base"))
            facets = " ".join(f"{etree.QName(f).localname}={f.get('value')}" for f in restriction)
        most = element.get("maxOccurs", "1").replace("unbounded", "*")
        nil = "nil" if element.get("nillable") == "true" else ""
        yield Row(owner, path, kind.removeprefix("xs:"), facets, element.get("minOccurs", "1"), most, nil)
        if (inner := element.find(tag("complexType"))) is not None:
            yield from declared(owner, inner, root, f"{path}/")


def test_the_schema_says_of_every_element_what_the_table_says() -> None:
    root = etree.parse(FORM88).getroot()
    (document,) = root.iterchildren(tag("element"))
    named = {"Document": next(document.iterchildren(tag("complexType")))}
    named |= {str(each.get("name")): each for each in root.iterchildren(tag("complexType"))}
    found = {owner: list(declared(owner, content, root)) for owner, content in named.items()}
    bare = [replace(row, empty_without="", codes="", default="") for row in TABLE]
    assert found == {owner: list(rows) for owner, rows in groupby(bare, lambda row: row.owner)}
    assert root.get("targetNamespace") == NAMESPACE
    assert (root.get("elementFormDefault"), root.get("attributeFormDefault")) == ("qualified", "unqualified")
    attributes = {owner: [dict(a.attrib) for a in each.iterfind(tag("attribute"))] for owner, each in named.items()}
    name = {"name": "id", "type": "xs:string"}
    version = {"name": "version", "type": "xs:string", "fixed": "2.0.1", "use": "required"}
    assert {owner: told for owner, told in attributes.items() if told} == {
        "Document": [name, version],
        "Form88Type": [name],
    }


def job(source: Element) -> Job:
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    return Job(UUID(int=7), "MSE_REFERRAL", Operation.INSERT, "mse-1", NOBODY, moment, source)


def without(path: str) -> Element:
    """The full referral, one of its elements left out wherever it stands."""
    source = parse(FULL.read_bytes())
    found = source.findall(path)
    assert found, path
    for element in found:
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    return source


def put(source: Element, path: str, text: str) -> None:
    element = source.find(path)
    assert element is not None, path
    element.text = text


def below_form(document: Element) -> Element:
    found = document.find(f"{{{NAMESPACE}}}Form")
    assert found is not None
    return found


def at(document: Element, path: str) -> Element:
    found = below_form(document).find("/".join(f"{{{NAMESPACE}}}{step}" for step in path.split("/")))
    assert found is not None, path
    return found


def is_nil(element: Element) -> bool:
    return element.get(f"{{{XSI}}}nil") == "true" and not element.text and len(element) == 0


def paths(element: Element, prefix: str = "") -> Iterator[str]:
    """Path of every element below, in the order of the document; one that is repeated counts once."""
    for name, alike in groupby(element, lambda each: etree.QName(each).localname):
        yield f"{prefix}{name}"
        yield from paths(next(alike), f"{prefix}{name}/")


def test_a_full_referral_has_every_element_in_the_order_of_the_table_and_nothing_else() -> None:
    document = form(job(parse(FULL.read_bytes())))
    assert validate(document, FORM88) == ()
    assert list(paths(below_form(document))) == [row.path for row in FORM]
    assert [etree.QName(each).localname for each in document] == [
        row.path for row in TABLE if row.owner == "Document" and "/" not in row.path
    ]
    assert [row.path for row in FORM if is_nil(at(document, row.path))] == ["Age/Months"]


TITLED: Final = {f"{row.path}/Value" for row in FORM if row.codes}
NILLABLE: Final = [row for row in FORM if row.nil and row.path not in {"Age/Months", *TITLED}]


@pytest.mark.parametrize("row", NILLABLE, ids=lambda row: row.path)
def test_what_may_be_nil_is_nil_when_there_is_nothing(row: Row) -> None:
    document = form(job(without(row.empty_without or row.path)))
    assert is_nil(at(document, row.path))
    assert validate(document, FORM88) == ()


def test_months_are_told_in_the_first_year_of_life_alone() -> None:
    source = parse(FULL.read_bytes())
    for born, months in (("2025-08-20", "6"), ("2025-01-20", None)):
        put(source, "BirthDate", born)
        put(source, "IssueDate", "2026-03-03")
        told = at(form(job(source)), "Age/Months")
        assert (told.text, is_nil(told)) == (months, months is None)


DEFAULTS: Final = {row.path: row.default for row in FORM if row.default}
KEYS: Final = {row.empty_without for row in FORM}
"""Without these a whole group is nil, which is told above."""
DEMANDED: Final = [
    row
    for row in FORM
    if not row.nil and row.least == "1" and row.path not in {*DEFAULTS, *KEYS} and not row.path.startswith(COMPUTED)
]


def test_the_published_texts_stand_for_nothing() -> None:
    for path, text in DEFAULTS.items():
        source = without(path)
        assert at(form(job(source)), path).text == text
        assert check(job(source)) == ()
    assert len(DEFAULTS) == 8


@pytest.mark.parametrize("row", DEMANDED, ids=lambda row: row.path)
def test_what_may_not_be_nil_is_never_nil_and_a_mistake_where_nothing_is_no_value_of_its_type(row: Row) -> None:
    document = form(job(without(row.path)))
    if row.type in {"complex", *TYPES} and row.most == "1":
        assert not is_nil(at(document, row.path))
    elif row.type == "string" and not row.facets:
        assert not is_nil(at(document, row.path))
        assert validate(document, FORM88) == ()
    else:
        assert validate(document, FORM88) != ()


@pytest.mark.parametrize(
    "path", ["Citizenship", "MilitaryDuty", "RepetitionKind", "IdentityDoc", "PersonPlace/PlaceType"]
)
def test_a_code_that_is_demanded_and_missing_is_a_mistake_of_the_schema(path: str) -> None:
    assert validate(form(job(without(path))), FORM88) != ()
    assert [each.path for each in check(job(without(path)))] == [f"/MseReferral/{path}"]


def test_what_may_be_absent_is_absent() -> None:
    absent = [row.path for row in FORM if row.least == "0"]
    assert len(absent) > 5
    for path in absent:
        document = form(job(without(path)))
        assert path not in list(paths(below_form(document)))
        assert validate(document, FORM88) == ()


CODED: Final = [row for row in FORM if row.codes]


@pytest.mark.parametrize("row", CODED, ids=lambda row: row.path)
def test_a_published_code_brings_its_title_and_another_is_a_mistake_where_all_are_published(row: Row) -> None:
    source = without(f"{row.path}/Value")
    for code, title in row.titles.items():
        put(source, f"{row.path}/Id", code)
        assert at(form(job(source)), f"{row.path}/Value").text == title
        assert [each.code for each in check(job(source)) if each.code == "403"] == []
    put(source, f"{row.path}/Id", "77")
    codes = [each.code for each in check(job(source)) if each.path == f"/MseReferral/{row.path}/Id"]
    whole = list(row.titles) == [str(number) for number in range(1, len(row.titles) + 1)]
    assert codes == (["403"] if whole else [])
