from __future__ import annotations

import time

import pytest

from gateway.domain.errors import InvalidXml, TooLarge
from gateway.xml.limits import DOCUMENT_LIMITS, XmlLimits
from gateway.xml.parser import GLIMPSE_BYTES, glimpse, parse, parse_text

LAUGHS = b"<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]><l>&c;</l>"
XXE = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
REMOTE_DTD = b'<!-- c -->\n<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd"><r/>'
ATTRIBUTES = b"<r " + b" ".join(b'a%d="1"' % i for i in range(100_000)) + b"/>"
NAMESPACES = b"<r " + b" ".join(b'xmlns:a%d="urn:%d"' % (i, i) for i in range(100_000)) + b"/>"
FIVES = XmlLimits(max_bytes=1000, max_depth=5, max_elements=5, max_attributes=5, max_namespaces=5)


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (LAUGHS, "DOCTYPE"),
        (XXE, "DOCTYPE"),
        (REMOTE_DTD, "DOCTYPE"),
        ("<!DOCTYPE r><r/>".encode("utf-16"), "DOCTYPE"),
        (b"<?xml-stylesheet href='x'?><r/>", "Инструкции обработки"),
        (b"<r><?php x?></r>", "Инструкции обработки"),
        (b"<r/><?end x?>", "Инструкции обработки"),
        (nested(65), "Вложенность"),
        (nested(10_000), "вложенность"),
        (ATTRIBUTES, "256 атрибутов"),
        (NAMESPACES, "Пространств имён"),
        (b"<r>" + b"<a/>" * 200_000 + b"</r>", "Элементов больше"),
        (b"<r>" + b"<a/>" * 1_600_000 + b"</r>", "Элементов больше"),
        (b"<r>\0</r>", "символ"),
        (b"<r>&undeclared;</r>", "сущность"),
        (b'<?xml version="1.0" encoding="UTF-7"?><r>+ADw-a/+AD4-</r>', "Кодировка"),
        (b'<?xml version="1.0" encoding="x-unknown"?><r/>', "Кодировка"),
        (b'<?xml version="1.0" encoding="UTF-16"?><r/>', "Кодировка"),
        ("<r/>".encode("utf-32"), "Кодировка"),
        ('<?xml version="1.0"?><r/>'.encode("cp037"), "начинается не с элемента"),
        (b"<r>\xff\xfe</r>", "Байты"),
        (b'<?xml version="1.0" encoding="windows-1251"?><r>\x98</r>', "Байты"),
        (b"", "пуст"),
        (b" \n\t", "пуст"),
        (b"<r/><r/>", "лишнее"),
    ],
)
def test_attack_is_refused_at_small_cost(attack: bytes, reason: str) -> None:
    started = time.process_time()

    with pytest.raises(InvalidXml) as refusal:
        parse(attack)

    assert time.process_time() - started < 1  # about 0.1 s at worst; the margin is for a busy machine
    assert any(reason in finding.message for finding in refusal.value.findings)
    assert {finding.code for finding in refusal.value.findings} == {"XML"}


@pytest.mark.parametrize(
    ("document", "accepted"),
    [
        (nested(5), True),
        (nested(6), False),
        (b"<r>" + b"<a/>" * 4 + b"</r>", True),
        (b"<r>" + b"<a/>" * 5 + b"</r>", False),
        (b"<r a='' b='' c='' d='' e=''/>", True),
        (b"<r a='' b='' c='' d='' e='' f=''/>", False),
        (b"<r a='======'>=======</r>", True),
        (b"<r>" + b"<a xmlns='urn:a' xmlns:b='urn:b'/>" * 4 + b"</r>", True),
        (
            b"".join(b"<a xmlns:x%d='urn:a' xmlns:y%d='urn:b'>" % (i, i) for i in range(3)) + b"</a>" * 3,
            False,
        ),
        (b"<r><!-- <a><a><a><a><a><a> --><![CDATA[<b><b><b><b>]]></r>", True),
        (b"<r><![CDATA[<!DOCTYPE html><?php ?>]]></r>", True),
    ],
)
def test_limits_are_the_largest_values_accepted(document: bytes, accepted: bool) -> None:
    if accepted:
        assert parse(document, FIVES).tag in {"a", "r"}
    else:
        with pytest.raises(InvalidXml):
            parse(document, FIVES)


