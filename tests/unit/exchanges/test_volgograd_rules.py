"""ФЛК of «263»: every rule refuses exactly what it is for and says where; dictionaries are asked as of the event."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from tests.support.dictionaries import Books
from tests.support.volgograd_samples import MO, SOUND, job, of
from workers.exchange import Job, Operation
from workers.exchanges.volgograd.fields import TITLES
from workers.exchanges.volgograd.rules import LOOKUPS, RULES, check

REFERRAL, CANCELLATION, STAY, EMERGENCY, REFUSAL, DISCHARGE, BEDS = SOUND
DELETE, UPDATE = Operation.DELETE, Operation.UPDATE


def found(task: Job) -> list[str]:
    return [f"{finding.code} {finding.path}" for finding in check(task)]


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_object_breaks_no_rule(kind: str) -> None:
    assert found(job(kind)) == []
    assert found(job(kind, operation=UPDATE)) == []


BROKEN = [
    (replace(job(REFERRAL), organization=replace(MO, codes={})), ["501 /Referral"]),
    (job(REFERRAL, ("<DS1>I20.0</DS1>", "<DS1/>")), ["502 /Referral/DS1"]),
    (job(REFERRAL, ("<IM>Проба</IM>", "")), ["502 /Referral/PERS/IM"]),
    (job(REFERRAL, ("<NPOLIS>3400000000000001</NPOLIS>", "")), ["502 /Referral/PERS/NPOLIS"]),
    (job(REFERRAL, ("<MCOD_STC>340002</MCOD_STC>", ""), ("<MPODR_STC>21</MPODR_STC>", "")), ["502 /Referral/MCOD_STC"]),
    (job(REFUSAL, ("<NOM_NAP>3400022026000001</NOM_NAP>", "")), ["502 /HospitalisationRefusal/NOM_NAP"]),
    (job(BEDS, ("<PF_M>5</PF_M>", "")), ["502 /FreeBeds/FREE_PLACES/ZAP[1]/PF_M"]),
    (job(BEDS, ("<SMO>34001</SMO>", "")), ["502 /FreeBeds/SMO_V/SMO"]),
    (job(CANCELLATION, operation=DELETE), ["503 /ReferralCancellation"]),
    (job(STAY, operation=DELETE), ["503 /Hospitalisation"]),
    (job(BEDS, operation=DELETE), ["503 /FreeBeds"]),
    (replace(job(REFERRAL, operation=DELETE), packet_type=CANCELLATION), []),
    (job(DISCHARGE, ("<DTA_OUT>2026-03-24</DTA_OUT>", ""), operation=UPDATE), ["504 /HospitalMotion/DTA_OUT"]),
    (of("340003", job(REFERRAL)), ["505 /Referral/MCOD_NAP"]),
    (of("340003", job(STAY)), ["505 /Hospitalisation/MCOD_STC"]),
    (of("340003", job(CANCELLATION)), ["505 /ReferralCancellation/ACOD"]),
    (of("340003", job(REFUSAL)), ["505 /HospitalisationRefusal/MCOD_STC"]),
    (of("340003", job(REFUSAL, ("<IST_OTK>2", "<IST_OTK>3"))), []),
    (job(REFERRAL, ("112-233-445 95", "112-233-445 96")), ["513 /Referral/PERS/SNILS"]),
    (job(REFERRAL, ("087-654-303 00", "087-654-303 01")), ["514 /Referral/IDDOKT"]),
    (job(REFERRAL, ("1980-02-29", "2026-03-03")), ["515 /Referral/PERS/DR"]),
    (job(STAY, ("1980-02-29", "2026-03-17")), ["515 /Hospitalisation/PERS/DR"]),
    (job(REFERRAL, ("2026-03-16", "2026-03-01")), ["520 /Referral/DTA_PLN"]),
    (job(STAY, ("2026-03-02", "2026-03-17")), ["521 /Hospitalisation/DTA_FKT"]),
    (job(DISCHARGE, ("IN>2026-03-16", "IN>2026-03-01"), ("2026-03-24", "2026-03-15")), ["522 /HospitalMotion/DTA_OUT"]),
    (job(DISCHARGE, ("IN>2026-03-16", "IN>2026-03-25")), ["523 /HospitalMotion/DTA_OUT"]),
    (job(CANCELLATION, ("2026-03-05", "2026-03-01")), ["524 /ReferralCancellation/DTA_ANL"]),
    (job(REFUSAL, ("DTA_OTK>2026-03-16", "DTA_OTK>2026-03-15")), ["525 /HospitalisationRefusal/DTA_OTK"]),
    (job(STAY, ("<NOM_NAP>3400022026000001</NOM_NAP>", "")), ["530 /Hospitalisation/NOM_NAP"]),
    (job(EMERGENCY, ("<FRM_MP>1", "<FRM_MP>3")), ["531 /Hospitalisation/FRM_MP"]),
    (job(REFERRAL, ("3400012026", "3400022026")), ["532 /Referral/NOM_NAP"]),
    (job(CANCELLATION, ("<IST_ANL>3", "<IST_ANL>1")), ["550 /ReferralCancellation/ACOD"]),
]  # fmt: skip


@pytest.mark.parametrize(("task", "told"), BROKEN, ids=[f"{t.packet_type}-{n}" for t, n in BROKEN])
def test_a_rule_refuses_what_it_is_for_and_nothing_else(task: Job, told: list[str]) -> None:
    assert found(task) == told
    assert all(finding.message.endswith(".") for finding in check(task))


def test_every_rule_has_its_example() -> None:
    shown = {line.split()[0] for _, told in BROKEN for line in told}
    assert {rule.code for rule in RULES} <= shown
    assert {rule.path.removeprefix("PERS/") for rule in RULES} <= TITLES.keys()


UNKNOWN = [
    (REFERRAL, "V002", ["560 /Referral/PROFIL"]),
    (BEDS, "V020", ["561 /FreeBeds/PROFIL_K"]),
    (STAY, "MKB10", ["562 /Hospitalisation/DS1"]),
    (DISCHARGE, "V014", ["563 /HospitalMotion/FRM_MP"]),
    (STAY, "V006", ["564 /Hospitalisation/USL_OK"]),
    (EMERGENCY, "V006", []),
    (REFERRAL, "F003", ["565 /Referral/MCOD_NAP", "565 /Referral/MCOD_STC"]),
    (CANCELLATION, "F003", ["565 /ReferralCancellation/MCOD_NAP", "565 /ReferralCancellation/ACOD"]),
    (REFERRAL, "F002", ["566 /Referral/PERS/SMO"]),
]


@pytest.mark.parametrize(("kind", "dictionary", "told"), UNKNOWN, ids=[f"{u[0]}-{u[1]}" for u in UNKNOWN])
def test_a_code_that_its_dictionary_does_not_hold_is_told(kind: str, dictionary: str, told: list[str]) -> None:
    assert found(replace(job(kind), reference=Books(dictionary))) == told
    assert found(replace(job(kind), reference=Books(dictionary, date(2026, 4, 1)))) == []


def test_a_code_is_looked_up_as_of_the_day_of_its_event() -> None:
    asked = replace(job(DISCHARGE), reference=Books("V002", date(2026, 3, 24)))
    assert found(asked) == ["560 /HospitalMotion/PROFIL"]
    assert found(replace(asked, reference=Books("V002", date(2026, 3, 25)))) == []


def test_every_lookup_has_its_example() -> None:
    shown = {line.split()[0] for _, _, told in UNKNOWN for line in told}
    assert {lookup.code for lookup in LOOKUPS} == shown
