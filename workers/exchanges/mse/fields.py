"""Поля направления на МСЭ (форма № 088/у): order, types, what may be nil; once for forming and for ФЛК.

Source: обмен ЕАВИИАС МСЭ, namespace ``http://rosmintrud.ru/mse/eaviias/form88/180906``, version 2.0.1. The misspelt
names (``Desease``, ``DailyAmmount``) are the contract's. The schemas say the same; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a field holds. TEXT keeps its line breaks, HTML is text of which the markup is taken out."""

    STRING = "string"
    TEXT = "text"
    HTML = "html"
    DATE = "date"
    INT = "int"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    OGRN = "ogrn"
    SNILS = "snils"
    ZIP = "zip"
    GENDER = "gender"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Field:
    """One element of the form.

    ``nil``: written as xsi:nil when there is nothing; a group counts as nothing when its ``key`` part is empty, or all
    its parts where no key is named. ``blank``: an empty string will do. ``default``: what stands in for nothing.
    ``derived``: computed by us, absent from the source. ``codes``: titles by code, of the whole list, or of a part of
    it where the list is ``open``.
    """

    name: str
    title: str
    kind: Kind = Kind.STRING
    nil: bool = False
    optional: bool = False
    many: bool = False
    blank: bool = False
    derived: bool = False
    default: str = ""
    parts: tuple[Field, ...] = ()
    key: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    open: bool = False


F = Field
K = Kind

RECORD: Final = (F("Id", "Код", K.INT), F("Value", "Наименование", nil=True))


def coded(
    name: str, title: str, codes: Mapping[str, str] | None = None, *, nil: bool = False, open_list: bool = False
) -> Field:
    """A code with its title (DicRecordType)."""
    return F(name, title, nil=nil, parts=RECORD, codes=codes or {}, open=open_list)


def group(name: str, title: str, *parts: Field, nil: bool = False, key: str = "") -> Field:
    """An element of elements."""
    return F(name, title, nil=nil, parts=parts, key=key)


ADDRESS: Final = (
    F("ZipCode", "Почтовый индекс", K.ZIP, nil=True),
    coded("TerritorySubject", "Субъект РФ", nil=True),
    F("TerritorySubjectOther", "Иная территория", optional=True),
    F("District", "Район", nil=True),
    F("Place", "Населённый пункт", blank=True),
    F("Street", "Улица", blank=True),
    F("Building", "Дом", nil=True),
    F("Flat", "Квартира", nil=True),
)
DOCUMENT: Final = (
    coded("IdentityCardTypeId", "Вид документа"),
    F("Series", "Серия документа", blank=True),
    F("Number", "Номер документа"),
    F("IssueOrgName", "Кем выдан документ"),
    F("IssueDate", "Дата выдачи документа", K.DATE),
)
DISABILITY: Final = (
    F("StartDate", "Начало временной нетрудоспособности", K.DATE),
    F("EndDate", "Окончание временной нетрудоспособности", K.DATE),
    F("DaysCount", "Число дней временной нетрудоспособности"),
    F("Diagnosis", "Диагноз при временной нетрудоспособности"),
)
PERSON: Final = (
    F("LastName", "Фамилия"),
    F("FirstName", "Имя"),
    F("SecondName", "Отчество", nil=True),
)
CONTACTS: Final = (
    F("Phone", "Телефон", nil=True),
    F("Email", "Электронная почта", nil=True),
    F("Snils", "СНИЛС", K.SNILS, nil=True),
)

CITIZENSHIP: Final = {
    "1": "гражданин РФ",
    "2": "гражданин иностранного государства на территории РФ",
    "3": "лицо без гражданства на территории РФ",
}
MILITARY_DUTY: Final = {
    "1": "состоящий на воинском учёте",
    "2": "не состоящий, но обязанный состоять",
    "3": "поступающий на воинский учёт",
    "4": "не состоящий",
}
ADDRESS_TYPE: Final = {"1": "адрес места жительства", "5": "адрес места постоянной регистрации"}
"""What 2, 3 and 4 stand for is not published."""
PLACE_TYPE: Final = {
    "1": "МО стационар",
    "2": "стационарная соцорганизация",
    "3": "исправительное учреждение",
    "4": "иная",
    "5": "по месту жительства",
}
REPETITION: Final = {"1": "Первично", "2": "Повторно"}
DISABILITY_GROUP: Final = {"1": "первая", "2": "вторая", "3": "третья", "4": "категория «ребенок-инвалид»"}
DISABILITY_PERIOD: Final = {"1": "один год", "2": "два", "3": "три", "4": "четыре и более лет"}
LEVEL: Final = {"1": "курс", "2": "класс", "3": "возрастная группа ДДУ"}

NO_ADVICE: Final = "Рекомендации отсутствуют"

