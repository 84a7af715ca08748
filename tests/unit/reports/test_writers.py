from __future__ import annotations

import csv
import io

import pytest
import xmlschema
from lxml import etree

from gateway.catalog.registry import load_catalog
from gateway.reports.kinds import LISTINGS, Column, ReportFormat, ReportKind
from gateway.xml.namespaces import REPORT, XSD
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from tests.support.reporting import HOSTILE, RECORDS, SCHEMA, document, records_of


@pytest.mark.parametrize("kind", ReportKind)
def test_a_report_of_every_kind_follows_the_schema_by_two_implementations(kind: ReportKind) -> None:
    for records in ([RECORDS[kind]] * 3, []):
        report = document(kind, records)
        assert validate(parse(report), SCHEMA) == ()
        assert xmlschema.XMLSchema(SCHEMA).is_valid(io.BytesIO(report))


@pytest.mark.parametrize("kind", ReportKind)
def test_elements_are_written_in_the_order_of_the_schema(kind: ReportKind) -> None:
    listing = LISTINGS[kind]
    name = listing.item[0].upper() + listing.item[1:]
    found = etree.parse(SCHEMA).find(f"{{{XSD}}}complexType[@name='{name}']")
    assert found is not None
    assert tuple(element.get("name") for element in found.iter(f"{{{XSD}}}element")) == listing.elements


def test_every_declaration_of_the_schema_is_explained_in_russian() -> None:
    declarations = etree.parse(SCHEMA).iter(*(f"{{{XSD}}}{kind}" for kind in ("element", "attribute", "enumeration")))
    texts = [declaration.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation") for declaration in declarations]
    assert len(texts) > 100
    assert all(texts)


def test_hostile_text_stays_text() -> None:
    (record,) = records_of(document(ReportKind.PACKETS, [RECORDS[ReportKind.PACKETS]]))
    assert record["resultText"] == HOSTILE.replace("\x01", "\ufffd")
    root = parse(document(ReportKind.PACKETS, []))
    assert HOSTILE.replace("\x01", "\ufffd") in [c.text for c in root.iter(f"{{{REPORT}}}condition")]


def test_the_schema_refuses_what_a_report_never_holds() -> None:
    report = document(ReportKind.PACKETS, [RECORDS[ReportKind.PACKETS]])
    for old, new in ((b"REJECTED", b"SOMETHING"), (b'kind="PACKETS"', b'kind="X"'), (b"<attempts>1", b"<attempts>-1")):
        assert validate(parse(report.replace(old, new)), SCHEMA) != (), old


@pytest.mark.parametrize(
    ("zone", "xml", "cell", "named"),
    [
        ("Asia/Yekaterinburg", "14:30:05.000+05:00", "14:30:05", "UTC+05:00"),
        ("America/St_Johns", "06:00:05.000-03:30", "06:00:05", "UTC-03:30"),
        ("UTC", "09:30:05.000Z", "09:30:05", "UTC"),
    ],
)
def test_moments_are_written_in_the_zone_of_the_report(zone: str, xml: str, cell: str, named: str) -> None:
    records = [RECORDS[ReportKind.NOTIFICATIONS]]
    assert f"<formedAt>2026-03-02T{xml}</formedAt>" in document(ReportKind.NOTIFICATIONS, records, zone=zone).decode()
    table = document(ReportKind.NOTIFICATIONS, records, ReportFormat.CSV, zone).decode()
    assert f"02.03.2026 {cell}" in table
    assert table.count("UTC") == table.count(f" ({named});") == 1


def test_a_table_opens_in_a_spreadsheet_and_runs_nothing() -> None:
    table = document(ReportKind.PACKETS, [RECORDS[ReportKind.PACKETS]] * 2, ReportFormat.CSV)
    assert table.startswith(b"\xef\xbb\xbf")
    header, first, _ = csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""), delimiter=";")
    titles = [column.title for column in LISTINGS[ReportKind.PACKETS].columns]
    assert header == [titles[0], f"{titles[1]} (UTC+03:00)", *titles[2:]]
    row = dict(zip(header, first, strict=True))
    assert (row["Не отправлять пакет"], row["Данные пакета"], row["Ответ"]) == ("да", "2048", "")
    assert row["Результат"] == f"'{HOSTILE}"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_text_becomes_a_formula(text: str) -> None:
    values = list(RECORDS[ReportKind.SESSION_ERRORS])
    values[3] = text
    table = document(ReportKind.SESSION_ERRORS, [tuple(values)], ReportFormat.CSV).decode("utf-8-sig")
    *_, row = csv.reader(io.StringIO(table, newline=""), delimiter=";")
    assert row[1] == f"'{text}"


def test_every_column_of_every_manifest_can_be_reported() -> None:
    for exchange in load_catalog().exchanges.values():
        manifest = exchange.manifest
        logs = {
            "packets": ReportKind.PACKETS,
            "session": ReportKind.SESSION_EVENTS,
            "notifications": ReportKind.NOTIFICATIONS,
        }
        pairs = ((ReportKind.LAUNCHES, manifest.launch_columns), (logs[manifest.service.log], manifest.detail_columns))
        for kind, wanted in pairs:
            columns = tuple(Column(c.code, c.title) for c in wanted)
            assert [c.title for c in LISTINGS[kind].chosen(columns)] == [c.title for c in wanted], manifest.slug
