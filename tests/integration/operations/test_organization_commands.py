"""МО named by an administrator: one judge for the command and for the file, and all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.journal import registry
from gateway.journal.engine import connect
from tests.integration.operations.test_commands import refused, run

pytestmark = pytest.mark.usefixtures("closed_engines")

HELD = "1.2.643.9"


def kept(database_url: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Name and codes of every МО, by OID."""
    engine = connect(database_url, pool_size=1)
    with engine.connect() as connection:
        found = {row.oid: (row.name, dict(row.codes)) for row in registry.load_organizations(connection).values()}
    engine.dispose()
    return found


@pytest.fixture
def held(database_url: str) -> str:
    """A database where one МО has a code."""
    given = ("organization", "add", HELD, "Первая", "--code", "tfoms=340001", "--code", "region=34")
    assert run(*given, database=database_url).exit_code == 0
    return database_url


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("code,name\n1.2.3,A\n", "нужны столбцы oid и name"),
        ("", "нет ни одной строки"),
        ("oid,name\n1.2.3,A\n1.2.4, \n1.2.5\n", "строка 3: пустой oid или name; строка 4: пустой oid или name"),
        ("oid,name\n1.2.3,A,340001\n", "строка 2: значений больше, чем столбцов"),
        ("oid,name\n1.2.3,A\n1.2.04,B\n", "строка 3: нужен OID вида 1.2.643.5"),
        ("oid,name\n1.2.3,A\n 1.2.3,B\n", "строка 3: МО с этим OID уже названа выше"),
        ("oid,name,tfoms\n1.2.3,A,5\n1.2.4,B, 5\n", "строка 3: код tfoms уже у МО 1.2.3"),
        ("oid,name,tfoms\n1.2.3,A,340001\n", f"строка 2: код tfoms уже у МО {HELD}"),
    ],
)
def test_a_bad_list_changes_nothing(held: str, tmp_path: Path, content: str, words: str) -> None:
    before = kept(held)
    file = tmp_path / "organizations.csv"
    file.write_text(content, encoding="utf-8")
    refused(run("organization", "import", str(file), database=held), 1, words)
    assert kept(held) == before


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("delimiter", ",;")
def test_a_list_of_a_table_editor_is_read(database_url: str, tmp_path: Path, codec: str, delimiter: str) -> None:
    file = tmp_path / "organizations.csv"
    rows = (("OID", "name", "tfoms"), (" 1.2.3 ", " Больница ", " 990001 "))
    file.write_text("".join(f"{delimiter.join(row)}\r\n" for row in rows), encoding=codec)
    assert run("organization", "import", str(file), database=database_url).stdout == "Загружено МО: 1\n"
    assert kept(database_url) == {"1.2.3": ("Больница", {"tfoms": "990001"})}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("1.2.04", "Имя"), 1, "нужен OID вида 1.2.643.5"),
        (("1.2.4", " "), 1, "пустой oid или name"),
        (("1.2.4", "Имя", "--code", "tfoms"), 2, "СИСТЕМА=КОД"),
        (("1.2.4", "Имя", "--code", "tfoms= "), 2, "СИСТЕМА=КОД"),
        (("1.2.4", "Имя", "--code", "tfoms= 340001"), 1, f"код tfoms уже у МО {HELD}"),
    ],
)
def test_a_bad_organization_is_refused(held: str, arguments: tuple[str, ...], code: int, words: str) -> None:
    before = kept(held)
    refused(run("organization", "add", *arguments, database=held), code, words)
    assert kept(held) == before


def test_a_code_is_kept_by_its_holder_moves_in_one_file_and_is_shared_when_told(held: str, tmp_path: Path) -> None:
    assert run("organization", "add", HELD, "Новая", "--code", "tfoms=340001", database=held).exit_code == 0
    file = tmp_path / "organizations.csv"
    file.write_text(f"oid,name,tfoms,region\n1.2.3,Вторая,340001,34\n{HELD},Новая,340002,34\n", encoding="utf-8")
    refused(run("organization", "import", str(file), database=held), 1, "код region уже у МО 1.2.3")
    assert run("organization", "import", str(file), "--shared", "region", database=held).exit_code == 0
    listed = run("organization", "list", database=held, COLUMNS="150").stdout
    assert all(word in listed for word in (HELD, "Вторая", "region=34, tfoms=340001", "region=34, tfoms=340002"))


def test_a_list_that_is_piped_is_whole(held: str) -> None:
    oid, name = "1.2.643.5.1.13.13.12.2.34.3456.0.123456", "Учебная больница " * 9
    assert run("organization", "add", oid, name, "--code", "tfoms=340002", database=held).exit_code == 0
    listed = run("organization", "list", database=held, COLUMNS="80").stdout
    assert any(oid in line and name.strip() in line and "tfoms=340002" in line for line in listed.splitlines())


def test_the_mark_of_an_editor_is_no_part_of_a_password(held: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("1234567", encoding="utf-8-sig")
    given = ("account", "add", "root", "--role", "dc_admin", "--password-file", str(file))
    refused(run(*given, database=held), 2, "короче 8 знаков")
