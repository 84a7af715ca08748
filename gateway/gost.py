"""ГОСТ Р 34.11-2012 («Стрибог») and ГОСТ Р 34.10-2012: digests, and checking of signatures by certificates.

Two providers: the engine of OpenSSL (Debian: ``libengine-gost-openssl``) and, where it is not there, ``gostcrypto``,
which is in Python and some hundred times slower. A signature is ``s || r``, big-endian, as the engine and CryptoPro
write it into XML signatures.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

from gateway.domain.errors import ConfigurationError, InvalidRequest

MAX_SLOW_BYTES: Final = 16 * 1024 * 1024
"""What the slow provider takes: about a minute and a half of work."""
_ENGINE_ALL: Final = 0xFFFF
_KEY_OIDS: Final = {bytes.fromhex("2a85030701010101"): 256, bytes.fromhex("2a85030701010102"): 512}
"""1.2.643.7.1.1.1.1 and .2: ГОСТ Р 34.10-2012 keys of 256 and 512 bits."""
_CURVES: Final = {
    "2a850302022301": "id-tc26-gost-3410-2012-256-paramSetB",  # CryptoPro A (RFC 7836, RFC 4357)
    "2a850302022302": "id-tc26-gost-3410-2012-256-paramSetC",  # CryptoPro B
    "2a850302022303": "id-tc26-gost-3410-2012-256-paramSetD",  # CryptoPro C
    "2a850302022400": "id-tc26-gost-3410-2012-256-paramSetB",  # CryptoPro XchA
    "2a850302022401": "id-tc26-gost-3410-2012-256-paramSetD",  # CryptoPro XchB
    "2a8503070102010101": "id-tc26-gost-3410-2012-256-paramSetA",
    "2a8503070102010102": "id-tc26-gost-3410-2012-256-paramSetB",
    "2a8503070102010103": "id-tc26-gost-3410-2012-256-paramSetC",
    "2a8503070102010104": "id-tc26-gost-3410-2012-256-paramSetD",
    "2a8503070102010201": "id-tc26-gost-3410-12-512-paramSetA",
    "2a8503070102010202": "id-tc26-gost-3410-12-512-paramSetB",
    "2a8503070102010203": "id-tc26-gost-3410-2012-512-paramSetC",
}
"""Parameter sets of keys (OID in DER, hexadecimal) by the names that gostcrypto gives them."""


class Hasher(Protocol):
    """A digest in the making."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""
        ...

    def digest(self) -> bytes:
        """End and tell the digest."""
        ...


class Gost(Protocol):
    """A provider. ``max_bytes`` is what it can digest in bearable time, None for anything. Bits are 256 or 512."""

    max_bytes: int | None

    def hasher(self, bits: int) -> Hasher:
        """Begin a digest."""
        ...

    def verifies(self, certificate: bytes, bits: int, data: bytes, signature: bytes) -> bool:
        """Tell whether the key of a certificate (DER) made the signature of these bytes.

        Raises:
            InvalidRequest: the certificate is none with a key of so many bits.
        """
        ...


@cache
def find_gost() -> Gost:
    """The best provider of this machine."""
    try:
        return EngineGost()
    except ConfigurationError:
        return SlowGost()


class EngineGost:
    """The engine of OpenSSL 3, through ``libcrypto``; safe to use from any thread."""

    max_bytes: int | None = None

    def __init__(self) -> None:
        """Load the engine.

        Raises:
            ConfigurationError: this machine has none.
        """
        name = ctypes.util.find_library("crypto")
        try:
            self._lib: Any = ctypes.CDLL(name)
            self._describe()
            self._lib.OPENSSL_init_crypto(0, None)
            engine = self._lib.ENGINE_by_id(b"gost")
        except (OSError, AttributeError):
            engine = None
        if not engine or not self._lib.ENGINE_init(engine) or not self._lib.ENGINE_set_default(engine, _ENGINE_ALL):
            raise ConfigurationError("Нет модуля ГОСТ для OpenSSL: установите пакет libengine-gost-openssl")
        self._digests = {bits: self._lib.EVP_get_digestbyname(b"md_gost12_%d" % bits) for bits in (256, 512)}

    def _describe(self) -> None:
        pointer, size, number, data = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p
        for name, result, arguments in (
            ("OPENSSL_init_crypto", number, [ctypes.c_uint64, pointer]),
            ("ENGINE_by_id", pointer, [data]),
            ("ENGINE_init", number, [pointer]),
            ("ENGINE_set_default", number, [pointer, ctypes.c_uint]),
            ("EVP_get_digestbyname", pointer, [data]),
            ("EVP_MD_CTX_new", pointer, []),
            ("EVP_MD_CTX_free", None, [pointer]),
            ("EVP_DigestInit_ex", number, [pointer, pointer, pointer]),
            ("EVP_DigestUpdate", number, [pointer, data, size]),
            ("EVP_DigestFinal_ex", number, [pointer, data, pointer]),
            ("EVP_DigestVerifyInit", number, [pointer, pointer, pointer, pointer, pointer]),
            ("EVP_DigestVerify", number, [pointer, data, size, data, size]),
            ("d2i_X509", pointer, [pointer, ctypes.POINTER(data), ctypes.c_long]),
            ("X509_get0_pubkey", pointer, [pointer]),
            ("X509_free", None, [pointer]),
            ("ERR_clear_error", None, []),
        ):
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments

    def hasher(self, bits: int) -> Hasher:
        """See :class:`Gost`."""
        return _EngineHasher(self._lib, self._digests[bits], bits)

    def verifies(self, certificate: bytes, bits: int, data: bytes, signature: bytes) -> bool:
        """See :class:`Gost`."""
        _require_key(certificate, bits)
        lib = self._lib
        found = lib.d2i_X509(None, ctypes.byref(ctypes.c_char_p(certificate)), len(certificate))
        context = lib.EVP_MD_CTX_new()
        try:
            key = lib.X509_get0_pubkey(found) if found else None
            if not key or not lib.EVP_DigestVerifyInit(context, None, self._digests[bits], None, key):
                raise InvalidRequest("Ключ сертификата подписавшего не читается.")
            return bool(lib.EVP_DigestVerify(context, signature, len(signature), data, len(data)) == 1)
        finally:
            lib.EVP_MD_CTX_free(context)
            lib.X509_free(found)
            lib.ERR_clear_error()


