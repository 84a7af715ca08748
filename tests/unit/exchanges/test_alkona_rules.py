"""ФЛК of Алькона, rule by rule: one change of a sound object each."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from gateway.xml.parser import parse
from workers.demo.parts import alkona_data
from workers.demo.region import ORGANIZATIONS
from workers.exchange import Job, Operation, Organization
from workers.exchanges.alkona.rules import RULES, check

MO = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"tfoms": "340001"})
SOUND = {
    "DEP": next(alkona_data.branches(ORGANIZATIONS[0], 1, first=2))[2].decode(),
    "DN": next(alkona_data.observations(ORGANIZATIONS[0], 1))[2].decode(),
    "PRF": next(alkona_data.plans(ORGANIZATIONS[0], 1))[2].decode(),
}
BROKEN = [
    ("DEP", "<D_END>2028-08-18", "<D_END>2025-03-01", "420", "/Branch/BRANCH/D_END"),
    ("DEP", "<K_OMS>20", "<K_OMS>23", "421", "/Branch/DIVISION/BED/K_OMS"),
    ("DEP", "087-654-303", "087-654-304", "414", "/Branch/AREA/IDDOKT"),
    ("DEP", "<NUM_UCH>2</NUM_UCH>", "<NUM_UCH> </NUM_UCH>", "402", "/Branch/AREA/NUM_UCH"),
    ("DN", "<FAM>Образец</FAM>\n    <IM>Бета</IM>", "", "410", "/DispensaryObservation/PERS/FAM"),
    ("DN", "<VPOLIS>3</VPOLIS>", "<VPOLIS/>", "411", "/DispensaryObservation/PERS/VPOLIS"),
    ("DN", "<NPOLIS>3400000000001002</NPOLIS>", "", "412", "/DispensaryObservation/PERS/NPOLIS"),
    ("DN", "<SNILS>100-000-001", "<SNILS>100-000-011", "413", "/DispensaryObservation/PERS/SNILS"),
    ("DN", "087-654-303", "087-654-304", "414", "/DispensaryObservation/DN/IDDOKT"),
    ("DN", "<DIAG_DATE>2026-02-28", "<DIAG_DATE>2026-04-01", "430", "/DispensaryObservation/DN/DATE_DN_IN"),
    ("DN", "<DIAG_DATE>2026-02-28", "<DIAG_DATE>1930-01-01", "431", "/DispensaryObservation/DN/DIAG_DATE"),
    (
        "DN",
        "<PLAN>",
        "<DATE_DN_OUT>2026-01-01</DATE_DN_OUT><REASON_DN_OUT>1</REASON_DN_OUT><PLAN>",
        "432",
        "/DispensaryObservation/DN/DATE_DN_OUT",
    ),
    (
        "DN",
        "<PLAN>",
        "<DATE_DN_OUT>2026-09-01</DATE_DN_OUT><PLAN>",
        "433",
        "/DispensaryObservation/DN/REASON_DN_OUT",
    ),
    ("DN", "<PLAN>", "<REASON_DN_OUT>1</REASON_DN_OUT><PLAN>", "434", "/DispensaryObservation/DN/DATE_DN_OUT"),
    (
        "DN",
        "<PLAN_DATE_START>2026-06-01",
        "<PLAN_DATE_START>2026-07-01",
        "435",
        "/DispensaryObservation/DN/PLAN/PLAN_DATE_END",
    ),
    ("PRF", "<DT_PRIK>2026-03-01", "<DT_PRIK>1930-03-01", "440", "/PreventionPlan/ATTACH/DT_PRIK"),
    (
        "PRF",
        "</PreventionPlan>",
        "<SV_PL_MER><DISP>ДВ4</DISP><MONTH>02</MONTH></SV_PL_MER></PreventionPlan>",
        "441",
        "/PreventionPlan/SV_PL_MER[2]/MONTH",
    ),
    ("PRF", "<MONTH>02</MONTH>", "", "402", "/PreventionPlan/SV_PL_MER/MONTH"),
]


def job(kind: str, content: str, operation: Operation = Operation.INSERT, organization: Organization = MO) -> Job:
    moment = datetime(2026, 3, 20, 12, tzinfo=UTC)
    return Job(UUID(int=7), kind, operation, "1", organization, moment, parse(content.encode()))


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_object_breaks_nothing(kind: str) -> None:
    assert check(job(kind, SOUND[kind])) == ()


@pytest.mark.parametrize(("kind", "old", "new", "code", "path"), BROKEN, ids=[f"{b[3]}-{b[4]}" for b in BROKEN])
def test_one_change_breaks_one_rule(kind: str, old: str, new: str, code: str, path: str) -> None:
    assert old in SOUND[kind]
    found = check(job(kind, SOUND[kind].replace(old, new, 1)))
    assert [(f.code, f.path) for f in found] == [(code, path)]
    assert found[0].line is not None


def test_every_rule_has_its_example() -> None:
    assert {rule.code for rule in RULES} <= {code for _, _, _, code, _ in BROKEN}


def test_what_goes_is_not_judged() -> None:
    assert check(job("DN", "<DispensaryObservation/>", Operation.DELETE)) == ()
    nowhere = Organization(2, "1.2.643.5.1.13.13.12.2.34.9", "Без кода", {})
    found = check(job("DN", "<DispensaryObservation/>", Operation.DELETE, nowhere))
    assert [f.code for f in found] == ["401"]


def test_everything_absent_is_told_at_once() -> None:
    found = check(job("PRF", "<PreventionPlan><PERS/><ATTACH/></PreventionPlan>"))
    paths = {f.path.removeprefix("/PreventionPlan/") for f in found if f.code == "402"}
    assert paths == {"PERS", "ATTACH", "SV_PL_MER", "PERS/ID_PAC", "PERS/W", "PERS/DR"} | {
        f"ATTACH/{name}" for name in ("MO_P", "SP_PRIK", "DT_PRIK")
    }
