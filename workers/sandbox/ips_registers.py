"""What the stand-in ФРМО and ФРМР do: find and keep what is asked, unless a business rule forbids it.

Obligations of fields are those of the XSDs; the rules stand in ``ips_rules``.

МО need not be entered: each OID of the reference exists from the start, with an invented card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from gateway.domain.errors import InvalidRequest, NotFound
from workers.ips.register import Operation
from workers.sandbox.ips_rules import AT_MOST_ONE, Rules
from workers.sandbox.ips_state import Json, Store

Parameters = Mapping[str, str]

PAGE: Final = 10
MAX_PAGE: Final = 100
KNOWN_OID: Final = re.compile(r"1\.2\.643\.5\.1\.13\.13\.12\.2\.(34|99)\.[1-9][0-9]{0,5}")
"""МО of the reference: those of an invented region 99 and those of region 34 that the demo invents."""

ID_FIELDS: Final = {
    "Organization": "oid",
    "Department": "oid",
    "Building": "id",
    "Staff": "staffId",
    "TerritorialDepart": "moTerritorialDepartId",
    "Equipment": "equipmentId",
    "MobileDepart": "mobileDepartId",
    "HouseGround": "houseGroundId",
    "Site": "uSiteNameId",
    "AirAmbulance": "airAmbulanceId",
    "Telemedicine": "telemedicineId",
    "ServiceInfo": "guid",
    "License": "guid",
    "Tpgg": "guid",
    "OrganizationOms": "omsId",
    "DepartOms": "omsId",
    "EducationOrganizationDepart": "eoDepartOid",
    "Person": "oid",
    "PersonCard": "id",
    "EducationCommon": "commonId",
    "EducationProf": "profId",
    "EducationExt": "extId",
    "EducationPostgraduate": "postgraduateId",
    "EducationCert": "certId",
    "PersonQualification": "qualificationId",
    "PersonNomination": "entityId",
    "PersonOrganization": "entityId",
    "PersonAccreditation": "id",
    "MilitaryService": "id",
}
"""Where each entity keeps the identifier that the register gave it; a Resolution has none."""

SECTIONS: Final = {
    "militaryService": "MilitaryService",
    "personCard": "PersonCard",
    "educationCommon": "EducationCommon",
    "personAccreditation": "PersonAccreditation",
    "educationExt": "EducationExt",
    "educationProf": "EducationProf",
    "educationPostgraduate": "EducationPostgraduate",
    "educationCert": "EducationCert",
    "personQualification": "PersonQualification",
    "personNomination": "PersonNomination",
    "personOrganization": "PersonOrganization",
}
"""Sections of a FullPerson: the field, its entity."""


class Registers:
    """Both registers over one store. Call inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = Rules(store)

    def perform(self, operation: Operation, parameters: Parameters, content: Json | None) -> Json:
        """Do what a valid request asks; returns the members of the answer besides ``requestId``.

        Raises:
            InvalidRequest: the parameters do not address anything. NotFound: what they address is not there.
            RefusedByRule: a business rule is broken.
        """
        owner = self._owner(operation, parameters)
        if operation.method == "GET":
            return self._read(operation, owner, parameters)
        if operation.method == "POST":
            assert content is not None  # every POST has one, by its XSD
            self._rules.check_written(operation, owner, "", content)
            self._rules.check_cards(operation, parameters, content)
            return {"content": {"entityId": self._create(operation, owner, content)}}
        entity_id = self._entity_id(operation, owner, parameters)
        standing = self._found(operation.entity, owner, entity_id)
        if standing is None:
            raise NotFound("Запись не найдена.")
        if (content or {}).get(ID_FIELDS.get(operation.entity, ""), entity_id) != entity_id:
            raise InvalidRequest("Идентификатор в теле запроса не тот, что в параметрах.")
        if content is None:
            self._rules.check_removed(operation.entity, owner, entity_id)
        else:
            self._rules.check_written(operation, owner, entity_id, content)
        self._rules.check_cards(operation, parameters, standing, *([content] if content else []))
        if operation.method == "PUT":
            self._keep(operation.entity, owner, entity_id, content or {})
        elif operation.entity == "Organization":
            self._store.put("Organization", "", entity_id, self._closed(entity_id))
        else:
            self._store.remove(operation.entity, self._place(operation.entity, owner), entity_id)
        self._store.note(operation.name, owner, operation.entity, entity_id, content)
        return {}

    # --- who is meant -----------------------------------------------------------------------------------------------

    def _owner(self, operation: Operation, parameters: Parameters) -> str:
        """OID of the МО, of the unit, or of the person whose records are meant; empty for the list of all МО."""
        if operation.register == "frmr":
            return self._person_owner(operation, parameters)
        oid = parameters.get("oid") or parameters.get("eo", "")
        if oid and self._organization(oid) is None:
            raise NotFound("МО не найдена.")
        if operation.entity == "DepartOms":
            depart = parameters["departOid"]
            if self._store.get("Department", oid, depart) is None:
                raise NotFound("Структурное подразделение не найдено.")
            return depart
        return oid

    def _person_owner(self, operation: Operation, parameters: Parameters) -> str:
        mo = parameters.get("mo", "")
        if mo and self._organization(mo) is None:
            raise NotFound("МО не найдена.")
        if parameters.get("mr") == "true" and not mo:
            raise InvalidRequest("Для медицинского работника нужен параметр mo.")
        if operation.addressing in {"", "NEW"}:
            return mo
        by_document = bool(parameters.get("documentId") and parameters.get("number"))
        ways = [bool(parameters.get("oid")), bool(parameters.get("snils")), by_document]
        if sum(ways) != 1:
            raise InvalidRequest("Физическое лицо задаётся одним способом: oid, snils или documentId и number.")
        if operation.addressing == "CARD" and not by_document and not parameters.get("lastName"):
            raise InvalidRequest("Для личного дела нужен параметр lastName.")
        person = self._person(parameters)
        last_name = parameters.get("lastName", "").casefold()
        if person is None or last_name not in {"", str(person["lastName"]).casefold()}:
            raise NotFound("Физическое лицо не найдено.")
        return str(person["oid"])

    def _person(self, parameters: Parameters) -> Json | None:
        if parameters.get("oid"):
            return self._store.get("Person", "", parameters["oid"])
        if parameters.get("snils"):
            return self._store.by_snils(parameters["snils"])
        persons = self._store.owned("Person", "")
        return next((p for p in persons if any(_is_same(d, parameters) for d in p.get("documents") or ())), None)

    def _entity_id(self, operation: Operation, owner: str, parameters: Parameters) -> str:
        if operation.entity in {"Organization", "Person", "FullPerson"}:
            if parameters.get("entityId", owner) != owner:
                raise NotFound("Запись не найдена.")
            return owner
        ids = (parameters.get(name) for name in ("entityId", "departOid", "eoDepartOid"))
        return next((i for i in ids if i), "")

    def _organization(self, oid: str) -> Json | None:
        found = self._store.get("Organization", "", oid)
        if found is None and KNOWN_OID.fullmatch(oid):
            found = invented_organization(oid)
            self._store.put("Organization", "", oid, found)
        return found

    # --- what is done -----------------------------------------------------------------------------------------------

    def _read(self, operation: Operation, owner: str, parameters: Parameters) -> Json:
        if operation.answer == "one":
            entity_id = self._entity_id(operation, owner, parameters)
            found = self._found(operation.entity, owner, entity_id)
            if found is None:
                raise NotFound("Запись не найдена.")
            return {"content": found}
        found_all = [one for one in self._listed(operation, owner) if _wanted(one, parameters)]
        if operation.answer == "list":
            return {"total": len(found_all), "content": found_all}
        offset, limit = int(parameters.get("offset") or 0), int(parameters.get("limit") or PAGE)
        if offset < 0 or not 1 <= limit <= MAX_PAGE:
            raise InvalidRequest(f"Параметры offset и limit: от 0 и от 1 до {MAX_PAGE}.")
        page = found_all[offset : offset + limit]
        return {"offset": offset, "limit": limit, "total": len(found_all), "content": page}

    def _listed(self, operation: Operation, owner: str) -> list[Json]:
        if operation.entity == "Person":
            return [p for p in self._store.owned("Person", "") if self._works_in(p, owner)]
        return self._store.owned(operation.entity, self._place(operation.entity, owner))

    def _works_in(self, person: Json, mo: str) -> bool:
        oid = str(person["oid"])
        return bool(self._store.get("Place", oid, mo)) or any(
            card.get("oid") == mo for card in self._store.owned("PersonCard", oid)
        )

    def _found(self, entity: str, owner: str, entity_id: str) -> Json | None:
        if entity == "FullPerson":
            return self._full(owner)
        if not entity_id:  # the operation knows no id: a section of at most one is addressed itself
            return next(iter(self._store.owned(entity, owner)), None)
        return self._store.get(entity, self._place(entity, owner), entity_id)

    def _full(self, oid: str) -> Json | None:
        person = self._store.get("Person", "", oid)
        if person is None:
            return None
        for field, entity in SECTIONS.items():
            found = self._store.owned(entity, oid)
            if entity not in AT_MOST_ONE:
                person[field] = found
            elif found:
                person[field] = found[0]
        return person

    def _create(self, operation: Operation, owner: str, content: Json) -> str:
        entity_id = self._new_id(operation.entity, owner)
        self._keep(operation.entity, owner, entity_id, content)
        if operation.entity == "Person" and owner:
            self._store.put("Place", entity_id, owner, {"mo": owner})
        self._store.note(operation.name, owner, operation.entity, entity_id, content)
        return entity_id

    def _new_id(self, entity: str, owner: str) -> str:
        number = self._store.next_number()
        if entity in {"Department", "EducationOrganizationDepart"}:
            return f"{owner}.0.{number:06}"
        return f"{datetime.now(UTC).year}.{number:07}" if entity == "Person" else str(uuid4())

    def _keep(self, entity: str, owner: str, entity_id: str, content: Json) -> None:
        self._store.put(entity, self._place(entity, owner), entity_id, {**content, ID_FIELDS[entity]: entity_id})

    def _place(self, entity: str, owner: str) -> str:
        return "" if entity in {"Organization", "Person"} else owner

    def _closed(self, oid: str) -> Json:
        today = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")
        return {**(self._organization(oid) or {}), "deleteDate": today}


