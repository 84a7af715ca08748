"""Поля файлов I01, I03–I07: where in the source object each is taken from, once for forming, for ФЛК and for places.

Source: the format «263» of ТФОМС Волгоградской области, version 2.0; its schemas are in xsd/volgograd/2.0, a test
compares both. A source that begins with ``@`` is derived (``derived.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from workers.exchange import funds

REFERRAL: Final = "HOSPITALISATION_REFERRAL"
CANCELLATION: Final = "CANCEL_HOSPITALISATION_REFERRAL"
HOSPITALISATION: Final = "HOSPITALISATION"
EMERGENCY: Final = "HOSPITALISATION_EXT"
REFUSAL: Final = "CANCEL_HOSPITALISATION"
DISCHARGE: Final = "MOTION_IN_HOSPITAL"
BEDS: Final = "HOSPITAL_FREE_BEDS"
WITHDRAWAL: Final = "WITHDRAWAL"
"""No packet type: an annulment made of a referral that the МИС removed."""

FILES: Final[Mapping[str, str]] = {
    REFERRAL: "I01",
    CANCELLATION: "I03",
    REFUSAL: "I03",
    HOSPITALISATION: "I04",
    EMERGENCY: "I05",
    DISCHARGE: "I06",
    BEDS: "I07",
}
"""Packet type → what the name of its file begins with, and the name of its schema."""


@dataclass(frozen=True, slots=True)
class Field:
    """One element of a record: its path below the record (or ``MO``, ``LPU`` … beside it) and its source."""

    path: str
    source: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of record: ``keys`` are what its group tells of all its records, before the first of them."""

    group: str
    keys: tuple[Field, ...]
    record: str
    fields: tuple[Field, ...]

    def every(self) -> Iterator[Field]:
        """Keys, then fields."""
        yield from self.keys
        yield from self.fields


def _fields(text: str, prefix: str = "", *, optional: tuple[str, ...] = ()) -> tuple[Field, ...]:
    """Read ``PATH=SOURCE`` or ``PATH?=SOURCE``; a name alone is its own source."""
    made = []
    for word in text.split():
        path, _, source = word.partition("=")
        name = path.removesuffix("?")
        required = not path.endswith("?") and name not in optional
        made.append(Field(f"{prefix}{name}", source or name, required))
    return tuple(made)


_PERSON: Final = (
    "SURNAME=PERS/FAM NAME=PERS/IM PATRONYMIC?=PERS/OT BIRTHDAY=PERS/DR SEX=PERS/W SS?=PERS/SNILS TYPE_P=PERS/VPOLIS "
    "SER_P?=PERS/SPOLIS NUM_P=PERS/NPOLIS ENP?=PERS/ENP SMO?=PERS/SMO REG_OMS=@REG_OMS CONTACT/TEL_M?=@TEL_M "
    "CONTACT/TEL_F?=@TEL_F"
)
_PATIENT: Final = _fields(_PERSON, "PATIENT/")
_UNIDENTIFIED: Final = _fields(_PERSON, "PATIENT/", optional=("TYPE_P", "NUM_P", "REG_OMS"))
_HOSPITAL: Final = _fields("MO=MCOD_STC LPU=@LPU_STC")
_REFUSED: Final = "ID_D=@ID_D MO_D=@MO_D LPU_D=@LPU_D"

