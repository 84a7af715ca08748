"""Forming packets of ТФОМС: order and content of the packet, whatever the order and tidiness of the source."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from gateway.xml.parser import parse
from gateway.xml.schemas import describe
from workers.exchange import Job, MissingSourceData, Operation, Organization
from workers.exchanges.tfoms_hosp.fields import FIELDS, PERS, REQUIRED, TITLES
from workers.exchanges.tfoms_hosp.form import form

PACKET = UUID("0198f000-0000-7000-8000-000000000001")
SCHEMAS = Path(__file__).parents[3] / "xsd" / "tfoms" / "1.0"
NS = {"t": "urn:service-journal:tfoms:1", "xs": "http://www.w3.org/2001/XMLSchema"}


def job(
    source: str,
    packet_type: str = "HOSPITALISATION_REFERRAL",
    operation: Operation = Operation.INSERT,
    code: str = "340001",
) -> Job:
    organization = Organization(1, "1.2.643.5.1.13.13.12.2.0.1", "Тестовая больница", {"tfoms": code})
    formed_at = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    return Job(PACKET, packet_type, operation, "1001", organization, formed_at, parse(source.encode()))


def fields(packet: etree._Element, path: str) -> list[tuple[str, str | None]]:
    parent = packet.find(path, NS)
    assert parent is not None
    return [(etree.QName(child).localname, child.text) for child in parent]


def test_header_of_a_referral_names_the_hospital() -> None:
    packet = form(job("<Referral><MCOD_STC>340002</MCOD_STC></Referral>"))
    assert packet.tag == "{urn:service-journal:tfoms:1}HOSPITALISATION_REFERRAL"
    assert fields(packet, "t:ZGLV") == [
        ("VERSION", "1.0"),
        ("DATA", "2026-03-02"),
        ("ID", str(PACKET)),
        ("OPER", "Insert"),
        ("CODE_MO", "340001"),
        ("CODE_MO_TO", "340002"),
        ("OBJ_ID", "1001"),
    ]


def test_other_packets_are_not_addressed() -> None:
    packet = form(job("<Hospitalisation><MCOD_STC>340002</MCOD_STC></Hospitalisation>", "HOSPITALISATION"))
    assert "CODE_MO_TO" not in dict(fields(packet, "t:ZGLV"))


def test_fields_come_in_the_order_of_the_packet_whatever_the_order_of_the_source() -> None:
    source = (
        "<HospitalMotion><PERS><W>1</W><ID_PAC>p</ID_PAC></PERS><DS1>I20</DS1><HOSP_ID>7</HOSP_ID></HospitalMotion>"
    )
    packet = form(job(source, "MOTION_IN_HOSPITAL"))
    assert [name for name, _ in fields(packet, "t:ZAP")] == ["HOSP_ID", "DS1", "PERS"]
    assert fields(packet, "t:ZAP/t:PERS") == [("ID_PAC", "p"), ("W", "1")]


def test_blank_fields_are_left_out_and_blanks_are_folded() -> None:
    person = "<PERS><FAM>\n Примерова\t Проверкина </FAM><IM>  </IM><OT/></PERS>"
    packet = form(job(f"<Referral><MCOD_STC> 340002 </MCOD_STC><DS1> </DS1>{person}</Referral>"))
    assert fields(packet, "t:ZAP/t:PERS") == [("FAM", "Примерова Проверкина")]
    assert [name for name, _ in fields(packet, "t:ZAP")] == ["MCOD_STC", "PERS"]


def test_a_comment_keeps_its_line_breaks_but_not_its_margins() -> None:
    source = "<Referral><MCOD_STC>340002</MCOD_STC><COMMENT> первая\nвторая&#160;\n</COMMENT></Referral>"
    assert ("COMMENT", "первая\nвторая") in fields(form(job(source)), "t:ZAP")


def test_the_source_is_left_as_it_was() -> None:
    task = job("<Referral><DS1>I20</DS1><MCOD_STC>340002</MCOD_STC></Referral>")
    before = etree.tostring(task.source)
    form(task)
    assert etree.tostring(task.source) == before


@pytest.mark.parametrize("packet_type", sorted(FIELDS))
def test_a_delete_is_a_header_only(packet_type: str) -> None:
    source = "<Any><MCOD_STC>340002</MCOD_STC><DS1>I20</DS1></Any>"
    packet = form(job(source, packet_type, Operation.DELETE))
    assert [etree.QName(child).localname for child in packet] == ["ZGLV"]
    assert packet.findtext("t:ZGLV/t:OPER", namespaces=NS) == "Delete"


def test_without_a_code_of_the_organization_and_an_addressee_no_packet_can_be_built() -> None:
    with pytest.raises(MissingSourceData) as caught:
        form(job("<Referral>\n<MCOD_STC> </MCOD_STC></Referral>", code=""))
    assert [(f.path, f.line, f.code) for f in caught.value.findings] == [
        ("/Referral", None, "301"),
        ("/Referral/MCOD_STC", 2, "302"),
    ]


@pytest.mark.parametrize("packet_type", sorted(FIELDS))
def test_tables_say_what_the_schemas_say(packet_type: str) -> None:
    schema = SCHEMAS / f"{packet_type}.xsd"
    own = etree.parse(schema).findall("xs:complexType[@name='Zap']/xs:sequence/xs:element", NS)
    person = etree.parse(SCHEMAS / "types.xsd").findall("xs:complexType[@name='Pers']/xs:sequence/xs:element", NS)
    assert FIELDS[packet_type] == tuple(str(e.get("name")) for e in own)
    assert tuple(str(e.get("name")) for e in person) == PERS
    required = [str(e.get("name")) for e in own if e.get("minOccurs") is None]
    if "PERS" in required:
        required += [f"PERS/{e.get('name')}" for e in person if e.get("minOccurs") is None]
    assert REQUIRED[packet_type] == tuple(required)
    titles = describe(schema)
    names = (*FIELDS[packet_type], *(PERS if "PERS" in required else ()))
    assert {name: TITLES[name] for name in names} == {name: titles.get(name) for name in names}


def test_no_letter_of_a_title_is_of_the_wrong_alphabet() -> None:
    assert not [title for title in TITLES.values() if re.search("[A-Za-z]", title)]