class _EngineHasher:
    def __init__(self, lib: Any, digest: Any, bits: int) -> None:
        self._lib = lib
        self._size = bits // 8
        self._context = lib.EVP_MD_CTX_new()
        lib.EVP_DigestInit_ex(self._context, digest, None)

    def update(self, data: bytes, /) -> None:
        self._lib.EVP_DigestUpdate(self._context, data, len(data))

    def digest(self) -> bytes:
        made = ctypes.create_string_buffer(self._size)
        self._lib.EVP_DigestFinal_ex(self._context, made, None)
        return made.raw

    def __del__(self) -> None:
        self._lib.EVP_MD_CTX_free(self._context)


class SlowGost:
    """``gostcrypto``, in Python alone."""

    max_bytes: int | None = MAX_SLOW_BYTES

    def hasher(self, bits: int) -> Hasher:
        """See :class:`Gost`."""
        return _SlowHasher(bits)

    def verifies(self, certificate: bytes, bits: int, data: bytes, signature: bytes) -> bool:
        """See :class:`Gost`."""
        from gostcrypto import gostsignature  # noqa: PLC0415 # needed only where signatures are checked

        key = _require_key(certificate, bits)
        curve = _CURVES.get(key.curve.hex())
        if curve is None or len(signature) != bits // 4:
            return False
        hasher = _SlowHasher(bits)
        hasher.update(data)
        half, modes = bits // 8, {256: gostsignature.MODE_256, 512: gostsignature.MODE_512}
        verifier = gostsignature.new(modes[bits], gostsignature.CURVES_R_1323565_1_024_2019[curve])
        turned = signature[half:] + signature[:half]
        point = key.point[:half][::-1] + key.point[half:][::-1]
        return bool(verifier.verify(bytearray(point), bytearray(hasher.digest()[::-1]), bytearray(turned)))


class _SlowHasher:
    """All bytes are digested in one go: gostcrypto 1.2.5 errs where pieces end together at the border of a block."""

    def __init__(self, bits: int) -> None:
        from gostcrypto import gosthash  # noqa: PLC0415 # needed only where signatures are checked

        self._hash = gosthash.new(f"streebog{bits}")
        self._data = bytearray()

    def update(self, data: bytes, /) -> None:
        self._data += data

    def digest(self) -> bytes:
        self._hash.update(self._data)
        return bytes(self._hash.digest())


@dataclass(frozen=True, slots=True)
class _Key:
    """A public key: its parameter set (OID in DER) and its point, x and y, each little-endian."""

    curve: bytes
    point: bytes


def _require_key(certificate: bytes, bits: int) -> _Key:
    """Read the key of a certificate (RFC 5280, 4.1; RFC 9215, 4).

    Raises:
        InvalidRequest: it has none of ГОСТ Р 34.10-2012 with so many bits.
    """
    try:
        (_, whole), *_ = _fields(certificate)
        (_, signed), *_ = _fields(whole)
        parts = [content for tag, content in _fields(signed) if tag != 0xA0]
        (_, algorithm), (_, text) = _fields(parts[5])
        (_, oid), (_, parameters), *_ = _fields(algorithm)
        (_, curve), *_ = _fields(parameters)
        (_, point), *_ = _fields(text[1:])
    except (IndexError, ValueError):
        oid = curve = point = b""
    if _KEY_OIDS.get(oid) != bits or len(point) != bits // 4:
        raise InvalidRequest(f"В сертификате подписавшего нет ключа ГОСТ Р 34.10-2012 на {bits} бит.")
    return _Key(curve, point)


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of values in DER that stand one after another; tags of one byte.

    Raises:
        IndexError, ValueError: they do not.
    """
    place = 0
    while place < len(data):
        tag, length, place = data[place], data[place + 1], place + 2
        if length & 0x80:
            size = length & 0x7F
            length, place = int.from_bytes(data[place : place + size]), place + size
        if place + length > len(data):
            raise ValueError("a value longer than what holds it")
        yield tag, data[place : place + length]
        place += length
