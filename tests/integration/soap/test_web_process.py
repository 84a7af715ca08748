"""One web process as an installation runs it: what becomes of it when its database goes away, or when it is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from lxml import etree
from psycopg.sql import SQL, Identifier

from gateway.domain.roles import Role
from gateway.journal.engine import connect
from gateway.operations.outages import AWAY
from gateway.soap.versions import SOAP11, SOAP12, VERSIONS, Version
from gateway.xml import namespaces
from gateway.xml.parser import parse
from tests.attacks.serving import Site, site
from tests.integration.soap.stubbed import envelope
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import PASSWORD, add_account
from tests.support.waiting import eventually

LIST = f'<ListServices xmlns="{namespaces.JOURNAL}"/>'


@pytest.fixture
def web(database_url: str, tmp_path: Path) -> Iterator[Site]:
    engine = connect(database_url, pool_size=1)
    add_account(engine, "admin", Role.DC_ADMIN)
    engine.dispose()
    (tmp_path / "tmp").mkdir()
    with site(database_url, tmp_path / "log", TMPDIR=str(tmp_path / "tmp")) as running:
        yield running


@contextmanager
def database_away(server: ThrowawayPostgres, url: str) -> Iterator[None]:
    """Let nobody into a database, and put out whoever is in."""
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        connection.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(name)))


def post(web: Site, version: Version, body: str) -> etree._Element:
    """What the journal answers to a body."""
    url = f"http://127.0.0.1:{web.port}{version.root}/journal"
    headers = {"Content-Type": version.content_type}
    answer = requests.post(url, envelope(version, body), headers=headers, auth=("admin", PASSWORD), timeout=60)
    return parse(answer.content)


def ask(web: Site, version: Version) -> tuple[str, str]:
    """Code and message of the fault, empty for an answer."""
    fault = next(post(web, version, LIST).iter("{*}gatewayFault"), None)
    return ("", "") if fault is None else (fault.findtext("{*}code", ""), fault.findtext("{*}message", ""))


def get(web: Site, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{web.port}{path}", timeout=60)


def test_a_database_that_is_away_is_told_plainly_and_its_return_needs_nothing(
    web: Site, server: ThrowawayPostgres, database_url: str
) -> None:
    assert ask(web, SOAP11) == ("", "")
    assert get(web, "/ready").status_code == 200
    with database_away(server, database_url):
        assert [ask(web, version) for version in VERSIONS] == [("UNAVAILABLE", AWAY)] * 2
        for path in ("/ready", "/reports/some.signed.link"):
            answer = get(web, path)
            assert (answer.status_code, answer.content.decode()) == (503, f"{AWAY}\n")
        assert get(web, "/healthz").status_code == 200, "the process itself is well: nobody need restart it"
    assert ask(web, SOAP12) == ("", "")
    assert get(web, "/ready").status_code == 200


def test_half_a_report_does_not_pass_for_a_whole_one(web: Site, database_url: str) -> None:
    order = f'<ExportReport xmlns="{namespaces.JOURNAL}"><kind>SERVICES</kind></ExportReport>'
    link = next(post(web, SOAP11, order).iter("{*}downloadUrl")).text or ""
    path = link[link.index("/reports/") :]
    whole = get(web, path)
    assert (whole.status_code, int(whole.headers["Content-Length"])) == (200, len(whole.content))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE report_chunks SET content = 'cannot be unpacked'")
    with pytest.raises(requests.RequestException):
        get(web, path)
    eventually(lambda: b"ERROR gateway.soap.front" in web.log.read_bytes(), 30, what="the log tells of it")


def answers_again(web: Site) -> bool:
    try:
        return ask(web, SOAP11) == ("", "")
    except requests.ConnectionError:
        return False


def test_a_killed_web_process_leaves_nothing_behind(web: Site, tmp_path: Path) -> None:
    assert ask(web, SOAP11) == ("", "")
    os.kill(web.pid, signal.SIGKILL)
    eventually(lambda: answers_again(web), 30, what="another process answers", poll_s=0.1)
    assert list((tmp_path / "tmp").iterdir()) == []
