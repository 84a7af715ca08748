"""Programmes of invented people with their measures, and what the register of ФРИ knows of them.

Every thirteenth programme lacks a result, which our rules stop; of every seventh one measure came after the programme
had run out, and every eleventh is not in the register, which only the peer knows. Pure: the same МО and number give the
same programme.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from lxml import etree
from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.region import FIRST_DAY, NAMES, SURNAMES, DemoOrganization, Document, snils
from workers.exchange import Element
from workers.sandbox.fri_ipra_state import Programme

OBJECT_TYPE: Final = "IpraExecution"
EVENTS: Final = ("Динамическое наблюдение", "Лекарственная терапия", "Немедикаментозная терапия", "Прочие мероприятия")
_EXECUTOR: Final = ("Учебный протезный завод", "1023400000040", "3400000018")


def without_result(n: int) -> bool:
    """Our rules stop this one."""
    return n % 13 == 6


def run_out(n: int) -> bool:
    """The peer takes this one without its last measure."""
    return n % 7 == 3


def unknown(n: int) -> bool:
    """The peer does not know this one."""
    return n % 11 == 5


def mse_id(organization: DemoOrganization, n: int) -> str:
    """Identifier of a programme."""
    return str(uuid5(NAMESPACE_OID, f"ipra-{organization.code}-{n}"))


def issued(n: int) -> date:
    """Day on which a programme was issued."""
    return FIRST_DAY - timedelta(days=60 - n % 20)


def programmes(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Document]:
    """What the МИС tells."""
    return (programme(organization, n) for n in range(first, first + count))


def corrected(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Document]:
    """What the МО sets right of it, an hour later."""
    for n in range(first, first + count):
        if without_result(n) or run_out(n):
            yield programme(organization, n, right=True).an_hour_later()


def programme(organization: DemoOrganization, n: int, *, right: bool = False) -> Document:
    """One programme with three measures; ``right``: as the МО corrects it."""
    begun = issued(n)
    root = E.IpraExecution(
        E.MseId(mse_id(organization, n)),
        E.PrgNum(f"{n}.34.1/2026"),
        E.PrgDt(begun.isoformat()),
        E.DocNum(f"{n}/2026"),
        E.DocDt(begun.isoformat()),
        E.PrgKind("1"),
        E.Snils(snils(300_000_000 + n)),
        E.LName(SURNAMES[n % len(SURNAMES)]),
        E.FName(NAMES[n % len(NAMES)]),
        E.BDate(_born(n).isoformat()),
        E.Gndr(str(1 + n % 2)),
        *_measures(organization, n, right=right),
    )
    etree.indent(root)
    return Document(OBJECT_TYPE, f"ipra-{n}", serialize(root))


def register(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Programme]:
    """What the register of ФРИ holds."""
    for n in range(first, first + count):
        if not unknown(n):
            until = issued(n) + timedelta(days=20 if run_out(n) else 365)
            yield Programme(
                mse_id(organization, n),
                f"{n}.34.1/2026",
                issued(n).isoformat(),
                until.isoformat(),
                "".join(filter(str.isdigit, snils(300_000_000 + n))),
                SURNAMES[n % len(SURNAMES)],
                NAMES[n % len(NAMES)],
                _born(n).isoformat(),
            )


def _born(n: int) -> date:
    return date(1940 + n % 60, 1 + n % 12, 1 + n % 28)


def _measures(organization: DemoOrganization, n: int, *, right: bool) -> Iterator[Element]:
    done = issued(n) + timedelta(days=10)
    name, ogrn, inn = _EXECUTOR
    event = n % len(EVENTS)
    yield E.Rhb(
        E.Id(_measure_id(organization, n, 1)),
        E.TypeId("2"),
        E.EvntId(str(event + 1)),
        E.Name(EVENTS[event]),
        E.DtExc(done.isoformat()),
        E.ExcId("1"),
        E.ResId("1"),
    )
    yield E.Rhb(
        E.Id(_measure_id(organization, n, 2)),
        E.TypeId("4"),
        E.DicId("1"),
        E.TsrId(str(1 + n % 300)),
        E.DtExc(done.isoformat()),
        E.Execut(E.Name(name), E.Ogrn(ogrn), E.Inn(inn)),
        E.ResId("5" if without_result(n) else "1"),
        *((E.Result("Изделие заказано, договор заключён"),) if without_result(n) and right else ()),
    )
    late = run_out(n) and not right
    yield E.Rhb(
        E.Id(_measure_id(organization, n, 3)),
        E.TypeId("3"),
        E.Name("Реконструктивная операция"),
        E.DtExc((done + timedelta(days=20 if late else 2)).isoformat()),
        E.ExcId("2"),
        E.ResId("1"),
    )


def _measure_id(organization: DemoOrganization, n: int, place: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"ipra-{organization.code}-{n}-{place}"))
