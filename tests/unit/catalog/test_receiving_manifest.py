"""A service that receives is described by what comes, not by what is formed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.catalog.manifest import Manifest
from workers import exchanges

INSURANCE = Path(exchanges.__path__[0]) / "tfoms_hosp" / "manifest.insurance.toml"


def manifest(**changed: Any) -> Manifest:
    given = tomllib.loads(INSURANCE.read_text(encoding="utf-8"))
    given["service"] |= changed.pop("service", {})
    return Manifest.model_validate(given | changed)


def kind(code: str, **others: str) -> dict[str, str]:
    return {"code": code, "title": "Документ", "schema": "any.xsd", **others}


def test_a_packet_type_is_known_by_its_root() -> None:
    described = manifest(packet_types=[kind("CHANGE"), kind("TICKET", root="Document")])
    assert described.receives
    assert [each.root_name for each in described.packet_types] == ["CHANGE", "Document"]


def test_two_types_of_one_root_are_refused() -> None:
    with pytest.raises(ValidationError, match="two have one root"):
        manifest(packet_types=[kind("CHANGE"), kind("TICKET", root="CHANGE")])


def test_what_is_sent_is_made_of_an_object() -> None:
    with pytest.raises(ValidationError, match="object_type is missing"):
        manifest(service={"direction": "EXPORT"})


@pytest.mark.parametrize("path", ["", "/PERS", "PERS//FAM", "t:FAM", "PERS/../FAM"])
def test_a_lookup_is_a_plain_path(path: str) -> None:
    with pytest.raises(ValidationError):
        manifest(object_types=[{"code": "Patient", "schema": "any.xsd", "lookup": [path]}])
