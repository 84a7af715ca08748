"""The budgets of the code: what does not fit has more than one job."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("gateway", "workers") for path in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FILE_LINES = 400
TEST_FILE_LINES = 600
FUNCTION_LINES = 40
TEST_LINES = 30


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield node.name, lines - (doc.count("\n") + 1 if doc else 0)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_file_has_one_job(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES
    assert [(name, lines) for name, lines in functions(path) if lines > FUNCTION_LINES] == []


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_test_tells_one_short_story(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= TEST_FILE_LINES
    found = [(n, lines) for n, lines in functions(path) if n.startswith("test_") and lines > TEST_LINES]
    assert found == []
