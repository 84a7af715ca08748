"""Any protocol survives writing and reading, and any refusal finds a place in any packet in little time."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from workers.exchange.flk import FlkProtocol, Refusal, findings, read_flk, write_flk

WORDS = st.text(st.sampled_from("АБВabc019. -"), min_size=1, max_size=12).map(str.strip).filter(bool)
NAMES = st.sampled_from(["ZAP", "PERS", "SLUCH", "DS1", "N_ZAP", "ID_PAC", "IDCASE", "нет", "не имя", ""])
LOCATORS = st.dictionaries(st.sampled_from(["N_ZAP", "ID_PAC", "SL_ID", "IDSERV"]), WORDS).map(
    lambda found: tuple((name, found[name]) for name in ("N_ZAP", "ID_PAC", "SL_ID", "IDSERV") if name in found)
)
REFUSALS = st.builds(
    Refusal,
    code=WORDS.filter(lambda code: code != "0"),
    comment=WORDS,
    field=NAMES,
    parent=NAMES,
    locators=LOCATORS,
    value=WORDS,
)


def packet(records: int) -> etree._Element:
    root = etree.Element("ZL_LIST")
    for number in range(records):
        record = etree.SubElement(root, "ZAP")
        etree.SubElement(record, "N_ZAP").text = str(number)
        person = etree.SubElement(record, "PERS")
        etree.SubElement(person, "ID_PAC").text = f"p-{number}"
        etree.SubElement(etree.SubElement(record, "SLUCH"), "DS1").text = "U99"
    return root


@given(WORDS, WORDS, st.lists(REFUSALS))
def test_a_protocol_survives_writing_and_reading(file: str, source: str, refusals: list[Refusal]) -> None:
    protocol = FlkProtocol(file, source, tuple(refusals))
    assert read_flk(write_flk(protocol)) == protocol


@given(st.lists(REFUSALS), st.integers(0, 5))
def test_every_refusal_finds_a_place_in_the_packet(refusals: list[Refusal], records: int) -> None:
    found = findings(refusals, packet(records))
    assert [finding.code for finding in found] == [refusal.code for refusal in refusals]
    assert all(finding.path.startswith("/ZL_LIST") for finding in found)


def test_placing_takes_time_linear_in_packet_and_refusals() -> None:
    large = packet(20_000)
    wrong = [Refusal("1", field="DS1", parent="SLUCH", locators=(("N_ZAP", str(n)),)) for n in range(20_000)]
    begun = time.process_time()
    found = findings(wrong, large)
    assert time.process_time() - begun < 5
    assert found[-1].path == "/ZL_LIST/ZAP[20000]/SLUCH/DS1"
