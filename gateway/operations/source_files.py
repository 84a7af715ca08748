"""Files that an administrator loads: read as a stream, in the encodings they come in, refused with the places."""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, NoReturn, cast

from gateway.domain.errors import InvalidRequest
from gateway.xml.limits import MIB
from gateway.xml.records import MAX_BYTES

MAX_PROBLEMS: Final = 10
DATA_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".xml", ".json"})
_CHUNK_BYTES: Final = 64 * 1024
_GLIMPSE_BYTES: Final = 256
SAVE_AS: Final = "сохраните файл в UTF-8"
_DELIMITERS: Final = "\t;,"


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: where it stands, for people («строка 7»), and its values by column in small letters."""

    place: str
    values: Mapping[str, str]


@dataclass(slots=True)
class Problems:
    """What is wrong with a file, gathered so that all is told at once; never holds its values."""

    file: str
    _found: list[str] = field(default_factory=list)

    def note(self, place: str, reason: str) -> None:
        """Remember a wrong place; the eleventh ends the reading.

        Raises:
            InvalidRequest: there are too many to go on.
        """
        if len(self._found) == MAX_PROBLEMS:
            self._found.append("и другие")
            self._refuse()
        self._found.append(f"{place}: {reason}")

    def require_none(self) -> None:
        """Refuse the file when anything was wrong.

        Raises:
            InvalidRequest: the message names every place.
        """
        if self._found:
            self._refuse()

    def __bool__(self) -> bool:
        return bool(self._found)

    def _refuse(self) -> NoReturn:
        raise InvalidRequest(f"{self.file}: {'; '.join(self._found)}")


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, or the one data file of a zip archive; the stream can be wound back.

    Raises:
        InvalidRequest: it cannot be read, or the archive holds no data file or several.
    """
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                stream.seek(0)
                yield stream
                return
            with zipfile.ZipFile(stream) as archive, _member(path.name, archive) as member:
                yield member
    except (zipfile.BadZipFile, zlib.error) as error:
        raise InvalidRequest(f"{path.name}: архив повреждён") from error
    except OSError as error:
        raise InvalidRequest(f"{path.name}: не читается: {error.strerror or 'ошибка чтения'}") from error


def _member(name: str, archive: zipfile.ZipFile) -> BinaryIO:
    found = [each for each in archive.infolist() if PurePosixPath(each.filename).suffix.lower() in DATA_SUFFIXES]
    if len(found) != 1:
        raise InvalidRequest(f"{name}: в архиве должен быть один файл данных, найдено {len(found)}")
    if found[0].file_size > MAX_BYTES:
        raise InvalidRequest(f"{name}: файл в архиве больше {MAX_BYTES // MIB} МиБ")
    try:
        return cast("BinaryIO", archive.open(found[0]))
    except RuntimeError as error:  # how zipfile tells of a password or of a method that it does not know
        raise InvalidRequest(f"{name}: архив зашифрован или сжат неизвестным способом") from error


def table_records(stream: BinaryIO, problems: Problems) -> Iterator[Record]:
    """Yield the rows of a table with a header, divided by tabs, semicolons or commas.

    Encodings: UTF-8, windows-1251, UTF-16 with its mark, as «Юникод» of table editors.

    A row with more values than columns is a problem, one with fewer has the rest empty; blank rows are passed over.

    Raises:
        InvalidRequest: no encoding fits, or the table is no CSV.
    """
    codec = _codec(stream, problems.file)
    text = io.TextIOWrapper(stream, encoding=codec, newline="")
    try:
        delimiter = _delimiter(text.readline())
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header = [name.strip().lower() for name in next(reader, [])]
        if len(set(header)) != len(header):
            problems.note("строка 1", "столбец назван дважды")
        for row in reader:
            if len(row) > len(header):
                problems.note(f"строка {reader.line_num}", "значений больше, чем столбцов")
            elif any(row):
                yield Record(f"строка {reader.line_num}", dict(zip(header, row, strict=False)))
    except csv.Error as error:
        raise InvalidRequest(f"{problems.file}: строка {reader.line_num}: не читается как CSV") from error
    finally:
        text.detach()


def is_utf16(stream: BinaryIO, name: str) -> bool:
    """Tell by its mark whether a file is UTF-16; the stream is wound back.

    Raises:
        InvalidRequest: it is UTF-16 without its mark, or UTF-32: the message says how to save it.
    """
    stream.seek(0)
    start = stream.read(_GLIMPSE_BYTES)
    stream.seek(0)
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) or (not marked and b"\0" in start):
        raise InvalidRequest(f"{name}: кодировка UTF-32 или UTF-16 без метки порядка байтов, {SAVE_AS}")
    return marked


def _codec(stream: BinaryIO, name: str) -> str:
    """UTF-16 by its mark, UTF-8 when the whole file is that, else windows-1251."""
    wide = is_utf16(stream, name)
    for codec in ("utf-16",) if wide else ("utf-8", "cp1251"):
        stream.seek(0)
        decoder = codecs.getincrementaldecoder(codec)()
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        stream.seek(0)
        return "utf-8-sig" if codec == "utf-8" else codec
    found = "файл UTF-16 повреждён" if wide else "кодировка не UTF-8 и не windows-1251"
    raise InvalidRequest(f"{name}: {found}, {SAVE_AS}")


def _delimiter(header: str) -> str:
    """What divides the names of the header most often; a single column has none, any will do."""
    return max(_DELIMITERS, key=header.count)
