"""SMS through an HTTP gateway: one form a message, as most gateways of SMS take it; the site names fields and answers.

Carried by :mod:`workers.transports.wire`: sent once, over a verified connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from workers.exchange import Fate, Handed, InDoubt, Message, NotSent, SignInRefused
from workers.transports.one_way import OneWay
from workers.transports.wire import HttpAnswer, Wire

PREFIX: Final = "field_"
_PLACES: Final = re.compile(r"\{(phone|digits|text|id)\}")
_WAIT: Final = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


def open_transport(_transport: manifest.Transport, settings: Mapping[str, str], _wsdl: Path | None) -> SmsHttpTransport:
    """Prepare requests; nothing is sent yet.

    Settings: ``address`` (http or https), every ``field_NAME`` a field of the form (``{phone}`` +7…, ``{digits}`` 7…,
    ``{text}``, ``{id}``), ``answer_ok`` (a regular expression that the body of a taken message matches,
    ``"code"\\s*:\\s*0\\b``), optional ``answer_later`` (refused now, repeating may help), ``idempotent`` (``true`` when
    the gateway knows a message by ``{id}`` and takes it once), and those of :class:`workers.transports.wire.Wire`.

    Raises:
        ConfigurationError: a setting is missing or wrong.
    """
    fields = {name.removeprefix(PREFIX): value for name, value in settings.items() if name.startswith(PREFIX)}
    named = {place for value in fields.values() for place in _PLACES.findall(value)}
    if "text" not in named or not named & {"phone", "digits"}:
        raise ConfigurationError("Настройки field_…: нужны поля с {text} и с {phone} или {digits}")
    idempotent = settings.get("idempotent", "false").lower() == "true"
    if idempotent and "id" not in named:
        raise ConfigurationError("Настройка idempotent: нужно поле с {id}")
    ok, later = (_pattern(settings, *each) for each in (("answer_ok", r'"code"\s*:\s*0\b'), ("answer_later", r"(?!)")))
    return SmsHttpTransport(Wire(settings), settings["address"], fields, (ok, later), repeats_safely=idempotent)


class SmsHttpTransport(OneWay):
    """Hands over SMS one by one; hears nothing of their delivery. For one run and one thread at a time."""

    def __init__(
        self,
        wire: Wire,
        address: str,
        fields: Mapping[str, str],
        answers: tuple[re.Pattern[str], re.Pattern[str]],
        *,
        repeats_safely: bool,
    ) -> None:
        self._wire = wire
        self._address = address
        self._fields = fields
        self._taken, self._later = answers
        self.repeats_safely = repeats_safely

    def send(self, messages: Sequence[Message]) -> Sequence[Handed]:
        """Hand over messages in turn; after the first that cannot be handed over the rest is not tried.

        Raises:
            SignInRefused: the gateway does not accept our name and password; nothing was taken.
        """
        handed: list[Handed] = []
        for message in messages:
            said = self._send(message)
            handed.append(said)
            if said.fate in (Fate.NOT_SENT, Fate.IN_DOUBT):
                break
        left = messages[len(handed) :]
        return [*handed, *(Handed(each.id, Fate.NOT_SENT, handed[-1].text) for each in left)]

    def _send(self, message: Message) -> Handed:
        values = {
            "phone": message.address,
            "digits": message.address.lstrip("+"),
            "text": message.text,
            "id": str(message.id),
        }
        form = {name: _PLACES.sub(lambda place: values[place[1]], given) for name, given in self._fields.items()}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        try:
            answer = self._wire.send("POST", self._address, headers, urlencode(form).encode())
        except NotSent as error:
            return Handed(message.id, Fate.NOT_SENT, str(error))
        except InDoubt as error:
            return Handed(message.id, Fate.IN_DOUBT, f"Исход неизвестен: {error}")
        return self._read(message, answer)

    def _read(self, message: Message, answer: HttpAnswer) -> Handed:
        """What an answer means; its text is not told, for it may quote the message."""
        peer = self._wire.peer
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SignInRefused(f"{peer} не принимает наши учётные данные (HTTP {answer.status})")
        if answer.status in _WAIT:
            return Handed(message.id, Fate.NOT_SENT, f"{peer} просит повторить позже (HTTP {answer.status})")
        body = answer.content.decode("utf-8", "replace")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Handed(message.id, Fate.IN_DOUBT, f"Исход неизвестен: ошибка шлюза (HTTP {answer.status})")
        if answer.status == HTTPStatus.OK and self._taken.search(body):
            return Handed(message.id, Fate.TAKEN, parts=1)
        fate = Fate.LATER if self._later.search(body) else Fate.REFUSED
        return Handed(message.id, fate, f"Шлюз SMS не принял сообщение (HTTP {answer.status})")

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _pattern(settings: Mapping[str, str], key: str, default: str) -> re.Pattern[str]:
    try:
        return re.compile(settings.get(key) or default)
    except re.error:
        raise ConfigurationError(f"Настройка {key}: нужно регулярное выражение") from None
