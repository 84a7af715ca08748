"""The sections of a worker in ФРМР: what begins their operations, and by what one entry is told from another.

Source: federal description of ФРМР, REST API of ИПС; names are those of ``xsd/frmr/1.0/frmr.xsd``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workers.exchange import Element


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a worker: its field, what begins its operations, its Russian name, where the register keeps its id.

    ``key`` are the fields by which one entry is told from another where its id is not known; a section without them
    has at most one. ``more`` are those that also tell whether one entry is another one corrected, ``fixed`` those that
    no correction changes: another date of a category is another assignment of it.
    """

    field: str
    prefix: str
    title: str
    id_field: str
    key: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


SECTIONS: Final = (
    Section("militaryService", "mr_military_service", "воинская служба", "id"),
    Section(
        "personCard",
        "mr_card",
        "личное дело",
        "id",
        key=("contractNumber", "contractDate", "nrPmuDepartId", "postId"),
        more=("beginDate",),
    ),
    Section("educationCommon", "mr_education_common", "среднее общее образование", "commonId"),
    Section(
        "educationProf",
        "mr_education_prof",
        "профессиональное образование",
        "profId",
        key=("docSerial", "docNumber"),
        more=("docDate", "institutionId", "specId"),
    ),
    Section(
        "educationExt",
        "mr_education_ext",
        "дополнительное образование",
        "extId",
        key=("docSerial", "docNumber", "docDate"),
        more=("institutionId", "theme"),
    ),
    Section(
        "educationPostgraduate",
        "mr_education_postgraduate",
        "послевузовское образование",
        "postgraduateId",
        key=("educationStageId", "beginYear"),
        more=("docNumber", "docDate", "institutionId", "specId"),
    ),
    Section(
        "educationCert",
        "mr_education_cert",
        "сертификат специалиста",
        "certId",
        key=("certSerial", "certNumber"),
        more=("examDate", "institutionId", "specId"),
    ),
    Section(
        "personQualification",
        "mr_qualification",
        "квалификационная категория",
        "qualificationId",
        key=("qualifyCategoryId", "beginDate", "specId", "fedPostId", "postId"),
        fixed=("beginDate",),
    ),
    Section(
        "personNomination", "mr_nomination", "награда", "entityId", key=("nominationId", "nomNumber"), more=("nomDate",)
    ),
    Section(
        "personOrganization",
        "mr_organization",
        "членство в организации",
        "entityId",
        key=("organizationId", "beginDate"),
        fixed=("beginDate",),
    ),
)
"""In the order of sending. Accreditation is not among them: ФРМР lets nobody write it."""

PERSON: Final = "mr_person"
SHARED: Final = (("documents", ("documentId", "number")), ("addresses", ("addressTypeId",)))
"""Arrays of the person to which every МО adds, and by which fields one item is told from another."""


def entries(content: Element, section: Section) -> list[Element]:
    """Entries of a section of a worker, whatever form the fields have."""
    found = content.find(section.field)
    if found is None:
        return []
    return list(found) if section.key else [found]


def section_of(prefix: str) -> Section | None:
    """The section whose operations begin so; None for the person."""
    return next((section for section in SECTIONS if section.prefix == prefix), None)
