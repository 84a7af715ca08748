"""The two versions of SOAP, and what differs between them on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.xml import namespaces


@dataclass(frozen=True, slots=True)
class Version:
    """One version of SOAP. ``code`` names its snapshots, ``root`` begins its addresses."""

    code: str
    root: str
    envelope: str
    media_type: str
    wsdl_binding: str
    client: str
    server: str

    @property
    def content_type(self) -> str:
        """Content type of an answer."""
        return f"{self.media_type}; charset=utf-8"


SOAP11: Final = Version("1.1", "/soap", namespaces.SOAP11, "text/xml", namespaces.WSDL_SOAP11, "Client", "Server")
SOAP12: Final = Version(
    "1.2", "/soap12", namespaces.SOAP12, "application/soap+xml", namespaces.WSDL_SOAP12, "Sender", "Receiver"
)
VERSIONS: Final = (SOAP11, SOAP12)
