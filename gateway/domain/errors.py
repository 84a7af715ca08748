"""Typed errors: a code for machines, a Russian sentence for people, findings for integrators.

The codes are those of the SOAP contract; the front doors translate them, nothing here knows of SOAP.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """Code of a fault; the list is fixed by the SOAP contract."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_XML = "INVALID_XML"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    NOT_ALLOWED = "NOT_ALLOWED"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY = "TOO_MANY"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a document is refused.

    ``path`` names the place in the document (``/Referral/PERS/DR``, items counted from 1 where there are
    several), ``line`` counts from 1 and is None where no text line exists, ``code`` is a rule's code
    (``XSD``, ``301``), ``message`` is a Russian sentence that never quotes the document's values.
    """

    path: str
    line: int | None
    code: str
    message: str


def finding_lines(findings: Iterable[Finding]) -> str:
    """Findings as «Результат» shows them, one a line: code, sentence, place where there is one."""
    return "\n".join(f"{f.code}: {_placed(f)}" for f in findings)


def _placed(finding: Finding) -> str:
    line = "" if finding.line is None else f"строка {finding.line}"
    place = ", ".join(part for part in (finding.path.strip("/") and finding.path, line) if part)
    return f"{finding.message.removesuffix('.')} ({place})." if place else finding.message


class GatewayError(Exception):
    """Base of every expected failure. ``transient`` tells whether the same call may succeed later."""

    code: ErrorCode = ErrorCode.INTERNAL
    transient: bool = False

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.findings = findings


class InvalidRequest(GatewayError):
    """The request itself is wrong: an unknown cursor, a limit out of range, a field that contradicts another."""

    code = ErrorCode.INVALID_REQUEST


class InvalidXml(GatewayError):
    """The XML is not well-formed, breaks a limit of the parser or does not follow its schema."""

    code = ErrorCode.INVALID_XML


class NotAuthenticated(GatewayError):
    """Who calls is unknown. An unknown login and a wrong password look alike."""

    code = ErrorCode.NOT_AUTHENTICATED


class NotAllowed(GatewayError):
    """The caller is known, sees the thing, and may not do this with it."""

    code = ErrorCode.NOT_ALLOWED


class NotFound(GatewayError):
    """Nothing of that name exists for this caller."""

    code = ErrorCode.NOT_FOUND


class Conflict(GatewayError):
    """An action rule forbids it now; the message is the rule's reason."""

    code = ErrorCode.CONFLICT


class TooLarge(GatewayError):
    """More bytes than the limit that the message names."""

    code = ErrorCode.TOO_LARGE


class TooMany(GatewayError):
    """More items or more calls than the limit that the message names."""

    code = ErrorCode.TOO_MANY
    transient = True


class Unavailable(GatewayError):
    """A part the call needs does not answer now; repeating later is right."""

    code = ErrorCode.UNAVAILABLE
    transient = True


class ConfigurationError(GatewayError):
    """Settings, a manifest or a schema of this installation are wrong; the message says which and what to do."""
