"""`gateway reference` and `gateway baseline`: what they say, what they change, and that they change nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gateway.domain.repeats import UNKNOWN_CONTENT
from gateway.journal import registry
from gateway.journal.objects import submit
from tests.integration.operations.test_commands import refused, run
from tests.support.journaling import arrival, digest

pytestmark = pytest.mark.usefixtures("closed_engines")

OID, OTHER = "1.2.643.5.1.13.13.12.2.99.1", "1.2.643.5.1.13.13.12.2.99.2"
SERVICE, HEADER = "tfoms-hosp", "oid,object_type,object_id,content_hash,accepted_at\n"


@pytest.fixture
def ids(engine: Engine) -> dict[str, int]:
    with engine.begin() as connection:
        return {oid: registry.put_organization(connection, oid, "Учебная", {}) for oid in (OID, OTHER)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_dictionary_is_loaded_listed_and_not_loaded_twice(database_url: str, engine: Engine, file: Path) -> None:
    file.write_text("IDPR;PRNAME\n97;терапии\n112;хирургии\n", encoding="cp1251")
    given = ("reference", "load", "V002", str(file))
    assert run(*given, database=database_url).stdout == "Справочник V002: загружено записей: 2\n"
    assert run(*given, database=database_url).stdout == "Справочник V002: эта версия уже загружена\n"
    assert run(*given, "--valid-from", "01.09.2026", database=database_url).exit_code == 0
    file.write_text("IDPR;PRNAME\n97;терапии\n")
    assert run(*given, database=database_url).exit_code == 0
    brief = run("reference", "list", database=database_url, COLUMNS="160").stdout
    assert [brief.count(word) for word in ("V002", "на любую дату", "01.09.2026", "заменена")] == [2, 1, 1, 0]
    whole = run("reference", "list", "V002", database=database_url, COLUMNS="160").stdout
    assert [whole.count(word) for word in ("V002", "заменена")] == [3, 1]
    audited = rows(engine, "SELECT who, object, detail ->> 'entries' FROM audit_events ORDER BY id")
    assert audited == [("командная строка", "V002", number) for number in ("2", "2", "1")]


def test_a_wrong_dictionary_changes_nothing(database_url: str, engine: Engine, file: Path) -> None:
    file.write_text("IDPR;PRNAME;DATEBEG\n97;терапии;\n112;хирургии;завтра\n")
    refused(run("reference", "load", "V002", str(file), database=database_url), 1, "file.csv: строка 3: дата")
    refused(run("reference", "load", "V999", str(file), database=database_url), 1, "Нет справочника V999")
    refused(run("reference", "list", "V999", database=database_url), 1, "Нет справочника V999")
    assert rows(engine, "SELECT count(*) FROM reference_versions") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM reference_entries") == [(0,)]


def test_a_baseline_is_told_to_objects_and_kept_for_those_to_come(
    database_url: str, engine: Engine, ids: dict[str, int], file: Path
) -> None:
    with engine.begin() as connection:
        submit(connection, SERVICE, ids[OID], [arrival("1", "одно"), arrival("2", "другое")], None)
    held = digest("одно").hex()
    file.write_text(
        f"{HEADER}{OID},Referral,1,{held.upper()},\n{OID},Referral,2,,2026-03-01\n{OTHER},Referral,1,{held},\n"
    )
    first = run("baseline", "import", SERVICE, str(file), database=database_url).stdout
    assert first == "Строк: 3, документов отмечено принятыми: 2, ждут передачи документа: 1\n"
    again = run("baseline", "import", SERVICE, str(file), database=database_url).stdout
    assert again == "Строк: 3, документов отмечено принятыми: 0, ждут передачи документа: 0\n"
    told = rows(engine, "SELECT object_id, accepted_hash, due FROM source_objects ORDER BY object_id")
    assert told == [("1", digest("одно"), False), ("2", UNKNOWN_CONTENT, True)]
    audited = rows(engine, "SELECT object, organization_id FROM audit_events ORDER BY id")
    assert audited == [(SERVICE, ids[OID]), (SERVICE, ids[OTHER])]
    with engine.begin() as connection:
        submit(connection, SERVICE, ids[OTHER], [arrival("1", "одно"), arrival("3", "третье")], None)
    came = "SELECT object_id, accepted_hash FROM source_objects s JOIN organizations o ON o.id = s.organization_id"
    found = rows(engine, f"{came} WHERE o.oid LIKE '%.2' ORDER BY object_id")
    assert found == [("1", digest("одно")), ("3", None)]
    assert rows(engine, "SELECT count(*) FROM baseline_objects") == [(0,)]


@pytest.mark.parametrize(
    ("state", "taken"),
    [
        ("last_status = NULL", True),
        ("last_status = NULL, accepted_hash = 'earlier baseline'", True),
        ("last_packet_id = gen_random_uuid(), last_status = 'REJECTED'", True),
        ("last_packet_id = gen_random_uuid(), last_status = 'ACCEPTED', accepted_hash = 'x'", False),
        ("last_packet_id = gen_random_uuid(), last_status = 'ACCEPTED', deleted = true", False),
        ("last_packet_id = gen_random_uuid(), last_status = 'REJECTED', accepted_hash = 'x'", False),
    ],
)
def test_what_the_peer_accepted_of_us_stands_above_a_baseline(
    database_url: str, engine: Engine, ids: dict[str, int], file: Path, state: str, taken: bool
) -> None:
    with engine.begin() as connection:
        submit(connection, SERVICE, ids[OID], [arrival("1", "одно")], None)
        connection.execute(text(f"UPDATE source_objects SET {state}"))  # noqa: S608 # states named above
    file.write_text(f"{HEADER}{OID},Referral,1,,2026-03-01\n")
    assert run("baseline", "import", SERVICE, str(file), database=database_url).exit_code == 0
    assert rows(engine, "SELECT accepted_hash = 'baseline' FROM source_objects")[0][0] in (
        {True} if taken else {False, None}
    )


WRONG = {
    "no-organization": ("1.2.3,Referral,2,,2026-01-01\n", "строка 3: нет МО с таким OID"),
    "no-type": (f"{OID},Nothing,2,,2026-01-01\n", "строка 3: сервис принимает типы: Hospital"),
    "no-id": (f"{OID},Referral, ,,2026-01-01\n", "строка 3: object_id"),
    "short-hash": (f"{OID},Referral,2,abc,\n", "строка 3: content_hash"),
    "no-date": (f"{OID},Referral,2,,31.02.2026\n", "строка 3: accepted_at"),
    "neither": (f"{OID},Referral,2,,\n", "строка 3: не заполнен ни content_hash, ни accepted_at"),
    "twice": (f"{OID},Referral,2,,01.01.2026\n{OID},Referral,1,,01.01.2026\n", "строка 4: этот документ уже назван"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_baseline_changes_nothing(
    database_url: str, engine: Engine, ids: dict[str, int], file: Path, case: str
) -> None:
    with engine.begin() as connection:
        submit(connection, SERVICE, ids[OID], [arrival("1", "одно")], None)
    content, words = WRONG[case]
    file.write_text(f"{HEADER}{OID},Referral,1,,2026-01-01\n{content}")
    refused(run("baseline", "import", SERVICE, str(file), database=database_url), 1, words)
    assert rows(engine, "SELECT accepted_hash FROM source_objects") == [(None,)]
    assert rows(engine, "SELECT count(*) FROM baseline_objects") == [(0,)]
    assert rows(engine, "SELECT count(*) FROM audit_events") == [(0,)]


def test_a_baseline_of_nothing_or_of_no_service_is_refused(database_url: str, ids: dict[str, int], file: Path) -> None:
    assert ids
    for content, words in ((HEADER, "нет ни одной строки"), ("oid,object_id\n1.2.3,1\n", "нужны столбцы oid")):
        file.write_text(content)
        refused(run("baseline", "import", SERVICE, str(file), database=database_url), 1, words)
    refused(run("baseline", "import", "invented", str(file), database=database_url), 1, "Нет сервиса invented")