def _is_same(document: Mapping[str, Any], parameters: Parameters) -> bool:
    names = ("documentId", "serial", "number", "passDate")
    return all(str(document.get(name, "")) == parameters[name] for name in names if parameters.get(name))


def _wanted(record: Json, parameters: Parameters) -> bool:
    org_type, depart_type = parameters.get("orgTypeId"), parameters.get("departTypeId")
    if org_type and record["orgType"]["code"] != int(org_type):
        return False
    return not depart_type or bool(record["departTypeId"]["id"] == int(depart_type))


def invented_organization(oid: str) -> Json:
    """Return the card of an invented МО, whole by the XSD."""
    region = {"territoryCode": int(oid.split(".")[-2]), "isFederalCity": False}
    address = {"GARguid": "00000000-0000-4000-8000-000000000001", "region": region}
    number = int(oid.rpartition(".")[2])
    return {
        "oid": oid,
        "nameFull": f"Выдуманная больница № {number}",
        "nameShort": f"ВБ № {number}",
        "inn": f"99{number:08}",
        "kpp": "990101001",
        "ogrn": f"10299{number:08}",
        "legalAddress": address,
        "orgType": {"code": 1, "name": "Медицинская организация"},
        "structure": [],
        "regOrgName": f"Выдуманная больница № {number}",
        "regOrg": "Выдуманный регистрирующий орган",
        "regOrgAddress": address,
        "moAddress": {"address": address, "addrRegion": {"code": region["territoryCode"]}},
        "regionId": region,
        "medicalSubjectId": [],
        "email": "hospital@region.example",
        "primaryVascular": False,
    }
