"""What `gateway up` publishes: the site's own word first, else a name by which it is reached."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway.cli_common import published_url
from gateway.settings import load_settings

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 # nothing listens


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine called hospital, without settings of ours."""
    for name in ("GATEWAY_PUBLIC_URL", "GATEWAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "gethostname", lambda: "hospital")
    return monkeypatch


def known_as(named: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let the machine's name stand for these addresses; for none, let nobody know it."""

    def found(name: str, _port: object) -> list[tuple[object, ...]]:
        assert name == "hospital"
        if not addresses:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    named.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
        ("journal.example", "http://journal.example:81"),
    ],
)
@pytest.mark.usefixtures("named")
def test_one_address_is_published_as_it_is(host: str, url: str) -> None:
    assert published_url(load_settings(), host, 81) == url


@pytest.mark.parametrize("host", EVERYWHERE)
@pytest.mark.parametrize(
    ("addresses", "name"),
    [
        (("192.0.2.1",), "hospital"),
        (("127.0.1.1", "fe80::1%eth0"), "hospital"),
        (("127.0.1.1", "::1"), "127.0.0.1"),
        ((), "127.0.0.1"),
    ],
)
def test_every_address_is_published_by_a_name_that_is_reached(
    named: pytest.MonkeyPatch, host: str, addresses: tuple[str, ...], name: str
) -> None:
    known_as(named, *addresses)
    assert published_url(load_settings(), host, 81) == f"http://{name}:81"


@pytest.mark.parametrize("host", ["127.0.0.1", *EVERYWHERE])
def test_what_the_site_publishes_wins(named: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('public_url = "https://file.example"\n')
    named.setenv("GATEWAY_CONFIG", str(config))
    assert published_url(load_settings(), host, 81) == "https://file.example"
    named.setenv("GATEWAY_PUBLIC_URL", "https://environment.example")
    assert published_url(load_settings(), host, 81) == "https://environment.example"
