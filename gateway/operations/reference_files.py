"""Files of dictionaries: tables, the XML of the ФОМС and ФРНСИ portals, the JSON of ФРНСИ.

Shapes read:

* a table with a header (CSV, TSV);
* XML whose records are ``zap`` (классификаторы ФОМС: ``<packet><zglv>…<zap>``), ``insCompany`` (F002), ``medCompany``
  (F003), ``entry``, ``record`` or ``row`` (ФРНСИ), with a child per column;
* JSON with an array of records, ``list``, ``records``, ``rows``, ``data``, ``zap`` or the document itself; a record is
  an object, or a list of ``{"column": …, "value": …}`` as ФРНСИ's REST answers.
"""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import ijson
from lxml import etree

from gateway.domain.dictionaries import (
    ACTUAL_COLUMN,
    FROM_COLUMNS,
    TO_COLUMNS,
    Dictionary,
    Entry,
)
from gateway.domain.errors import GatewayError, InvalidRequest
from gateway.operations.source_files import Problems, Record, is_utf16, opened, table_records
from gateway.xml.records import iter_records

XML_RECORDS: Final = frozenset({"zap", "inscompany", "medcompany", "entry", "record", "row"})
JSON_ARRAYS: Final = frozenset({"", "list", "records", "rows", "data", "zap", "packet.zap"})
MAX_CODE: Final = 64
MAX_DIGITS: Final = 1000
_CHUNK_BYTES: Final = 64 * 1024
_ENDLESS: Final = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))
_DATE: Final = re.compile(
    r"(?:(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d\d)\.(?P<m2>\d\d)\.(?P<y2>\d{4})|"
    r"(?P<y3>\d{4})(?P<m3>\d\d)(?P<d3>\d\d))(?:[T ][\d:.+Z]*)?",
    re.ASCII,
)


def read_entries(path: Path, dictionary: Dictionary) -> Iterator[Entry]:
    """Yield the entries of a file, one after another; memory does not grow with the file.

    Entries that the file itself marks as no longer used are left out.

    Raises:
        InvalidRequest: the file cannot be read, has no record or no code column, or records are wrong: the message
            names their places. Raised at the end, when all were looked at; what was yielded is then of no worth.
    """
    problems = Problems(path.name)
    count = 0
    with opened(path) as stream:
        try:
            for record in _records(stream, dictionary, problems):
                count += 1
                if count == 1 and not any(name in record.values for name in dictionary.codes):
                    expected = " или ".join(dictionary.codes)
                    raise InvalidRequest(f"{path.name}: нет столбца с кодом, ожидается {expected}")
                entry = _entry(record, dictionary, problems)
                if entry is not None and not problems:
                    yield entry
        except InvalidRequest:
            raise
        except GatewayError as error:
            places = "; ".join(f"строка {f.line}: {f.message}" for f in error.findings[:3] if f.line)
            raise InvalidRequest(f"{path.name}: {places or error.message}") from error
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise InvalidRequest(f"{path.name}: запись {count + 1}: не читается как JSON") from error
    problems.require_none()
    if not count:
        raise InvalidRequest(f"{path.name}: нет ни одной записи")


def _records(stream: BinaryIO, dictionary: Dictionary, problems: Problems) -> Iterator[Record]:
    start = stream.read(256).lstrip(codecs.BOM_UTF8 + codecs.BOM_UTF16 + b"\0 \t\r\n")
    stream.seek(0)
    if start.startswith(b"<"):
        return _xml_records(stream, dictionary.period)
    if not start.startswith((b"{", b"[")):
        return table_records(stream, problems)
    return (_wide_json_records if is_utf16(stream, problems.file) else _json_records)(stream, problems)


def _wide_json_records(stream: BinaryIO, problems: Problems) -> Iterator[Record]:
    """UTF-16, turned into the UTF-8 that JSON is written in; on disk while it is read."""
    decoder = codecs.getincrementaldecoder("utf-16")()
    with tempfile.TemporaryFile() as target:
        while chunk := stream.read(_CHUNK_BYTES):
            target.write(decoder.decode(chunk).encode())
        target.seek(0)
        yield from _json_records(cast("BinaryIO", target), problems)


