"""Faults: one table from errors to SOAP, one typed detail everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from gateway.domain.errors import ErrorCode, Finding, GatewayError
from gateway.soap.refusals import HTTP_REFUSALS, ProtocolFault
from gateway.soap.shapes import record
from gateway.soap.transport import Response
from gateway.soap.versions import SOAP11, Version
from gateway.soap.writers import writer
from gateway.xml.text import escape

FAULT_ELEMENT: Final = "gatewayFault"

SERVER_CODES: Final = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})
"""Errors that are ours; every other one is the caller's."""

INTERNAL_MESSAGE: Final = "Внутренняя ошибка шлюза. Сообщите администратору номер correlationId."


@dataclass(frozen=True, slots=True)
class GatewayFault:
    """Описание ошибки."""

    code: Annotated[str, "Код ошибки"]
    message: Annotated[str, "Описание ошибки для пользователя"]
    findings: Annotated[tuple[Finding, ...], "Найденные в запросе ошибки"]
    correlation_id: Annotated[str, "Номер запроса для обращения к администратору"]


FAULT_SHAPE: Final = record(GatewayFault)


def fault(error: GatewayError, version: Version, namespace: str, correlation_id: str) -> Response:
    """Answer an error with a fault, in the envelope of ``version`` unless the error asks for another.

    HTTP status: 500 in SOAP 1.1 (its binding knows no other); in SOAP 1.2 400 for the sender's faults and 500 for
    the receiver's; 400, 401, 403, 405, 408, 413 and 415 where HTTP has its own word for it.
    """
    soap_code = version.server if error.code in SERVER_CODES else version.client
    if isinstance(error, ProtocolFault):
        version = error.version or version
        soap_code = error.soap_code or soap_code
    message = INTERNAL_MESSAGE if error.code is ErrorCode.INTERNAL else error.message
    detail = writer(FAULT_SHAPE)(GatewayFault(error.code, message, error.findings, correlation_id))
    body = (_BODY_11 if version is SOAP11 else _BODY_12).format(
        envelope=version.envelope,
        code=soap_code,
        message=escape(message),
        detail=f'<{FAULT_ELEMENT} xmlns="{namespace}">{detail}</{FAULT_ELEMENT}>',
    )
    headers = error.headers if isinstance(error, HTTP_REFUSALS) else ()
    return Response(_status(error, version), version.content_type, body.encode(), headers)


_BODY_11: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<soap:Envelope xmlns:soap="{envelope}"><soap:Body><soap:Fault>'
    "<faultcode>soap:{code}</faultcode><faultstring>{message}</faultstring><detail>{detail}</detail>"
    "</soap:Fault></soap:Body></soap:Envelope>"
)
_BODY_12: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<soap:Envelope xmlns:soap="{envelope}"><soap:Body><soap:Fault>'
    "<soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code>"
    '<soap:Reason><soap:Text xml:lang="ru">{message}</soap:Text></soap:Reason><soap:Detail>{detail}</soap:Detail>'
    "</soap:Fault></soap:Body></soap:Envelope>"
)


def _status(error: GatewayError, version: Version) -> HTTPStatus:
    if isinstance(error, HTTP_REFUSALS) and error.status is not None:
        return error.status
    if error.code is ErrorCode.TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if version is SOAP11 or error.code in SERVER_CODES:
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return HTTPStatus.BAD_REQUEST
