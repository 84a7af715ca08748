"""Rules of a referral to МСЭ: each mistake has its code and place, a sound one has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from lxml.builder import E

from workers.demo.parts.mse_data import referral
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Element, Job, Operation, Organization
from workers.exchanges.mse.form import g_code
from workers.exchanges.mse.rules import RULES, check, heading

OURS = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {})
Change = Callable[[Element], object]


def job(change: Change = lambda _: None) -> Job:
    source = referral(ORGANIZATIONS[0], 1, sound=True)
    change(source)
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    return Job(UUID(int=7), "MSE_REFERRAL", Operation.INSERT, "mse-1", OURS, moment, source)


def put(path: str, text: str) -> Change:
    def change(source: Element) -> None:
        element = source
        for name in path.split("/"):
            inner = element.find(name)
            if inner is None:
                inner = E(name)
                element.append(inner)
            element = inner
        element.text = text

    return change


def drop(path: str) -> Change:
    def change(source: Element) -> None:
        element = source.find(path)
        assert element is not None
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def blank(path: str) -> Change:
    def change(source: Element) -> None:
        for element in source.iterfind(f"{path}//*"):
            element.text = " " if len(element) == 0 else element.text

    return change


def test_a_sound_referral_breaks_no_rule() -> None:
    assert check(job()) == ()


MISTAKES: list[tuple[Change, str, str]] = [
    (drop("LastName"), "401", "/MseReferral/LastName"),
    (drop("PersonPlace"), "401", "/MseReferral/PersonPlace"),
    (drop("Diagnosis/MainDeseaseCode"), "401", "/MseReferral/Diagnosis/MainDeseaseCode"),
    (drop("Attachments/Item/Name"), "401", "/MseReferral/Attachments/Item[1]/Name"),
    (put("Representer/LastName", "Образцова"), "401", "/MseReferral/Representer/FirstName"),
    (put("Citizenship/Id", "9"), "403", "/MseReferral/Citizenship/Id"),
    (put("Snils", "112-233-445 96"), "410", "/MseReferral/Snils"),
    (put("MedOrgOgrn", "1023400000001"), "411", "/MseReferral/MedOrgOgrn"),
    (put("BirthDate", "2026-03-20"), "420", "/MseReferral/BirthDate"),
    (put("ProtocolDate", "2026-03-20"), "421", "/MseReferral/ProtocolDate"),
    (put("IssueDate", "2026-05-01"), "422", "/MseReferral/IssueDate"),
    (put("HasEln", "true"), "430", "/MseReferral/ElnNum"),
    (put("RepetitionKind/Id", "2"), "431", "/MseReferral/PrevExamInfo"),
    (drop("AddressType"), "432", "/MseReferral/AddressType"),
    (blank("AddressType"), "432", "/MseReferral/AddressType"),
    (put("AnthropometricData/Height", "1.70"), "440", "/MseReferral/AnthropometricData/Height"),
    (put("Diagnosis/MainDeseaseCode", "ДЦП"), "450", "/MseReferral/Diagnosis/MainDeseaseCode"),
]


@pytest.mark.parametrize(("change", "code", "path"), MISTAKES, ids=[f"{c}-{p}" for _, c, p in MISTAKES])
def test_a_mistake_is_found_at_its_place(change: Change, code: str, path: str) -> None:
    assert (code, path) in [(each.code, each.path) for each in check(job(change))]


def test_a_referral_dated_by_the_clock_of_the_far_east_is_not_of_tomorrow() -> None:
    task = replace(job(put("IssueDate", "2026-04-02")), formed_at=datetime(2026, 4, 1, 20, tzinfo=UTC))
    assert check(task) == ()


def test_whatever_has_findings_is_headed_by_the_sentence_that_names_its_referral() -> None:
    task = job()
    assert heading(task) == f"Файл с идентификатором направления {g_code(task)} имеет ошибки"


def test_temporary_disability_that_ends_before_it_begins() -> None:
    item = E.Item(E.StartDate("2026-02-20"), E.EndDate("2026-02-10"), E.DaysCount("1"), E.Diagnosis("G80"))
    found = check(job(lambda source: source.append(E.TempWorkDisabilityItems(item))))
    assert [each.code for each in found] == ["423"]


class Empty:
    """Dictionaries that are loaded and hold nothing."""

    def has(self, dictionary: str, code: str, on: date) -> bool:
        return not (dictionary and code and on)

    def title(self, dictionary: str, code: str, on: date) -> None:  # noqa: ARG002 # as the protocol asks
        return None

    def detail(self, dictionary: str, code: str, on: date, column: str) -> None:  # noqa: ARG002 # as the protocol asks
        return None


def test_diagnoses_are_looked_up_where_the_dictionary_is_loaded() -> None:
    found = check(replace(job(), reference=Empty()))
    assert [each.code for each in found] == ["451", "451", "451"]
    assert found[0].path == "/MseReferral/Diagnosis/MainDeseaseCode"


def test_no_finding_quotes_a_value() -> None:
    secret = "Тайнов"
    for change, *_ in MISTAKES:
        source = job(change).source
        for element in source.iter():
            if element.text == "Образцович":
                element.text = secret
        assert all(secret not in each.message for each in check(replace(job(), source=source)))


def test_every_rule_of_the_table_has_its_example() -> None:
    shown = {code for _, code, _ in MISTAKES}
    assert {rule.code for rule in RULES} <= shown
