"""«Сервис обновления реестра УЦ» over the wire: who may launch it, what its log tells, whose certificate may sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from zeep.exceptions import Fault

from gateway.domain.roles import Role
from gateway.journal.engine import connect
from tests.support.over_the_wire import code_of
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import PASSWORD, add_account, add_organizations, gateway_command, running
from tests.support.waiting import eventually
from workers.demo.client import Services, sign_in
from workers.sandbox.ca import CaSandbox
from workers.sandbox.ca_issue import issue_certificate

CODE = "ca"
OID = "1.2.643.5.1.13.13.12.2.34.1"
OTHERS = {"of-mo": Role.MO_ADMIN, "statistician": Role.STATISTICIAN, "mis": Role.MIS}


@dataclass(frozen=True)
class Centre:
    """The running gateway and the register."""

    url: str
    database_url: str
    sandbox: CaSandbox

    def sign_in(self, login: str = "admin") -> Services:
        return sign_in(self.url, login, PASSWORD)

    def launch(self) -> Any:
        """«Запуск», and its record when it is over."""
        admin = self.sign_in()
        (launch_id,) = admin.control.StartService(serviceCode=CODE).launchId
        return eventually(lambda: _ended(admin, launch_id), 60, what="the launch ends", poll_s=0.1)


def _ended(admin: Services, launch_id: str) -> Any:
    record = admin.journal.GetLaunch(launchId=launch_id)
    return None if record.result == "RUNNING" else record


@pytest.fixture(scope="module")
def centre(server: ThrowawayPostgres, template: str) -> Iterator[Centre]:
    url = server.create_database(template)
    engine = connect(url, pool_size=1)
    ids = add_organizations(engine, [(OID, "Учебная больница", "340001")])
    add_account(engine, "admin", Role.DC_ADMIN)
    for login, role in OTHERS.items():
        add_account(engine, login, role, list(ids.values()))
    engine.dispose()
    sandbox = CaSandbox()
    sandbox.start(count=5)
    try:
        with running(url, {CODE: {"address": sandbox.url, "pause_s": "0.01"}}) as public_url:
            yield Centre(public_url, url, sandbox)
    finally:
        sandbox.stop()
        server.drop_database(url)


def test_the_service_is_launched_by_the_administrator_of_the_centre_alone(centre: Centre) -> None:
    (service,) = [s for s in centre.sign_in().journal.ListServices().services.service if s.code == CODE]
    assert (service.title, service.organizationChoice) == ("Сервис обновления реестра УЦ", "NONE")
    assert [column.title for column in service.launchColumns.column] == ["Запуск", "Завершение", "Результат"]
    for login in OTHERS:
        services = centre.sign_in(login)
        seen = services.journal.ListServices().services
        assert CODE not in [s.code for s in (seen.service if seen else [])]
        with pytest.raises(Fault) as refusal:
            services.control.StartService(serviceCode=CODE)
        assert code_of(refusal.value) == "NOT_FOUND"
    with pytest.raises(Fault) as refusal:
        centre.sign_in().control.StartService(serviceCode=CODE, organizationOids={"organizationOid": [OID]})
    assert code_of(refusal.value) == "INVALID_REQUEST"


def test_its_log_tells_what_happened(centre: Centre) -> None:
    centre.sandbox.publish()
    centre.sandbox.switches.update({"malformed": 1})
    launch = centre.launch()
    centre.sandbox.switches.reset()
    assert (launch.result, launch.resultTitle, launch.errorCount, launch.organizationOid) == (
        "SUCCESS",
        "Успешно",
        1,
        None,
    )
    assert launch.resultText.startswith("Импорт данных из сервиса УЦ завершён успешно: версия ")
    journal = centre.sign_in().journal
    events = journal.ListSessionEvents(launchId=launch.id).events.event
    assert events[-1].title == "Запуск импорта данных из сервиса УЦ"
    assert "Проверка подписи файла: подпись не проверена" in [event.title for event in events]
    assert all(event.finishedAt is not None for event in events)
    (error,) = journal.ListSessionErrors(launchId=launch.id).errors.error
    assert (error.stage, error.object) == ("Проверка по схеме", "Общество «Учебный УЦ № 1», ОГРН 1990000000001")
    with pytest.raises(Fault) as refusal:
        centre.sign_in("of-mo").journal.ListSessionErrors(launchId=launch.id)
    assert code_of(refusal.value) == "NOT_FOUND"


def test_a_failure_tells_the_status_of_the_server(centre: Centre) -> None:
    centre.sandbox.switches.update({"answer_status": 404})
    launch = centre.launch()
    centre.sandbox.switches.reset()
    assert (launch.result, launch.resultTitle) == ("FAILED", "Завершено с ошибкой")
    assert launch.resultText.startswith("Импорт данных из сервиса УЦ завершён с ошибкой: ")
    assert "HTTP 404" in launch.resultText


def test_a_certificate_is_judged_by_the_register(centre: Centre, tmp_path: Path) -> None:
    centre.sandbox.publish(statuses={3: "Прекращена"})
    assert centre.launch().result == "SUCCESS"
    told = {}
    for number in (2, 3, 77):
        file = tmp_path / f"{number}.cer"
        file.write_bytes(issue_certificate(number, "Иванова Тест Тестовна"))
        done = gateway_command("ca", "check", "--certificate", str(file), GATEWAY_DATABASE_URL=centre.database_url)
        told[number] = (done.returncode, done.stdout.splitlines()[-1])
    refusal = (1, "Сертификат выдан неаккредитованным УЦ, подписание невозможно.")
    assert told == {2: (0, "Сертификат выдан аккредитованным УЦ."), 3: refusal, 77: refusal}
