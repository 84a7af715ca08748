"""Source objects for Волгоград: the stays of the invented region, each told by the МО whose fact it is, and free beds.

Every ninth policy is a closed one, which only the fund knows. Pure: the same МО gives the same objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from lxml import etree
from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.region import FIRST_DAY, ORGANIZATIONS, PROFILES, Case, DemoOrganization, Document, cases

HOSPITAL: Final = ORGANIZATIONS[1]
"""The МО that all referrals of the region lead to."""
_OF_THE_HOSPITAL: Final = frozenset({"Hospitalisation", "HospitalisationRefusal", "HospitalMotion"})
EMERGENCIES: Final = 8
DAYS: Final = 3


def documents(organization: DemoOrganization) -> Iterator[Document]:
    """What the МИС of one МО submits: its referrals; the hospital also every stay, emergencies and its free beds."""
    for case in cases(organization):
        yield from (each for each in case.documents() if each.object_type not in _OF_THE_HOSPITAL)
    if organization == HOSPITAL:
        for other in ORGANIZATIONS:
            for case in cases(other):
                yield from (each for each in case.documents() if each.object_type in _OF_THE_HOSPITAL)
        yield from emergencies()
        yield from (free_beds(number) for number in range(len(PROFILES)))


def emergencies(count: int = EMERGENCIES, first: int = 501) -> Iterator[Document]:
    """Emergency stays: the patient came by himself, every second one without a policy."""
    for number in range(first, first + count):
        case = Case(HOSPITAL, number)
        root = E.Hospitalisation(
            E.FRM_MP("1"),
            E.TYPE_H("4"),
            E.MCOD_STC(HOSPITAL.code),
            E.MPODR_STC("22"),
            E.DTA_FKT(case.day.isoformat()),
            E.TIM_FKT("23:10"),
            *case.stay(),
            E.NHISTORY(f"2026/{number:06d}"),
            case.person(policy=number % 2 == 0),
        )
        yield _made("Hospitalisation", case.object_id(3), root)


def free_beds(number: int) -> Document:
    """Beds of one profile, for a few days ahead."""
    profile, beds = PROFILES[number]
    days = (
        E.ZAP(
            E.DATE_PL((FIRST_DAY + timedelta(days=day)).isoformat()),
            *(E(tag, str(count)) for tag, count in (("PLACE_FREE", 9 - day), ("PF_M", 4), ("PF_W", 2), ("PF_C", 0))),
        )
        for day in range(DAYS)
    )
    root = E.FreeBeds(
        E.MCOD_STC(HOSPITAL.code),
        E.MPODR_STC("21"),
        E.USL_OK("1"),
        E.PROFIL(profile),
        E.PROFIL_K(beds),
        *(E(tag, n) for tag, n in (("QUANTITY", "40"), ("Q_P", "31"), ("Q_AP", "5"), ("Q_DP", "4"), ("Q_HP", "6"))),
        E.FREE_PLACES(*days),
        E.SMO_V(E.SMO("34001"), E.V_H("12")),
    )
    return _made("FreeBeds", f"600000{number}", root)


def _made(object_type: str, object_id: str, root: etree._Element) -> Document:
    etree.indent(root)
    return Document(object_type, object_id, serialize(root))
