"""Protocols of ФЛК as funds write them, and the place of each refusal in our own packet."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.errors import Finding, finding_lines
from gateway.xml.canonical import serialize_lines
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers.exchange.flk import (
    UNEXPLAINED,
    FlkProtocol,
    Refusal,
    findings,
    read_flk,
    write_flk,
)

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "xsd" / "tfoms" / "1.0" / "FLK_P.xsd"
PACKET = parse(
    b"""<ZL_LIST>
<ZGLV><FILENAME>HM990001T99_2611001</FILENAME></ZGLV>
<ZAP><N_ZAP>1</N_ZAP>
<PACIENT><ID_PAC>pac-1</ID_PAC><FAM>A</FAM></PACIENT>
<SLUCH><IDCASE>11</IDCASE><DS1>U99</DS1></SLUCH></ZAP>
<ZAP><N_ZAP>2</N_ZAP>
<PACIENT><ID_PAC>pac-2</ID_PAC></PACIENT>
<SLUCH><IDCASE>21</IDCASE>
<DS1>U98</DS1></SLUCH>
<SLUCH><IDCASE>22</IDCASE>
<DS1>U97</DS1></SLUCH></ZAP>
</ZL_LIST>"""
)


def read(document: str) -> FlkProtocol:
    return read_flk(parse(document.encode()))


def placed(refusal: Refusal) -> tuple[str, int | None]:
    (finding,) = findings([refusal], PACKET)
    return finding.path, finding.line


def test_the_form_of_order_79_is_read() -> None:
    protocol = read_flk(parse((ROOT / "tests" / "samples" / "tfoms" / "FLK_P.xml").read_bytes()))
    assert (protocol.file, protocol.source) == ("VM990001T99_2611001", "HM990001T99_2611001")
    (refusal,) = protocol.refusals
    assert (refusal.code, refusal.field, refusal.parent) == ("001F.00.0010", "DS1", "ZAP")
    assert dict(refusal.locators)["N_ZAP"] == "1"
    assert refusal.comment == "Диагноз не найден в справочнике."


def test_a_protocol_without_a_refusal_accepts_the_file() -> None:
    assert read("<FLK_P><FNAME>V</FNAME><FNAME_I>H</FNAME_I></FLK_P>") == FlkProtocol("V", "H")


def test_code_zero_is_no_refusal() -> None:
    said = "<PR><OSHIB>0</OSHIB></PR><PR><OSHIB>904</OSHIB><IM_POL>DS</IM_POL><ID_BAS>A-1</ID_BAS></PR>"
    protocol = read(f"<REPLY><NAME_F>RI01M34</NAME_F><DATE_F>2026-01-02</DATE_F>{said}</REPLY>")
    assert protocol == FlkProtocol("RI01M34", "", (Refusal("904", field="DS", locators=(("ID_BAS", "A-1"),)),))


def test_refusals_below_the_case_take_their_record_from_around_them() -> None:
    case = "<SL><SL_ID>s-1</SL_ID><IDCASE>7</IDCASE><OTKAZ><I_TYPE>57</I_TYPE><COMMENT>Нет</COMMENT></OTKAZ></SL>"
    protocol = read(f"<FLK_P><FNAME>V</FNAME><FNAME_I>H</FNAME_I><ZAP><N_ZAP>3</N_ZAP>{case}</ZAP></FLK_P>")
    located = (("N_ZAP", "3"), ("IDCASE", "7"), ("SL_ID", "s-1"))
    assert protocol.refusals == (Refusal("57", "Нет", locators=located),)


def test_a_reply_a_record_refuses_those_with_rpl_zero() -> None:
    records = "".join(
        f"<ZAP><N_ZAP>{n}</N_ZAP><RPL>{rpl}</RPL><OSHIB>0</OSHIB><COMMENTR>Не прикреплён</COMMENTR></ZAP>"
        for n, rpl in ((1, 1), (2, 0))
    )
    head = "<ZGLV><FILENAME>RDN1</FILENAME><FILENAME_1>DN1</FILENAME_1></ZGLV>"
    protocol = read(f"<ZL_LIST>{head}{records}</ZL_LIST>")
    assert protocol == FlkProtocol("RDN1", "DN1", (Refusal("RPL", "Не прикреплён", locators=(("N_ZAP", "2"),)),))


@pytest.mark.parametrize(
    ("refusal", "place"),
    [
        (Refusal("1", field="DS1", parent="SLUCH", locators=(("IDCASE", "22"),)), ("/ZL_LIST/ZAP[2]/SLUCH[2]/DS1", 11)),
        (Refusal("1", field="DS1", parent="SLUCH", locators=(("N_ZAP", "2"),)), ("/ZL_LIST/ZAP[2]/SLUCH[1]/DS1", 9)),
        (Refusal("1", field="FAM", parent="PACIENT", locators=(("N_ZAP", "2"),)), ("/ZL_LIST/ZAP[2]/PACIENT/FAM", 7)),
        (
            Refusal("1", field="DS1", parent="SLUCH", locators=(("N_ZAP", "2"), ("ID_PAC", "pac-2"), ("IDCASE", "22"))),
            ("/ZL_LIST/ZAP[2]/SLUCH[2]/DS1", 11),
        ),
        (Refusal("1", field="N_ZAP", locators=(("ID_BAS", "PAC-1"),)), ("/ZL_LIST/ZAP[1]/PACIENT/N_ZAP", 4)),
        (Refusal("1", parent="ZAP", locators=(("N_ZAP", "2"),)), ("/ZL_LIST/ZAP[2]", 6)),
        (Refusal("1", field="FILENAME"), ("/ZL_LIST/ZGLV/FILENAME", 2)),
        (Refusal("1", parent="NOWHERE", locators=(("N_ZAP", "9"),)), ("/ZL_LIST", 1)),
        (Refusal("1", field="Фамилия Имя"), ("/ZL_LIST", 1)),
    ],
)
def test_a_refusal_finds_its_place(refusal: Refusal, place: tuple[str, int]) -> None:
    assert placed(refusal) == place


def test_lines_are_right_in_the_largest_of_packets() -> None:
    root = etree.Element("ZL_LIST")
    for number in range(1, 30_001):
        record = etree.SubElement(root, "ZAP")
        etree.SubElement(record, "N_ZAP").text = str(number)
        etree.SubElement(etree.SubElement(record, "PERS"), "DR").text = "2001-02-03"
    data = serialize_lines(root)
    refusals = [
        Refusal("1", field=field, parent=parent, locators=(("N_ZAP", "29999"),))
        for field, parent in (("", "ZAP"), ("", "PERS"), ("DR", "PERS"))
    ]
    lines = data.decode().splitlines()
    told = [lines[(f.line or 0) - 1].strip() for f in findings(refusals, parse(data))]
    assert told == ["<ZAP>", "<PERS>", "<DR>2001-02-03</DR>"]


def test_a_finding_has_the_funds_words_and_none_of_the_documents() -> None:
    refusal = Refusal("206", "", "DS1", "SLUCH", (("ID_PAC", "pac-2"),), value="U98")
    (finding,) = findings([refusal], PACKET)
    assert (finding.code, finding.message) == ("206", UNEXPLAINED)
    assert "U98" not in f"{finding}{refusal}"
    assert "pac-2" not in f"{finding}{refusal}"


def test_what_is_written_follows_the_schema_whatever_the_length() -> None:
    long = Refusal("x" * 20, " о " * 200, "F" * 21, "P" * 21, (("N_ZAP", "n" * 40), ("SL_ID", "s-1")), value="v" * 200)
    written = write_flk(FlkProtocol("V" * 40, "H1", (long, Refusal("57"))))
    assert validate(written, SCHEMA) == ()
    assert [r.locators for r in read_flk(written).refusals] == [(("SL_ID", "s-1"),), ()]


def test_lines_of_findings_name_the_place_where_there_is_one() -> None:
    told = (
        Finding("/Referral/DTA_PLN", 14, "320", "«Дата»: раньше."),
        Finding("/", 3, "XML", "Не закрыт тег."),
        Finding("/", None, "XML", "Документ пуст."),
    )
    assert finding_lines(told).split("\n") == [
        "320: «Дата»: раньше (/Referral/DTA_PLN, строка 14).",
        "XML: Не закрыт тег (строка 3).",
        "XML: Документ пуст.",
    ]
