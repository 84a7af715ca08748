"""«Возобновить передачу» of real sessions: what a launch tells of it, and the fault repeats letter for letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import Conflict, GatewayError, NotAllowed
from gateway.domain.roles import Account, Role, Viewer
from gateway.journal import launches, registry
from gateway.journal.schema import load_secret
from gateway.operations import launching
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.journal import get_launch
from tests.support.frm import OID, House, house
from workers.demo.parts import frm_data
from workers.exchanges.frmo import rules

OTHER = f"{OID.rpartition('.')[0]}.2"
EVENT = "Последнее событие сессии не «60. Проверка данных МО перед отправкой»"


@pytest.fixture
def home(engine: Engine) -> Iterator[House]:
    with house(engine, organizations=2) as furnished:
        yield furnished


def viewer(home: House, role: Role = Role.DC_ADMIN, *oids: str) -> Viewer:
    ids = [home.organizations[oid] for oid in oids]
    with home.engine.begin() as connection:
        added = registry.add_account(connection, f"{role}-{len(ids)}", "без пароля", role, ids, may_act=False)
    return Viewer(Account(added, str(role), role, frozenset(ids) or None))


@pytest.fixture
def centre(home: House) -> Viewer:
    return viewer(home)


def refusal(home: House, who: Viewer, launch: UUID) -> str | None:
    """Why the launch cannot be resumed, None when it can be; told alike by the launch and by the fault."""
    ctx = Context(home.engine, load_catalog(), Cursors(load_secret(home.engine)))
    shown = get_launch(ctx, who, launch)
    assert shown.can_resume == (shown.resume_refusal is None)
    if shown.can_resume:
        return None
    with pytest.raises(GatewayError) as fault:
        launching.resume_transfer(ctx, who, launch)
    assert isinstance(fault.value, Conflict | NotAllowed)
    assert fault.value.message == shown.resume_refusal
    return shown.resume_refusal


def stopped_at_its_check(home: House, oid: str = OID) -> UUID:
    home.submit(frm_data.faulty_hospital(oid, 1), oid=oid)
    return home.run(oid=oid)


def test_a_session_that_its_check_stopped_goes_on_until_it_is_well(home: House, centre: Viewer) -> None:
    launch = stopped_at_its_check(home)
    for _ in range(2):  # what is still wrong stops it again
        assert refusal(home, centre, launch) is None
        home.resume(launch)
        assert refusal(home, centre, launch) == "Сессия ещё выполняется"
        home.perform()
    home.submit(frm_data.corrected_hospital(OID, 1))
    home.resume(launch)
    home.perform()
    assert refusal(home, centre, launch) == "Сессия завершена успешно"


def test_a_session_that_went_past_its_check_is_launched_anew(home: House, centre: Viewer) -> None:
    home.submit(frm_data.hospital(OID))
    home.sandbox.switches.update({"refuse_writes_next": 1})
    launch = home.run()
    assert home.errors(launch)
    assert refusal(home, centre, launch) == EVENT


def test_a_session_without_a_single_event_is_launched_anew(home: House, centre: Viewer) -> None:
    launch = home.launch()
    home.perform(requests_per_s="много")
    assert (home.result(launch)[0], home.events(launch)) == ("FAILED", [])
    assert refusal(home, centre, launch) == EVENT


def test_a_session_stopped_in_its_check_before_any_error_is_launched_anew(
    home: House, centre: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check_together(*given: Any) -> Any:
        with home.engine.begin() as connection:
            launches.request_stop(connection, launch)
        return rules.check_together(*given)

    monkeypatch.setattr("workers.exchanges.frmo.session.check_together", check_together)
    home.submit(frm_data.hospital(OID))
    launch = home.launch()
    home.perform()
    assert (home.result(launch), home.events(launch)) == (("FAILED", "Остановлен оператором"), ["60"])
    assert refusal(home, centre, launch) == "Во время сессии не зарегистрированы ошибки"


def test_a_session_waits_for_another_of_its_organization_and_for_no_other(home: House, centre: Viewer) -> None:
    launch, other = stopped_at_its_check(home), stopped_at_its_check(home, OTHER)
    home.launch(oid=OTHER)
    assert refusal(home, centre, other) == "Сервис уже выполняется"
    assert refusal(home, centre, launch) is None


def test_a_session_is_resumed_by_those_who_may(home: House) -> None:
    launch = stopped_at_its_check(home)
    assert refusal(home, viewer(home, Role.MO_ADMIN, OID), launch) is None
    told = "Возобновление передачи не разрешено вашей роли"
    assert refusal(home, viewer(home, Role.MIS, OID, OTHER), launch) == told


@pytest.mark.parametrize("refused", [0, 1])
def test_sessions_of_frmr_are_never_resumed(home: House, centre: Viewer, refused: int) -> None:
    home.submit(frm_data.persons(OID, 1), "frmr")
    home.sandbox.switches.update({"refuse_next": refused})
    launch = home.run("frmr")
    assert refusal(home, centre, launch) == "Сервис не поддерживает возобновление передачи"
