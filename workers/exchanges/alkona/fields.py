"""Поля записей Альконы: titles, order and obligation, once for forming and for ФЛК.

Field names: приказ ФОМС от 07.04.2011 № 79 (conventions); format 1.0 of the gateway, whose schemas say the same; a test
compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workers.exchange import funds

TITLES: Final[Mapping[str, str]] = {
    **funds.TITLES,
    "ADRES": "Адрес",
    "AGE_TYPE": "Возрастная группа",
    "AREA": "Участок",
    "ATTACH": "Прикрепление",
    "BED": "Койки",
    "BRANCH": "Отделение МО",
    "BR_CODE": "Код отделения МО",
    "BR_TYPE": "Тип отделения МО",
    "DATAINF": "Дата информирования",
    "DATE_DN_IN": "Дата постановки на диспансерное наблюдение",
    "DATE_DN_OUT": "Дата снятия с диспансерного наблюдения",
    "DIAG_CODE": "Диагноз",
    "DIAG_DATE": "Дата установления диагноза",
    "DISP": "Вид мероприятия",
    "DIVISION": "Подразделение",
    "DN": "Диспансерное наблюдение",
    "DN_ID": "Идентификатор случая диспансерного наблюдения в МИС",
    "DN_PLACE": "Место проведения осмотра",
    "DN_PRVS": "Специальность врача",
    "DT_PRIK": "Дата прикрепления",
    "DV_CODE": "Код подразделения",
    "DV_TYPE": "Тип подразделения",
    "D_BEG": "Дата начала действия",
    "D_END": "Дата окончания действия",
    "ID_AREA": "Идентификатор участка в МИС",
    "ID_BR": "Идентификатор отделения МО в МИС",
    "ID_DV": "Идентификатор подразделения в МИС",
    "ID_PAC": "Идентификатор лица в МИС",
    "INF": "Информирование",
    "INFTYPE": "Вид информирования",
    "KAT_LG": "Код категории льготы",
    "KOD_PODR": "Код подразделения прикрепления",
    "K_ALL": "Всего коек",
    "K_OMS": "Коек ОМС",
    "MONTH": "Месяц",
    "MO_P": "Код МО прикрепления",
    "NAME": "Наименование",
    "NUM_UCH": "Номер участка",
    "OID": "OID подразделения",
    "OMS": "Работает в системе ОМС",
    "PERS": "Застрахованное лицо",
    "PLAN": "Плановая явка",
    "PLAN_DATE_END": "Конец периода явки",
    "PLAN_DATE_START": "Начало периода явки",
    "REASON_DN_IN": "Основание постановки на диспансерное наблюдение",
    "REASON_DN_OUT": "Причина снятия с диспансерного наблюдения",
    "SPOSOBINF": "Способ информирования",
    "SP_PRIK": "Способ прикрепления",
    "STATUS_DN_IN": "Постановка на диспансерное наблюдение",
    "SV_PL_MER": "Плановое мероприятие",
    "TEL": "Телефон",
    "TIP_UCH": "Тип участка",
}

_RECORDS: Final = {
    "DEP": "BRANCH DIVISION* AREA*",
    "DN": "PERS MO_P ADRES? DN",
    "PRF": "PERS ATTACH ADRES? KAT_LG? SV_PL_MER INF* COMMENT?",
}
"""Content of a record by packet type, in the order of the schema. ``?`` and ``*`` mark what may be absent; of an
unmarked group there must be at least one."""

_GROUPS: Final = {
    "AREA": "ID_AREA NUM_UCH TIP_UCH IDDOKT? D_BEG D_END?",
    "ATTACH": "MO_P SP_PRIK DT_PRIK KOD_PODR? NUM_UCH? TIP_UCH? IDDOKT?",
    "BED": "PROFIL_K K_ALL K_OMS D_BEG D_END?",
    "BRANCH": "ID_BR BR_CODE NAME BR_TYPE AGE_TYPE OID? ADRES? TEL? D_BEG D_END?",
    "DIVISION": "ID_DV DV_CODE NAME OID? DV_TYPE USL_OK PROFIL? OMS D_BEG D_END? BED*",
    "DN": (
        "DN_ID DIAG_CODE DIAG_DATE DATE_DN_IN REASON_DN_IN? STATUS_DN_IN DN_PRVS IDDOKT DATE_DN_OUT? REASON_DN_OUT? "
        "PLAN* INF*"
    ),
    "INF": "INFTYPE SPOSOBINF DATAINF?",
    "PERS": funds.PERSON,
    "PLAN": "PLAN_DATE_START PLAN_DATE_END DN_PLACE",
    "SV_PL_MER": "DISP MONTH",
}
"""Content of a group by its element, marked likewise."""


RECORDS: Final[Mapping[str, tuple[str, ...]]] = {kind: funds.names(content) for kind, content in _RECORDS.items()}
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {group: funds.names(content) for group, content in _GROUPS.items()}
REQUIRED_OF_RECORD: Final[Mapping[str, tuple[str, ...]]] = {kind: funds.required(c) for kind, c in _RECORDS.items()}
REQUIRED_OF_GROUP: Final[Mapping[str, tuple[str, ...]]] = {group: funds.required(c) for group, c in _GROUPS.items()}
