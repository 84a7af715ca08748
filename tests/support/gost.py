"""A signer of ГОСТ Р 34.10-2012 of a test: its certificate, written by hand, and documents that it signs."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gostcrypto import gosthash, gostsignature
from lxml import etree

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
FAMILY: Final = "urn:ietf:params:xml:ns:cpxmlsec:algorithms:"
C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
CURVES: Final = {
    256: ("id-tc26-gost-3410-2012-256-paramSetB", "2a850302022301"),
    512: ("id-tc26-gost-3410-12-512-paramSetA", "2a8503070102010201"),
}
KEYS: Final = {256: "2a85030701010101", 512: "2a85030701010102"}
DIGESTS: Final = {256: "2a85030701010202", 512: "2a85030701010203"}
SIGNATURES: Final = {256: "2a85030701010302", 512: "2a85030701010303"}


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + len(content).to_bytes(size) + content


def oid(written: str) -> bytes:
    return der(0x06, bytes.fromhex(written))


def digest(bits: int, data: bytes) -> bytes:
    made = gosthash.new(f"streebog{bits}")
    made.update(bytearray(data))
    return bytes(made.digest())


@dataclass(frozen=True)
class Signer:
    """One key of so many bits."""

    bits: int = 256
    seed: int = 7

    @property
    def _machine(self) -> gostsignature.GOST34102012:
        mode = {256: gostsignature.MODE_256, 512: gostsignature.MODE_512}[self.bits]
        return gostsignature.new(mode, gostsignature.CURVES_R_1323565_1_024_2019[CURVES[self.bits][0]])

    @property
    def _private(self) -> bytearray:
        return bytearray(self.seed.to_bytes(2) * (self.bits // 16 - 1) + b"\0\1")

    def sign(self, data: bytes) -> bytes:
        """``s || r``, big-endian."""
        made = bytes(self._machine.sign(self._private, bytearray(digest(self.bits, data)[::-1])))
        half = len(made) // 2
        return made[half:] + made[:half]

    @cached_property
    def certificate(self) -> bytes:
        """DER; signed by the same key."""
        point = bytes(self._machine.public_key_generate(self._private))
        half = len(point) // 2
        turned = point[:half][::-1] + point[half:][::-1]
        parameters = der(0x30, oid(CURVES[self.bits][1]), oid(DIGESTS[self.bits]))
        key = der(0x30, der(0x30, oid(KEYS[self.bits]), parameters), der(0x03, b"\0", der(0x04, turned)))
        name = der(0x30, der(0x31, der(0x30, oid("550403"), der(0x0C, f"signer {self.seed}".encode()))))
        algorithm = der(0x30, oid(SIGNATURES[self.bits]))
        validity = der(0x30, der(0x17, b"260101000000Z"), der(0x17, b"360101000000Z"))
        head = (der(0xA0, der(0x02, b"\2")), der(0x02, b"\x11"), algorithm, name, validity, name, key)
        signed = der(0x30, *head)
        return der(0x30, signed, algorithm, der(0x03, b"\0", self.sign(signed)))

    def signed(self, document: bytes, info: str | None = None) -> bytes:
        """The document with an enveloped signature as the last child of its root."""
        root = etree.fromstring(document)
        whole = digest(self.bits, etree.tostring(root, method="c14n", exclusive=True, with_comments=False))
        info = (info or self.info()).replace("{digest}", base64.b64encode(whole).decode())
        signature = etree.fromstring(f'<ds:Signature xmlns:ds="{DSIG}">{info}</ds:Signature>')
        value = self.sign(etree.tostring(signature[0], method="c14n", exclusive=True))
        for path, data in (("SignatureValue", value), ("KeyInfo/X509Data/X509Certificate", self.certificate)):
            parent = signature
            for name in path.split("/"):
                parent = etree.SubElement(parent, f"{{{DSIG}}}{name}")
            parent.text = base64.b64encode(data).decode()
        root.append(signature)
        return etree.tostring(root, xml_declaration=True, encoding="utf-8")

    def info(self, uri: str = "", transforms: tuple[str, ...] = (DSIG + "enveloped-signature", C14N)) -> str:
        named = "".join(f'<ds:Transform Algorithm="{each}"/>' for each in transforms)
        return (
            f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{C14N}"/><ds:SignatureMethod'
            f' Algorithm="{FAMILY}gostr34102012-gostr34112012-{self.bits}"/><ds:Reference URI="{uri}">'
            f'<ds:Transforms>{named}</ds:Transforms><ds:DigestMethod Algorithm="{FAMILY}gostr34112012-{self.bits}"/>'
            "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )
