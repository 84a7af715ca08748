from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.errors import TooLarge
from gateway.reports.kinds import LISTINGS, ReportKind
from gateway.reports.printing import MAX_PRINT_BYTES, printable_page
from tests.support.reporting import HOSTILE, RECORDS, document

XHTML = "{http://www.w3.org/1999/xhtml}"


def page_of(kind: ReportKind, number: int = 1) -> etree._Element:
    report = document(kind, [RECORDS[kind]] * number)
    return etree.fromstring(printable_page(len(report), (report[:100], report[100:])))


@pytest.mark.parametrize("kind", ReportKind)
def test_a_page_stands_alone_and_runs_nothing(kind: ReportKind) -> None:
    page = page_of(kind)
    tags = {etree.QName(element).localname for element in page.iter() if isinstance(element.tag, str)}
    assert tags <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "dl", "dt", "dd"} | {
        *("table", "thead", "tbody", "tr", "th", "td")
    }
    names = {str(name) for element in page.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or name in {"src", "href", "style"}}


@pytest.mark.parametrize("kind", ReportKind)
def test_a_page_has_the_columns_that_operators_know(kind: ReportKind) -> None:
    page = page_of(kind, 2)
    assert [cell.text for cell in page.iter(f"{XHTML}th")] == ["№", *(c.title for c in LISTINGS[kind].columns)]
    assert len(list(page.iter(f"{XHTML}tr"))) == 3


def test_values_read_as_people_write_them() -> None:
    cells = ["".join(cell.itertext()) for cell in page_of(ReportKind.PACKETS).iter(f"{XHTML}td")]
    assert cells[:2] == ["1", "да"]
    assert cells[2].startswith("02.03.2026 ")
    assert cells[-2:] == ["2048 байт", ""]
    assert HOSTILE.replace("\x01", "\ufffd") in cells
    about = ["".join(value.itertext()).strip() for value in page_of(ReportKind.PACKETS).iter(f"{XHTML}dd")]
    assert about[0].startswith("02.03.2026 ")
    assert about[1:3] == ["centre, АРМ", "01.03.2026 00:00:00"]


def test_an_empty_list_says_so() -> None:
    report = document(ReportKind.LAUNCHES, [])
    assert "Записей нет." in printable_page(len(report), (report,)).decode()


def test_a_page_longer_than_anybody_prints_is_refused_unread() -> None:
    with pytest.raises(TooLarge, match="8 МиБ"):
        printable_page(MAX_PRINT_BYTES + 1, iter(()))
