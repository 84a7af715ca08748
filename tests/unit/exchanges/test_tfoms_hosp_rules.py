"""ФЛК of ТФОМС: every rule refuses exactly what it is for, and says where and why without quoting values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from lxml import etree

from gateway.xml.parser import parse
from workers.exchange import (
    BadAnswer,
    Element,
    Finding,
    Job,
    Operation,
    Organization,
    PacketStatus,
    Verdict,
    snils_is_right,
)
from workers.exchanges.tfoms_hosp.answer import read
from workers.exchanges.tfoms_hosp.fields import REQUIRED, TITLES
from workers.exchanges.tfoms_hosp.rules import RULES, check

PERSON = {
    "ID_PAC": "p-1", "FAM": "Примерова", "IM": "Проба", "W": "2", "DR": "1980-02-29", "SNILS": "112-233-445 95",
    "VPOLIS": "3", "NPOLIS": "3400000000000001",
}  # fmt: skip
PLACE = {"MCOD_STC": "340002", "MPODR_STC": "21", "USL_OK": "1", "PROFIL": "97", "PROFIL_K": "71", "DS1": "I20.0"}
NUMBER = {"NOM_NAP": "3400012026000001", "DTA_NAP": "2026-03-02"}
SOURCES: dict[str, tuple[str, dict[str, str]]] = {
    "HOSPITALISATION_REFERRAL": (
        "Referral",
        NUMBER | PLACE | {"FRM_MP": "3", "MCOD_NAP": "340001", "IDDOKT": "087-654-303 00", "DTA_PLN": "2026-03-16"},
    ),
    "CANCEL_HOSPITALISATION_REFERRAL": (
        "ReferralCancellation",
        NUMBER | {"MCOD_NAP": "340001", "IST_ANL": "3", "ACOD": "340001", "DTA_ANL": "2026-03-10", "PR_ANL": "3"},
    ),
    "HOSPITALISATION": (
        "Hospitalisation",
        NUMBER | PLACE
        | {"FRM_MP": "3", "TYPE_H": "1", "DTA_FKT": "2026-03-16", "TIM_FKT": "09:30", "NHISTORY": "1"},
    ),
    "MOTION_IN_HOSPITAL": (
        "HospitalMotion",
        NUMBER | PLACE
        | {"HOSP_ID": "7", "FRM_MP": "3", "DTA_FKT": "2026-03-16", "DTA_IN": "2026-03-16", "NHISTORY": "1"},
    ),
    "CANCEL_HOSPITALISATION": (
        "HospitalisationRefusal",
        NUMBER
        | {"HOSP_ID": "7", "MCOD_STC": "340002", "DTA_OBR": "2026-03-16", "DTA_OTK": "2026-03-16", "IST_OTK": "2",
           "PR_OTK": "2"},
    ),
}  # fmt: skip
REFERRAL, CANCEL, HOSP, MOTION, REFUSAL = SOURCES


def element(name: str, values: Mapping[str, str | None]) -> Element:
    made = etree.Element(name)
    for key, text in values.items():
        if text is not None:
            etree.SubElement(made, key).text = text
    return made


def job(packet_type: str, changes: Mapping[str, str | None], object_id: str = "1001") -> Job:
    """Build a job over a right source object with some fields changed; None takes a field away."""
    root, values = SOURCES[packet_type]
    own = {key: text for key, text in changes.items() if not key.startswith("PERS/")}
    person = {key.removeprefix("PERS/"): text for key, text in changes.items() if key.startswith("PERS/")}
    source = element(root, {**values, **own})
    if packet_type != CANCEL:
        source.append(element("PERS", {**PERSON, **person}))
    organization = Organization(1, "1.2.643.5.1", "Тестовая больница", {"tfoms": "340001"})
    moment = datetime(2026, 3, 20, tzinfo=UTC)
    return Job(UUID(int=1), packet_type, Operation.INSERT, object_id, organization, moment, source)


def found(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.code, finding.path.partition("/")[2].partition("/")[2]) for finding in findings]


EMERGENCY = {"FRM_MP": "1", "TYPE_H": "4", "NOM_NAP": None, "DTA_NAP": None}
NO_POLICY = {"PERS/VPOLIS": None, "PERS/NPOLIS": " "}
BROKEN: list[tuple[str, str, str, dict[str, str | None]]] = [
    (REFERRAL, "310", "PERS/FAM", {"PERS/FAM": " ", "PERS/IM": None}),
    (CANCEL, "324", "DTA_ANL", {"DTA_ANL": "2026-03-01"}),
    (REFERRAL, "311", "PERS/VPOLIS", {"PERS/VPOLIS": None}),
    (MOTION, "312", "PERS/NPOLIS", {"PERS/NPOLIS": None, "FRM_MP": "1"}),
    (HOSP, "311", "PERS/VPOLIS", {"PERS/VPOLIS": None}),
    (HOSP, "312", "PERS/NPOLIS", {"PERS/NPOLIS": None, "FRM_MP": "2"}),
    (REFUSAL, "313", "PERS/SNILS", {"PERS/SNILS": "112-233-445 96"}),
    (REFERRAL, "314", "IDDOKT", {"IDDOKT": "087-654-303 01"}),
    (REFERRAL, "315", "PERS/DR", {"PERS/DR": "2026-03-03"}),
    (HOSP, "315", "PERS/DR", {"PERS/DR": "2026-03-17"}),
    (MOTION, "315", "PERS/DR", {"PERS/DR": "2026-03-17"}),
    (REFUSAL, "315", "PERS/DR", {"PERS/DR": "2026-03-17"}),
    (REFERRAL, "320", "DTA_PLN", {"DTA_PLN": "2026-03-01"}),
    (HOSP, "321", "DTA_FKT", {"DTA_FKT": "2026-03-01"}),
    (MOTION, "321", "DTA_FKT", {"DTA_FKT": "2026-03-01"}),
    (MOTION, "322", "DTA_IN", {"DTA_IN": "2026-03-15"}),
    (MOTION, "323", "DTA_OUT", {"DTA_OUT": "2026-03-15", "RES_OUT": "1"}),
    (REFUSAL, "325", "DTA_OTK", {"DTA_OTK": "2026-03-15"}),
    (HOSP, "330", "NOM_NAP", {"NOM_NAP": None}),
    (HOSP, "331", "NOM_NAP", {"NOM_NAP": None, "FRM_MP": "2"}),
    (HOSP, "332", "TYPE_H", {"TYPE_H": "4"}),
    (HOSP, "333", "NOM_NAP", {**EMERGENCY, "NOM_NAP": "3400012026000001"}),
    (REFERRAL, "334", "NOM_NAP", {"NOM_NAP": "3400092026000001"}),
    (CANCEL, "334", "NOM_NAP", {"NOM_NAP": "3400092026000001"}),
    (MOTION, "340", "RES_OUT", {"DTA_OUT": "2026-03-16"}),
    (MOTION, "341", "DTA_OUT", {"RES_OUT": "1"}),
    (CANCEL, "350", "ACOD", {"IST_ANL": "1"}),
    (CANCEL, "350", "ACOD", {"ACOD": "34001"}),
    (REFERRAL, "304", "DTA_PLN", {"DTA_PLN": ""}),
    (REFERRAL, "304", "PERS/W", {"PERS/W": None}),
]


@pytest.mark.parametrize(("packet_type", "code", "path", "changes"), BROKEN)
def test_one_mistake_gives_one_finding(packet_type: str, code: str, path: str, changes: dict[str, str | None]) -> None:
    findings = check(job(packet_type, changes))
    assert found(findings) == [(code, path)]
    assert findings[0].message.startswith(f"«{TITLES[path.removeprefix('PERS/')]}»: ")
    assert findings[0].message.endswith(".")
    values = [text for text in changes.values() if text and len(text) > 1]
    assert not [text for text in values if text in findings[0].message]


def test_every_rule_is_tried() -> None:
    assert {rule.code for rule in RULES} <= {code for _, code, _, _ in BROKEN}
    tried = {(code, path, kind) for kind, code, path, _ in BROKEN}
    for rule in RULES:
        assert any((rule.code, rule.path, kind) in tried for kind in rule.scope), rule


@pytest.mark.parametrize(
    ("packet_type", "changes"),
    [
        *((kind, {}) for kind in SOURCES),
        (HOSP, {**EMERGENCY, **NO_POLICY}),
        (HOSP, {"TYPE_H": "2", "FRM_MP": "2", "NOM_NAP": None}),
        (CANCEL, {"IST_ANL": "1", "ACOD": "34001"}),
        (CANCEL, {"IST_ANL": "2", "ACOD": "340002"}),
        (MOTION, {"DTA_OUT": "2026-03-16", "RES_OUT": "3"}),
        (REFERRAL, {"PERS/FAM": None, "DTA_PLN": "2026-03-02", "PERS/DR": "2026-03-02"}),
        (REFERRAL, {"DTA_PLN": "скоро", "PERS/SNILS": "112 233 445 95"}),
        (REFERRAL, {"PERS/SNILS": None}),
    ],
)
def test_what_is_right_or_for_the_schema_to_judge_is_let_through(
    packet_type: str, changes: dict[str, str | None]
) -> None:
    assert check(job(packet_type, changes)) == ()


def test_all_that_is_missing_is_told_at_once() -> None:
    task = job(REFERRAL, dict.fromkeys(SOURCES[REFERRAL][1]) | dict.fromkeys(f"PERS/{key}" for key in PERSON))
    own = [path for path in REQUIRED[REFERRAL] if path not in ("MCOD_STC", "PERS")]
    policy = [("311", "PERS/VPOLIS"), ("312", "PERS/NPOLIS")]
    assert found(check(task)) == [
        ("302", "MCOD_STC"), *(("304", path) for path in own), ("310", "PERS/FAM"), *policy
    ]  # fmt: skip


def test_without_a_person_only_the_person_is_asked_for() -> None:
    task = job(REFUSAL, {})
    task.source.remove(task.source[-1])
    assert found(check(task)) == [("304", "PERS")]


@pytest.mark.parametrize("object_id", ["", "A-17", "٣", "1 ", "-1", "9223372036854775808", "1" * 64])
def test_object_id_must_fit_the_header(object_id: str) -> None:
    assert found(check(job(HOSP, {}, object_id))) == [("303", "")]
    assert check(job(HOSP, {}, "9223372036854775807")) == ()


def test_a_delete_is_judged_by_its_header() -> None:
    right = job(HOSP, dict.fromkeys(SOURCES[HOSP][1]), "A-17")
    organization = Organization(1, "1.2.643.5.1", "Тестовая больница", {})
    task = Job(UUID(int=1), HOSP, Operation.DELETE, "A-17", organization, right.formed_at, right.source)
    assert found(check(task)) == [("301", ""), ("303", "")]


def test_a_finding_names_the_line_of_the_field_or_of_what_should_hold_it() -> None:
    task = job(MOTION, {})
    source = parse(
        b"<HospitalMotion>\n<DTA_OUT>2026-03-16</DTA_OUT>\n<PERS>\n<VPOLIS> </VPOLIS>\n</PERS></HospitalMotion>"
    )
    task = Job(task.packet_id, MOTION, Operation.INSERT, "1", task.organization, task.formed_at, source)
    lines = {finding.path: finding.line for finding in check(task)}
    assert lines["/HospitalMotion/RES_OUT"] == 1
    assert lines["/HospitalMotion/PERS/NPOLIS"] == 3
    assert lines["/HospitalMotion/PERS/VPOLIS"] == 4


@pytest.mark.parametrize(
    ("snils", "right"),
    [
        ("112-233-445 95", True),
        ("112-233-445 94", False),
        ("087-654-303 00", True),  # the sum is 202: 202 mod 101 = 0
        ("150-000-899 00", True),  # the sum is 100, which is written 00
        ("001-001-998 77", True),  # given out before check digits
        ("001-001-999 77", False),
        ("000-000-000 00", True),
        ("не СНИЛС", True),
    ],
)
def test_check_digits_of_snils(snils: str, right: bool) -> None:
    assert snils_is_right(snils) is right


def answer(result: str, reasons: str = "") -> Element:
    body = f"<BODY><RESULT>{result}</RESULT>{reasons}</BODY>"
    return parse(f'<ANSWER xmlns="urn:service-journal:tfoms:1"><HEADER/>{body}</ANSWER>'.encode())


def test_an_answer_is_read() -> None:
    assert read(answer("OK")).status is PacketStatus.ACCEPTED
    reasons = "".join(
        f"<PR><OSHIB>{code}</OSHIB><ZN_POL>значение</ZN_POL><COMMENT>{text}</COMMENT></PR>"
        for code, text in (("101", "Неизвестная МО"), ("206", "Неизвестный диагноз"))
    )
    verdict = read(answer("ERROR", reasons))
    assert verdict.status is PacketStatus.REJECTED
    told = [(refusal.code, refusal.comment) for refusal in verdict.refusals]
    assert told == [("101", "Неизвестная МО"), ("206", "Неизвестный диагноз")]


def test_an_answer_that_contradicts_itself_is_none() -> None:
    with pytest.raises(BadAnswer):
        read(answer("OK", "<PR><OSHIB>101</OSHIB><COMMENT>Неизвестная МО</COMMENT></PR>"))
    assert read(answer("ERROR")) == Verdict(PacketStatus.REJECTED, "Причина не указана.")
