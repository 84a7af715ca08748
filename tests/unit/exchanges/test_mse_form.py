"""Forming a referral to МСЭ: what stands for nothing, what is computed, what is cleaned out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml.builder import E

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.demo.parts.mse_data import referral
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Element, Job, MissingSourceData, Operation, Organization
from workers.exchanges.mse.fields import Kind
from workers.exchanges.mse.form import NAMESPACE, XSI, age, body_mass_index, form, g_code, locate, name, read

XSD = resource_dir("xsd") / "mse" / "form88" / "2.0.1" / "form88.v.2.0.1.xsd"
OURS = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"ogrn": "1023400000007"})
NS = {"f": NAMESPACE}


def job(source: Element, operation: Operation = Operation.INSERT, object_id: str = "mse-1") -> Job:
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    return Job(UUID(int=7), "MSE_REFERRAL", operation, object_id, OURS, moment, source)


def formed(*changes: tuple[str, Element | None]) -> Element:
    """A sound referral with some of its elements exchanged or left out, formed."""
    source = referral(ORGANIZATIONS[0], 1, sound=True)
    for path, new in changes:
        old = source.find(path)
        assert old is not None
        parent = old.getparent()
        assert parent is not None
        parent.remove(old)
        if new is not None:
            parent.append(new)
    return form(job(source))


def at(document: Element, path: str) -> Element:
    found = document.find("/".join(f"f:{step}" for step in path.split("/")), NS)
    assert found is not None, path
    return found


def is_nil(element: Element) -> bool:
    return element.get(f"{{{XSI}}}nil") == "true" and not element.text and len(element) == 0


def test_the_document_carries_its_version_schema_and_identifier() -> None:
    document = formed()
    assert document.get("version") == "2.0.1"
    assert document.get(f"{{{XSI}}}schemaLocation") == f"{NAMESPACE} form88.v.2.0.1.xsd"
    assert at(document, "Form").get("id") == "88"
    task = job(referral(ORGANIZATIONS[0], 1))
    assert at(document, "G_Code").text == g_code(task)
    assert name(task) == f"{g_code(task)}.xml"


def test_the_identifier_depends_on_the_organisation_the_object_and_its_returns_alone() -> None:
    source = referral(ORGANIZATIONS[0], 1)
    again, returned = referral(ORGANIZATIONS[0], 2), referral(ORGANIZATIONS[0], 1, returned=1)
    codes = [g_code(job(each)) for each in (source, again, returned)]
    codes.append(g_code(job(source, object_id="mse-2")))
    assert codes[0] == codes[1]
    assert len(set(codes)) == 3


@pytest.mark.parametrize(
    "path",
    ["Representer", "RepresentativeOrg", "EducationInfo", "RehabEventsResult", "TempWorkDisabilityItems", "ProfInfo",
     "PrevExamInfo", "ElnNum", "Email", "RehabPotential", "PersonPlace/PlaceAddress", "AnthropometricData/WaistSize"],
)  # fmt: skip
def test_what_the_referral_does_not_tell_is_nil(path: str) -> None:
    assert is_nil(at(formed(), f"Form/{path}"))


def test_a_representative_without_a_name_and_an_address_without_its_type_are_nil() -> None:
    document = formed(("AddressType", None), ("Phone", E.Representer(E.FirstName("Бета"))))
    for path in ("Representer", "Address", "AddressType"):
        assert is_nil(at(document, f"Form/{path}"))


def test_defaults_and_titles_of_known_codes_stand_in() -> None:
    document = formed()
    assert at(document, "Form/SpaTreatment").text == "Рекомендации отсутствуют"
    assert at(document, "Form/RequiredMedExams").text == "Обследования и исследования не проводились"
    assert (
        at(document, "Form/Diagnosis/MainDeseaseComplications").text == "Осложнения основного заболевания отсутствуют"
    )
    assert at(document, "Form/Citizenship/Value").text == "гражданин РФ"
    assert at(document, "Form/RepetitionKind/Value").text == "Первично"


def test_the_register_knows_what_the_referral_leaves_out_of_the_organisation() -> None:
    document = formed(("MedOrgName", None), ("MedOrgOgrn", E.MedOrgOgrn(" ")))
    assert at(document, "Form/MedOrgName").text == OURS.name
    assert at(document, "Form/MedOrgOgrn").text == OURS.codes["ogrn"]


def test_markup_is_taken_out_of_anamneses_and_comparisons_stay() -> None:
    text = "<p>Первое<br/>второе</p><!--[if mso]>x<![endif]--><style>p {}</style>АД &lt; 140, a<b, 5 > 3&nbsp;кг &amp;"
    document = formed(("DeseaseAnamnesis", E.DeseaseAnamnesis(text)))
    told = at(document, "Form/DeseaseAnamnesis")
    assert (told.text or "").split("\n") == ["Первое", "второе", "АД < 140, a<b, 5 > 3 кг &"]


def test_values_with_angle_brackets_are_in_cdata_and_read_back_whole() -> None:
    tricky = "5 < 7 и ]]> тоже"
    document = formed(("HealthCondition", E.HealthCondition("t < 37")), ("LifeAnamnesis", E.LifeAnamnesis(tricky)))
    data = serialize(document, standalone=True)
    assert b"<HealthCondition><![CDATA[t < 37]]></HealthCondition>" in data
    assert data.startswith(b"<?xml version='1.0' encoding='utf-8' standalone='yes'?>")
    assert at(parse(data), "Form/LifeAnamnesis").text == tricky
    assert validate(parse(data), XSD) == ()


def test_of_attachments_only_the_list_goes() -> None:
    document = formed()
    (item,) = at(document, "Attachments")
    assert [(etree.QName(each).localname, each.text) for each in item] == [
        ("Name", "vypiska.pdf"),
        ("Type", "pdf"),
        ("Size", "1001"),
    ]
    assert formed(("Attachments", None)).find("f:Attachments", NS) is None


def test_a_removed_referral_cannot_be_formed() -> None:
    with pytest.raises(MissingSourceData, match="сообщите в бюро"):
        form(job(referral(ORGANIZATIONS[0], 1), Operation.DELETE))


def test_places_of_the_document_are_named_in_the_source() -> None:
    task = job(referral(ORGANIZATIONS[0], 1))
    assert locate(task, "/Document/Form/Diagnosis/MainDesease") == "/MseReferral/Diagnosis/MainDesease"
    assert locate(task, "/Document/TargetMseOrg/Id") == "/MseReferral/TargetMseOrg/Id"
    assert locate(task, "/Document/G_Code") == "/Document/G_Code"


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_age_counts_whole_years_and_months(born: date, on: date) -> None:
    known = age(born.isoformat(), on.isoformat())
    if born > on:
        assert known is None
        return
    assert known is not None
    years, months = known
    assert years == on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    assert 0 <= months <= 11


@pytest.mark.parametrize(
    ("height", "weight", "index"),
    [
        ("170", "65", "22.49"),
        ("50", "3.5", "14.00"),
        ("", "65", ""),
        ("0", "65", ""),
        ("170", "много", ""),
        ("NaN", "1", ""),
    ],
)
def test_body_mass_index_of_centimetres_and_kilograms(height: str, weight: str, index: str) -> None:
    assert body_mass_index(height, weight) == index


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_can_be_cleaned_and_written(text: str) -> None:
    element = etree.Element("LifeAnamnesis")
    try:
        element.text = text
    except ValueError:
        return  # no XML holds it
    cleaned = read(element, Kind.HTML)
    etree.Element("a").text = cleaned
    if not set("<&") & set(text):
        assert cleaned.split() == text.split()
