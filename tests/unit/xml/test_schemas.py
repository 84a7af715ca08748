from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigurationError, Finding
from gateway.xml.parser import parse_text
from gateway.xml.schemas import describe, validate

SAMPLES = Path(__file__).parent / "samples"
PACKET = SAMPLES / "packet.xsd"
XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
WIDE = f'<xs:schema {XS}><xs:element name="r"><xs:complexType><xs:sequence><xs:element name="a" \
type="xs:int" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:schema>'


def findings(*records: str) -> tuple[Finding, ...]:
    return validate(parse_text(f'<Packet xmlns="urn:sample">{"".join(records)}</Packet>'), PACKET)


def test_a_valid_document_has_no_findings() -> None:
    assert findings('<Rec id="1"><Sex>1</Sex><DR>2020-01-31</DR></Rec>', '<Rec id="2"/>') == ()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<Sex>SECRET</Sex>", "Пол (Sex): значение не из списка допустимых: 1, 2."),
        ("<Sex/>", "Пол (Sex): значение не из списка допустимых: 1, 2."),
        ("<DR>SECRET</DR>", "Дата рождения (DR): ожидается дата в виде ГГГГ-ММ-ДД."),
        ("<Code>SECRET</Code>", "Code: значение не соответствует шаблону [0-9]{6}."),
        ("<Len>SECRET</Len>", "Len: длина значения должна быть 2."),
        ("<Text>S</Text>", "Text: длина значения должна быть не меньше 2."),
        ("<Text>SECRET</Text>", "Text: длина значения должна быть не больше 3."),
        ("<Num>1</Num>", "Num: значение должно быть не меньше 2."),
        ("<Num>10</Num>", "Num: значение должно быть не больше 9."),
        ("<Open>2</Open>", "Open: значение должно быть больше 2."),
        ("<Open>9</Open>", "Open: значение должно быть меньше 9."),
        ("<Sum>123456</Sum>", "Sum: всего цифр должно быть не больше 5."),
        ("<Sum>1.234</Sum>", "Sum: цифр после точки должно быть не больше 2."),
        ("<List>1 SECRET</List>", "List: ожидается целое число."),
        ("<Fixed>SECRET</Fixed>", "Fixed: допустимо только значение 1.0."),
        ("<Alt><C>SECRET</C></Alt>", "C: элемент здесь не ожидается, ожидается: Первое (A) или B."),
        ("<Alt/>", "Alt: не хватает вложенного элемента, ожидается: Первое (A) или B."),
        ("SECRET", "Rec: текст между вложенными элементами не допускается."),
        ("<Code><b/></Code>", "Code: вложенные элементы здесь не допускаются, ожидается значение."),
    ],
)
def test_each_rule_is_told_in_russian_without_the_value(content: str, message: str) -> None:
    found = findings(f'<Rec id="1">{content}</Rec>')

    assert message in [finding.message for finding in found]
    assert "SECRET" not in repr(found)
    assert {finding.code for finding in found} == {"XSD"}


@pytest.mark.parametrize(
    ("record", "path", "message"),
    [
        ("<Rec/>", "/Packet/Rec", "Rec: нет обязательного атрибута Номер записи (id)."),
        ('<Rec id="SECRET"/>', "/Packet/Rec/@id", "Номер записи (id): ожидается целое число."),
        ('<Rec id="1" z="SECRET"/>', "/Packet/Rec/@z", "z: такого атрибута в схеме нет."),
        (
            '<Rec id="8"/><Rec id="8"/>',
            "/Packet/Rec[2]",
            "Rec: значение должно быть единственным, но повторяется.",
        ),
    ],
)
def test_attributes_and_keys(record: str, path: str, message: str) -> None:
    found = findings(record)

    assert (found[0].path, found[0].message) == (path, message)
    assert "SECRET" not in repr(found)


MANY = ("двоичные данные", "дата и время")
ONE = ("дата", "время", "год", "месяц", "число", "целое число", "адрес URI", "true")
KINDS = "date dateTime time gYear gYearMonth boolean decimal double float byte short int integer long positiveInteger \
nonNegativeInteger unsignedByte unsignedShort unsignedInt unsignedLong base64Binary hexBinary anyURI"


@pytest.mark.parametrize("kind", KINDS.split())
def test_every_kind_of_value_agrees_with_its_verb(kind: str, tmp_path: Path) -> None:
    schema = tmp_path / "kind.xsd"
    schema.write_text(f'<xs:schema {XS}><xs:element name="r" type="xs:{kind}"/></xs:schema>')
    (found,) = validate(parse_text("<r>::%SECRET</r>"), schema)
    verb, _, wanted = found.message.removeprefix("r: ").partition(" ")
    assert verb == ("ожидаются" if wanted.startswith(MANY) else "ожидается")
    assert wanted.startswith((*MANY, *ONE))


