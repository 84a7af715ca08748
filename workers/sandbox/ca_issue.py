"""Issues of the register of УЦ that the stand-in publishes: invented УЦ with real certificates, the same every time.

Keys are Ed25519 and made of the number of the УЦ, so that nothing is stored and the same УЦ has the same certificates
in every issue and in every process.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

ACTIVE: Final = "Действует"
FIRST_STATUS_AT: Final = "2022-01-01T00:00:00+03:00"
VALID_FROM: Final = datetime(2022, 1, 1, tzinfo=UTC)
VALID_TO: Final = datetime(2040, 1, 1, tzinfo=UTC)
PADDING: Final = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x04\x82\x03\x84" + b"\0" * 900)
"""Real certificates of УЦ are about so much longer than bare ones."""

_ADDRESS: Final = (
    "<Адрес><Страна>RU</Страна><Регион><Код>99</Код><Название>Учебная область</Название></Регион>"
    "<Индекс>999999</Индекс><УлицаДом>ул. Учебная, д. 1</УлицаДом><Город>г. Учебный</Город></Адрес>"
)


@dataclass
class Edition:
    """What one issue says. ``statuses`` are those of УЦ that have had more than the first, oldest first, each with its
    moment; ``withdrawn`` are numbers of УЦ that are no longer in it; ``keys`` is how many keys a УЦ has.
    """

    version: int = 1
    issued_at: str = "2026-01-01T03:00:00+03:00"
    count: int = 10
    keys: int = 1
    statuses: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Edition:
        """The same from plain values."""
        statuses = {int(n): [(s, at) for s, at in told] for n, told in values.pop("statuses", {}).items()}
        return cls(**values, statuses=statuses)

    def history(self, number: int) -> list[tuple[str, str]]:
        """Statuses of a УЦ, oldest first."""
        return [(ACTIVE, FIRST_STATUS_AT), *self.statuses.get(number, [])]


def inn(number: int) -> str:
    """ИНН of a УЦ, invented."""
    return f"99{number:08d}"


def ogrn(number: int) -> str:
    """ОГРН of a УЦ, invented."""
    return f"199{number:010d}"


def key(number: int, index: int = 0) -> Ed25519PrivateKey:
    """A key of a УЦ."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"УЦ {number}/{index}".encode()).digest())


@lru_cache(maxsize=2048)
def certificate(number: int, index: int = 0) -> bytes:
    """The certificate of a key of a УЦ, signed by itself, in DER."""
    own = key(number, index)
    name = _name(f"Учебный УЦ № {number}", f"ООО «Учебный УЦ № {number}»")
    builder = _builder(name, name, own, 1000 * number + index + 1).add_extension(PADDING, critical=False)
    return builder.sign(own, None).public_bytes(Encoding.DER)


def issue_certificate(number: int, subject: str, index: int = 0) -> bytes:
    """A certificate that a УЦ has issued to somebody, in DER."""
    issuer = x509.load_der_x509_certificate(certificate(number, index))
    own = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{number}/{subject}".encode()).digest())
    builder = _builder(_name(subject, "Учебная больница"), issuer.subject, own, 7_000_000 + number)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key(number, index).public_key())
    signed = builder.add_extension(identifier, critical=False).sign(key(number, index), None)
    return signed.public_bytes(Encoding.DER)


def document(edition: Edition, *, malformed: int = 0, broken: bool = False) -> Iterator[bytes]:
    """Yield the file УЦ by УЦ. The first ``malformed`` УЦ break the schema, ``broken``: the middle is not XML."""
    yield (
        '<?xml version="1.0" encoding="utf-8"?>\n<АккредитованныеУдостоверяющиеЦентры'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"<Версия>{edition.version}</Версия><Дата>{edition.issued_at}</Дата>\n"
    ).encode()
    for number in range(1, edition.count + 1):
        if number in edition.withdrawn:
            continue
        text = authority(edition, number)
        if number <= malformed:
            text = text.replace("<ДействуетС>", "<ДействуетС>с ")
        if broken and number == edition.count // 2 + 1:
            text = text.replace("</Название>", "<Название>", 1)
        yield text.encode()
    yield "</АккредитованныеУдостоверяющиеЦентры>\n".encode()


def authority(edition: Edition, number: int) -> str:
    """One УдостоверяющийЦентр."""
    told = [f"<Статус>{escape(s)}</Статус><ДействуетС>{at}</ДействуетС>" for s, at in edition.history(number)]
    history = "".join(f"<СтатусАккредитации>{each}</СтатусАккредитации>" for each in told)
    keys = "".join(_key(number, index) for index in range(edition.keys))
    return (
        f"<УдостоверяющийЦентр><Название>Общество «Учебный УЦ № {number}»</Название>"
        f"<ЭлектроннаяПочта>ca{number}@example.test</ЭлектроннаяПочта>"
        f"<КраткоеНазвание>Учебный УЦ № {number}</КраткоеНазвание>"
        f"<АдресСИнформациейПоУЦ>http://ca{number}.example.test/</АдресСИнформациейПоУЦ>"
        f'<АдресСИнформациейПоРеестрамСертификатов xsi:nil="true"/>{_ADDRESS}'
        "<ПрограммноАппаратныеКомплексы><ПрограммноАппаратныйКомплекс>"
        f"<Псевдоним>УЦ {number}</Псевдоним><КлассСредствЭП>КС2</КлассСредствЭП>{_ADDRESS}"
        f"<СредстваУЦ>ПАК «Учебный»</СредстваУЦ><КлючиУполномоченныхЛиц>{keys}</КлючиУполномоченныхЛиц>"
        "</ПрограммноАппаратныйКомплекс></ПрограммноАппаратныеКомплексы>"
        f"<ИНН>{inn(number)}</ИНН><ОГРН>{ogrn(number)}</ОГРН><РеестровыйНомер>{number}</РеестровыйНомер>"
        f"<СтатусАккредитации>{told[-1]}</СтатусАккредитации>"
        f"<ИсторияСтатусовАккредитации>{history}</ИсторияСтатусовАккредитации></УдостоверяющийЦентр>\n"
    )


def _key(number: int, index: int) -> str:
    der = certificate(number, index)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key(number, index).public_key()).digest.hex().upper()
    thumbprint = hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()
    return (
        f"<Ключ><ИдентификаторКлюча>{identifier}</ИдентификаторКлюча>"
        f"<АдресаСписковОтзыва><Адрес>http://ca{number}.example.test/{index}.crl</Адрес></АдресаСписковОтзыва>"
        f"<Сертификаты><ДанныеСертификата><Отпечаток>{thumbprint}</Отпечаток>"
        f"<КемВыдан>CN=Учебный УЦ № {number}</КемВыдан><КомуВыдан>CN=Учебный УЦ № {number}</КомуВыдан>"
        f"<СерийныйНомер>{1000 * number + index + 1:X}</СерийныйНомер>"
        f"<ПериодДействияС>{VALID_FROM:%Y-%m-%dT%H:%M:%SZ}</ПериодДействияС>"
        f"<ПериодДействияДо>{VALID_TO:%Y-%m-%dT%H:%M:%SZ}</ПериодДействияДо>"
        f"<Данные>{base64.b64encode(der).decode()}</Данные></ДанныеСертификата></Сертификаты></Ключ>"
    )


def _name(common: str, organization: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)]
    )


def _builder(subject: x509.Name, issuer: x509.Name, own: Ed25519PrivateKey, serial: int) -> x509.CertificateBuilder:
    public = own.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(VALID_FROM)
        .not_valid_after(VALID_TO - timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
