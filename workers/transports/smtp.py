"""E-mail over SMTP (RFC 5321) with verified TLS: one session a batch, one transaction a letter.

The dialogue is led command by command, for the one question that matters is whether the letter was already given away:
until its last line left it was not (RFC 5321, 4.1.1.4), after the server's answer it is known, between the two it is in
doubt (RFC 1047).
"""

from __future__ import annotations

import html
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import Fate, Handed, Message, NotSent, SignInRefused
from workers.transports.one_way import OneWay
from workers.transports.wire import positive

_BROKEN: Final = (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, smtplib.SMTPHeloError, OSError)
_SHUTTING_DOWN: Final = 421
_LINE_START_DOT: Final = re.compile(rb"(?m)^\.")
_PLACE: Final = "{id}"
_ADDRESS: Final = re.compile(r"https://[^\s<>\"]+")
_NO_LINK: Final = "Нет соединения с почтовым сервером"


def open_transport(_transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> SmtpTransport:
    """Prepare a session; nothing is opened yet.

    Settings: ``address`` (``smtp://host:587``, which must offer STARTTLS, or ``smtps://host:465``), ``sender`` (the
    address that people see), optional ``sender_name``, ``username`` and ``password`` (AUTH), ``ca_bundle``
    (certificates to trust instead of the system's), ``answer_s`` (30), and of exchanges whose letters lead to a page
    ``portal`` (``https://…{id}…``: where the reader finds what a letter tells of).

    Raises:
        ConfigurationError: a setting is wrong.
    """
    parts = urlsplit(settings["address"])
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigurationError("Настройка address: нужен адрес вида smtp://узел:587 или smtps://узел:465")
    try:
        sender = Address(settings.get("sender_name", ""), addr_spec=settings["sender"])
        context = ssl.create_default_context(cafile=settings.get("ca_bundle") or None)
    except (ValueError, IndexError):
        raise ConfigurationError("Настройка sender: нужен адрес электронной почты") from None
    except OSError:
        raise ConfigurationError("Настройка ca_bundle: файл с сертификатами не читается") from None
    if "portal" in settings:
        _check_portal(settings["portal"])
    return SmtpTransport((parts.hostname, parts.port), context, sender, settings, implicit=parts.scheme == "smtps")


class SmtpTransport(OneWay):
    """Hands over letters; hears nothing of their delivery. For one run and one thread at a time."""

    repeats_safely = False

    def __init__(
        self,
        place: tuple[str, int | None],
        context: ssl.SSLContext,
        sender: Address,
        settings: Mapping[str, str],
        *,
        implicit: bool,
    ) -> None:
        self._place = place
        self._context = context
        self._sender = sender
        self._settings = settings
        self._implicit = implicit
        self._answer_s = positive(settings, "answer_s", 30)
        self._smtp: smtplib.SMTP | None = None

    def send(self, messages: Sequence[Message]) -> Sequence[Handed]:
        """Hand over letters in turn; when the session breaks the rest is not tried.

        Raises:
            NotSent: no session.
            SignInRefused: the server does not accept our name and password.
        """
        smtp = self._session()
        handed: list[Handed] = []
        for message in messages:
            said = self._send(smtp, message)
            handed.append(said)
            if self._smtp is None:
                break
        left = messages[len(handed) :]
        return [*handed, *(Handed(each.id, Fate.NOT_SENT, "Связь с почтовым сервером прервалась") for each in left)]

    def _send(self, smtp: smtplib.SMTP, message: Message) -> Handed:
        """One mail transaction."""
        try:
            code, _ = smtp.docmd(f"MAIL FROM:<{self._sender.addr_spec}>")
            if code >= 400:  # whom the letters come from is refused: no letter is to blame
                self._drop()
                return Handed(message.id, Fate.NOT_SENT, f"Почтовый сервер не принимает отправителя (код {code})")
            for line in (f"RCPT TO:<{message.address}>", "DATA"):
                code, _ = smtp.docmd(line)
                if code >= 400:
                    return self._refused(smtp, message, code)
        except _BROKEN:
            self._drop()
            return Handed(message.id, Fate.NOT_SENT, "Связь с почтовым сервером прервалась до передачи письма")
        try:
            smtp.send(_LINE_START_DOT.sub(b"..", self._letter(message)) + b".\r\n")
            code, _ = smtp.getreply()
        except _BROKEN:
            self._drop()
            return Handed(message.id, Fate.IN_DOUBT, "Исход неизвестен: почтовый сервер не ответил на письмо")
        return self._refused(smtp, message, code) if code >= 400 else Handed(message.id, Fate.TAKEN, parts=1)

    def _refused(self, smtp: smtplib.SMTP, message: Message, code: int) -> Handed:
        """What a refusal means; its text is not told, for it may quote the address."""
        if code == _SHUTTING_DOWN:
            self._drop()
            return Handed(message.id, Fate.NOT_SENT, "Почтовый сервер закрывает сеанс (код 421)")
        fate = Fate.LATER if code < 500 else Fate.REFUSED
        try:
            smtp.rset()
        except _BROKEN:
            self._drop()
        return Handed(message.id, fate, f"Почтовый сервер не принял письмо (код {code})")

    def _letter(self, message: Message) -> bytes:
        letter = EmailMessage(policy=SMTP)
        letter["From"] = self._sender
        letter["To"] = message.address
        letter["Subject"] = message.subject
        letter["Date"] = format_datetime(localtime())
        letter["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text.strip() + "\n", cte="base64")
        letter.add_alternative(page_of(message.text), subtype="html", cte="base64")
        return letter.as_bytes()

    def _session(self) -> smtplib.SMTP:
        if self._smtp is not None:
            return self._smtp
        host, port = self._place
        try:
            if self._implicit:
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=self._answer_s, context=self._context)
            else:
                smtp = smtplib.SMTP(host, port or 587, timeout=self._answer_s)
            self._smtp = smtp
            smtp.ehlo_or_helo_if_needed()
            if not self._implicit:
                smtp.starttls(context=self._context)
                smtp.ehlo()
            if username := self._settings.get("username"):
                smtp.login(username, self._settings.get("password", ""))
        except ssl.SSLError:
            self._drop()
            raise NotSent("Не удалось установить защищённое соединение с почтовым сервером") from None
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            self._drop()
            if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code < 500:
                raise NotSent("Почтовый сервер просит войти позже") from None
            raise SignInRefused("Почтовый сервер не предлагает STARTTLS или не принимает имя и пароль") from None
        except (*_BROKEN, smtplib.SMTPException):
            self._drop()
            raise NotSent(_NO_LINK) from None
        return smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None

    def link(self, message_id: UUID) -> str:
        """Address of the page of what a letter tells of, by the setting ``portal``."""
        return self._settings["portal"].replace(_PLACE, str(message_id))

    def close(self) -> None:
        """End the session."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._drop()
        self._smtp = None


def _check_portal(portal: str) -> None:
    parts = urlsplit(portal)
    if parts.scheme != "https" or not parts.hostname or portal.count(_PLACE) != 1 or re.search(r"[\s<>\"]", portal):
        raise ConfigurationError("Настройка portal: нужен адрес вида https://узел/уведомления/{id}")


def page_of(text: str) -> str:
    """The same text as a page: a paragraph for every block between blank lines, addresses as links; nothing is fetched
    from outside.
    """
    blocks = [html.escape(block.strip()) for block in re.split(r"\n\s*\n", text.strip())]
    linked = [_ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', block).replace("\n", "<br>") for block in blocks if block]
    paragraphs = "".join(f"<p>{block}</p>" for block in linked)
    return f'<!DOCTYPE html><html lang="ru"><head><meta charset="utf-8"></head><body>{paragraphs}</body></html>'
