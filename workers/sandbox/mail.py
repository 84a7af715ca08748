"""The stand-in mail server: SMTP with STARTTLS and AUTH (aiosmtpd), and a page of what it took.

Refused: mail before TLS and sign-in, a foreign sender, a letter without Message-ID, Date or both of its bodies, a
subject or name in raw eight bits. Letters are kept, never forwarded.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import socket
import ssl
import warnings
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.disk import temporary_folder
from workers.sandbox.commands import serve, serving, signing_in
from workers.sandbox.server import LOOPBACK, Request, Response, SandboxServer
from workers.sandbox.stand import Memory
from workers.sandbox.switches import Count, Switches, SwitchValues

# aiosmtpd tells every command it gets, addresses included.
logging.getLogger("mail.log").setLevel(logging.ERROR)

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS letters"
    " (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, recipient TEXT NOT NULL, content BLOB NOT NULL)"
)


class MailSwitches(SwitchValues):
    """``defer_next``: so many letters get 451. ``refuse_next``: so many get 550 at their recipient. ``close_next``: so
    many sessions end with 421. ``drop_before_next`` cuts the connection before a letter is read, ``take_and_drop_next``
    after it was kept.
    """

    defer_next: Count = 0
    refuse_next: Count = 0
    close_next: Count = 0


@dataclass(frozen=True, slots=True)
class LedgerLetter:
    """A letter that was taken."""

    message_id: str
    recipient: str
    content: bytes

    @property
    def letter(self) -> EmailMessage:
        """The letter, read."""
        return message_from_bytes(self.content, policy=default)


class MailSandbox:
    """One stand-in mail server in this process. ``switches`` may be changed at any moment."""

    def __init__(self) -> None:
        self.switches: Final = Switches(MailSwitches)

    def start(
        self,
        *,
        username: str,
        password: str,
        sender: str,
        port: int = 0,
        state: Path | None = None,
        host: str = LOOPBACK,
        admin_port: int = 0,
        implicit: bool = False,
    ) -> str:
        """Listen and return the address of the SMTP port (``smtp://…``); 0 takes a free port.

        ``implicit``: TLS from the first byte (``smtps://…``) instead of STARTTLS.

        Raises:
            OSError: a port is taken.
            ConfigurationError: the state file cannot be opened.
        """
        self.credentials, self.sender = (username, password), sender
        self._scheme = "smtps" if implicit else "smtp"
        with ExitStack() as opened:
            self._folder = opened.enter_context(temporary_folder("mail-"))
            self._letters = opened.enter_context(closing(_Letters(state, _SCHEMA)))
            self._pages = SandboxServer(_Pages(self), self.switches, {("GET", "/ledger"): lambda _: self.shown()})
            self._pages.start(host, 0, admin_port)
            opened.callback(self._pages.stop)
            self._controller = self._made(host, port, _server_context(host, self.ca_bundle), implicit=implicit)
            self._controller.start()
            opened.callback(self._controller.stop)
            self._opened = opened.pop_all()
        return self.url

    def _made(self, host: str, port: int, context: ssl.SSLContext, *, implicit: bool) -> _Controller:
        tls: dict[str, Any] = (
            {"ssl_context": context, "auth_require_tls": False}
            if implicit
            else {"tls_context": context, "require_starttls": True}
        )
        made = _Controller(
            _Handler(self),
            hostname=host,
            port=port,
            auth_required=True,
            authenticator=self._authenticate,
            ident="sandbox",
            **tls,
        )
        made.trusted = self.ca_bundle
        return made

    @property
    def ca_bundle(self) -> Path:
        """File with the certificate to trust."""
        return self._folder / "mail.pem"

    @property
    def url(self) -> str:
        """Address of the SMTP port."""
        server: Any = self._controller.server
        host, port = server.sockets[0].getsockname()[:2]
        return f"{self._scheme}://{host}:{port}"

    @property
    def admin_url(self) -> str:
        """Address of the switches, on the loopback."""
        return self._pages.admin_address

    def stop(self) -> None:
        """Close the ports."""
        self._opened.close()

    def keep(self, message_id: str, recipient: str, content: bytes) -> None:
        """Take a letter for good."""
        self._letters.keep(message_id, recipient, content)

    def ledger(self) -> list[LedgerLetter]:
        """Every letter that was taken."""
        return self._letters.all()

    def shown(self) -> list[dict[str, str]]:
        """The ledger for people."""
        return [
            {"recipient": each.recipient, "subject": str(each.letter["Subject"]), "messageId": each.message_id}
            for each in self.ledger()
        ]

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, mechanism: str, given: Any) -> AuthResult:
        known = [each.encode() for each in self.credentials]
        offered = [given.login, given.password] if isinstance(given, LoginPassword) else [b"", b""]
        same = [hmac.compare_digest(a, b) for a, b in zip(known, offered, strict=True)]
        return AuthResult(success=all(same) and mechanism in ("LOGIN", "PLAIN"), handled=False)


class _Letters(Memory):
    """The letters that were taken."""

    def keep(self, message_id: str, recipient: str, content: bytes) -> None:
        statement = "INSERT INTO letters (message_id, recipient, content) VALUES (?, ?, ?)"
        self._all(statement, message_id, recipient, content)

    def all(self) -> list[LedgerLetter]:
        rows = self._all("SELECT message_id, recipient, content FROM letters ORDER BY id")
        return [LedgerLetter(*row) for row in rows]


class _Controller(Controller):
    """Also finds itself where it was asked for any free port. ``trusted`` is the certificate of its TLS."""

    trusted: Path

    def factory(self) -> Any:
        """Make the protocol of one connection; one that began with TLS need not ask for it again."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return super().factory()  # type: ignore[no-untyped-call]  # aiosmtpd does not type it

    def _trigger_server(self) -> None:
        server: Any = self.server
        place = server.sockets[0].getsockname()[:2]
        with socket.create_connection(place, timeout=5) as knock:
            if self.ssl_context is None:
                knock.recv(512)
            else:
                context = ssl.create_default_context(cafile=self.trusted)
                with context.wrap_socket(knock, server_hostname=place[0]) as closed:
                    closed.recv(512)


class _Handler:
    """The hooks of aiosmtpd: what is taken and what is not."""

    def __init__(self, sandbox: MailSandbox) -> None:
        self._sandbox = sandbox

    async def handle_MAIL(self, server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 # aiosmtpd's name
        if self._sandbox.switches.take("close_next"):
            server.transport.write(b"421 4.3.2 closing\r\n")
            server.transport.close()
            return "421 4.3.2 closing"
        if address != self._sandbox.sender:
            return "553 5.7.1 sender is not yours"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 # aiosmtpd's name
        if self._sandbox.switches.take("refuse_next"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 # aiosmtpd's name
        switches = self._sandbox.switches
        if switches.take("drop_before_next"):
            server.transport.abort()
            await asyncio.sleep(0)
            return "451 4.3.0 dropped"
        if switches.take("defer_next"):
            return "451 4.7.1 try again later"
        refusal = _refusal(envelope.content)
        if refusal:
            return refusal
        letter = message_from_bytes(envelope.content, policy=default)
        for recipient in envelope.rcpt_tos:
            self._sandbox.keep(str(letter["Message-ID"]), recipient, envelope.content)
        if switches.take("take_and_drop_next"):
            server.transport.abort()
        return "250 OK"


def _refusal(content: bytes) -> str | None:
    head = content.partition(b"\r\n\r\n")[0]
    if not head.isascii():
        return "554 5.6.7 eight bits in headers"
    letter = message_from_bytes(content, policy=default)
    missing = [name for name in ("From", "To", "Date", "Message-ID", "Subject") if letter[name] is None]
    if missing:
        return f"554 5.6.0 no {', '.join(missing)}"
    kinds = {part.get_content_type() for part in letter.walk()}
    if not {"multipart/alternative", "text/plain", "text/html"} <= kinds:
        return "554 5.6.0 one body of two"
    return None


class _Pages:
    """The page of letters."""

    def __init__(self, sandbox: MailSandbox) -> None:
        self._sandbox = sandbox

    def submits(self, headers: Mapping[str, str]) -> bool:
        """See ``server.Application``."""
        del headers
        return False

    def failure(self, *, outage: bool) -> Response:
        """See ``server.Application``."""
        del outage
        return Response(HTTPStatus.SERVICE_UNAVAILABLE, b"", "text/plain")

    def handle(self, request: Request) -> Response:
        """See ``server.Application``."""
        if request.path != "/letters" or request.method != "GET":
            return Response(HTTPStatus.NOT_FOUND, b"", "text/plain")
        body = json.dumps(self._sandbox.shown(), ensure_ascii=False).encode()
        return Response(HTTPStatus.OK, body, "application/json; charset=utf-8")


def _server_context(host: str, place: Path) -> ssl.SSLContext:
    """TLS with a certificate made now, good for a day; ``place`` gets it for those who shall trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail sandbox")])
    now = datetime.now(UTC)
    try:
        place_name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        place_name = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([place_name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    place.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = place.with_suffix(".key")
    secret.touch(mode=0o600)
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(place, secret)
    return context


@click.command
@serving
@signing_in
@click.option(
    "--sender", default="noreply@example.org", show_default=True, help="Адрес, от которого принимается почта."
)
def command(**given: Any) -> None:
    """Почтовый сервер: SMTP со STARTTLS и AUTH."""
    sandbox = MailSandbox()
    serve("Почта", sandbox, lambda: f"{sandbox.start(**given)}, сертификат {sandbox.ca_bundle}")
