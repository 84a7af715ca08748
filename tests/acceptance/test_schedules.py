"""A site sets a schedule by the command line, and whoever asks over the wire sees when the service starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from subprocess import CompletedProcess
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from zeep.exceptions import Fault

from tests.support.over_the_wire import SERVICE, SOAP11, SOAP12, Region, code_of, message_of
from tests.support.running import gateway_command
from tests.support.waiting import eventually

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
def service(region: Region) -> Iterator[Command]:
    """`gateway service …` on the running installation; the service is left as it was found."""
    url = region.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    given = {"GATEWAY_DATABASE_URL": url, "GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": region.sandbox.url}

    def command(*words: str) -> CompletedProcess[str]:
        done = gateway_command("service", *words, **given)
        assert done.returncode == 0, done.stderr
        return done

    yield command
    command("enable", SERVICE)
    command("schedule", SERVICE, "--off")


def shown(region: Region, version: str) -> Any:
    """The service's record in ListServices."""
    listed = region.sign_in("admin", version).journal.ListServices(groupCode="tfoms").services.service
    return next(one for one in listed if one.code == SERVICE)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_the_list_of_services_shows_when_a_service_starts(region: Region, service: Command, version: str) -> None:
    assert (shown(region, version).schedule, shown(region, version).nextStartAt) == (None, None)
    service("schedule", SERVICE, "30 3 1 1 *", "--time-zone", "Asia/Kamchatka")
    record = eventually(
        lambda: (one := shown(region, version)).nextStartAt and one, 20, what="the worker plans the start", poll_s=0.1
    )
    assert record.schedule == "30 3 1 1 * Asia/Kamchatka"
    local = record.nextStartAt.astimezone(ZoneInfo("Asia/Kamchatka"))
    assert (local.month, local.day, local.hour, local.minute) == (1, 1, 3, 30)
    assert record.nextStartAt > datetime.now(UTC)


def test_a_disabled_service_plans_nothing_and_says_why_it_does_not_start(region: Region, service: Command) -> None:
    service("schedule", SERVICE, "30 3 1 1 *")
    service("disable", SERVICE)
    record = shown(region, SOAP11)
    assert (record.schedule, record.nextStartAt) == ("30 3 1 1 * Europe/Moscow", None)
    assert (record.startAllowed, record.startRefusal) == (False, "Сервис отключён администратором")
    with pytest.raises(Fault) as caught:
        region.sign_in("admin").control.StartService(serviceCode=SERVICE)
    assert (code_of(caught.value), message_of(caught.value)) == ("CONFLICT", "Сервис отключён администратором")
