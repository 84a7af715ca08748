"""How a site speaks to patients: its texts, its quiet hours, and what it is told when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.xml.parser import parse_text
from tests.support.telling import PLANNED, reminder
from workers.exchange import KINDS, Organization, read_reminder
from workers.runs.wording import read_manner
from workers.transports.smtp import page_of

EXCHANGE = load_catalog().exchanges["sms"]
CLINIC = Organization(1, "1.2.3", "Поликлиника", {})


def said(settings: dict[str, str], kind: str, organization: Organization = CLINIC) -> str:
    found = read_reminder(parse_text(reminder(1, KIND=kind)))
    assert found is not None
    return read_manner(EXCHANGE, settings).wording(organization, kind).text_for(found, organization)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", ["sms", "email"])
def test_every_kind_has_a_text_of_its_own_accord(code: str, kind: str) -> None:
    wording = read_manner(load_catalog().exchanges[code], {}).wording(CLINIC, kind)
    assert wording.text.get_identifiers()
    assert wording.subject_for(CLINIC)


def test_the_texts_of_a_site_and_of_one_organization_win(tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    file.write_text(
        '[kinds."ДН"]\ntext = "Приём $дата"\n[organizations."9.9"."ДН"]\ntext = "${организация}: $дата, $$5"\n',
        encoding="utf-8",
    )
    settings = {"templates": str(file)}
    day = f"{PLANNED:%d.%m.%Y}"
    assert said(settings, "ДН") == f"Приём {day}"
    assert said(settings, "ДН", Organization(2, "9.9", "Другая", {})) == f"Другая: {day}, $5"
    assert "диспансеризацию" in said(settings, "ДВ4")


WRONG = {
    "no file": None,
    "not TOML": "[kinds",
    "an unknown kind": '[kinds."ЗОЖ"]\ntext = "x"\nsubject = "y"\n',
    "an unknown key": '[kinds."ДН"]\nfooter = "x"\n',
    "an unknown place": '[kinds."ДН"]\ntext = "$диагноз"\n',
    "a person in the subject": '[kinds."ДН"]\nsubject = "$обращение"\n',
    "a lone dollar": '[kinds."ДН"]\ntext = "за $5"\n',
}


@pytest.mark.parametrize("why", WRONG)
def test_wrong_texts_are_refused(why: str, tmp_path: Path) -> None:
    file = tmp_path / "texts.toml"
    if (content := WRONG[why]) is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        read_manner(EXCHANGE, {"templates": str(file)})


@pytest.mark.parametrize("settings", [{"quiet_from": "полночь"}, {"quiet_to": "25:00"}, {"time_zone": "Europe/Paris"}])
def test_wrong_hours_and_zones_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        read_manner(EXCHANGE, settings)


def test_a_page_has_the_paragraphs_of_the_text_and_no_markup_of_people() -> None:
    page = page_of("Раз,\nдва <b>\n\n\nтри & четыре\n")
    assert "<body><p>Раз,<br>два &lt;b&gt;</p><p>три &amp; четыре</p></body>" in page
