"""Source objects for the exports to Алькона: invented buildings, observations and plans of invented people.

Every thirteenth observation and every fourteenth plan is incomplete, which ФЛК stops; every ninth policy is a closed
one, which only the peer knows. Pure: the same МО and number give the same object.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from lxml import etree
from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.region import DIAGNOSES, FIRST_DAY, NAMES, SURNAMES, DemoOrganization, snils
from workers.exchange import Element

Made = tuple[str, str, bytes]
"""Object type, the МИС's id, content."""

DOCTOR: Final = snils(87_654_303)
_KINDS: Final = (("1", "1", "97"), ("3", "3", "97"), ("7", "2", "53"))
"""Types of a division with the conditions and the profile of its care."""


def branches(organization: DemoOrganization, count: int = 3, first: int = 1) -> Iterator[Made]:
    """Buildings with divisions and areas; every fifth closed before it opened, which ФЛК stops."""
    for n in range(first, first + count):
        ends = FIRST_DAY - timedelta(days=900) if n % 5 == 0 else FIRST_DAY + timedelta(days=900)
        kind, conditions, profile = _KINDS[n % len(_KINDS)]
        root = E.Branch(
            E.BRANCH(
                E.ID_BR(f"br-{organization.code}-{n}"),
                E.BR_CODE(str(n)),
                E.NAME(f"Учебное отделение {n}"),
                E.BR_TYPE("1" if kind == "3" else "2"),
                E.AGE_TYPE("4"),
                E.ADRES("Учебный город, Примерная улица, 1"),
                E.D_BEG((FIRST_DAY - timedelta(days=365)).isoformat()),
                E.D_END(ends.isoformat()),
            ),
            E.DIVISION(
                E.ID_DV(f"dv-{organization.code}-{n}"),
                E.DV_CODE("1"),
                E.NAME("Терапия"),
                E.DV_TYPE(kind),
                E.USL_OK(conditions),
                E.PROFIL(profile),
                E.OMS("1"),
                E.D_BEG(FIRST_DAY.isoformat()),
                *(() if kind == "3" else (_beds(n),)),
            ),
            E.AREA(E.ID_AREA(f"ar-{n}"), E.NUM_UCH(str(n)), E.TIP_UCH("1"), E.IDDOKT(DOCTOR), _begins()),
        )
        yield _made("Branch", f"branch-{n}", root)


def observations(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Made]:
    """Persons under observation; every thirteenth was taken off it without a reason."""
    for n in range(first, first + count):
        since = FIRST_DAY + timedelta(days=n % 60)
        observed = E.DN(
            E.DN_ID(f"dn-{organization.code}-{n}"),
            E.DIAG_CODE(DIAGNOSES[n % len(DIAGNOSES)]),
            E.DIAG_DATE((since - timedelta(days=3)).isoformat()),
            E.DATE_DN_IN(since.isoformat()),
            E.STATUS_DN_IN(str(1 + n % 2)),
            E.DN_PRVS("76"),
            E.IDDOKT(DOCTOR),
        )
        if n % 13 == 0:
            observed.append(E.DATE_DN_OUT((since + timedelta(days=30)).isoformat()))
        observed.append(_visit(since))
        root = E.DispensaryObservation(person(organization, n), E.MO_P(organization.code), observed)
        yield _made("DispensaryObservation", f"observation-{n}", root)


def plans(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Made]:
    """Persons attached to the МО with their check-up of the year; every fourteenth has no policy."""
    for n in range(first, first + count):
        root = E.PreventionPlan(
            person(organization, n, policy=n % 14 != 0),
            E.ATTACH(
                E.MO_P(organization.code),
                E.SP_PRIK(str(1 + n % 2)),
                E.DT_PRIK((FIRST_DAY - timedelta(days=n % 700)).isoformat()),
                E.NUM_UCH(str(1 + n % 12)),
                E.TIP_UCH("1"),
                E.IDDOKT(DOCTOR),
            ),
            E.SV_PL_MER(E.DISP("ДВ4" if n % 3 else "ОПВ"), E.MONTH(f"{1 + n % 12:02d}")),
        )
        yield _made("PreventionPlan", f"plan-{n}", root)


def person(organization: DemoOrganization, n: int, *, policy: bool = True) -> Element:
    """Group PERS."""
    made = E.PERS(
        E.ID_PAC(f"p-{organization.code}-{n}"),
        E.FAM(SURNAMES[n % len(SURNAMES)]),
        E.IM(NAMES[n % len(NAMES)]),
        E.W(str(1 + n % 2)),
        E.DR(date(1940 + n % 60, 1 + n % 12, 1 + n % 28).isoformat()),
        E.SNILS(snils(100_000_000 + n)),
    )
    if policy:
        ending = "000" if n % 9 == 4 else f"{1 + n % 403:03d}"
        made.extend((E.VPOLIS("3"), E.NPOLIS(f"34{n:011d}{ending}"), E.SMO("34001")))
    return made


def _beds(n: int) -> Element:
    return E.BED(E.PROFIL_K("71"), E.K_ALL(str(20 + n % 30)), E.K_OMS("20"), _begins())


def _begins() -> Element:
    return E.D_BEG(FIRST_DAY.isoformat())


def _visit(since: date) -> Element:
    begins = since + timedelta(days=90)
    ends = (begins + timedelta(days=14)).isoformat()
    return E.PLAN(E.PLAN_DATE_START(begins.isoformat()), E.PLAN_DATE_END(ends), E.DN_PLACE("1"))


def _made(object_type: str, object_id: str, root: Element) -> Made:
    etree.indent(root)
    return object_type, object_id, serialize(root)
