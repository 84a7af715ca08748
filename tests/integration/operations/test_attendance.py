"""`gateway check` tells when nobody does the work that waits."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from gateway.journal import outbox
from gateway.journal.engine import WORKER, connect
from gateway.journal.outbox import Task
from tests.integration.operations.test_commands import run

pytestmark = pytest.mark.usefixtures("closed_engines")


def checked(url: str) -> tuple[int, str]:
    """Exit code of the check, and what it says of the exchanges."""
    result = run("check", database=url)
    (line,) = [line.strip() for line in result.stdout.splitlines() if "  Обмены" in line]
    return result.exit_code, line


def post(engine: Engine, seconds_ago: int) -> None:
    with engine.begin() as connection:
        outbox.post(connection, Task.ANSWERS, "tfoms-hosp")
        connection.execute(
            text("UPDATE outbox SET not_before = now() - make_interval(secs => :ago)"), {"ago": seconds_ago}
        )


@pytest.mark.parametrize(
    ("ago", "worker", "code", "mark", "words"),
    [
        (None, False, 0, "внимание", "ни один worker не работает; запустите"),
        (30, False, 0, "внимание", "ни один worker не работает; запустите"),
        (90, False, 1, "ошибка", "ни один worker не работает, запуски ждут: 1"),
        (90, True, 0, "внимание", "дольше минуты ждут: 1"),
        (30, True, 0, "в порядке", "Обмены"),
    ],
)
def test_nobody_works_is_told(
    database_url: str, ago: int | None, worker: bool, code: int, mark: str, words: str
) -> None:
    engine = connect(database_url, pool_size=1, application=WORKER if worker else "gateway")
    if ago is not None:
        post(engine, ago)
    with engine.connect():
        status, line = checked(database_url)
    engine.dispose()
    assert (status, line.startswith(mark), words in line) == (code, True, True), line
