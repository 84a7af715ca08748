"""An invented region: three МО, invented people, and the source objects of their hospitalisations.

Nothing here is of a real person: names are words, policies and СНИЛС are counted up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from lxml import etree
from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.exchange import Element


@dataclass(frozen=True, slots=True)
class DemoOrganization:
    """One invented МО."""

    oid: str
    name: str
    code: str
    ogrn: str = ""


ORGANIZATIONS: Final = (
    DemoOrganization("1.2.643.5.1.13.13.12.2.34.1", "Учебная больница № 1", "340001", "1023400000007"),
    DemoOrganization("1.2.643.5.1.13.13.12.2.34.2", "Учебная больница № 2", "340002", "1023400000018"),
    DemoOrganization("1.2.643.5.1.13.13.12.2.34.3", "Учебная поликлиника № 3", "340003", "1023400000029"),
)

REGION_CODES: Final = {"fri_okr": "3", "fri_reg": "34"}
"""What ФГИС ФРИ calls the region: federal district and subject."""

PATIENTS: Final = 30
"""People of one МО."""

SURNAMES: Final = ("Пример", "Образец", "Учебный", "Пробный", "Модельный", "Макетный")
NAMES: Final = ("Альфа", "Бета", "Гамма", "Дельта", "Омега")
DIAGNOSES: Final = ("I20.0", "K35.8", "J18.9", "S72.0", "E11.9", "N20.0")
PROFILES: Final = (("97", "71"), ("136", "40"), ("60", "30"), ("112", "17"))
FIRST_DAY: Final = date(2026, 3, 2)
CHANGED_AT: Final = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Document:
    """A source object on its way to the gateway; content None means that the МИС removed it."""

    object_type: str
    object_id: str
    content: bytes | None
    changed_at: datetime = CHANGED_AT

    def changed(self, old: bytes, new: bytes) -> Document:
        """The same object as the МИС keeps it an hour later, one piece of its content exchanged."""
        return replace(self.an_hour_later(), content=(self.content or b"").replace(old, new, 1))

    def an_hour_later(self) -> Document:
        """The same, submitted again an hour later."""
        return replace(self, changed_at=self.changed_at + timedelta(hours=1))

    def removed(self) -> Document:
        """The same object, removed an hour later."""
        return replace(self.an_hour_later(), content=None)


def snils(number: int) -> str:
    """СНИЛС of an invented person, with right check digits."""
    digits = f"{number:09d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 0, -1), strict=True))
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {total % 101 % 100:02d}"


@dataclass(frozen=True, slots=True)
class Case:
    """One invented patient's stay, from referral on; ``number`` is unique in the region."""

    organization: DemoOrganization
    number: int

    @property
    def referral_number(self) -> str:
        """Number of the referral: МО, year, six digits."""
        return f"{self.organization.code}2026{self.number:06d}"

    @property
    def day(self) -> date:
        """Day of the referral."""
        return FIRST_DAY + timedelta(days=self.number % 20)

    def person(self, *, policy: bool = True) -> Element:
        """Group PERS. Every ninth policy is a closed one, which only the peer knows."""
        n = self.number
        ending = "000" if n % 9 == 4 else f"{n:03d}"
        person = E.PERS(
            E.ID_PAC(f"p-{n}"),
            E.FAM(SURNAMES[n % len(SURNAMES)]),
            E.IM(NAMES[n % len(NAMES)]),
            E.W(str(1 + n % 2)),
            E.DR(date(1950 + n % 50, 1 + n % 12, 1 + n % 28).isoformat()),
            E.SNILS(snils(100_000_000 + n)),
        )
        if policy:
            person.extend((E.VPOLIS("3"), E.NPOLIS(f"3400000000001{ending}"), E.SMO("34001")))
        return person

    def stay(self) -> Iterator[Element]:
        """Fields that every document of the stay repeats."""
        profile, beds = PROFILES[self.number % len(PROFILES)]
        yield from (E.USL_OK("1"), E.PROFIL(profile), E.PROFIL_K(beds), E.DS1(DIAGNOSES[self.number % 6]))

    def referral(self) -> Document:
        """Направление. Every eleventh lacks its planned date and the policy: the МО must complete it."""
        incomplete = self.number % 11 == 5
        root = E.Referral(
            E.NOM_NAP(self.referral_number),
            E.DTA_NAP(self.day.isoformat()),
            E.FRM_MP("3"),
            E.MCOD_NAP(self.organization.code),
            E.MCOD_STC("340002"),
            E.MPODR_STC("21"),
            *self.stay(),
            E.IDDOKT(snils(87_654_303)),
            self.person(policy=not incomplete),
        )
        if not incomplete:
            root.append(E.DTA_PLN((self.day + timedelta(days=14)).isoformat()))
        return self._document("Referral", 1, root)

    def cancellation(self) -> Document:
        """Отмена направления."""
        root = E.ReferralCancellation(
            E.NOM_NAP(self.referral_number),
            E.DTA_NAP(self.day.isoformat()),
            E.MCOD_NAP(self.organization.code),
            E.IST_ANL("3"),
            E.ACOD(self.organization.code),
            E.DTA_ANL((self.day + timedelta(days=3)).isoformat()),
            E.PR_ANL("3"),
        )
        return self._document("ReferralCancellation", 2, root)

    def hospitalisation(self) -> Document:
        """Госпитализация по направлению."""
        root = E.Hospitalisation(
            E.NOM_NAP(self.referral_number),
            E.DTA_NAP(self.day.isoformat()),
            E.MCOD_NAP(self.organization.code),
            E.FRM_MP("3"),
            E.TYPE_H("1"),
            E.MCOD_STC("340002"),
            E.MPODR_STC("21"),
            E.DTA_FKT((self.day + timedelta(days=14)).isoformat()),
            E.TIM_FKT("09:30"),
            *self.stay(),
            E.NHISTORY(f"2026/{self.number:06d}"),
            self.person(),
        )
        return self._document("Hospitalisation", 3, root)

    def refusal(self) -> Document:
        """Отказ от госпитализации."""
        visit = (self.day + timedelta(days=14)).isoformat()
        root = E.HospitalisationRefusal(
            E.HOSP_ID(self.object_id(3)),
            E.NOM_NAP(self.referral_number),
            E.DTA_NAP(self.day.isoformat()),
            E.MCOD_STC("340002"),
            E.DTA_OBR(visit),
            E.DTA_OTK(visit),
            E.IST_OTK("2"),
            E.PR_OTK("2"),
            self.person(),
        )
        return self._document("HospitalisationRefusal", 4, root)

    def motion(self) -> Document:
        """Движение в стационаре. Every seventh leaves before it came: ФЛК stops it."""
        came = self.day + timedelta(days=14)
        left = came - timedelta(days=1) if self.number % 7 == 3 else came + timedelta(days=8)
        root = E.HospitalMotion(
            E.HOSP_ID(self.object_id(3)),
            E.NOM_NAP(self.referral_number),
            E.DTA_NAP(self.day.isoformat()),
            E.FRM_MP("3"),
            E.MCOD_STC("340002"),
            E.MPODR_STC("21"),
            *self.stay(),
            E.DTA_FKT(came.isoformat()),
            E.DTA_IN(came.isoformat()),
            E.DTA_OUT(left.isoformat()),
            E.RES_OUT("1"),
            E.NHISTORY(f"2026/{self.number:06d}"),
            self.person(),
        )
        return self._document("HospitalMotion", 5, root)

    def object_id(self, kind: int) -> str:
        """The МИС's stable id of a document of this stay, digits only."""
        return f"{kind}{self.number:06d}"

    def _document(self, object_type: str, kind: int, root: Element) -> Document:
        etree.indent(root)
        return Document(object_type, self.object_id(kind), serialize(root))

    def documents(self) -> Iterator[Document]:
        """All documents of the stay; how it goes hangs on the number."""
        yield self.referral()
        match self.number % 5:
            case 0:
                yield self.cancellation()
            case 1:
                yield self.refusal()
            case _:
                yield self.hospitalisation()
                yield self.motion()


def cases(organization: DemoOrganization) -> list[Case]:
    """The stays of one МО."""
    first = 1 + ORGANIZATIONS.index(organization) * PATIENTS
    return [Case(organization, number) for number in range(first, first + PATIENTS)]


def dictionary_files() -> list[Path]:
    """Extracts of dictionaries in which every code of the region stands; a file has the name of its dictionary."""
    folder = Path(__file__).with_name("reference")
    return sorted(file for file in folder.iterdir() if file.suffix in {".csv", ".tsv"})
