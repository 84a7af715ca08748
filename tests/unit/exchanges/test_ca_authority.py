"""An entry of the register of УЦ is read as it is published: absent, empty and unknown things included."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from gateway.xml.parser import parse
from workers import exchanges
from workers.exchange import Accreditation, Element
from workers.exchanges.ca.authority import Unreadable, key_of, label, moment, read

SAMPLES = Path(exchanges.__path__[0]) / "ca" / "samples"
FIRST = Accreditation("Действует", datetime(2021, 12, 31, 21, tzinfo=UTC))


def entry(name: str, **changed: str) -> Element:
    element = parse((SAMPLES / name).read_bytes())
    for path, text in changed.items():
        for found in element.iter(path):
            found.text = text
    return element


def test_everything_that_is_kept_is_read() -> None:
    authority, mislabelled = read(entry("valid/authority.xml"))
    assert (authority.inn, authority.ogrn, authority.number) == ("9900000001", "1990000000001", "1")
    assert authority.name == "Общество «Учебный УЦ № 1»"
    assert (authority.accreditation, authority.history) == (FIRST, (FIRST,))
    (certificate,) = authority.certificates
    assert len(certificate.thumbprint) == 40
    assert len(certificate.key_id) == 40
    assert certificate.valid_to == datetime(2040, 1, 1, tzinfo=UTC)
    assert mislabelled == 0


def test_absent_empty_and_nil_elements_are_absent_texts() -> None:
    authority, _ = read(entry("valid/authority-with-nil.xml"))
    assert (authority.number, authority.successor_ogrn, authority.certificates) == ("", "", ())


def test_an_unknown_status_and_a_number_that_is_none_are_kept_as_text() -> None:
    authority, _ = read(entry("valid/authority-of-unknown-status.xml", РеестровыйНомер="12-А/7"))
    assert authority.accreditation.status == "Приостановлена"
    assert [told.status for told in authority.history] == ["Действует", "Приостановлена"]
    assert authority.number == "12-А/7"


def test_a_certificate_is_known_by_its_own_bytes_whatever_the_register_calls_it() -> None:
    right, _ = read(entry("valid/authority.xml"))
    wrong, mislabelled = read(entry("valid/authority.xml", Отпечаток="00 11 22"))
    assert mislabelled == 1
    assert wrong == right


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-01-01T00:00:00Z", datetime(2024, 1, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00.1234567+03:00", datetime(2023, 12, 31, 21, 0, 0, 123456, tzinfo=UTC)),
        (" 2024-01-01T03:00:00 ", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_every_form_of_the_register(text: str, at: datetime) -> None:
    assert moment(text) == at


@pytest.mark.parametrize(
    "text", ["", "вчера", "2024-02-30T00:00:00Z", "9999-12-31T23:59:59-05:00", "-0044-03-15T00:00:00Z"]
)
def test_a_moment_that_is_none_makes_the_entry_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(entry("valid/authority.xml", ДействуетС=text))


@pytest.mark.parametrize("text", ["!", "AAEC" + "А", "AAE"], ids=["sign", "cyrillic", "cut"])
def test_bytes_that_only_a_schema_takes_for_base64_make_the_entry_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(entry("valid/authority.xml", Данные=text))


def test_bytes_may_be_written_in_lines() -> None:
    (certificate,) = read(entry("valid/authority.xml", Данные=" AAEC\n AwQF "))[0].certificates
    assert certificate.der == bytes(range(6))


def test_a_broken_entry_is_named_as_far_as_it_can_be() -> None:
    assert key_of(entry("invalid/dates-and-certificate.xml")) == ("9900000001", "1990000000001")
    assert key_of(entry("invalid/no-ogrn.xml")) is None
    assert label(entry("invalid/no-ogrn.xml")) == "Общество «Учебный УЦ № 1»"
    assert label(etree.Element("УдостоверяющийЦентр")) == "УЦ без названия"
