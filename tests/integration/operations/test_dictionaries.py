"""A site's own dictionary of events and errors: its words reach those who ask, a file that does not fit is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.cli import main
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import ActorClaim
from gateway.soap.app import Application, build_wsgi
from gateway.soap.contract import SERVICES
from gateway.soap.versions import SOAP11
from gateway.xml.parser import parse
from tests.integration.soap.stubbed import URL, Stub, envelope, post
from tests.support.frm import OID, House, house
from workers.demo.parts import frm_data

JOURNAL = "urn:service-journal:journal:1"
CHECK = "Проверка данных МО перед отправкой"


class Centre(Stub):
    """Whoever signs in sees every МО."""

    def as_viewer(self, ctx: Context, account: Account, claim: ActorClaim | None, address: str | None) -> Viewer:
        del ctx, claim
        return Viewer(Account(account.id, account.login, Role.DC_ADMIN, None), address=address)


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine) as furnished:
        yield furnished


@pytest.fixture
def journal(home: House) -> Application:
    ctx = Context(home.engine, load_catalog(), Cursors(load_secret(home.engine)))
    return build_wsgi(ctx, public_url=URL, services=[s for s in SERVICES if s.code == "journal"], accounts=Centre())


def ask(journal: Application, operation: str, launch_id: UUID, *fields: str) -> list[tuple[str | None, ...]]:
    """These fields of every item that an operation of the journal lists over SOAP."""
    body = f'<{operation} xmlns="{JOURNAL}"><launchId>{launch_id}</launchId></{operation}>'
    answer = post(journal, SOAP11, "journal", envelope(SOAP11, body))
    assert answer.status == 200, answer.body
    (listed,) = (one for one in parse(answer.body).iter(f"{{{JOURNAL}}}result"))
    return [tuple(item.findtext(f"{{{JOURNAL}}}{field}") for field in fields) for item in listed[0]]


def own(tmp_path: Path, text: str) -> str:
    file = tmp_path / "словарь.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_sessions_of_frmo_are_told_in_the_words_of_the_site(home: House, journal: Application, tmp_path: Path) -> None:
    words = '[events]\ncheck = { code = 60, title = "Контроль" }\n[errors]\n212 = "Нужен год постройки"\n'
    home.submit(frm_data.faulty_hospital(OID, 1))
    launch = home.launch()
    home.perform(dictionary=own(tmp_path, words))
    assert ask(journal, "ListSessionEvents", launch, "code", "title") == [("60", "Контроль")]
    told = ask(journal, "ListSessionErrors", launch, "stage", "message")
    assert told == [
        ("Контроль", "Нужен год постройки"),
        ("Контроль", "Не указан вид подразделения"),
        ("Контроль", "В строке штатного расписания не указано количество ставок больше нуля"),
    ]


def test_sessions_of_frmr_are_told_in_the_words_of_the_site(home: House, journal: Application, tmp_path: Path) -> None:
    words = '[events]\ntransfer = { code = "8-1", title = "Работники" }\n[errors]\n621 = "ФРМР молчит"\n'
    home.submit(frm_data.persons(OID, 2), "frmr")
    home.sandbox.switches.update({"refuse_next": 1})
    launch = home.launch("frmr")
    home.perform(dictionary=own(tmp_path, words))
    assert ask(journal, "ListSessionEvents", launch, "code", "title") == [
        ("70", "Завершение передачи данных"),
        ("8-1", "Работники"),
        ("60", CHECK),
    ]
    assert ask(journal, "ListSessionErrors", launch, "stage", "message") == [("Работники", "ФРМР молчит")]


def test_a_launch_under_a_wrong_dictionary_tells_what_is_wrong(home: House, tmp_path: Path) -> None:
    home.submit(frm_data.hospital(OID))
    launch = home.launch()
    home.perform(dictionary=own(tmp_path, '[errors]\n999 = "Нет такой"\n'))
    assert home.result(launch) == ("FAILED", "Словарь событий и ошибок словарь.toml: обмен не знает ошибки 999")
    assert home.packets(launch, reads=True) == []


def checked(slug: str, **settings: str) -> list[str]:
    """What `gateway check` says of the settings of an exchange."""
    table = {"address": "http://127.0.0.1:1/", "client_id": "is", "key": "нет", "certificate": "нет", **settings}
    given = {"GATEWAY_SERVICES": json.dumps({slug: table}), "GATEWAY_DATABASE_URL": None}
    result = CliRunner().invoke(main, ["check"], env=given)
    assert result.exit_code == 1
    return [line.strip() for line in result.stdout.splitlines() if f"Обмен {slug}: настройки" in line]


@pytest.mark.parametrize("slug", ["frmo", "frmr"])
def test_check_refuses_a_wrong_dictionary_in_one_line(tmp_path: Path, slug: str) -> None:
    line = f"ошибка  Обмен {slug}: настройки: Словарь событий и ошибок словарь.toml: обмен не знает ошибки 999"
    assert checked(slug, dictionary=own(tmp_path, '[errors]\n999 = "Нет такой"\n')) == [line]