def test_a_value_that_imitates_the_words_of_libxml2_is_not_quoted() -> None:
    imitation = "x' is not an element of the set {'SECRET'}."

    assert "SECRET" not in repr(findings(f'<Rec id="1"><Sex>{imitation}</Sex></Rec>'))
    assert "SECRET" not in repr(findings(f'<Rec id="1"><Sex>{imitation * 10_000}</Sex></Rec>'))


def test_every_error_is_found_with_its_path_and_line() -> None:
    found = findings("\n", '<Rec id="1"/>\n<Rec id="2">\n<Sex>x</Sex>\n<DR>y</DR></Rec>\n<Rec/>')

    assert [(finding.path, finding.line) for finding in found] == [
        ("/Packet/Rec[2]/Sex", 4),
        ("/Packet/Rec[2]/DR", 5),
        ("/Packet/Rec[3]", 6),
        ("/Packet/Rec[3]", 6),  # without its number it has no key either
    ]


def test_prefixes_of_the_document_do_not_matter() -> None:
    text = '<e><p:Packet xmlns:p="urn:sample"><p:Rec id="1"/><p:Rec id="2"><p:Sex/></p:Rec></p:Packet></e>'

    assert [finding.path for finding in validate(parse_text(text)[0], PACKET)] == ["/Packet/Rec[2]/Sex"]


def test_an_unknown_root_is_told() -> None:
    (finding,) = validate(parse_text("<Other/>"), PACKET)

    assert finding.path == "/Other"
    assert "корневой элемент" in finding.message


def test_findings_beyond_the_limit_are_counted() -> None:
    records = "".join(f'<Rec id="{number}"><Sex/></Rec>' for number in range(30))
    root = parse_text(f'<Packet xmlns="urn:sample">{records}</Packet>')

    found = validate(root, PACKET, max_findings=10)

    assert len(found) == 11
    assert found[-1].message == "Показаны не все ошибки: ещё 20."


def test_titles_come_from_the_schema_and_an_ambiguous_one_is_none() -> None:
    titles = describe(PACKET)

    assert (titles["Sex"], titles["DR"], titles["@id"]) == ("Пол", "Дата рождения", "Номер записи")
    assert "Name" not in titles


def test_a_wide_document_wrong_everywhere_costs_linear_time(tmp_path: Path) -> None:
    schema = tmp_path / "wide.xsd"
    schema.write_text(WIDE)
    root = parse_text("<r>" + "<a>x</a>" * 100_000 + "</r>")
    started = time.process_time()

    found = validate(root, schema)

    assert time.process_time() - started < 5  # about 0.4 s; locating every error would take 13 s and more
    assert (len(found), found[0].path, found[-1].message) == (
        101,
        "//a",
        "Показаны не все ошибки: ещё 99900.",
    )


def test_one_error_in_a_wide_document_is_located(tmp_path: Path) -> None:
    schema = tmp_path / "wide.xsd"
    schema.write_text(WIDE)
    root = parse_text("<r>\n" + "<a>1</a>\n" * 70_000 + "<a>x</a></r>")

    assert [(finding.path, finding.line) for finding in validate(root, schema)] == [("/r/a[70001]", 70_002)]


def test_findings_of_threads_never_mix(tmp_path: Path) -> None:
    """Large enough that threads are inside libxml2 at the same time."""
    schema = tmp_path / "wide.xsd"
    schema.write_text(WIDE)

    def judge(number: int) -> set[tuple[str, ...]]:
        root = parse_text(f"<r>{'<a>1</a>' * number}<a>x</a>{'<a>1</a>' * 1000}</r>")
        return {tuple(finding.path for finding in validate(root, schema)) for _ in range(20)}

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(judge, range(8)))

    assert seen == [{(f"/r/a[{number}]",)} for number in range(1, 9)]


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (f'<xs:schema {XS}>\n<xs:element name="a" type="absent"/></xs:schema>', "broken.xsd, строка 2"),
        (f'<xs:schema {XS}>\n<xs:include schemaLocation="absent.xsd"/></xs:schema>', "broken.xsd, строка 2"),
        (f'<xs:schema {XS}>\n<xs:include schemaLocation="../up.xsd"/></xs:schema>', "broken.xsd, строка 2"),
        (
            f'<xs:schema {XS}>\n<xs:include schemaLocation="http://127.0.0.1:9/a.xsd"/></xs:schema>',
            "broken.xsd, строка 2",
        ),
        ("<xs:schema", "broken.xsd"),
    ],
)
def test_a_broken_schema_is_a_mistake_of_the_installation(tmp_path: Path, schema: str, place: str) -> None:
    (tmp_path / "up.xsd").write_text(WIDE)
    broken = tmp_path / "own" / "broken.xsd"
    broken.parent.mkdir()
    broken.write_text(schema)

    with pytest.raises(ConfigurationError, match=place):
        validate(parse_text("<r/>"), broken)


def test_a_missing_schema_is_a_mistake_of_the_installation(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.xsd"):
        validate(parse_text("<r/>"), tmp_path / "absent.xsd")
