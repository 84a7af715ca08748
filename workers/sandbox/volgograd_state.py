"""What the stand-in fund of Волгоград remembers: referrals, stays, discharges and beds, by the identifiers of records.

A record that comes again under its identifier changes what is held. Codes are numbers after T008, ours to choose: 101
unknown МО, 102 unknown СМО, 103 policy not found or closed, 104 person not identified, 105 another МО's fact; 201
referral not found, 202 annulled already, 203 used already, 204 dates in the wrong order, 205 stay not found, 206 ICD,
207 profile, 208 reason, 209 discharged already, 210 numbers of beds, 211 identifier or number held by another record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from workers.sandbox.switches import SwitchValues, chosen
from workers.sandbox.tfoms_reference import Policy, Reference

Element = etree._Element

BY_SWITCH: Final = "900"
IDENTIFIERS: Final = {"I01": "ID_D", "I03": "ID_D", "I04": "ID_H", "I05": "ID_H", "I06": "ID_DISCH", "I07": "ID_PL"}
"""The field by which a record is known."""

_POLICIES: Final = {Policy.CLOSED: "103", Policy.UNKNOWN: "103", Policy.OF_NOBODY: "104"}
_INSURER, _HOSPITAL = "1", "2"
_BY_REFERRAL: Final = "1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record is refused: the code, the field and the element it stands in."""

    code: str
    field: str
    parent: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in its file: the packet (``I01``), its group's keys, its fields by path, its id."""

    kind: str
    sender: str
    id: str
    values: Mapping[str, str]
    element: Element

    def get(self, path: str) -> str:
        """A field of the record or a key of its group; empty when absent."""
        return self.values.get(path, "")

    def refusal(self, code: str, path: str) -> Refusal:
        """Refuse the record for one of its fields."""
        parent, _, field = path.rpartition("/")
        return Refusal(code, field, parent or str(self.element.tag))


@dataclass(slots=True)
class LedgerEntry:
    """One record that was accepted, and how many files brought it."""

    kind: str
    id: str
    organisation: str
    file: str
    times: int = 1


@dataclass(slots=True)
class _Referral:
    organisation: str
    hospital: str
    number: str
    day: str
    cancelled_by: str = ""
    used_by: str = ""


@dataclass(slots=True)
class _Stay:
    kind: str
    organisation: str
    history: str
    day: str
    referral: str
    discharged_by: str = ""


