"""Referrals to МСЭ of invented people, and those people as the МИС knows them.

Every seventh referral lacks what the МО must complete, which ФЛК stops; every eleventh is addressed to a bureau that
the region does not have, which only ФБ МСЭ knows. Pure: the same МО and number give the same object.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from lxml.builder import E

from gateway.xml.canonical import serialize
from workers.demo.region import FIRST_DAY, NAMES, SURNAMES, DemoOrganization, snils
from workers.exchange import Element

Made = tuple[str, str, bytes]
"""Object type, the МИС's id, content."""

REGION: Final = ("34", "Учебная область")
BUREAU: Final = ("34", "ФКУ «ГБ МСЭ по Учебной области»")
NO_BUREAU: Final = ("99", "ФКУ «ГБ МСЭ по Соседней области»")


def patients(organization: DemoOrganization, count: int, first: int = 1) -> Iterator[Made]:
    """People of one МО, of whom back tickets will come."""
    for n in range(first, first + count):
        yield "Patient", f"patient-{n}", serialize(E.Patient(*_person(organization, n)))


def referrals(organization: DemoOrganization, count: int, first: int = 1, *, sound: bool = False) -> Iterator[Made]:
    """Referrals of the same people; ``sound`` ones have no mistakes."""
    for n in range(first, first + count):
        yield "MseReferral", f"mse-{n}", serialize(referral(organization, n, sound=sound))


def referral(organization: DemoOrganization, number: int, *, sound: bool = False, returned: int = 0) -> Element:
    """One referral, returned for rework so many times."""
    incomplete = not sound and number % 7 == 5
    issued = FIRST_DAY + timedelta(days=number % 20)
    return E.MseReferral(
        E.Returns(str(returned)),
        _coded("TargetMseOrg", *(NO_BUREAU if not sound and number % 11 == 7 else BUREAU)),
        *_organization(organization),
        E.ProtocolNum(f"ВК-{number}"),
        E.ProtocolDate((issued - timedelta(days=1)).isoformat()),
        E.MseMustBeAtHome("false"),
        E.PalliativeHelpNeeded("false"),
        E.IssueDate(issued.isoformat()),
        E.ExaminationPurposes(_coded("Purpose", "1", "установление группы инвалидности")),
        *_person(organization, number),
        E.Gender(str(1 + number % 2)),
        E.Citizenship(E.Id("1")),
        E.MilitaryDuty(E.Id("4")),
        _coded("AddressType", "1", "адрес места жительства"),
        _address("Address", number),
        E.HasNoLivingAddress("false"),
        E.PersonPlace(E.PlaceType(E.Id("5"))),
        E.Phone(f"+7 900 000-{number % 10_000:04d}"),
        *(() if incomplete else (_identity(number),)),
        E.RepetitionKind(E.Id("1")),
        E.MedOrgSupervisionStartYear(str(2015 + number % 8)),
        *_health(number, incomplete=incomplete),
        E.MedCommissionChairman("Председателева Омега Образцовна"),
        E.MedCommissionMembers(E.Person("Членов Альфа"), E.Person("Членова Бета")),
        E.Attachments(E.Item(E.Name("vypiska.pdf"), E.Size(str(1000 + number)))),
    )


def _organization(organization: DemoOrganization) -> tuple[Element, ...]:
    return (
        E.MedOrgName(organization.name),
        E.MedOrgAddress("Учебный город, Примерная улица, 1"),
        _coded("MedOrgTerritorySubject", *REGION),
        E.MedOrgOgrn(organization.ogrn),
    )


def _person(organization: DemoOrganization, number: int) -> tuple[Element, ...]:
    n = int(organization.code) % 1000 * 100_000 + number
    return (
        E.LastName(f"{SURNAMES[n % len(SURNAMES)]}-{_word(n)}"),
        E.FirstName(NAMES[n % len(NAMES)]),
        E.SecondName("Образцович"),
        E.BirthDate(date(1950 + n % 50, 1 + n % 12, 1 + n % 28).isoformat()),
        E.Snils(snils(300_000_000 + n)),
    )


def _word(number: int) -> str:
    """A number in Russian letters: no two people have one name."""
    letters = "абвгдежзик"
    return "".join(letters[int(digit)] for digit in str(number)).capitalize()


def _identity(number: int) -> Element:
    return E.IdentityDoc(
        _coded("IdentityCardTypeId", "1", "паспорт гражданина РФ"),
        E.Series("00 00"),
        E.Number(f"{number % 1_000_000:06d}"),
        E.IssueOrgName("Учебным отделом"),
        E.IssueDate("2015-05-06"),
    )


def _address(name: str, number: int) -> Element:
    return E(
        name,
        E.ZipCode("400000"),
        _coded("TerritorySubject", *REGION),
        E.Place("Учебный город"),
        E.Street("Примерная улица"),
        E.Building(str(1 + number % 90)),
        E.Flat(str(1 + number % 60)),
    )


def _health(number: int, *, incomplete: bool) -> Iterator[Element]:
    yield E.DeseaseAnamnesis("<p>Болеет с детства.</p><p>Давление &lt; 140/90, наблюдается&nbsp;ежегодно.</p>")
    yield E.LifeAnamnesis("Рос и развивался по возрасту.")
    yield E.HasEln("false")
    yield E.AnthropometricData(E.Height(str(160 + number % 30)), E.Weight(str(55 + number % 40)))
    yield E.HealthCondition("Состояние удовлетворительное, температура < 37")
    codes = E.AccompanyingDiseasesCodes(E.Code("I10"), E.Code("E11.9"))
    main = () if incomplete else (E.MainDeseaseCode("I20.0"),)
    yield E.Diagnosis(E.MainDesease("Стенокардия напряжения"), *main, codes)
    yield _coded("ClinicalPrognosis", "2", "относительно благоприятный")


def _coded(name: str, code: str, title: str) -> Element:
    return E(name, E.Id(code), E.Value(title))