SHAPES: Final[Mapping[str, Shape]] = {
    REFERRAL: Shape(
        "MO_D",
        _fields("MO=MCOD_NAP LPU=@LPU_D"),
        "DIR",
        _fields(
            "ID_D=@ID_D NUM_D=@NUM_D DATE_D=DTA_NAP MO_H=MCOD_STC LPU_H=@LPU_STC USL_OK PROFIL PROFIL_K DS=DS1 IDDOKT "
            "F_MEDC=FRM_MP DATE_HOSP=DTA_PLN DISP=@DISP COMMENT_D?=COMMENT"
        )
        + _PATIENT,
    ),
    CANCELLATION: Shape(
        "SOURCE",
        _fields("TYPE_S=IST_ANL CODE=ACOD"),
        "REF_HOSP",
        _fields(f"{_REFUSED} DATE_REF=DTA_ANL REASON_REF=PR_ANL"),
    ),
    REFUSAL: Shape(
        "SOURCE",
        _fields("TYPE_S=IST_OTK CODE=@CODE"),
        "REF_HOSP",
        _fields(f"{_REFUSED} DATE_REF=DTA_OTK REASON_REF=PR_OTK"),
    ),
    WITHDRAWAL: Shape(
        "SOURCE",
        _fields("TYPE_S=@TYPE_S CODE=MCOD_NAP"),
        "REF_HOSP",
        _fields(f"{_REFUSED} DATE_REF=@TODAY REASON_REF=@REASON"),
    ),
    HOSPITALISATION: Shape(
        "MO_HOSP",
        _HOSPITAL,
        "HOSP",
        _fields(
            "ID_H=@ID_H USL_OK TYPE_H ID_D?=@ID_D MO_D=@MO_D LPU_D=@LPU_D DATE_H=DTA_FKT TIME_H=@TIME_H DS=DS1 "
            "F_MEDC=FRM_MP PROFIL PROFIL_K NUM_HIST=NHISTORY COMMENT?"
        )
        + _PATIENT,
    ),
    EMERGENCY: Shape(
        "MO_EXTR",
        _HOSPITAL,
        "HOSP",
        _fields("ID_H=@ID_H DATE_H=DTA_FKT TIME_H=@TIME_H DS=DS1 F_MEDC=FRM_MP PROFIL PROFIL_K NUM_HIST=NHISTORY")
        + _UNIDENTIFIED,
    ),
    DISCHARGE: Shape(
        "MO_DC",
        _HOSPITAL,
        "DISCH",
        _fields(
            "ID_DISCH=@ID_DISCH DATE_H=DTA_FKT DATE_D=DTA_OUT F_MEDC=FRM_MP PROFIL PROFIL_K USL_OK ID_D?=@ID_D "
            "MO_D?=@MO_D LPU_D?=@LPU_D NUM_HIST=NHISTORY PATIENT/BIRTHDAY=PERS/DR PATIENT/SEX=PERS/W "
            "PATIENT/ENP?=PERS/ENP"
        ),
    ),
    BEDS: Shape(
        "MO_PLACE",
        _HOSPITAL,
        "PLACES",
        _fields("ID_PL=@ID_PL USL_OK PROFIL PROFIL_K QUANTITY Q_P Q_AP Q_DP Q_HP"),
    ),
}

BED_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "FREE_PLACES": ("ZAP",),
    "ZAP": ("DATE_PL", "PLACE_FREE", "PF_M", "PF_W", "PF_C"),
    "SMO_V": ("SMO", "V_H"),
}
"""What stands after the fields of PLACES, group by group, with the names of the source object."""

RECORDS: Final = frozenset(shape.record for shape in SHAPES.values())

TAKEN_FROM: Final[Mapping[str, str]] = {
    "@CODE": "MCOD_STC",
    "@ID_D": "NOM_NAP",
    "@LPU_D": "MPODR_NAP",
    "@LPU_STC": "MPODR_STC",
    "@MO_D": "MCOD_NAP",
    "@NUM_D": "NOM_NAP",
    "@REG_OMS": "PERS/SMO_OK",
    "@TEL_F": "PERS/TLF",
    "@TEL_M": "PERS/TLF",
    "@TIME_H": "TIM_FKT",
}
"""Where the МО mends a field that is derived; the others are of our making."""

TITLES: Final[Mapping[str, str]] = {
    **funds.HOSPITALISATION_TITLES,
    "DATE_PL": "Дата",
    "FREE_PLACES": "Свободные койки по дням",
    "PF_C": "Свободных детских коек",
    "PF_M": "Свободных мужских коек",
    "PF_W": "Свободных женских коек",
    "PLACE_FREE": "Свободных коек",
    "QUANTITY": "Число коек",
    "Q_AP": "Поступило пациентов",
    "Q_DP": "Выбыло пациентов",
    "Q_HP": "Запланировано госпитализаций",
    "Q_P": "Состоит пациентов",
    "V_H": "Выполненный объём госпитализаций",
}
