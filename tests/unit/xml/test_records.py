"""Long documents record by record: what was read is let go, what is wrong is told where it stands."""

from __future__ import annotations

import io

import pytest

from gateway.domain.errors import InvalidXml
from gateway.xml.records import iter_records

NAMES = frozenset({"zap"})


def document(count: int) -> bytes:
    records = "".join(f"<ZAP n='{n}'><IDPR>{n}</IDPR></ZAP>\n" for n in range(count))
    return f"<packet>\n<zglv><type>выдуманный</type></zglv>\n{records}</packet>".encode()


def test_records_come_one_by_one_and_those_before_are_let_go() -> None:
    seen = []
    for record in iter_records(io.BytesIO(document(20_000)), NAMES):
        seen.append((record.get("n"), record.findtext("IDPR")))
        before = list(record.itersiblings(preceding=True))
        assert len(before) <= 1, "what was read stays in memory"
    assert seen == [(str(n), str(n)) for n in range(20_000)]


def test_lines_are_those_of_the_file() -> None:
    assert [record.sourceline for record in iter_records(io.BytesIO(document(3)), NAMES)] == [3, 4, 5]


def test_a_mistake_late_in_the_document_is_told_with_its_line() -> None:
    seen: list[int] = []
    records = iter_records(io.BytesIO(document(20_000).replace(b"</packet>", b"</packed>")), NAMES)
    with pytest.raises(InvalidXml) as refusal:
        seen.extend(record.sourceline or 0 for record in records)
    assert len(seen) > 10_000
    assert [finding.line for finding in refusal.value.findings] == [20_003]
    assert "packed" not in str(refusal.value.findings)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"not xml",
        b"\xff\xfe\x00\x00<",
        b"<?xml version='1.0' encoding='windows-1251'?><a>\x98</a>",
        b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        b"<!DOCTYPE a [<!ENTITY x 'y'>]><packet><zap>&x;</zap></packet>",
    ],
    ids=["empty", "blank", "text", "utf-32", "byte-of-no-letter", "external-dtd", "entity"],
)
def test_what_the_parser_refuses_is_refused_here_too(content: bytes) -> None:
    with pytest.raises(InvalidXml):
        list(iter_records(io.BytesIO(content), NAMES))
