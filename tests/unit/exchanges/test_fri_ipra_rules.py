"""Rules of ИПРА, one by one: one change of a sound programme each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from gateway.xml.parser import parse
from workers.demo.parts.fri_ipra_data import programme
from workers.demo.region import ORGANIZATIONS, REGION_CODES
from workers.exchange import NO_REFERENCE, Job, Operation, Organization, Reference
from workers.exchanges.fri_ipra.rules import LOOKUPS, OF_EXECUT, OF_PRG, OF_RHB, check

MO = Organization(1, ORGANIZATIONS[0].oid, "Учебная больница", {"ogrn": "1023400000007", **REGION_CODES})
SOUND = (programme(ORGANIZATIONS[0], 1).content or b"").decode()
EARLY = datetime(2026, 3, 20, 12, tzinfo=UTC)
R1, R2, R3 = ("/IpraExecution/Rhb[1]", "/IpraExecution/Rhb[2]", "/IpraExecution/Rhb[3]")
EXECUT = "<Execut><Name>А</Name><Ogrn>1023400000007</Ogrn><Inn>3400000018</Inn></Execut>"
BROKEN = [
    ("<LName>Образец</LName>", "<LName> </LName>", "702", "/IpraExecution/LName"),
    ("<MseId>", "<MseId></MseId><Note>", "702", "/IpraExecution/MseId"),
    ("300-000-001", "300-000-011", "710", "/IpraExecution/Snils"),
    ("<BDate>1941-02-02", "<BDate>2026-02-02", "711", "/IpraExecution/BDate"),
    ("<PrgKind>", "<Dt>2026-02-01</Dt><PrgKind>", "712", "/IpraExecution/Dt"),
    ("<DocDt>2026-01-02", "<DocDt>2026-01-03", "713", "/IpraExecution/DocDt"),
    ("<PrgDt>2026-01-02", "<PrgDt>2027-01-02", "714", "/IpraExecution/PrgDt"),
    ("<TypeId>3", "<TypeId>5", "720", f"{R3}/TypeId"),
    ("<EvntId>2</EvntId>", "<EvntId/>", "721", f"{R1}/EvntId"),
    ("<TypeId>3</TypeId>", "<TypeId>3</TypeId><EvntId>1</EvntId>", "722", f"{R3}/EvntId"),
    ("<DtExc>2026-01-14", "<DtExc>2026-03-22", "724", f"{R3}/DtExc"),
    ("<DtExc>2026-01-14", "<DtExc>2026-01-01", "725", f"{R3}/DtExc"),
    ("<ResId>1", "<ResId>5", "726", f"{R1}/Result"),
    ("<DicId>1</DicId>", "<DicId>1</DicId><Name>То же словами</Name>", "727", f"{R2}/DicId"),
    ("<DicId>1</DicId>", "", "727", f"{R2}/DicId"),
    ("<ExcId>2</ExcId>", f"<ExcId>2</ExcId>{EXECUT}", "728", f"{R3}/ExcId"),
    ("<ExcId>2</ExcId>", "<Execut><Name/></Execut>", "728", f"{R3}/ExcId"),
    ("<Inn>3400000018", "<Inn>", "702", f"{R2}/Execut/Inn"),
    ("<Ogrn>1023400000040", "<Ogrn>1023400000041", "729", f"{R2}/Execut/Ogrn"),
    ("<Inn>3400000018", "<Inn>3400000019", "730", f"{R2}/Execut/Inn"),
]  # fmt: skip


@dataclass
class Books(Reference):
    """Dictionaries that hold these codes; a dictionary not named is not loaded."""

    held: Mapping[str, set[str]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    def has(self, dictionary: str, code: str, on: date) -> bool | None:  # noqa: ARG002 # as the protocol asks
        return code in self.held[dictionary] if dictionary in self.held else None

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        raise NotImplementedError

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:  # noqa: ARG002 # the protocol
        assert (dictionary, column) == ("RHB_EVNT", "typeid")
        return self.owners.get(code)


def job(
    text: str = SOUND,
    operation: Operation = Operation.INSERT,
    reference: Reference = NO_REFERENCE,
    organization: Organization = MO,
    accepted: Mapping[str, str] | None = None,
) -> Job:
    source = parse(text.encode())
    head = (UUID(int=7), "IPRA_EXECUTION", operation, "ipra-1", organization, EARLY)
    return Job(*head, source, reference, accepted or {})


def found(task: Job) -> list[tuple[str, str]]:
    return [(f.code, f.path) for f in check(task)]


def test_a_sound_programme_breaks_nothing() -> None:
    assert found(job()) == []


@pytest.mark.parametrize(("old", "new", "code", "path"), BROKEN)
def test_one_mistake_is_one_finding_at_its_place(old: str, new: str, code: str, path: str) -> None:
    assert old in SOUND
    text = SOUND.replace(old, new, 1)
    if old == "<MseId>":
        text = text.replace("</MseId>\n", "</Note>\n", 1)
    (finding,) = [f for f in check(job(text)) if (f.code, f.path) == (code, path)]
    assert finding.line is not None
    others = {f.code for f in check(job(text))} - {code}
    assert others <= ({"725", "713", "711"} if code == "714" else set())


def test_every_rule_of_the_tables_is_tried() -> None:
    tried = {code for _, _, code, _ in BROKEN}
    assert {rule.code for rule in (*OF_PRG, *OF_RHB, *OF_EXECUT)} <= tried


def test_a_day_that_has_begun_in_the_east_is_not_tomorrow() -> None:
    assert found(job(SOUND.replace("<DtExc>2026-01-14", "<DtExc>2026-03-21"))) == []


def test_a_programme_without_measures_and_one_with_a_measure_twice() -> None:
    head, _, _ = SOUND.partition("<Rhb>")
    assert found(job(f"{head}</IpraExecution>")) == [("703", "/IpraExecution/Rhb")]
    twin = SOUND[SOUND.index("<Rhb>") : SOUND.index("</Rhb>") + len("</Rhb>")]
    doubled = SOUND.replace("</IpraExecution>", f"{twin}</IpraExecution>")
    assert found(job(doubled)) == [("731", "/IpraExecution/Rhb[4]/Id")]


def test_codes_that_dictionaries_do_not_hold() -> None:
    for name, (code, dictionary) in LOOKUPS.items():
        assert code in {c for c, _ in found(job(reference=Books({dictionary: set()})))}, name
    full = Books({dictionary: {str(n) for n in range(10)} for _, dictionary in LOOKUPS.values()}, {"2": "2"})
    assert found(job(reference=full)) == []


def test_a_subtype_belongs_to_its_type() -> None:
    assert found(job(reference=Books(owners={"2": "7"}))) == [("723", f"{R1}/EvntId")]


@pytest.mark.parametrize("code", ["ogrn", "fri_okr", "fri_reg"])
@pytest.mark.parametrize("wrong", ["", "x", "1023400000008"])
def test_the_organization_must_be_known_to_the_register(code: str, wrong: str) -> None:
    unknown = Organization(1, MO.oid, MO.name, {**MO.codes, code: wrong})
    assert found(job(organization=unknown)) == [("701", "/IpraExecution")]


def test_nothing_is_withdrawn() -> None:
    assert found(job(operation=Operation.DELETE)) == [("704", "/IpraExecution")]
