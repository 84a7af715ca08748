"""What the stand-in Алькона remembers: packets with their verdicts, groups, and the records it holds of every МО."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from lxml import etree

from workers.sandbox.switches import SwitchValues, chosen
from workers.sandbox.tfoms_reference import Reference

Element = etree._Element
Refusal = tuple[str, str]
"""Code and comment of one refused record."""

_KEYS: Final = {"DEP": "BRANCH/ID_BR", "DN": "PERS/ID_PAC", "PRF": "PERS/ID_PAC"}
_CLOSED_POLICY: Final = "000"
"""Policies that end so are closed, which only the peer knows."""
_BY_SWITCH: Final = ("900", "Отказ по переключателю стенда.")


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one packet: OK, PART or ERROR, and a refusal or None for every record."""

    packet_id: str
    result: str
    refusals: tuple[Refusal | None, ...]


@dataclass(slots=True)
class LedgerEntry:
    """One packet as the peer took it."""

    id: str
    name: str
    type: str
    operation: str
    organisation: str
    group_id: str
    position: int
    size: int
    records: int
    result: str
    accepted: int
    receptions: int = 1


@dataclass(slots=True)
class _Group:
    size: int
    taken: dict[int, str] = field(default_factory=dict)


class Registry:
    """The memory of one stand-in; the caller serialises."""

    def __init__(self) -> None:
        self._packets: dict[str, tuple[bytes, Judged, LedgerEntry]] = {}
        self._groups: dict[str, _Group] = {}
        self._held: set[tuple[str, str, str]] = set()

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Every packet judged record by record, in the order of arrival."""
        return tuple(entry for _, _, entry in self._packets.values())

    def holds(self, root: Element) -> bool:
        """Tell whether a packet of this id came before."""
        return self._place(root)[0] in self._packets

    def known(self, root: Element) -> Judged | None:
        """The verdict on a packet that came before with this content, or None."""
        found = self._packets.get(self._place(root)[0])
        if found is None or found[0] != _digest(root):
            return None
        found[2].receptions += 1
        return found[1]

    def takes_place(self, root: Element) -> bool:
        """Tell whether the packet's place in its group exists and is free, and the group was always of this size."""
        _, position, size = self._place(root)
        group = self._groups.get(root.findtext("ZGLV/GRP_ID", "").lower())
        if not 1 <= position <= size:
            return False
        return group is None or (group.size == size and position not in group.taken)

    @staticmethod
    def _place(root: Element) -> tuple[str, int, int]:
        return (
            root.findtext("ZGLV/ID", "").lower(),
            int(root.findtext("ZGLV/N_PACK", "0")),
            int(root.findtext("ZGLV/K_PACK", "0")),
        )

    def judge(self, root: Element, switches: SwitchValues, reference: Reference) -> Judged:
        """Judge a fresh packet record by record, and hold what is accepted."""
        header = {str(child.tag): child.text or "" for child in root[0]}
        packet_id, position, size = self._place(root)
        refusals = []
        for number, record in enumerate(root.iterfind("ZAP"), 1):
            refusal = self._refusal(record, header, reference)
            if refusal is None and chosen(switches, "reject", f"{packet_id}:{number}", switches.reject_percent):
                refusal = _BY_SWITCH
            if refusal is None:
                self._apply(record, header)
            refusals.append(refusal)
        accepted = refusals.count(None)
        result = "OK" if accepted == len(refusals) else "PART" if accepted else "ERROR"
        judged = Judged(packet_id, result, tuple(refusals))
        kind, group_id = header["TYPE"], header["GRP_ID"].lower()
        about = (header["FILENAME"], kind, header["OPER"], header["CODE_MO"], group_id, position, size)
        self._packets[packet_id] = (
            _digest(root),
            judged,
            LedgerEntry(packet_id, *about, len(refusals), result, accepted),
        )
        self._groups.setdefault(group_id, _Group(size)).taken[position] = packet_id
        return judged

    def _refusal(self, record: Element, header: dict[str, str], reference: Reference) -> Refusal | None:
        held = self._key(record, header) in self._held
        if header["OPER"] == "Insert" and held:
            return ("208", "Запись уже принята; нужна операция Update.")
        if header["OPER"] != "Insert" and not held:
            return ("209", "Запись никогда не принималась.")
        return next(self._broken(record, reference), None)

    @staticmethod
    def _broken(record: Element, reference: Reference) -> Iterator[Refusal]:
        for path in ("MO_P", "ATTACH/MO_P"):
            code = record.findtext(path)
            if code is not None and code not in reference.organisations:
                yield ("101", "МО прикрепления нет в справочнике.")
        if record.findtext("PERS/NPOLIS", "").endswith(_CLOSED_POLICY):
            yield ("103", "Полис не найден или закрыт.")

    def _apply(self, record: Element, header: dict[str, str]) -> None:
        key = self._key(record, header)
        if header["OPER"] == "Delete":
            self._held.discard(key)
        else:
            self._held.add(key)

    @staticmethod
    def _key(record: Element, header: dict[str, str]) -> tuple[str, str, str]:
        return header["TYPE"], header["CODE_MO"], record.findtext(_KEYS[header["TYPE"]], "")


def _digest(root: Element) -> bytes:
    return sha256(etree.tostring(root, method="c14n")).digest()
