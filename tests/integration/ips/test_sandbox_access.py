"""Who the stand-in ФРМО and ФРМР let in, the troubles they play on demand, and their ledger."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3

from gateway.domain.errors import ConfigurationError, InvalidRequest
from tests.support.ips import CLIENT, OID
from tests.support.ips_client import Client, Json, content_of
from workers.sandbox.ips import BY_SWITCH, IpsSandbox
from workers.sandbox.ips_tokens import KeyFiles, make_test_key


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "чужая система"},
        {"aud": "https://other.example"},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"iat": int(time.time()) + 600},
        {"exp": None},
        {"iat": None},
        {"exp": str(int(time.time()) + 60)},
        {"iat": str(int(time.time()))},
        {"sub": None},
        {"headers": {"typ": "JWT"}},
        {"headers": {"x5c": []}},
        {"headers": {"x5c": None}},
    ],
    ids="+".join,
)
def test_a_token_that_is_not_good_is_not_taken(client: Client, changes: Json) -> None:
    assert client.ask("GET", f"org/{OID}", token=client.token())[0] == 200
    assert client.ask("GET", f"org/{OID}", token=client.token(**changes))[0] == 401


def test_a_token_names_its_one_audience(client: Client) -> None:
    address = client.base.removesuffix("/ips/")
    for audience, status in ((address, 200), ([address], 401), ([address, "https://other.example"], 401)):
        assert client.ask("GET", f"org/{OID}", token=client.token(aud=audience))[0] == status


def test_a_token_signed_by_another_key_is_not_taken(client: Client, sandbox: IpsSandbox, tmp_path: Path) -> None:
    stranger = Client(sandbox, make_test_key(tmp_path))
    assert stranger.ask("GET", f"org/{OID}")[0] == 401
    stranger.x5c = client.x5c
    assert stranger.ask("GET", f"org/{OID}")[0] == 401
    for token in ("", "a.b.c", client.token().rpartition(".")[0] + "."):
        assert client.ask("GET", f"org/{OID}", token=token)[0] == 401


@pytest.mark.parametrize("moved", [{"valid": timedelta(seconds=-1)}, {"begins": timedelta(hours=1)}], ids="".join)
def test_a_certificate_is_not_taken_before_or_after_its_time(tmp_path: Path, moved: dict[str, timedelta]) -> None:
    key = make_test_key(tmp_path, **moved)
    running = IpsSandbox()
    running.start(client_id=CLIENT, certificate=key.certificate)
    try:
        assert Client(running, key).ask("GET", f"org/{OID}")[0] == 401
    finally:
        running.stop()


def test_a_file_that_is_no_certificate_is_told_at_once(key: KeyFiles) -> None:
    with pytest.raises(ConfigurationError):
        IpsSandbox().start(client_id=CLIENT, certificate=key.key)


@pytest.mark.parametrize(
    ("switch", "status"), [("unauthorized_next", 401), ("not_found_next", 404), ("failing_next", 500)]
)
def test_a_switch_makes_the_next_request_fail_and_change_nothing(
    sandbox: IpsSandbox, client: Client, switch: str, status: int
) -> None:
    sandbox.switches.update({switch: 1})
    assert client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))[0] == status
    assert sandbox.ledger() == ()
    client.create(f"org/building?oid={OID}", content_of("mo_building.create"))


def test_a_switch_refuses_with_http_200(sandbox: IpsSandbox, client: Client) -> None:
    sandbox.switches.update({"refuse_next": 1})
    status, answer = client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))
    assert (status, answer["errorUserMessage"], sandbox.ledger()) == (200, BY_SWITCH, ())


def test_an_outage_and_slowness(sandbox: IpsSandbox, client: Client) -> None:
    sandbox.switches.update({"outage": "fault"})
    assert client.ask("GET", f"org/{OID}")[0] == 500
    assert client.ask("DELETE", f"org/building?oid={OID}&entityId=1")[0] == 500
    sandbox.switches.reset()
    sandbox.switches.update({"slow_s": 0.2})
    begun = time.monotonic()
    assert client.ask("GET", f"org/{OID}")[0] == 200
    assert time.monotonic() - begun >= 0.2
    with pytest.raises(InvalidRequest):
        sandbox.switches.update({"slow_s": -1})


@pytest.mark.parametrize(("switch", "taken"), [("drop_before_next", 0), ("take_and_drop_next", 1)])
def test_a_dropped_connection_tells_nothing_but_the_ledger_does(
    sandbox: IpsSandbox, client: Client, switch: str, taken: int
) -> None:
    sandbox.switches.update({switch: 1})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.ask("POST", f"org/building?oid={OID}", content_of("mo_building.create"))
    assert len(sandbox.ledger()) == taken
    client.create(f"org/building?oid={OID}", content_of("mo_building.create"))
    assert len(sandbox.created_twice()) == taken


def test_the_ledger_is_served_and_outlives_a_restart(key: KeyFiles, tmp_path: Path) -> None:
    for creations in (1, 2):
        running = IpsSandbox()
        running.start(client_id=CLIENT, certificate=key.certificate, state=tmp_path / "ips.sqlite")
        Client(running, key).create(f"org/building?oid={OID}", content_of("mo_building.create"))
        served = urllib3.PoolManager().request("GET", running.admin_url + "/ledger").json()
        running.stop()
        assert [entry["operation"] for entry in served] == ["mo_building.create"] * creations
        assert len({entry["sha256"] for entry in served}) == 1
