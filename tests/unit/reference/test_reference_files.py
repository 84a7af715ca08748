"""Files of dictionaries: every shape and encoding gives the same entries; what is wrong is told by its place."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from gateway.domain.dictionaries import DICTIONARIES, Entry, find_dictionary
from gateway.domain.errors import InvalidRequest
from gateway.operations.reference_files import as_date, read_entries

SURGERY = Entry("112", "хирургии", date(2011, 1, 1))
CLOSED = Entry("4", "Придуманный профиль", date(2011, 1, 1), date(2019, 12, 31))
TABLE = "IDPR;PRNAME;DATEBEG;DATEEND\n112;хирургии;01.01.2011;\n4;Придуманный  профиль;2011-01-01;31.12.2019\n"
PACKET = """<?xml version="1.0" encoding="{encoding}"?>
<packet><zglv><type>ProfOt</type><version>1.2</version><date>26.12.2025</date></zglv>
<zap><IDPR>112</IDPR><PRNAME>хирургии</PRNAME><DATEBEG>01.01.2011</DATEBEG><DATEEND/></zap>
<zap><IDPR>4</IDPR><PRNAME>Придуманный
  профиль</PRNAME><DATEBEG>2011-01-01</DATEBEG><DATEEND>31.12.2019</DATEEND></zap></packet>"""
ROWS: list[dict[str, object]] = [
    {"IDPR": 112, "PRNAME": "хирургии", "DATEBEG": "01.01.2011", "DATEEND": None},
    {"IDPR": "004", "PRNAME": "Придуманный профиль", "DATEBEG": "20110101", "DATEEND": "2019-12-31T00:00:00"},
]
CELLS = [[{"column": name, "value": value} for name, value in row.items()] for row in ROWS]
SHAPES: dict[str, bytes] = {
    "csv": TABLE.encode(),
    "csv-with-mark": b"\xef\xbb\xbf" + TABLE.encode(),
    "csv-1251": TABLE.encode("cp1251"),
    "csv-utf16": TABLE.encode("utf-16"),
    "csv-utf16-big": b"\xfe\xff" + TABLE.encode("utf-16-be"),
    "csv-commas-crlf": TABLE.replace(";", ",").replace("\n", "\r\n").encode(),
    "tsv-small-letters": TABLE.replace(";", "\t").lower().replace("придуманный", "Придуманный").encode(),
    "xml-1251": PACKET.format(encoding="windows-1251").encode("cp1251"),
    "xml-utf8": PACKET.format(encoding="UTF-8").encode(),
    "xml-utf16": PACKET.format(encoding="UTF-16").encode("utf-16"),
    "xml-entries": PACKET.format(encoding="UTF-8").replace("zap>", "entry>").replace("packet", "book").encode(),
    "json-list": json.dumps({"result": "OK", "total": 2, "list": ROWS}).encode(),
    "json-cells": json.dumps({"result": "OK", "list": CELLS}, ensure_ascii=False).encode(),
    "json-records": b"\xef\xbb\xbf" + json.dumps({"records": ROWS}).encode(),
    "json-utf16": json.dumps(ROWS, ensure_ascii=False).encode("utf-16"),
    "json-fractions": json.dumps(ROWS).replace("112,", "112.0,").encode(),
    "json-bare": json.dumps(ROWS).encode(),
}


def entries(path: Path, name: str = "V002") -> list[Entry]:
    return list(read_entries(path, DICTIONARIES[name]))


def written(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zip"])
def test_every_shape_gives_the_same_entries(tmp_path: Path, shape: str, packed: bool) -> None:
    path = written(tmp_path, SHAPES[shape])
    if packed:
        path = tmp_path / "file.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("V002.xsd", b"<schema/>")
            archive.writestr("V002." + shape.partition("-")[0], SHAPES[shape])
    assert entries(path) == [SURGERY, CLOSED]


def test_a_register_with_several_periods_gives_an_entry_for_each(tmp_path: Path) -> None:
    """Names of heads and addresses are left out: the journal keeps of a register what rules ask for."""
    content = """<packet date="26.12.2025" version="2.0"><medCompany><tf_okato>18000</tf_okato><mcod>340001</mcod>
      <nam_mop>Учебная больница</nam_mop><nam_mok>Учебная</nam_mok><fam_ruk>Примеров</fam_ruk>
      <jurAddress><addr_j>г. Образцов</addr_j></jurAddress>
      <medInclude><d_begin>01.01.2011</d_begin><d_end>31.12.2014</d_end></medInclude>
      <medInclude><d_begin>01.01.2016</d_begin></medInclude></medCompany></packet>"""
    first, second = entries(written(tmp_path, content), "F003")
    assert first == Entry("340001", "Учебная", date(2011, 1, 1), date(2014, 12, 31))
    assert second == Entry("340001", "Учебная", date(2016, 1, 1), None)


def test_what_a_file_marks_as_out_of_use_is_left_out(tmp_path: Path) -> None:
    rows = [
        {"ID": 1, "MKB_CODE": "A00", "MKB_NAME": "Холера", "ID_PARENT": 7, "ACTUAL": 1},
        {"ID": 2, "MKB_CODE": "A00.7", "MKB_NAME": "Выдуманная", "ACTUAL": 0},
    ]
    found = entries(written(tmp_path, json.dumps({"list": rows})), "MKB10")
    assert found == [Entry("A00", "Холера", extra={"id_parent": "7"})]


WRONG: list[tuple[str, bytes | str, str]] = [
    ("no-code-column", "NAME;DATEBEG\nхирургии;\n", "нет столбца с кодом, ожидается idpr или code или id"),
    ("no-code", "IDPR;PRNAME\n1;а\n ;б\n", "строка 3: код должен содержать"),
    ("long-code", f"IDPR;PRNAME\n{'9' * 65};а\n", "строка 2: код должен содержать"),
    ("no-such-date", "IDPR;DATEBEG\n1;31.02.2020\n", "строка 2: дата записана неверно"),
    ("not-a-date", "IDPR;DATEBEG\n1;давно\n", "строка 2: дата записана неверно"),
    ("backwards", "IDPR;DATEBEG;DATEEND\n1;01.01.2020;31.12.2019\n", "строка 2: дата окончания раньше"),
    ("too-many-values", "IDPR;PRNAME\n1;а;б\n", "строка 2: значений больше, чем столбцов"),
    ("column-twice", "IDPR;idpr\n1;2\n", "строка 1: столбец назван дважды"),
    ("open-quote", 'IDPR;PRNAME\n1;"а\n', "не читается как CSV"),
    ("nothing", "", "нет ни одной записи"),
    ("header-only", "IDPR;PRNAME\n", "нет ни одной записи"),
    ("no-encoding", b"IDPR;PRNAME\n1;\x98\xff\n", "кодировка не UTF-8 и не windows-1251"),
    ("utf16-no-mark", TABLE.encode("utf-16-le"), "без метки порядка байтов, сохраните файл в UTF-8"),
    ("utf16-cut", TABLE.encode("utf-16")[:-1], "файл UTF-16 повреждён, сохраните файл в UTF-8"),
    ("utf32", TABLE.encode("utf-32"), "сохраните файл в UTF-8"),
    ("xml-cut", "<packet>\n<zap><IDPR>1</IDPR></zap>\n<zap>", "строка 3: "),
    ("xml-doctype", "<!DOCTYPE a [<!ENTITY b 'c'>]><packet><zap><IDPR>&b;</IDPR></zap></packet>", "DOCTYPE"),
    ("xml-encoding", "<?xml version='1.0' encoding='koi8-r'?><packet/>", "Кодировка документа не поддерживается"),
    ("xml-no-record", "<packet><other><IDPR>1</IDPR></other></packet>", "нет ни одной записи"),
    ("xml-deep", "<packet>" * 17 + "</packet>" * 17, "Вложенность"),
    ("json-cut", '{"list": [{"IDPR": 1}, {"ID', "запись 2: не читается как JSON"),
    ("json-no-array", '{"result": "ERROR", "list": null}', "нет ни одной записи"),
    ("json-endless", '[{"IDPR": ' + "1" * 70_000 + "}]", "число длиннее 1000 цифр"),
    ("zip-empty", b"PK\x05\x06" + b"\0" * 18, "в архиве должен быть один файл данных, найдено 0"),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, content: bytes | str, words: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        entries(written(tmp_path, content))
    assert words in refusal.value.message
    assert refusal.value.message.startswith("file.csv: ")


@pytest.mark.parametrize(
    ("number", "code"),
    [("1.0", "1"), ("10.10", "10.1"), ("0.0", "0"), ("1e2", "100"), ('"007.0"', "007.0"), ("true", "1"), ("-0", "0")],
)
def test_a_number_is_a_code_as_people_write_it(tmp_path: Path, number: str, code: str) -> None:
    (entry,) = entries(written(tmp_path, f'[{{"MKB_CODE": {number}}}]'), "MKB10")
    assert entry.code == code


def test_a_number_of_endless_zeros_is_no_endless_code(tmp_path: Path) -> None:
    (entry,) = entries(written(tmp_path, '[{"MKB_CODE": 1E400000000}]'), "MKB10")
    assert entry.code == "1E+400000000"


def test_all_wrong_lines_are_told_at_once_but_not_without_end(tmp_path: Path) -> None:
    path = written(tmp_path, "IDPR;DATEBEG\n" + "1;давно\n1;\n" * 11)
    with pytest.raises(InvalidRequest, match=r"строка 2: .*строка 20: .*и другие") as refusal:
        entries(path)
    assert "строка 22" not in refusal.value.message
    assert "давно" not in refusal.value.message


@pytest.mark.parametrize("text", ["2026-03-09", "09.03.2026", "20260309", "09.03.2026 00:00:00", "2026-03-09T10:00Z"])
def test_dates_are_read_as_dictionaries_write_them(text: str) -> None:
    assert as_date(text) == date(2026, 3, 9)


def test_codes_are_compared_as_their_dictionary_does() -> None:
    assert [DICTIONARIES["V002"].folded(code) for code in ("097", "97", "0", "000")] == ["97", "97", "0", "0"]
    assert DICTIONARIES["F002"].folded("01001") == "01001"
    assert find_dictionary("X_WARDS") is not None
    assert [find_dictionary(name) for name in ("V999", "X_", "x_wards")] == [None, None, None]


def test_an_entry_holds_from_its_first_day_to_its_last() -> None:
    days = (date(2010, 12, 31), date(2011, 1, 1), date(2019, 12, 31), date(2020, 1, 1))
    assert [CLOSED.holds(day) for day in days] == [False, True, True, False]
    assert Entry("1", "").holds(date.min)
