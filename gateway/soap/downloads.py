"""Long reports are fetched by plain GET at the signed link that ExportReport gave; ``?print`` asks for the page."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final
from wsgiref.types import StartResponse, WSGIEnvironment

from gateway.domain.errors import ErrorCode, GatewayError
from gateway.operations.context import Context
from gateway.operations.outages import answering
from gateway.operations.reports import PATH, open_report
from gateway.soap.origin import Trust

_STATUSES: Final = {
    ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ErrorCode.CONFLICT: HTTPStatus.CONFLICT,
    ErrorCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_SAFE: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_RETRY_S: Final = "5"


def is_report(path: str) -> bool:
    """Tell whether an address is that of a report."""
    return path.startswith(PATH)


def answer_download(
    ctx: Context, trust: Trust, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Give a report piece by piece, or say in Russian why there is none. The link is a right: it is never logged."""
    try:
        if environ["REQUEST_METHOD"] != "GET":
            return _say(start_response, HTTPStatus.METHOD_NOT_ALLOWED, "Отчёт получают методом GET.", ("Allow", "GET"))
        origin = trust.origin(environ)
        if not origin.private:
            return _say(start_response, HTTPStatus.FORBIDDEN, "Отчёты выдаются только по HTTPS.")
        token = environ["PATH_INFO"].removeprefix(PATH)
        printable = environ.get("QUERY_STRING", "") == "print"
        with answering():
            report = open_report(ctx, token, printable=printable, address=origin.address)
    except GatewayError as error:
        status = _STATUSES.get(error.code, HTTPStatus.BAD_REQUEST)
        again = (("Retry-After", _RETRY_S),) if error.transient else ()
        return _say(start_response, status, error.message, *again)
    shown = "inline" if printable else "attachment"
    disposition = ("Content-Disposition", f'{shown}; filename="{report.filename}"')
    length = ("Content-Length", str(report.size))  # without it half a report would pass for a whole one
    start_response("200 OK", [("Content-Type", report.media_type), length, disposition, *_SAFE])
    return report.content


def _say(start_response: StartResponse, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = f"{text}\n".encode()
    length = ("Content-Length", str(len(body)))
    start_response(
        f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8"), length, *_SAFE, *headers]
    )
    return [body]
