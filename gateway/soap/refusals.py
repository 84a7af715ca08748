"""Refusals that the domain does not know: of SOAP and of HTTP itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from gateway.domain.errors import InvalidRequest, NotAuthenticated
from gateway.soap.versions import Version

Headers = tuple[tuple[str, str], ...]


class ProtocolFault(InvalidRequest):
    """A request that breaks SOAP or HTTP before any operation is reached.

    ``soap_code`` overrides the fault code (``VersionMismatch``, ``MustUnderstand``), ``status`` the HTTP status,
    ``version`` the envelope of the answer; ``headers`` go with the answer.
    """

    def __init__(
        self,
        message: str,
        *,
        soap_code: str | None = None,
        status: HTTPStatus | None = None,
        version: Version | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.soap_code = soap_code
        self.status = status
        self.version = version
        self.headers = headers


class CredentialsMissing(NotAuthenticated):
    """No credentials came at all: only then does HTTP challenge for them, so that all others get a plain fault."""

    status = HTTPStatus.UNAUTHORIZED
    headers: Headers = (("WWW-Authenticate", 'Basic realm="service-journal", charset="UTF-8"'),)


class ConnectionExposed(NotAuthenticated):
    """The request crossed a network in clear text: no challenge, for the password would come in clear text too."""

    status = HTTPStatus.FORBIDDEN
    headers: Headers = ()


HTTP_REFUSALS: Final = (ProtocolFault, CredentialsMissing, ConnectionExposed)
"""Refusals for which HTTP has a word of its own."""
