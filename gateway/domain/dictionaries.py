"""Справочники (НСИ): which are known, what their columns are called, and when an entry of one holds.

Column names: классификаторы ФОМС (F002, F003, V002 … as the portal of the fund publishes them), ФРНСИ Минздрава
(МКБ-10, profiles), витрина ФГИС ФРИ (RHB_*, PRG_*). A region's own list is named ``X_…`` and has the plain columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

EVER: Final = date.min
"""A version that is in force on any date: the entries of its file tell their own dates, or have none."""

LOCAL: Final = re.compile(r"X_[A-Z0-9_]{1,40}")
CODE_COLUMNS: Final = ("code", "id")
TITLE_COLUMNS: Final = ("title", "name")
FROM_COLUMNS: Final = ("valid_from", "datebeg", "date_beg", "d_begin", "date_begin")
TO_COLUMNS: Final = ("valid_to", "dateend", "date_end", "d_end", "arc")
ACTUAL_COLUMN: Final = "actual"
"""ФРНСИ marks an entry that is no longer used with 0."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What a dictionary is and how its files name their columns (letters' case does not count).

    ``numeric`` codes are compared without leading zeros. ``period`` is the group of a record (XML) that tells one
    period of several; each makes an entry of its own. ``extra`` columns are kept beside code and title.
    """

    title: str
    codes: tuple[str, ...] = CODE_COLUMNS
    titles: tuple[str, ...] = TITLE_COLUMNS
    extra: tuple[str, ...] = ()
    numeric: bool = False
    period: str | None = None

    def folded(self, code: str) -> str:
        """A code as it is kept and compared."""
        return code.lstrip("0") or code[-1:] if self.numeric else code


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; both dates are inclusive, None leaves the side open."""

    code: str
    title: str
    valid_from: date | None = None
    valid_to: date | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def holds(self, on: date) -> bool:
        """Tell whether the entry is in force on a date."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


def _classifier(title: str, code: str, name: str, *extra: str) -> Dictionary:
    return Dictionary(title, (code, *CODE_COLUMNS), (name, *TITLE_COLUMNS), extra, numeric=True)


def _plain(title: str, *extra: str) -> Dictionary:
    return Dictionary(title, extra=extra, numeric=True)


DICTIONARIES: Final[Mapping[str, Dictionary]] = {
    "F002": Dictionary(
        "Реестр страховых медицинских организаций",
        ("smocod", *CODE_COLUMNS),
        ("nam_smok", "nam_smop", *TITLE_COLUMNS),
        ("tf_okato", "ogrn"),
        period="insinclude",
    ),
    "F003": Dictionary(
        "Реестр медицинских организаций в сфере ОМС",
        ("mcod", *CODE_COLUMNS),
        ("nam_mok", "nam_mop", *TITLE_COLUMNS),
        ("oid_mo", "ogrn"),
        period="medinclude",
    ),
    "V002": _classifier("Профили оказанной медицинской помощи", "idpr", "prname"),
    "V006": _classifier("Условия оказания медицинской помощи", "idump", "umpname"),
    "V014": _classifier("Формы медицинской помощи", "idfrmmp", "frmmpname"),
    "V020": _classifier("Профили койки", "idk_pr", "k_prname"),
    "V021": _classifier("Медицинские специальности (должности)", "idspec", "specname", "postname", "idpost_mz"),
    "MKB10": Dictionary(
        "МКБ-10", ("mkb_code", "idds", "code"), ("mkb_name", "dsname", *TITLE_COLUMNS), ("id_parent", "rec_code")
    ),
    "PROFILES": _plain("Профили медицинской помощи (ФРНСИ)"),
    "BED_PROFILES": _plain("Профили коечного фонда (ФРНСИ)"),
    "MSE_ORG": _plain("МСЭ: главные бюро"),
    "MSE_SUBJECT": _plain("МСЭ: субъекты Российской Федерации"),
    "MSE_PURPOSE": _plain("МСЭ: цели направления"),
    "MSE_IDENTITY_DOC": _plain("МСЭ: документы, удостоверяющие личность"),
    "MSE_AUTHORITY_DOC": _plain("МСЭ: документы, подтверждающие полномочия"),
    "MSE_DISABILITY_REASON": _plain("МСЭ: причины инвалидности"),
    "MSE_PROF_LOSS_PERIOD": _plain("МСЭ: сроки утраты профессиональной трудоспособности"),
    "MSE_CLINICAL_PROGNOSIS": _plain("МСЭ: клинический прогноз"),
    "MSE_REHAB_POTENTIAL": _plain("МСЭ: реабилитационный потенциал"),
    "MSE_REHAB_PROGNOSIS": _plain("МСЭ: реабилитационный прогноз"),
    "MSE_FUNCTION_RECOVERY": _plain("МСЭ: восстановление нарушенных функций"),
    "MSE_FUNCTION_COMPENSATION": _plain("МСЭ: компенсация утраченных функций"),
    "PRG_OIV": _plain("ИПРА: органы исполнительной власти"),
    "PRG_OKR": _plain("ИПРА: федеральные округа"),
    "PRG_REG": _plain("ИПРА: регионы", "okr_id"),
    "RHB_GRP": _plain("ИПРА: группы мероприятий", "shname"),
    "RHB_TYPE": _plain("ИПРА: типы мероприятий", "grpid", "shname"),
    "RHB_EVNT": _plain("ИПРА: подтипы мероприятий", "typeid", "shname"),
    "RHB_DIC": _plain("ИПРА: мероприятия региона", "shname"),
    "RHB_GTSR": _plain("ИПРА: группы технических средств реабилитации", "scode"),
    "RHB_TSR": _plain("ИПРА: технические средства реабилитации", "gtsrid", "scode"),
    "RHB_EXC": _plain("ИПРА: исполнители", "inn", "ogrn"),
    "RHB_RES": _plain("ИПРА: результаты исполнения", "shname"),
}

_LOCAL: Final = Dictionary("Региональный справочник")


def find_dictionary(name: str) -> Dictionary | None:
    """The dictionary of this name, or None when there can be none."""
    return DICTIONARIES.get(name) or (_LOCAL if LOCAL.fullmatch(name) else None)
