"""The gateway behind a real nginx with the configuration of ``deploy`` and certificates made for the occasion."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from gateway.domain.roles import Role
from gateway.journal import registry
from gateway.journal.engine import connect
from gateway.operations.passwords import hash_password
from tests.attacks.serving import LOGIN, OID, Reply, Site, read_reply, site
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import PASSWORD, add_organizations, free_port
from tests.support.waiting import eventually

CONFIGURATION: Final = Path(__file__).parents[2] / "deploy" / "nginx" / "gateway.conf"
SUBJECT: Final = "/O=Районная больница/CN=mis"
_OPENSSL: Final = ("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-utf8")


@dataclass(frozen=True, slots=True)
class Proxied:
    """nginx with the gateway behind it."""

    port: int
    folder: Path
    gateway: Site
    engine: Engine
    subject: str

    def connect(self, certificate: str | None = None, *, source: str = "127.0.0.1") -> ssl.SSLSocket:
        """Connect by TLS, with a client certificate by its name or without one."""
        context = ssl.create_default_context(cafile=str(self.folder / "servers.pem"))
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        plain = socket.create_connection(("127.0.0.1", self.port), 30, (source, 0))
        return context.wrap_socket(plain, server_hostname="gateway.test")

    def send(self, raw: bytes, certificate: str | None = None, *, source: str = "127.0.0.1") -> Reply:
        """Send bytes, and read one answer."""
        with self.connect(certificate, source=source) as connection:
            connection.sendall(raw)
            return read_reply(connection)

    def addresses(self) -> set[str]:
        """Addresses from which sign-ins were refused."""
        statement = text("SELECT DISTINCT detail->>'address' FROM audit_events WHERE action = 'sign-in-refused'")
        with self.engine.connect() as connection:
            return set(connection.execute(statement).scalars())


@contextmanager
def proxied(server: ThrowawayPostgres, template: str, folder: Path) -> Iterator[Proxied]:
    """Furnish and run both."""
    subject = _make_certificates(folder)
    url = server.create_database(template)
    engine = connect(url, pool_size=2)
    ids = list(add_organizations(engine, [(OID, "Районная больница", "340001")]).values())
    with engine.begin() as connection:
        registry.add_account(
            connection, LOGIN, hash_password(PASSWORD), Role.MIS, ids, may_act=False, certificate=subject
        )
    with site(url, folder / "gateway.log", GATEWAY_TRUSTED_PROXIES="127.0.0.1") as gateway:
        port = free_port()
        with _nginx(folder, port, gateway.port):
            yield Proxied(port, folder, gateway, engine, subject)
    engine.dispose()
    server.drop_database(url)


@contextmanager
def without_gateway(front: Proxied, folder: Path) -> Iterator[Proxied]:
    """Another nginx with the same certificates, behind which nothing listens."""
    for pattern in ("*.pem", "*.key"):
        for file in front.folder.glob(pattern):
            shutil.copy(file, folder)
    port = free_port()
    with _nginx(folder, port, free_port()):
        yield replace(front, port=port, folder=folder)


def _make_certificates(folder: Path) -> str:
    """Make two authorities and what they sign; return the subject of the registered client as nginx tells it."""
    for authority in ("servers", "clients", "strangers"):
        _openssl(folder, *_OPENSSL, "-x509", "-subj", f"/CN={authority}", *_files(authority))
    names = {"server": "/CN=gateway.test", "client": SUBJECT, "unknown": "/CN=unknown", "stranger": SUBJECT}
    signers = {"server": "servers", "client": "clients", "unknown": "clients", "stranger": "strangers"}
    for name, subject in names.items():
        alternative = ("-addext", "subjectAltName=DNS:gateway.test")
        by = ("-CA", f"{signers[name]}.pem", "-CAkey", f"{signers[name]}.key")
        _openssl(folder, *_OPENSSL, "-x509", *by, "-subj", subject, *alternative, *_files(name))
    told = _openssl(folder, "openssl", "x509", "-in", "client.pem", "-noout", "-subject", "-nameopt", "RFC2253")
    return told.strip().removeprefix("subject=")


def _files(name: str) -> tuple[str, ...]:
    return ("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2")


def _openssl(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@contextmanager
def _nginx(folder: Path, port: int, upstream: int) -> Iterator[None]:
    """Run nginx; only addresses and paths of the configuration are changed."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    for published, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server 127.0.0.1:8080": f"server 127.0.0.1:{upstream}",
        "/etc/nginx/gateway/clients-ca.pem": f"{folder}/clients.pem",
        "/etc/nginx/gateway/": f"{folder}/",
    }.items():
        assert published in text
        text = text.replace(published, here)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy"))
    user = "user root;" if os.geteuid() == 0 else ""  # only its owner may enter a folder of tests
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}{text} }}\n",
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: _answers(port) or running.poll() is not None, 20, what="nginx listens")
        assert running.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
        yield
    finally:
        running.terminate()
        running.wait(20)


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
