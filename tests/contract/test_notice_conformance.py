"""What every folder of a service of notifications owes beside what every exchange owes."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.registry import Exchange, load_catalog
from gateway.domain.launches import LogKind
from gateway.xml.parser import parse
from tests.contract.test_exchange_conformance import TEXTS, names_in, trees
from workers.exchange import KINDS, Element, NotToBeSent, Organization, read_reminder
from workers.runs.composing import draft_of
from workers.runs.loading import Loaded, load_exchange
from workers.runs.wording import read_manner

TELLING = {code: e for code, e in load_catalog().exchanges.items() if e.manifest.service.log is LogKind.NOTIFICATIONS}
SAMPLES: list[tuple[str, dict[str, Any]]] = [
    (code, sample)
    for code, exchange in TELLING.items()
    for sample in tomllib.loads((exchange.folder / "samples" / "samples.toml").read_text(encoding="utf-8"))["sample"]
]
CLINIC = Organization(1, "1.2.643.5.1.13.13.12.2.0.1", "Тестовая больница", {})

every_service = pytest.mark.parametrize("code", TELLING)
every_sample = pytest.mark.parametrize(("code", "sample"), SAMPLES, ids=[f"{c}-{s['file']}" for c, s in SAMPLES])


def loaded(code: str) -> tuple[Exchange, Loaded]:
    return TELLING[code], load_exchange(TELLING[code])


def reason(code: str, source: Element) -> str | None:
    """Why a reminder is cancelled; None when it is worded. An unreadable one is taken back."""
    exchange, functions = loaded(code)
    reminder = read_reminder(source)
    if reminder is None:
        return "не читается"
    assert functions.compose is not None
    try:
        draft = draft_of(functions.compose, reminder, CLINIC, read_manner(exchange, {}))
    except NotToBeSent as error:
        return str(error)
    assert draft.address
    assert draft.text.strip()
    return None


def test_there_are_services_of_notifications() -> None:
    assert SAMPLES


@every_sample
def test_a_sample_is_worded_or_cancelled_as_declared(code: str, sample: dict[str, Any]) -> None:
    source = parse((TELLING[code].folder / "samples" / sample["file"]).read_bytes())
    assert reason(code, source) == sample.get("cancelled")
    assert sample["file"].startswith("invalid/") == ("cancelled" in sample)


@every_service
def test_the_columns_are_those_of_the_form(code: str) -> None:
    manifest = TELLING[code].manifest
    assert [c.title for c in manifest.launch_columns] == [
        "Запуск",
        "Завершение",
        "Сформировано уведомлений",
        "Отправлено уведомлений",
    ]
    shown = [c.title for c in manifest.detail_columns if c.title != "Дата рождения"]
    assert shown == ["Дата формирования", "Пациент", "Дата отправки", "Статус", "Ошибки"]


@every_service
def test_junk_is_worded_or_cancelled_but_never_breaks(code: str) -> None:
    exchange, _ = loaded(code)
    (kind,) = exchange.manifest.object_types
    names = names_in(exchange.schema(kind.schema_path))

    @given(trees(names))
    def never_breaks(source: Element) -> None:
        reason(code, source)

    never_breaks()


@every_service
def test_any_values_in_their_places_are_worded_or_cancelled_without_quoting_them(code: str) -> None:
    places = ("PHONE", "EMAIL", "TIME_ZONE", "PERS/IM")

    @given(st.sampled_from(KINDS), st.lists(TEXTS, min_size=4, max_size=4), st.text("0123456789+-@.() a", max_size=20))
    def never_breaks(kind: str, values: list[str], typed: str) -> None:
        source = parse((TELLING[code].folder / "samples/valid/dispanserisation.xml").read_bytes())
        for path, value in zip((*places, "PHONE", "EMAIL"), (*values, typed, typed), strict=True):
            if (place := source.find(path)) is not None:
                place.text = value
        source.find("KIND").text = kind  # type: ignore[union-attr] # the sample has one
        told = reason(code, source)
        assert told is None or len(typed) < 3 or typed not in told

    never_breaks()