class Registry:
    """The memory of one stand-in; the caller serialises."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._referrals: dict[str, _Referral] = {}
        self._stays: dict[str, _Stay] = {}
        self._owners: dict[str, str] = {}
        self._ledger: dict[tuple[str, str], LedgerEntry] = {}

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every record accepted, in the order of its first arrival."""
        return tuple(self._ledger.values())

    def judge(self, record: Record, file: str, switches: SwitchValues) -> Refusal | None:
        """Judge one record, and hold it when nothing is wrong."""
        refused = next(self._broken(record), None)
        if refused is None and chosen(switches, "reject", record.id, switches.reject_percent):
            refused = Refusal(BY_SWITCH, "", "")
        if refused is not None:
            return refused
        hold: Mapping[str, Callable[[Record], None]] = {
            "I01": self._hold_referral,
            "I03": self._hold_annulment,
            "I04": self._hold_stay,
            "I05": self._hold_stay,
            "I06": self._hold_discharge,
        }
        if record.kind in hold:
            hold[record.kind](record)
        self._owners[record.id] = record.sender
        key = record.kind, record.id
        if key in self._ledger:
            self._ledger[key].times += 1
        else:
            self._ledger[key] = LedgerEntry(*key, record.sender, file)
        return None

    def _broken(self, record: Record) -> Iterator[Refusal]:
        yield from self._codes(record)
        yield from self._owner(record)
        rules: Mapping[str, Callable[[Record], Iterator[Refusal]]] = {
            "I01": self._referral,
            "I03": self._annulment,
            "I04": self._stay,
            "I05": self._stay,
            "I06": self._discharge,
            "I07": self._beds,
        }
        yield from rules[record.kind](record)

    def _codes(self, record: Record) -> Iterator[Refusal]:
        known = self._reference
        for path, codes, code in (
            ("MO_H", known.organisations, "101"),
            ("MO_D", known.organisations, "101"),
            ("PATIENT/SMO", known.insurers, "102"),
            ("SMO_V/SMO", known.insurers, "102"),
            ("PROFIL", known.profiles, "207"),
            ("PROFIL_K", known.bed_profiles, "207"),
        ):
            if (told := record.get(path)) and told not in codes:
                yield record.refusal(code, path)
        if (told := record.get("DS")) and not known.knows_diagnosis(told):
            yield record.refusal("206", "DS")
        policy = known.policy(record.get("PATIENT/NUM_P"))
        if policy in _POLICIES:
            yield record.refusal(_POLICIES[policy], "PATIENT/NUM_P")

    def _owner(self, record: Record) -> Iterator[Refusal]:
        """A МО tells of its own facts, and changes its own records."""
        if record.kind != "I03":
            if record.get("MO") != record.sender:
                yield record.refusal("105", "MO")
            if self._owners.get(record.id, record.sender) != record.sender:
                yield record.refusal("211", IDENTIFIERS[record.kind])

    def _referral(self, record: Record) -> Iterator[Refusal]:
        if record.get("DATE_HOSP") < record.get("DATE_D"):
            yield record.refusal("204", "DATE_HOSP")
        held = self._referrals.get(record.id)
        if held is not None:
            yield from self._not_open(record, held)
        for other, referral in self._referrals.items():
            if other != record.id and (referral.organisation, referral.number) == (record.sender, record.get("NUM_D")):
                yield record.refusal("211", "NUM_D")

    @staticmethod
    def _not_open(record: Record, held: _Referral, by: str = "") -> Iterator[Refusal]:
        if held.cancelled_by:
            yield record.refusal("202", "ID_D")
        if held.used_by and held.used_by != by:
            yield record.refusal("203", "ID_D")

    def _annulment(self, record: Record) -> Iterator[Refusal]:
        source, code = record.get("TYPE_S"), record.get("CODE")
        if code not in (self._reference.insurers if source == _INSURER else self._reference.organisations):
            yield record.refusal("102" if source == _INSURER else "101", "SOURCE/CODE")
        if not self._reference.knows_reason(source, record.get("REASON_REF")):
            yield record.refusal("208", "REASON_REF")
        held = self._referrals.get(record.id)
        if held is None or held.organisation != record.get("MO_D"):
            yield record.refusal("201", "ID_D")
            return
        entitled = {_INSURER: code, _HOSPITAL: held.hospital}.get(source, held.organisation)
        if code != entitled or (source != _INSURER and code != record.sender):
            yield record.refusal("105", "SOURCE/CODE")
        if record.get("DATE_REF") < held.day:
            yield record.refusal("204", "DATE_REF")
        if held.cancelled_by not in ("", f"{source}{code}"):
            yield record.refusal("202", "ID_D")
        if held.used_by:
            yield record.refusal("203", "ID_D")

    def _stay(self, record: Record) -> Iterator[Refusal]:
        held = self._stays.get(record.id)
        if held is not None and held.kind != record.kind:
            yield record.refusal("211", "ID_H")
        number = record.get("ID_D").lower()
        if not number:
            if record.get("TYPE_H") == _BY_REFERRAL:
                yield record.refusal("201", "ID_D")
            return
        referral = self._referrals.get(number)
        if referral is None or referral.organisation != record.get("MO_D"):
            yield record.refusal("201", "ID_D")
            return
        yield from self._not_open(record, referral, record.id)
        if record.get("DATE_H") < referral.day:
            yield record.refusal("204", "DATE_H")

    def _discharge(self, record: Record) -> Iterator[Refusal]:
        found = self._stay_of(record)
        if record.get("DATE_D") < record.get("DATE_H"):
            yield record.refusal("204", "DATE_D")
        if found is None:
            yield record.refusal("205", "NUM_HIST")
            return
        if found.discharged_by not in ("", record.id):
            yield record.refusal("209", "NUM_HIST")
        if record.get("ID_D").lower() not in ("", found.referral):
            yield record.refusal("201", "ID_D")

    def _stay_of(self, record: Record) -> _Stay | None:
        wanted = record.sender, record.get("NUM_HIST"), record.get("DATE_H")
        return next((s for s in self._stays.values() if (s.organisation, s.history, s.day) == wanted), None)

    def _beds(self, record: Record) -> Iterator[Refusal]:
        days = record.element.findall("FREE_PLACES/ZAP")
        if len({day.findtext("DATE_PL") for day in days}) < len(days):
            yield record.refusal("210", "ZAP/DATE_PL")
        for day in days:
            free, *parts = (int(day.findtext(tag, "0")) for tag in ("PLACE_FREE", "PF_M", "PF_W", "PF_C"))
            if free > int(record.get("QUANTITY")) or sum(parts) > free:
                yield record.refusal("210", "ZAP/PLACE_FREE")

    def _hold_referral(self, record: Record) -> None:
        self._referrals[record.id] = _Referral(
            record.sender, record.get("MO_H"), record.get("NUM_D"), record.get("DATE_D")
        )

    def _hold_annulment(self, record: Record) -> None:
        self._referrals[record.id].cancelled_by = record.get("TYPE_S") + record.get("CODE")

    def _hold_stay(self, record: Record) -> None:
        referral = record.get("ID_D").lower()
        held = self._stays.get(record.id)
        if held is not None and held.referral in self._referrals:
            self._referrals[held.referral].used_by = ""
        if referral:
            self._referrals[referral].used_by = record.id
        told = record.sender, record.get("NUM_HIST"), record.get("DATE_H"), referral
        self._stays[record.id] = _Stay(record.kind, *told, held.discharged_by if held else "")

    def _hold_discharge(self, record: Record) -> None:
        stay = self._stay_of(record)
        if stay is not None:
            stay.discharged_by = record.id