def _xml_records(stream: BinaryIO, period: str | None) -> Iterator[Record]:
    for element in iter_records(stream, XML_RECORDS):
        periods = [child for child in element if _name(child) == period]
        common = dict(_leaves(child for child in element if _name(child) != period))
        for own in [dict(_leaves(each)) for each in periods] or [{}]:
            yield Record(f"строка {element.sourceline}", common | own)


def _leaves(elements: Any) -> Iterator[tuple[str, str]]:
    for element in elements:
        if len(element):
            yield from _leaves(element)
        else:
            yield _name(element), element.text or ""


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname.lower()


def _refuse_endless_numbers(stream: BinaryIO, problems: Problems) -> None:
    """The reader of JSON does not survive a number of more digits than Python makes an integer of."""
    rest = b""
    while chunk := stream.read(_CHUNK_BYTES):
        if _ENDLESS.search(rest + chunk):
            raise InvalidRequest(f"{problems.file}: число длиннее {MAX_DIGITS} цифр")
        rest = chunk[-MAX_DIGITS:]


def _json_records(stream: BinaryIO, problems: Problems) -> Iterator[Record]:
    if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
        stream.seek(0)
    start = stream.tell()
    _refuse_endless_numbers(stream, problems)
    stream.seek(start)
    found = (prefix for prefix, event, _ in ijson.parse(stream) if event == "start_array" and prefix in JSON_ARRAYS)
    prefix = next(found, None)
    if prefix is None:
        return
    stream.seek(start)
    for number, item in enumerate(ijson.items(stream, f"{prefix}.item" if prefix else "item"), start=1):
        yield Record(f"запись {number}", {str(name).lower(): _text(value) for name, value in _pairs(item)})


def _pairs(item: object) -> Iterator[tuple[object, object]]:
    if isinstance(item, dict):
        yield from item.items()
    elif isinstance(item, list):
        for cell in item:
            if isinstance(cell, dict) and "column" in cell:
                yield cell["column"], cell.get("value")


def _text(value: object) -> str:
    """A value as a table would write it; an object inside a record is no value."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, Decimal):
        return _decimal(value)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _decimal(value: Decimal) -> str:
    """A number as people write it: 1.0 is 1, 1e2 is 100; one that nobody writes stays as it came."""
    if abs(value.adjusted()) > MAX_CODE:
        return str(value)
    return f"{value.normalize():f}" if value else "0"


def _entry(record: Record, dictionary: Dictionary, problems: Problems) -> Entry | None:
    values = record.values
    code = _first(values, dictionary.codes)
    if not code or len(code) > MAX_CODE:
        problems.note(record.place, f"код должен содержать от 1 до {MAX_CODE} знаков")
        return None
    if values.get(ACTUAL_COLUMN, "").strip() == "0":
        return None
    try:
        valid_from, valid_to = as_date(_first(values, FROM_COLUMNS)), as_date(_first(values, TO_COLUMNS))
    except ValueError:
        problems.note(record.place, "дата записана неверно, нужен вид 31.12.2026 или 2026-12-31")
        return None
    if valid_from and valid_to and valid_from > valid_to:
        problems.note(record.place, "дата окончания раньше даты начала")
        return None
    extra = {name: text for name in dictionary.extra if (text := values.get(name, "").strip())}
    title = " ".join(_first(values, dictionary.titles).split())
    if "\0" in f"{code}{title}{extra}":
        problems.note(record.place, "недопустимый знак")
        return None
    return Entry(dictionary.folded(code), title, valid_from, valid_to, extra)


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := values.get(name, "").strip())), "")


def as_date(text: str) -> date | None:
    """Read a date in the forms that dictionaries use; a time after it is dropped. None for an empty text.

    Raises:
        ValueError: there is no such date.
    """
    if not text:
        return None
    if (match := _DATE.fullmatch(text)) is None:
        raise ValueError("not a date")
    year, month, day = (
        next(filter(None, match.group(*names))) for names in (("y", "y2", "y3"), ("m", "m2", "m3"), ("d", "d2", "d3"))
    )
    return date(int(year), int(month), int(day))
