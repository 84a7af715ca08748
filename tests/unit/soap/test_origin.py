"""Where a request comes from, and who is believed about it."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.soap.origin import NOBODY, Origin, Trust

TRUST = Trust((ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")), "X-Subject")


def told(**headers: str) -> dict[str, str]:
    return {name if name == "REMOTE_ADDR" else f"HTTP_{name}": value for name, value in headers.items()}


@pytest.mark.parametrize("peer", ["203.0.113.5", "2001:db9::1", "127.0.0.1"])
def test_a_stranger_is_not_believed(peer: str) -> None:
    headers = told(REMOTE_ADDR=peer, X_FORWARDED_FOR="192.0.2.1", X_FORWARDED_PROTO="https", X_SUBJECT="CN=any")
    assert TRUST.origin(headers) == Origin(peer, private=False, certificate=None)
    assert NOBODY.origin(headers) == Origin(peer, private=False, certificate=None)


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.66, 192.0.2.1, 10.0.0.9", "192.0.2.1"),
        ("10.0.0.9", "10.0.0.1"),
        ("192.0.2.66, unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_a_proxy_is_believed_about_the_hop_before_it(hops: str, address: str) -> None:
    found = TRUST.origin(told(REMOTE_ADDR="10.0.0.1", X_FORWARDED_FOR=hops, X_FORWARDED_PROTO="HTTPS"))
    assert found == Origin(address, private=True, certificate=None)


def test_a_proxy_is_believed_about_the_certificate() -> None:
    found = TRUST.origin(told(REMOTE_ADDR="2001:db8::5", X_FORWARDED_PROTO="https", X_SUBJECT="CN=mis,O=Clinic"))
    assert found.certificate == "CN=mis,O=Clinic"


@pytest.mark.parametrize(("peer", "private"), [("127.0.0.1", True), ("::1", True), ("192.0.2.1", False), ("", False)])
def test_only_this_machine_speaks_in_clear_text(peer: str, private: bool) -> None:
    assert NOBODY.origin(told(REMOTE_ADDR=peer)).private is private
    assert Trust(plain_http=True).origin(told(REMOTE_ADDR=peer)).private
