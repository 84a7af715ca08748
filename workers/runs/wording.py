"""How a site speaks to patients: texts per kind and МО, quiet hours, the time zone of those who named none."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.catalog.registry import Exchange
from gateway.domain.errors import ConfigurationError
from gateway.journal.notifications import Quiet
from gateway.settings import explain
from workers.exchange import KINDS, ZONES, Organization, RussianTemplate, Wording

DEFAULTS: Final = "templates.toml"
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Texts(BaseModel):
    """Texts of one kind; what a site leaves out is the exchange's own."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    subject: Text | None = None


class _File(BaseModel):
    """A file of texts: for every МО, and for single ones by OID."""

    model_config = ConfigDict(extra="forbid")

    kinds: dict[str, _Texts] = {}
    organizations: dict[str, dict[str, _Texts]] = {}


@dataclass(frozen=True, slots=True)
class Manner:
    """How one service of notifications speaks on this site."""

    wordings: Mapping[tuple[str | None, str], Wording]
    quiet: Quiet
    time_zone: str

    def wording(self, organization: Organization, kind: str) -> Wording:
        """The texts of a kind for a МО: its own, else those of every МО."""
        own = self.wordings.get((organization.oid, kind))
        return own or self.wordings[None, kind]


def read_manner(exchange: Exchange, settings: Mapping[str, str]) -> Manner:
    """Read the exchange's own texts and what the site has instead.

    Settings, all optional: ``templates`` (a TOML file as the exchange's ``templates.toml``, with tables
    ``organizations.<OID>`` beside ``kinds``), ``quiet_from`` (21:00) and ``quiet_to`` (09:00), equal for none,
    ``time_zone`` (Europe/Moscow).

    Raises:
        ConfigurationError: a file or a value is wrong.
    """
    files = [_read(exchange.folder / DEFAULTS)]
    if site := settings.get("templates"):
        files.append(_read(Path(site)))
    wordings: dict[tuple[str | None, str], Wording] = {}
    for kind in KINDS:
        general = _joined(kind, [file.kinds.get(kind) for file in files])
        wordings[None, kind] = _wording(kind, general)
        for oid, kinds in files[-1].organizations.items():
            if kind in kinds:
                wordings[oid, kind] = _wording(f"{oid}, {kind}", _joined(kind, [general, kinds[kind]]))
    quiet = Quiet(_hour(settings, "quiet_from", "21:00"), _hour(settings, "quiet_to", "09:00"))
    zone = settings.get("time_zone", "Europe/Moscow")
    if zone not in ZONES:
        raise ConfigurationError("Настройка time_zone: нужен часовой пояс России, например Europe/Moscow")
    return Manner(wordings, quiet, zone)


def _read(path: Path) -> _File:
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ConfigurationError(f"Файл шаблонов {path.name} не читается") from None
    except ValidationError as error:
        raise ConfigurationError(f"Файл шаблонов {path.name}: {explain(error)}") from None
    named: set[str] = set(found.kinds).union(*found.organizations.values())
    if unknown := sorted(named - set(KINDS)):
        raise ConfigurationError(f"Файл шаблонов {path.name}: нет вида напоминания {', '.join(unknown)}")
    return found


def _joined(kind: str, found: list[_Texts | None]) -> _Texts:
    given: dict[str, Any] = {}
    for texts in found:
        given |= texts.model_dump(exclude_none=True) if texts else {}
    if missing := sorted({"text", "subject"} - set(given)):
        raise ConfigurationError(f"Шаблон {kind}: не указано {', '.join(missing)}")
    return _Texts(**given)


def _wording(name: str, texts: _Texts) -> Wording:
    text, subject = RussianTemplate(texts.text or ""), RussianTemplate(texts.subject or "")
    for template, places in ((text, Wording.TEXT_PLACES), (subject, Wording.SUBJECT_PLACES)):
        if not template.is_valid() or not set(template.get_identifiers()) <= places:
            raise ConfigurationError(f"Шаблон {name}: допустимы только ${', $'.join(sorted(places))}")
    return Wording(text, subject)


def _hour(settings: Mapping[str, str], key: str, default: str) -> time:
    try:
        return time.fromisoformat(settings.get(key) or default).replace(tzinfo=None)
    except ValueError:
        raise ConfigurationError(f"Настройка {key}: нужно время вида 21:00") from None
