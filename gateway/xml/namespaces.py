"""Every namespace name the project uses, so that no URI literal stands anywhere else."""

from __future__ import annotations

from typing import Final

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL_SOAP12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED: Final = DSIG + "enveloped-signature"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
GOST_DIGEST: Final = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34112012-"
GOST_SIGNATURE: Final = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:gostr34102012-gostr34112012-"

JOURNAL: Final = "urn:service-journal:journal:1"
CONTROL: Final = "urn:service-journal:control:1"
INTAKE: Final = "urn:service-journal:intake:1"
REPORT: Final = "urn:service-journal:report:1"
TFOMS: Final = "urn:service-journal:tfoms:1"
