"""How the stand-in ИПС reads a request: its path, its query, its JSON body. Nothing is guessed, nothing passed over.

JSON is that of RFC 8259: UTF-8 without a byte order mark, each member once, no lone surrogates. The XSD of the register
judges it as the XML packet that it mirrors; what the mirror would lose or the XSD would forgive is refused before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from lxml import etree

from gateway.domain.errors import InvalidRequest
from workers.ips.checking import findings
from workers.ips.mirror import from_json, mistyped, text_of
from workers.ips.register import Operation, Register, load
from workers.sandbox.ips_state import Json
from workers.sandbox.server import Request

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?!24)[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
_WRITTEN: Final = {
    "xs:int": re.compile(r"-?[0-9]+"),
    "xs:boolean": re.compile(r"true|false"),
    "Instant": _INSTANT,
}
"""How a parameter is written; the XSD would take spaces around it, 1 for true, and the hour 24."""


def fits(template: str, path: str) -> dict[str, str] | None:
    """Return the parameters that a path gives to a template, or None when it does not fit."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found = {}
    for step, text in zip(wanted, given, strict=True):
        if step.startswith("{") and text:
            found[step.strip("{}")] = unquote(text)
        elif step != text:
            return None
    return found


def read(operation: Operation, in_path: Mapping[str, str], request: Request) -> tuple[dict[str, str], Json | None]:
    """Return the parameters and the content of a valid request; members of the content that are null are left out.

    Raises:
        InvalidRequest: it is not valid.
    """
    parameters = _parameters(operation, in_path, request.query)
    content = _content(request) if operation.has_content else None
    _check(operation, parameters, content)
    return parameters, None if content is None else {n: v for n, v in content.items() if v is not None}


def _parameters(operation: Operation, in_path: Mapping[str, str], query: str) -> dict[str, str]:
    pairs = [*parse_qsl(query, keep_blank_values=True), *in_path.items()]
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise InvalidRequest("Параметр задан дважды.")
    if any(name not in operation.parameters for name in parameters):
        raise InvalidRequest("В запросе есть неизвестный параметр.")
    for name, field in operation.parameters.items():
        text = parameters.get(name)
        if text is None:
            continue
        if field.required and not text.strip():  # the XSD takes an empty text, and it addresses nothing
            raise InvalidRequest(f"Параметр {name} не заполнен.")
        if field.type in _WRITTEN and not _WRITTEN[field.type].fullmatch(text):
            raise InvalidRequest(f"Параметр {name} записан неверно.")
    return parameters


def _content(request: Request) -> Json:
    declared = Message()
    declared["Content-Type"] = request.headers.get("content-type", "")
    if declared.get_content_type() != "application/json" or declared.get_content_charset("utf-8") != "utf-8":
        raise InvalidRequest("Содержание передаётся как application/json в UTF-8.")
    try:
        content = json.loads(request.body.decode(), object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise InvalidRequest("Тело запроса не является JSON.") from None
    if not isinstance(content, dict):
        raise InvalidRequest("Тело запроса должно быть объектом JSON.")
    return content


def _each_once(members: Sequence[tuple[str, Any]]) -> Json:
    content = dict(members)
    if len(content) != len(members):
        raise InvalidRequest("Поле задано дважды.")
    return content


def _check(operation: Operation, parameters: Mapping[str, str], content: Json | None) -> None:
    """Hold a request against the XSD of its register, as the XML packet that it mirrors."""
    register = load(operation.register)
    root = etree.Element(operation.name)
    request = etree.SubElement(root, "request")
    place = etree.SubElement(request, "parameters")
    for name in operation.parameters:
        if name in parameters:
            etree.SubElement(place, name).text = text_of(parameters[name])
    if content is not None:
        wrong = next(mistyped(content, operation.entity, register), None)
        if wrong is not None:
            raise InvalidRequest(f"Поле {wrong}: значение другого типа.")
        wrong = next(_miswritten(content, operation.entity, register), None)
        if wrong is not None:
            raise InvalidRequest(wrong)
        from_json(etree.SubElement(request, "content"), content, operation.entity, register)
    wrongs = findings(root, operation)
    if wrongs:
        raise InvalidRequest(f"{wrongs[0].path}: {wrongs[0].message}")


def _miswritten(content: Json, entity: str, register: Register, path: str = "") -> Iterator[str]:
    """What is wrong with members of the right type, though their mirror in XML would not show it."""
    fields = register.entities[entity]
    for name, value in content.items():
        where, field = f"{path}/{text_of(name)}", fields.get(name)
        if field is None:
            yield f"Поле {where}: такого поля нет."
            continue
        for one in () if value is None else value if field.item else [value]:
            if isinstance(one, dict):
                yield from _miswritten(one, field.type, register, where)
            elif isinstance(one, str) and text_of(one) != one:
                yield f"Поле {where}: недопустимый знак."
            elif field.type == "Instant" and not _INSTANT.fullmatch(one):
                yield f"Поле {where}: дата и время записываются как 2023-11-21T00:00:00Z."