def test_too_many_bytes_names_the_limit() -> None:
    with pytest.raises(TooLarge, match="1000 байт"):
        parse(b"<r>" + b"x" * 1000 + b"</r>", FIVES)
    with pytest.raises(TooLarge, match="1000 байт"):
        parse_text("<r>" + "ж" * 600 + "</r>", FIVES)


def test_one_value_longer_than_libxml2_takes_is_too_large() -> None:
    wide = XmlLimits(max_bytes=20_000_000, max_depth=5, max_elements=5)

    with pytest.raises(TooLarge, match="10000000 байт"):
        parse(b"<r>" + b"x" * 10_000_001 + b"</r>", wide)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1251", "cp1251", "UTF-8"])
def test_allowed_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<Пациент>Тестов-Пример</Пациент>'

    root = parse(text.encode(encoding))

    assert (root.tag, root.text, root.sourceline) == ("Пациент", "Тестов-Пример", 2)


def test_text_ignores_the_encoding_it_declares() -> None:
    root = parse_text('\ufeff<?xml version="1.0" encoding="windows-1251"?><r>Ж</r>', DOCUMENT_LIMITS)

    assert root.text == "Ж"


def test_text_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidXml):
        parse_text("<r>\ud800</r>")


def test_a_comment_cannot_cut_a_value() -> None:
    assert parse(b"<r>12<!-- c -->34</r>").text == "1234"


def test_every_syntax_error_has_its_line_and_none_quotes_the_document() -> None:
    with pytest.raises(InvalidXml) as refusal:
        parse("<r>\n<ФИО>Невидимов</ОТЧ>\n<c d=Невидимов/>&Невидимов;</r>".encode())

    assert [finding.line for finding in refusal.value.findings][:2] == [2, 3]
    assert "Невидимов" not in repr(refusal.value.findings) + str(refusal.value)
    assert refusal.value.__cause__ is None


def test_errors_of_one_document_never_reach_the_next() -> None:
    with pytest.raises(InvalidXml):
        parse(b"<r>\n\n\n\n<a></b></r>")
    with pytest.raises(InvalidXml) as refusal:
        parse(b"<r>&x;</r>")

    assert {finding.line for finding in refusal.value.findings} == {1}


def test_lines_beyond_65535_are_right() -> None:
    assert parse(b"<r>" + b"\n" * 70_000 + b"<a/></r>")[0].sourceline == 70_001


def test_limits_beyond_libxml2_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="256"):
        XmlLimits(max_bytes=1, max_depth=257, max_elements=1)


SEEN = '<e xmlns="urn:e"><h/><b><call xmlns="urn:c"><b><deeper/></b></call><other/></b></e>'


@pytest.mark.parametrize(
    ("document", "codec", "expected"),
    [
        (SEEN.encode(), None, "{urn:c}call"),
        (SEEN.encode("utf-16"), None, "{urn:c}call"),
        (SEEN.encode("utf-16"), "utf-16", "{urn:c}call"),
        (b"\xef\xbb\xbf" + SEEN.encode(), None, "{urn:c}call"),
        (
            "<?xml version='1.0' encoding='windows-1251'?><!-- Я -->".encode("cp1251") + SEEN.encode(),
            None,
            "{urn:c}call",
        ),
        (SEEN.encode()[:60], None, "{urn:c}call"),
        (SEEN.replace("<h/>", "<h><b/></h>").encode(), None, "{urn:c}call"),
        (SEEN.encode(), "utf-16", None),
        (b"<!DOCTYPE e>" + SEEN.encode(), None, None),
        (b"<?xml version='1.0' encoding='koi8-r'?>" + SEEN.encode(), None, None),
        (SEEN.replace("<h/>", "<h>" + "x" * GLIMPSE_BYTES + "</h>").encode(), None, None),
        (SEEN.replace("<h/>", "<h></i>").encode(), None, None),
        (b'<e xmlns="urn:e"><b/></e>', None, None),
        (b"<call/>", None, None),
        (b"hello", None, None),
        (b"", None, None),
    ],
    ids=range(16),
)
def test_a_glimpse_finds_the_first_element_of_a_place_or_nothing(
    document: bytes, codec: str | None, expected: str | None
) -> None:
    assert glimpse(document, 3, "{urn:e}b", codec=codec) == expected
