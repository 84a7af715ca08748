"""Checks of a worker before anything is sent: one table of rules.

A rule tells whether one element breaks it; its message stands in ``dictionary.toml`` under its code. «Объект» names the
worker by the МИС's id alone.

The schema of what is submitted (``xsd/frmr/1.0/source``) refuses at the door a date that is no xs:dateTime and a code
that is no whole number. Rules of dates do not tell that from an empty field: what was stored before the schema was what
it is gets the error of its rule. A worker who breaks a rule is not held against the schema of packets, so nothing is
told twice.

Source: federal description of ФРМР, clause 7.4; fields of a document: ``xsd/frmr/1.0/data/fields.csv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workers.exchange import (
    Broken,
    Element,
    Problem,
    SourceObject,
    absent,
    either,
    no_date,
    snils_is_right,
    text_at,
)

_UNIT_OID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
"""As ФРМО writes it: its last number may begin with zeros."""
_SNILS: Final = re.compile(r"[0-9]{3}-?[0-9]{3}-?[0-9]{3}[ -]?[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: for which elements of the worker (empty: the worker), when it is broken."""

    code: str
    each: str
    broken: Broken


def _wrong_snils(person: Element) -> bool:
    text = text_at(person, "snils")
    return not (_SNILS.fullmatch(text) and snils_is_right(text))


def _no_document(person: Element) -> bool:
    # Clause 7.4 asks for one; what else a further one must have its schema tells. Not every kind has a serial.
    lacks = either(absent("documentId", "number", "passOrg"), no_date("passDate"))
    return all(map(lacks, person.findall("documents/documentsItem")))


_CARD: Final = "personCard/personCardItem"

RULES: Final = (
    Rule("601", "", _wrong_snils),
    Rule("602", "", absent("lastName")),
    Rule("603", "", absent("firstName")),
    Rule("604", "", lambda e: text_at(e, "gender") not in {"1", "2"}),
    Rule("605", "", no_date("birthDate")),
    Rule("606", "", absent("citizenShipId/code")),
    Rule("607", "", _no_document),
    Rule("611", _CARD, either(absent("contractNumber"), no_date("contractDate"))),
    Rule("612", _CARD, lambda card: not _UNIT_OID.fullmatch(text_at(card, "nrPmuDepartId"))),
    Rule("613", _CARD, absent("fedPositionId", "postId", "positionTypeId")),
    Rule("614", _CARD, no_date("beginDate")),
)

TOGETHER: Final = ("608",)
"""Codes of what only several workers together can break: the session finds it."""


def check(source: SourceObject, organization: str) -> Iterator[Problem]:
    """Find every broken rule of one worker; pure."""
    content = source.content
    if content is None:
        return
    for rule in RULES:
        for element in content.findall(rule.each) if rule.each else [content]:
            if rule.broken(element):
                yield Problem(rule.code, about_worker(organization, source))


def about_worker(organization: str, source: SourceObject) -> str:
    """«Объект»: the МО and the id that the МИС gave to the worker."""
    return f"МО: {organization}, Работник: {source.object_id}"


def digits(snils: str) -> str:
    """СНИЛС as ФРМР addresses people by it: 11 digits."""
    return re.sub(r"[^0-9]", "", snils)
