"""Rules of the stand-in ТФОМС: what it says of a packet that follows its schema.

Codes of the contract: 101 МО, 102 СМО, 103 policy, 104 person, 201–203 referral, 204 order of dates,
205 hospitalisation, 206 ICD-10, 207 profile, 208 reason, 209 object never inserted, 210 ZAP against OPER.
Conditions that XSD 1.0 cannot say, numbered from 301:

301 NOM_NAP is required for planned care (FRM_MP = 3) in HOSPITALISATION
302 FAM or IM is required
303 check digits of a СНИЛС
304 VPOLIS and NPOLIS are required, except in an emergency HOSPITALISATION (FRM_MP = 1)
305 RES_OUT is required with DTA_OUT
306 ACOD is a СМО for IST_ANL = 1, else a МО
307 NOM_NAP belongs to another referral
308 Insert of an object that stands already
309 CODE_MO_TO differs from MCOD_STC
310 HOSPITALISATION that motions stand on cannot be deleted
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workers.sandbox.tfoms_packets import (
    DELETE,
    HOSPITALISATION,
    INSERT,
    MOTION,
    REFERRAL,
    REFUSAL,
    Packet,
    Refusal,
)
from workers.sandbox.tfoms_reference import Policy, Reference
from workers.sandbox.tfoms_state import ReferralState, Standing, Store

INSURER: Final = "1"
PLANNED: Final = "3"
EMERGENCY: Final = "1"

_IN_ORDER: Final = (("DTA_NAP", "DTA_PLN"), ("DTA_NAP", "DTA_FKT"), ("DTA_IN", "DTA_OUT"))
_PROFILES: Final = ("PROFIL", "PROFIL_K")
_REASONS: Final = (("IST_ANL", "PR_ANL"), ("IST_OTK", "PR_OTK"))
_NOT_OPEN: Final = {
    ReferralState.CANCELLED: Refusal("202", "Направление уже отменено.", "ZAP/NOM_NAP"),
    ReferralState.USED: Refusal("203", "Направление уже использовано.", "ZAP/NOM_NAP"),
    ReferralState.REFUSED: Refusal("203", "По направлению зарегистрирован отказ.", "ZAP/NOM_NAP"),
}
_POLICIES: Final = {
    Policy.CLOSED: Refusal("103", "Полис закрыт.", "ZAP/PERS/NPOLIS"),
    Policy.UNKNOWN: Refusal("103", "Полис не найден.", "ZAP/PERS/NPOLIS"),
    Policy.OF_NOBODY: Refusal("104", "Застрахованное лицо не идентифицировано.", "ZAP/PERS"),
}


def check(packet: Packet, store: Store, reference: Reference) -> tuple[Refusal, ...]:
    """Judge a packet that follows its schema; empty means accepted. Reads the store, changes nothing."""
    if (packet.record is None) != (packet.operation == DELETE):
        reason = "отсутствует при добавлении или изменении" if packet.record is None else "есть при удалении"
        return (Refusal("210", f"Запись {reason}.", "ZAP"),)
    return (*_content(packet, reference), *_state(packet, store))


def snils_is_valid(snils: str) -> bool:
    """Check the last two digits of ``NNN-NNN-NNN NN``; numbers up to 001-001-998 were issued without them."""
    digits = [int(char) for char in snils if char.isdigit()]
    body = digits[:9]
    if int("".join(map(str, body))) <= 1_001_998:
        return True
    control = sum(weight * digit for weight, digit in zip(range(9, 0, -1), body, strict=True)) % 101 % 100
    return control == digits[9] * 10 + digits[10]


def _content(packet: Packet, reference: Reference) -> Iterator[Refusal]:
    yield from _organisations(packet, reference)
    yield from _dates(packet)
    yield from _codes(packet, reference)
    yield from _conditions(packet)
    if packet.person:
        yield from _person(packet, reference)


def _organisations(packet: Packet, reference: Reference) -> Iterator[Refusal]:
    for name in ("CODE_MO", "CODE_MO_TO"):
        if name in packet.header and packet.header[name] not in reference.organisations:
            yield Refusal("101", "Медицинская организация не найдена в F003.", f"ZGLV/{name}")
    for name in ("MCOD_NAP", "MCOD_STC"):
        if packet.value(name) and packet.value(name) not in reference.organisations:
            yield Refusal("101", "Медицинская организация не найдена в F003.", f"ZAP/{name}")
    code = packet.value("ACOD")
    by_insurer = packet.value("IST_ANL") == INSURER
    if code and (len(code) == 5) != by_insurer:
        yield Refusal("306", "Код отменившей организации не соответствует источнику отмены.", "ZAP/ACOD")
    elif code and by_insurer and code not in reference.insurers:
        yield Refusal("102", "Страховая организация не найдена в F002.", "ZAP/ACOD")
    elif code and not by_insurer and code not in reference.organisations:
        yield Refusal("101", "Медицинская организация не найдена в F003.", "ZAP/ACOD")


def _dates(packet: Packet) -> Iterator[Refusal]:
    for earlier, later in _IN_ORDER:
        if packet.value(earlier) and packet.value(later) and packet.value(earlier) > packet.value(later):
            yield Refusal("204", f"Нарушен порядок дат: {earlier} позже {later}.", f"ZAP/{later}")


def _codes(packet: Packet, reference: Reference) -> Iterator[Refusal]:
    if (code := packet.value("DS1")) and not reference.knows_diagnosis(code):
        yield Refusal("206", "Диагноз не найден в МКБ-10.", "ZAP/DS1")
    for name, known in zip(_PROFILES, (reference.profiles, reference.bed_profiles), strict=True):
        if (code := packet.value(name)) and code not in known:
            yield Refusal("207", "Профиль не найден в справочнике.", f"ZAP/{name}")
    for source, reason in _REASONS:
        if (code := packet.value(reason)) and not reference.knows_reason(packet.value(source), code):
            yield Refusal("208", "Код причины не предусмотрен для источника.", f"ZAP/{reason}")


def _conditions(packet: Packet) -> Iterator[Refusal]:
    planned = packet.type == HOSPITALISATION and packet.value("FRM_MP") == PLANNED
    if planned and not packet.value("NOM_NAP"):
        yield Refusal("301", "Для плановой помощи нужен номер направления.", "ZAP/NOM_NAP")
    if packet.value("DTA_OUT") and not packet.value("RES_OUT"):
        yield Refusal("305", "С датой выбытия нужен исход.", "ZAP/RES_OUT")
    if packet.type == REFERRAL and packet.record and packet.header.get("CODE_MO_TO") != packet.value("MCOD_STC"):
        yield Refusal("309", "Код МО назначения не совпадает с кодом МО стационара.", "ZGLV/CODE_MO_TO")
    for place, snils in (
        ("ZAP/IDDOKT", packet.value("IDDOKT")),
        ("ZAP/PERS/SNILS", packet.person.get("SNILS")),
    ):
        if snils and not snils_is_valid(snils):
            yield Refusal("303", "Неверное контрольное число СНИЛС.", place)


def _person(packet: Packet, reference: Reference) -> Iterator[Refusal]:
    person = packet.person
    if not (person.get("FAM") or person.get("IM")):
        yield Refusal("302", "Нужна фамилия или имя.", "ZAP/PERS/FAM")
    insurer = person.get("SMO")
    if insurer and insurer not in reference.insurers:
        yield Refusal("102", "Страховая организация не найдена в F002.", "ZAP/PERS/SMO")
    number = person.get("NPOLIS", "")
    emergency = packet.type == HOSPITALISATION and packet.value("FRM_MP") == EMERGENCY
    if not emergency and not (number and person.get("VPOLIS")):
        yield Refusal("304", "Нужны тип и номер полиса.", "ZAP/PERS/NPOLIS")
    elif number and (refusal := _POLICIES.get(reference.policy(number))):
        yield refusal


def _state(packet: Packet, store: Store) -> Iterator[Refusal]:
    standing = store.standing(packet)
    if packet.operation == INSERT and standing is not None:
        yield Refusal("308", "Объект уже принят, нужна операция Update.", "ZGLV/OPER")
    elif packet.operation != INSERT and standing is None:
        yield Refusal("209", "Изменяемый или удаляемый объект не был принят.", "ZGLV/OBJ_ID")
    elif packet.type == REFERRAL:
        yield from _referral(packet, standing, store)
    elif packet.operation == DELETE:
        if packet.type == HOSPITALISATION and store.has_motions(packet):
            yield Refusal("310", "На госпитализацию ссылаются движения.", "ZGLV/OBJ_ID")
    else:
        yield from _links(packet, store)


def _referral(packet: Packet, standing: Standing | None, store: Store) -> Iterator[Refusal]:
    number = packet.value("NOM_NAP")
    if number and store.referral_taken(number, packet):
        yield Refusal("307", "Номер направления занят другим направлением.", "ZAP/NOM_NAP")
    if standing is not None and standing.referral != number:
        state = store.referral_state(standing.referral, packet)
        if state in _NOT_OPEN:
            yield _NOT_OPEN[state]


def _links(packet: Packet, store: Store) -> Iterator[Refusal]:
    if number := packet.value("NOM_NAP"):
        state = store.referral_state(number, packet)
        if state is None:
            yield Refusal("201", "Направление не найдено.", "ZAP/NOM_NAP")
        elif state in _NOT_OPEN and packet.type != MOTION:
            yield _NOT_OPEN[state]
    # A refusal is tied to its referral; only without one must its hospitalisation be known.
    if packet.type == MOTION or (packet.type == REFUSAL and not number):
        opened = store.hospitalisation_open(packet.hospitalisation_id, packet)
        if opened is None:
            yield Refusal("205", "Госпитализация не найдена.", "ZAP/HOSP_ID")
        elif not opened and packet.type == MOTION:
            yield Refusal("205", "Госпитализация закрыта выбытием.", "ZAP/HOSP_ID")
