"""A certification authority of a test, certificates it gives, and a TLS door before a plain server."""

from __future__ import annotations

import ipaddress
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CERTIFICATE: Final = Path(__file__).parents[1] / "integration" / "data" / "peer.test.pem"
"""A key and its self-signed certificate for 127.0.0.1, of a stand-in peer."""


class PrivateAuthority:
    """Signs certificates of servers; ``bundle`` is the file by which it is trusted."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._folder = folder
        self.bundle = folder / f"{name}.pem"
        basic = x509.BasicConstraints(ca=True, path_length=0)
        own = self._draft(self._name, self._key.public_key()).add_extension(basic, critical=True)
        self.bundle.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _draft(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(issuer_name=self._name, subject_name=name, public_key=key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )

    def context_for(self, address: str) -> ssl.SSLContext:
        """The TLS of a server at this IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        places = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = self._draft(name, key.public_key()).add_extension(places, critical=False)
        file = self._folder / f"server-{address}.pem"
        file.write_bytes(
            certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context


@contextmanager
def tls_door(target: tuple[str, int], context: ssl.SSLContext) -> Iterator[int]:
    """Port of a door that speaks TLS outside and plainly to the server behind it."""
    stop, threads = threading.Event(), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while not stop.is_set():
                if select.select([listener], [], [], 0.05)[0]:
                    caller, _ = listener.accept()
                    threads.append(threading.Thread(target=_carry, args=(caller, target, context, stop), daemon=True))
                    threads[-1].start()

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[0].start()
        yield listener.getsockname()[1]
        stop.set()
        for thread in threads:
            thread.join()


def _carry(caller: socket.socket, target: tuple[str, int], context: ssl.SSLContext, stop: threading.Event) -> None:
    """Carry bytes both ways until one side is done."""
    with caller:
        try:
            outer = context.wrap_socket(caller, server_side=True)
        except OSError:  # the caller does not trust us
            return
        with outer, socket.create_connection(target) as inner:
            while not stop.is_set():
                ready = [outer] if outer.pending() else select.select([outer, inner], [], [], 0.05)[0]
                for source in ready:
                    try:
                        data = source.recv(65536)
                        (inner if source is outer else outer).sendall(data)
                    except OSError:
                        return
                    if not data:
                        return
