"""The server of the tests: databases that are made, copied and dropped."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.postgres import ThrowawayPostgres, session_server


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayPostgres]:
    with session_server() as throwaway:
        yield throwaway


def test_a_database_is_copied_from_a_template(server: ThrowawayPostgres) -> None:
    template = server.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE note (text text)")
    copy = server.create_database(template)
    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)
    server.drop_database(copy)
    server.drop_database(template)

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(copy)
