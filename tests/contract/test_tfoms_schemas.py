"""Every ТФОМС schema: its sample is valid, and each single mistake gives the expected number of findings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from gateway.resources import resource_dir
from gateway.xml.namespaces import TFOMS, XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import describe, validate

Element = etree._Element
Change = Callable[[Element], None]

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples" / "tfoms"
STRICT = resource_dir("xsd") / "tfoms" / "1.0"
LAX = STRICT / "source"
SOURCES = {
    "HOSPITALISATION_REFERRAL": "Referral",
    "CANCEL_HOSPITALISATION_REFERRAL": "ReferralCancellation",
    "HOSPITALISATION": "Hospitalisation",
    "MOTION_IN_HOSPITAL": "HospitalMotion",
    "CANCEL_HOSPITALISATION": "HospitalisationRefusal",
}
IDENTIFIERS = {
    "HOSPITALISATION_REFERRAL": "NOM_NAP",
    "CANCEL_HOSPITALISATION_REFERRAL": "NOM_NAP",
    "MOTION_IN_HOSPITAL": "HOSP_ID",
    "CANCEL_HOSPITALISATION": "HOSP_ID",
}
PACKETS = tuple(SOURCES)
DOCUMENTS = (*PACKETS, "PERSCHANGE", "ANSWER", "FLK_P")
SCHEMA_FILES = sorted((*STRICT.glob("*.xsd"), *LAX.glob("*.xsd")))
NBSP = "\u00a0"


def sample(name: str) -> Element:
    return parse((SAMPLES / f"{name}.xml").read_bytes())


def at(root: Element, path: str) -> Element:
    namespace = f"{{{TFOMS}}}" if etree.QName(root).namespace else ""
    found = root.find("/".join(namespace + step for step in path.split("/")))
    assert found is not None, path
    return found


def value(path: str, text: str) -> Change:
    def change(root: Element) -> None:
        at(root, path).text = text

    return change


def without(path: str) -> Change:
    def change(root: Element) -> None:
        element = at(root, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def twice(path: str) -> Change:
    def change(root: Element) -> None:
        element = at(root, path)
        element.addnext(parse(etree.tostring(element)))

    return change


def extra(path: str, name: str, text: str) -> Change:
    def change(root: Element) -> None:
        element = etree.Element(f"{{{TFOMS}}}{name}")
        element.text = text
        at(root, path).addnext(element)

    return change


def findings(name: str, change: Change) -> int:
    root = sample(name)
    change(root)
    return len(validate(root, STRICT / f"{name}.xsd"))


def source(name: str) -> Element:
    """The record of a sample as the МИС submits it: without a namespace, in any order."""
    record = at(sample(name), "ZAP")
    for element in record.iter():
        element.tag = etree.QName(element).localname
    record.tag = SOURCES[name]
    etree.cleanup_namespaces(record)
    return record


@pytest.mark.parametrize("name", DOCUMENTS)
def test_sample_is_valid(name: str) -> None:
    assert validate(sample(name), STRICT / f"{name}.xsd") == ()


@pytest.mark.parametrize("name", PACKETS)
def test_delete_is_a_header_alone(name: str) -> None:
    root = sample(name)
    value("ZGLV/OPER", "Delete")(root)
    without("ZAP")(root)
    assert validate(root, STRICT / f"{name}.xsd") == ()


HEADER = [
    (value("ZGLV/VERSION", "2.0"), 1),
    (value("ZGLV/DATA", "20.11.2026"), 1),
    (value("ZGLV/DATA", "2026-11-20+03:00"), 1),
    (value("ZGLV/DATA", "2026-02-30"), 1),
    (value("ZGLV/ID", "00000001aaaa4bbb8ccc000000000001"), 1),
    (value("ZGLV/ID", "0000000A-AAAA-4bbb-8CCC-00000000000A"), 0),
    (value("ZGLV/OPER", "insert"), 1),
    (value("ZGLV/CODE_MO", "99001"), 1),
    (value("ZGLV/CODE_MO", "٩٩٠٠٠١"), 1),
    (value("ZGLV/OBJ_ID", "a1"), 1),
    (value("ZGLV/OBJ_ID", "-1"), 1),
    (value("ZGLV/OBJ_ID", "9223372036854775807"), 0),
    (value("ZGLV/OBJ_ID", "9223372036854775808"), 1),
    (without("ZGLV/ID"), 1),
    (twice("ZGLV/OPER"), 1),
    (without("ZGLV"), 1),
    (twice("ZAP"), 1),
]


@pytest.mark.parametrize(("change", "expected"), HEADER)
@pytest.mark.parametrize("name", PACKETS)
def test_header(name: str, change: Change, expected: int) -> None:
    assert findings(name, change) == expected


def test_only_a_referral_names_where_it_goes() -> None:
    assert findings("HOSPITALISATION_REFERRAL", without("ZGLV/CODE_MO_TO")) == 1
    for name in PACKETS[1:]:
        assert findings(name, extra("ZGLV/CODE_MO", "CODE_MO_TO", "990002")) == 1


PERSON = [
    ("ID_PAC", "x" * 36, 0),
    ("ID_PAC", "x" * 37, 1),
    ("FAM", "Ы" * 40, 0),
    ("FAM", "Ы" * 41, 1),
    ("FAM", "Выдумкина ", 1),
    ("FAM", f"Выдумкина{NBSP}", 1),
    ("FAM", f"{NBSP}Выдумкина", 1),
    ("FAM", "\u2003Выдумкина", 1),
    ("FAM", f"Вы{NBSP}думкина", 0),
    ("FAM", "Вы\nдумкина", 1),
    ("IM", "", 1),
    ("OT", " ", 1),
    ("W", "3", 1),
    ("DR", "1961-02-30", 1),
    ("DR", "1961-02-03Z", 1),
    ("SNILS", "11223344595", 1),
    ("SNILS", "112-233-445-95", 1),
    ("VPOLIS", "5", 1),
    ("NPOLIS", "1" * 21, 1),
    ("NPOLIS", f"1{NBSP}", 1),
    ("ENP", "1" * 15, 1),
    ("ENP", "٩" * 16, 1),
    ("SMO", "990010", 1),
    ("SMO_OK", "9900", 1),
    ("DOCTYPE", "140", 1),
    ("DOCSER", "x" * 11, 1),
    ("DOCNUM", "x" * 21, 1),
    ("TLF", "1" * 21, 1),
]


@pytest.mark.parametrize(("field", "text", "expected"), PERSON)
def test_person(field: str, text: str, expected: int) -> None:
    assert findings("HOSPITALISATION", value(f"ZAP/PERS/{field}", text)) == expected


@pytest.mark.parametrize("field", ["ID_PAC", "W", "DR"])
def test_person_cannot_do_without(field: str) -> None:
    assert findings("HOSPITALISATION", without(f"ZAP/PERS/{field}")) == 1


@pytest.mark.parametrize("field", ["FAM", "IM", "OT", "SNILS", "VPOLIS", "NPOLIS", "ENP", "SMO", "SMO_OK", "TLF"])
def test_person_can_do_without(field: str) -> None:
    assert findings("HOSPITALISATION", without(f"ZAP/PERS/{field}")) == 0


REQUIRED = {
    "HOSPITALISATION_REFERRAL": "NOM_NAP DTA_NAP FRM_MP MCOD_NAP MCOD_STC MPODR_STC USL_OK PROFIL PROFIL_K"
    " DS1 IDDOKT DTA_PLN PERS",
    "CANCEL_HOSPITALISATION_REFERRAL": "NOM_NAP DTA_NAP MCOD_NAP IST_ANL ACOD DTA_ANL PR_ANL",
    "HOSPITALISATION": "FRM_MP TYPE_H MCOD_STC MPODR_STC DTA_FKT TIM_FKT USL_OK PROFIL PROFIL_K NHISTORY DS1 PERS",
    "MOTION_IN_HOSPITAL": "HOSP_ID FRM_MP MCOD_STC MPODR_STC USL_OK PROFIL PROFIL_K DTA_FKT DTA_IN NHISTORY DS1 PERS",
    "CANCEL_HOSPITALISATION": "HOSP_ID MCOD_STC DTA_OBR DTA_OTK IST_OTK PR_OTK PERS",
}


@pytest.mark.parametrize("name", PACKETS)
def test_cardinality_of_every_field(name: str) -> None:
    required = set(REQUIRED[name].split())
    for element in at(sample(name), "ZAP"):
        field = etree.QName(element).localname
        assert findings(name, without(f"ZAP/{field}")) == (field in required), field
        assert findings(name, twice(f"ZAP/{field}")) == 1, field


FIELDS = [
    ("HOSPITALISATION_REFERRAL", "NOM_NAP", "990001202600001"),
    ("HOSPITALISATION_REFERRAL", "DTA_NAP", "2026-13-01"),
    ("HOSPITALISATION_REFERRAL", "FRM_MP", "0"),
    ("HOSPITALISATION_REFERRAL", "MPODR_NAP", "123456789"),
    ("HOSPITALISATION_REFERRAL", "MCOD_STC", "99000"),
    ("HOSPITALISATION_REFERRAL", "USL_OK", "3"),
    ("HOSPITALISATION_REFERRAL", "PROFIL", "терапия"),
    ("HOSPITALISATION_REFERRAL", "PROFIL_K", "0"),
    ("HOSPITALISATION_REFERRAL", "DS1", "I10.123"),
    ("HOSPITALISATION_REFERRAL", "DS1", "i10"),
    ("HOSPITALISATION_REFERRAL", "DS1", "І10"),  # the first letter is Cyrillic
    ("HOSPITALISATION_REFERRAL", "IDDOKT", "11223344595"),
    ("HOSPITALISATION_REFERRAL", "COMMENT", "я" * 251),
    ("HOSPITALISATION_REFERRAL", "COMMENT", f"Да{NBSP}"),
    ("CANCEL_HOSPITALISATION_REFERRAL", "IST_ANL", "4"),
    ("CANCEL_HOSPITALISATION_REFERRAL", "ACOD", "9900"),
    ("CANCEL_HOSPITALISATION_REFERRAL", "PR_ANL", "0"),
    ("CANCEL_HOSPITALISATION_REFERRAL", "ID_PAC", "x" * 37),
    ("HOSPITALISATION", "TYPE_H", "5"),
    ("HOSPITALISATION", "TIM_FKT", "24:00"),
    ("HOSPITALISATION", "TIM_FKT", "9:30"),
    ("HOSPITALISATION", "NHISTORY", "x" * 51),
    ("MOTION_IN_HOSPITAL", "HOSP_ID", "x1"),
    ("MOTION_IN_HOSPITAL", "RES_OUT", "4"),
    ("MOTION_IN_HOSPITAL", "DTA_OUT", ""),
    ("CANCEL_HOSPITALISATION", "IST_OTK", "1"),
    ("CANCEL_HOSPITALISATION", "PR_OTK", "10"),
    ("CANCEL_HOSPITALISATION", "TIM_OBR", "10:60"),
]


@pytest.mark.parametrize(("name", "field", "text"), FIELDS)
def test_one_wrong_field_is_one_finding(name: str, field: str, text: str) -> None:
    assert findings(name, value(f"ZAP/{field}", text)) == 1


ANSWERS = [
    ("ANSWER", value("HEADER/TYPE", "SOMETHING"), 1),
    ("ANSWER", value("HEADER/DATA", "2026-11-20T12:00:00"), 1),
    ("ANSWER", value("BODY/RESULT", "MAYBE"), 1),
    ("ANSWER", without("BODY/NPR_ID"), 0),
    ("ANSWER", without("BODY/PR"), 0),
    ("ANSWER", twice("BODY/PR"), 0),
    ("ANSWER", value("BODY/PR/OSHIB", "x" * 13), 1),
    ("ANSWER", without("BODY/PR/COMMENT"), 1),
    ("FLK_P", without("PR"), 0),
    ("FLK_P", without("FNAME_I"), 1),
    ("FLK_P", value("FNAME", "x" * 31), 1),
    ("FLK_P", value("PR/IDCASE", "1" * 12), 1),
    ("FLK_P", value("PR/NSCHET", "1" * 16), 1),
    ("PERSCHANGE", without("ZAP/PERS_OLD"), 1),
    ("PERSCHANGE", without("ZAP"), 1),
]


@pytest.mark.parametrize(("name", "change", "expected"), ANSWERS)
def test_answers_and_inbound(name: str, change: Change, expected: int) -> None:
    assert findings(name, change) == expected


@pytest.mark.parametrize("name", PACKETS)
def test_source_object_is_taken_in_any_order(name: str) -> None:
    record = source(name)
    schema = LAX / f"{SOURCES[name]}.xsd"
    assert validate(record, schema) == ()
    record[:] = reversed(record)
    assert validate(record, schema) == ()


@pytest.mark.parametrize("name", PACKETS)
def test_source_object_may_be_unfinished(name: str) -> None:
    schema = LAX / f"{SOURCES[name]}.xsd"
    for field in [etree.QName(element).localname for element in source(name)]:
        expected = int(field == IDENTIFIERS.get(name))
        record = source(name)
        without(field)(record)
        assert len(validate(record, schema)) == expected, field
        record = source(name)
        if field != "PERS":
            value(field, "")(record)
            assert len(validate(record, schema)) == expected, field


LAX_MISTAKES = [
    ("DTA_FKT", "20.11.2026"),
    ("DTA_FKT", "2026-11-20T00:00:00"),
    ("TIM_FKT", "полдень"),
    ("FRM_MP", "плановая"),
    ("MCOD_STC", "99000A"),
    ("PROFIL", "терапия"),
    ("DS1", "гипертония"),
    ("NOM_NAP", "1"),
    ("NHISTORY", "x" * 51),
    ("COMMENT", "x" * 251),
    ("PERS/DR", "вчера"),
    ("PERS/ENP", "1" * 17),
    ("PERS/FAM", "x" * 41),
]


@pytest.mark.parametrize(("path", "text"), LAX_MISTAKES)
def test_source_object_is_right_where_it_is_filled_in(path: str, text: str) -> None:
    record = source("HOSPITALISATION")
    value(path, text)(record)
    assert len(validate(record, LAX / "Hospitalisation.xsd")) == 1


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_schema_is_documented_and_safe(path: Path) -> None:
    schema = parse(path.read_bytes())
    titles = describe(path)
    for element in schema.iter(f"{{{XSD}}}element"):
        assert titles[element.get("name", "")], element.get("name")
    for kind in ("simpleType", "complexType"):
        for declared in schema.iterchildren(f"{{{XSD}}}{kind}"):
            assert declared.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation")
    for pattern in schema.iter(f"{{{XSD}}}pattern"):
        assert "\\d" not in pattern.get("value", "")
    for include in schema.iter(f"{{{XSD}}}include"):
        assert include.get("schemaLocation") == "types.xsd"