FORM: Final = (
    F("MedOrgName", "Наименование МО"),
    F("MedOrgAddress", "Адрес МО"),
    coded("MedOrgTerritorySubject", "Субъект РФ, где находится МО"),
    F("MedOrgOgrn", "ОГРН МО", K.OGRN),
    F("ProtocolNum", "Номер протокола врачебной комиссии"),
    F("ProtocolDate", "Дата протокола врачебной комиссии", K.DATE),
    F("MseMustBeAtHome", "Необходимость проведения МСЭ на дому", K.BOOLEAN),
    F("PalliativeHelpNeeded", "Нуждаемость в паллиативной помощи", K.BOOLEAN),
    F("IssueDate", "Дата выдачи направления", K.DATE),
    group(
        "ExaminationPurposes",
        "Цели направления",
        F("Purpose", "Цель направления", many=True, parts=RECORD),
    ),
    F("ExaminationPurposesComment", "Иные цели направления", nil=True),
    *PERSON,
    F("BirthDate", "Дата рождения", K.DATE),
    F(
        "Age",
        "Возраст",
        derived=True,
        parts=(F("Years", "Полных лет", K.INT), F("Months", "Полных месяцев", K.INT, nil=True)),
    ),
    F("Gender", "Пол", K.GENDER),
    coded("Citizenship", "Гражданство", CITIZENSHIP),
    coded("MilitaryDuty", "Отношение к воинской обязанности", MILITARY_DUTY),
    coded("AddressType", "Вид адреса", ADDRESS_TYPE, nil=True, open_list=True),
    group("Address", "Адрес", *ADDRESS, nil=True),
    F("HasNoLivingAddress", "Лицо без определённого места жительства", K.BOOLEAN),
    group(
        "PersonPlace",
        "Где находится гражданин",
        coded("PlaceType", "Вид места нахождения", PLACE_TYPE),
        group("PlaceAddress", "Адрес места нахождения", *ADDRESS, nil=True),
        F("PlaceOgrn", "ОГРН организации, где находится гражданин", K.OGRN, nil=True),
    ),
    *CONTACTS,
    group("IdentityDoc", "Документ, удостоверяющий личность", *DOCUMENT),
    group(
        "Representer",
        "Законный представитель",
        *PERSON,
        group("AuthorityDoc", "Документ о полномочиях", *DOCUMENT),
        group("IdentityDoc", "Документ, удостоверяющий личность", *DOCUMENT),
        *CONTACTS,
        nil=True,
        key="LastName",
    ),
    group(
        "RepresentativeOrg",
        "Организация — законный представитель",
        F("Name", "Наименование организации"),
        group("Address", "Адрес", *ADDRESS),
        F("Ogrn", "ОГРН организации", K.OGRN),
        nil=True,
        key="Ogrn",
    ),
    coded("RepetitionKind", "Направляется первично или повторно", REPETITION),
    group(
        "PrevExamInfo",
        "Результаты предыдущей МСЭ",
        coded("DisabilityGroup", "Группа инвалидности", DISABILITY_GROUP, nil=True),
        F("DisabilityEndDate", "Окончание срока инвалидности", K.DATE, nil=True),
        coded("DisabilityPeriod", "Период, в течение которого лицо было инвалидом", DISABILITY_PERIOD, nil=True),
        coded("DisabilityReason", "Причина инвалидности", nil=True),
        F("DisabilityReasonOther", "Иные причины инвалидности", nil=True),
        F("DisabilityReasonOutdated", "Причины инвалидности прежнего законодательства", nil=True),
        F("ProfLossDegree", "Степень утраты профессиональной трудоспособности, %", K.PERCENT, nil=True),
        coded("ProfLossPeriod", "Срок утраты профессиональной трудоспособности", nil=True),
        F("ProfLossEndDate", "Окончание срока утраты трудоспособности", K.DATE, nil=True),
        F("ProfLossPreviousCases", "Утрата трудоспособности по прежним случаям", nil=True),
        nil=True,
    ),
    group(
        "EducationInfo",
        "Сведения об образовании",
        F("OrgName", "Образовательная организация"),
        group("OrgAddress", "Адрес образовательной организации", *ADDRESS),
        coded("LevelType", "Вид ступени обучения", LEVEL),
        F("LevelValue", "Ступень обучения", blank=True),
        F("Profession", "Получаемая профессия", nil=True),
        nil=True,
        key="OrgName",
    ),
    group(
        "ProfInfo",
        "Сведения о трудовой деятельности",
        F("MainProfession", "Основная профессия", blank=True),
        F("Qualification", "Квалификация", blank=True),
        F("JobExperience", "Стаж работы", blank=True),
        group(
            "CurrentJob",
            "Выполняемая работа",
            F("Profession", "Профессия", blank=True),
            F("Speciality", "Специальность", blank=True),
            F("Position", "Должность", blank=True),
            nil=True,
        ),
        F("LaborConditions", "Условия и характер труда", blank=True),
        F("JobPlace", "Место работы", blank=True),
        group("JobAddress", "Адрес места работы", *ADDRESS, nil=True),
        nil=True,
    ),
    F("MedOrgSupervisionStartYear", "Наблюдается в МО с года", K.INT),
    F("DeseaseAnamnesis", "Анамнез заболевания", K.HTML),
    F("LifeAnamnesis", "Анамнез жизни", K.HTML),
    group(
        "TempWorkDisabilityItems",
        "Временная нетрудоспособность за последние 12 месяцев",
        F("Item", "Случай временной нетрудоспособности", optional=True, many=True, parts=DISABILITY),
        nil=True,
    ),
    F("HasEln", "Листок нетрудоспособности электронный", K.BOOLEAN),
    F("ElnNum", "Номер электронного листка нетрудоспособности", nil=True),
    group(
        "RehabEventsResult",
        "Результаты мероприятий медицинской реабилитации",
        F("IpraNum", "Номер ИПРА"),
        F("ProtocolNum", "Номер протокола МСЭ"),
        F("ProtocolDate", "Дата протокола МСЭ", K.DATE),
        coded("ImpairedFunctionsRecovery", "Восстановление нарушенных функций", nil=True),
        coded("LostFunctionsCompensation", "Компенсация утраченных функций", nil=True),
        F("Comment", "Примечание к результатам реабилитации", blank=True),
        nil=True,
        key="IpraNum",
    ),
    group(
        "AnthropometricData",
        "Антропометрические данные",
        F("Height", "Рост, см", K.DOUBLE, nil=True),
        F("Weight", "Вес, кг", K.DOUBLE, nil=True),
        F("BMI", "Индекс массы тела", K.DOUBLE, nil=True, derived=True),
        F("Constitution", "Телосложение", nil=True),
        F("PhysiologicalFunctionsDailyAmmount", "Суточный объём физиологических отправлений, мл", K.INT, nil=True),
        F("WaistSize", "Объём талии, см", K.INT, nil=True),
        F("HipsVolume", "Объём бёдер, см", K.INT, nil=True),
        F("BirthWeight", "Масса тела при рождении, г", K.DOUBLE, nil=True),
        F("PhysicalDevelopment", "Физическое развитие", nil=True),
    ),
    F("HealthCondition", "Состояние здоровья", K.TEXT),
    F("RequiredMedExams", "Результаты обследований", K.TEXT, default="Обследования и исследования не проводились"),
    group(
        "Diagnosis",
        "Диагноз",
        F("MainDesease", "Основное заболевание", K.TEXT),
        F("MainDeseaseCode", "Код основного заболевания по МКБ"),
        F(
            "MainDeseaseComplications",
            "Осложнения основного заболевания",
            K.TEXT,
            default="Осложнения основного заболевания отсутствуют",
        ),
        F("AccompanyingDiseases", "Сопутствующие заболевания", K.TEXT, default="Сопутствующие заболевания отсутствуют"),
        group(
            "AccompanyingDiseasesCodes",
            "Коды сопутствующих заболеваний по МКБ",
            F("Code", "Код сопутствующего заболевания по МКБ", optional=True, many=True),
            nil=True,
        ),
        F(
            "AccompanyingDiseasesComplications",
            "Осложнения сопутствующих заболеваний",
            K.TEXT,
            default="Осложнения сопутствующих заболеваний отсутствуют",
        ),
    ),
    coded("ClinicalPrognosis", "Клинический прогноз", nil=True),
    coded("RehabPotential", "Реабилитационный потенциал", nil=True),
    coded("RehabPrognosis", "Реабилитационный прогноз", nil=True),
    F("RecommendedMedEvents", "Рекомендуемая медицинская реабилитация", K.TEXT, default=NO_ADVICE),
    F(
        "RecommendedReconstructiveSurgeryEvents",
        "Рекомендуемая реконструктивная хирургия",
        K.TEXT,
        default=NO_ADVICE,
    ),
    F("RecommendedProstheticsEvents", "Рекомендуемое протезирование", K.TEXT, default=NO_ADVICE),
    F("SpaTreatment", "Рекомендуемое санаторно-курортное лечение", K.TEXT, default=NO_ADVICE),
    F("MedCommissionChairman", "Председатель врачебной комиссии"),
    group(
        "MedCommissionMembers",
        "Члены врачебной комиссии",
        F("Person", "Член врачебной комиссии", optional=True, many=True),
    ),
)
"""Content of ``Form``, in the order of the schema."""

TARGET: Final = coded("TargetMseOrg", "Бюро МСЭ, в которое направляется гражданин")
ATTACHMENT: Final = (
    F("Name", "Имя файла"),
    F("Type", "Расширение файла"),
    F("Size", "Размер файла, байт", K.INT),
)
"""Of an attachment only the list goes to ФБ МСЭ; ``Type`` is the extension of the name where the source has none."""
