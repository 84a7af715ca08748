"""Where a request comes from: told by its connection, or by a proxy that this installation trusts."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from wsgiref.types import WSGIEnvironment

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORWARDED_FOR: Final = "HTTP_X_FORWARDED_FOR"
_FORWARDED_PROTO: Final = "HTTP_X_FORWARDED_PROTO"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one request comes from.

    ``private`` tells that nobody on the way can read it, ``certificate`` is the subject of the client certificate
    (RFC 2253) that a trusted proxy has verified.
    """

    address: str | None
    private: bool
    certificate: str | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom this installation believes; by default nobody, so that no header can say who calls.

    A trusted proxy must replace, never pass on, ``X-Forwarded-Proto`` and ``certificate_header``, and whoever can
    connect from its address can be any account: the gateway must listen where only the proxy reaches it.
    """

    proxies: tuple[Network, ...] = ()
    certificate_header: str = "X-Client-Certificate"
    plain_http: bool = False

    def origin(self, environ: WSGIEnvironment) -> Origin:
        """Tell where a request comes from."""
        peer = _address(environ.get("REMOTE_ADDR", ""))
        hops = [hop.strip() for hop in environ.get(_FORWARDED_FOR, "").split(",") if hop.strip()]
        # A forwarded request is not local, even where the proxy runs on this machine and was never declared.
        local = peer is not None and peer.is_loopback and not hops
        if peer is None or not self._covers(peer):
            return Origin(None if peer is None else str(peer), local or self.plain_http)
        certificate = environ.get(f"HTTP_{self.certificate_header.upper().replace('-', '_')}", "").strip()
        private = local or self.plain_http or environ.get(_FORWARDED_PROTO, "").strip().lower() == "https"
        return Origin(str(self._caller(peer, hops)), private, certificate or None)

    def _caller(self, peer: Address, hops: list[str]) -> Address:
        """Return the last hop that is not a proxy of ours: what stands before it anybody may have written."""
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                return peer
            if not self._covers(address):
                return address
        return peer

    def _covers(self, address: Address) -> bool:
        return any(address in network for network in self.proxies)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


NOBODY: Final = Trust()
"""No proxy, no plain HTTP."""
