"""The catalog: every exchange this installation knows, and the list of services it makes.

Exchanges are folders, one per external system, with a manifest per service: ``manifest.toml``, or several
``manifest.<service>.toml`` of one system, which share its functions and its settings. They are found in the packages
named by the entry-point group ``gateway.exchanges`` (our own is one of them; a region ships its dialect as another)
and in the folders of the setting ``exchange_folders``. Nothing of an exchange is imported here.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gateway.catalog.manifest import Manifest
from gateway.domain.errors import ConfigurationError
from gateway.resources import resource_dir
from gateway.settings import Settings, explain, require_known

ENTRY_POINTS: Final = "gateway.exchanges"
MANIFESTS: Final = "*/manifest*.toml"

Connections = Mapping[str, Mapping[str, str]]
"""Settings of systems, by slug."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange: its manifest, its folder, and the package it is imported from (None: a bare folder)."""

    manifest: Manifest
    folder: Path
    package: str | None

    def schema(self, path: str) -> Path:
        """A schema named by the manifest: in the folder itself, or in the top-level xsd/."""
        own = self.folder / path
        return own if own.is_file() else resource_dir("xsd") / path

    def wsdl(self) -> Path | None:
        """The peer's WSDL: in the folder itself, or in the top-level wsdl/."""
        name = self.manifest.transport.wsdl
        if name is None:
            return None
        own = self.folder / name
        return own if own.is_file() else resource_dir("wsdl") / name

    def rules_digest(self) -> str:
        """Names the schemas, the rules and the way in force: 16 hex digits that change with any of them."""
        digest = hashlib.sha256(self.manifest.transport.kind.encode())
        schemas = {self.schema(p.schema_path).parent for p in self.manifest.packet_types}
        files = [*self.folder.glob("*.py"), *(f for folder in schemas for f in folder.glob("*.xsd"))]
        for file in sorted(set(files)):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Group:
    """A group of «Список сервисов»: opened, not launched."""

    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Exchanges by service code, in the order of «Список сервисов», and groups by code."""

    exchanges: Mapping[str, Exchange]
    groups: Mapping[str, Group]

    def manifest(self, service_code: str) -> Manifest | None:
        """Manifest of a service, or None."""
        exchange = self.exchanges.get(service_code)
        return exchange.manifest if exchange else None


def installed(settings: Settings) -> Catalog:
    """The catalog of an installation: its list of services holds what its settings connect.

    Raises:
        ConfigurationError: as :func:`load_catalog`.
    """
    return load_catalog(settings.exchange_folders, settings.services_off, settings.services)


def load_catalog(
    folders: Iterable[Path] = (), services_off: Iterable[str] = (), connected: Connections | None = None
) -> Catalog:
    """Read every manifest and check all together before any is used.

    ``connected`` are the settings that a site has given to its systems, by slug: a system without them has no place in
    «Список сервисов», unless its transport needs none. None connects every system, by the first of its ways.

    Raises:
        ConfigurationError: a manifest is wrong, a schema is missing, two exchanges claim the same code or slug, or
            a site sets what no manifest of the system knows.
    """
    off = frozenset(services_off)
    exchanges: dict[str, Exchange] = {}
    groups: dict[str, Group] = {}
    slugs: dict[str, Path] = {}
    known: dict[str, frozenset[str]] = {}
    for exchange in _found(folders):
        manifest = exchange.manifest
        code = manifest.service.code
        if code in exchanges or slugs.get(manifest.slug, exchange.folder) != exchange.folder:
            other = exchanges[code].folder if code in exchanges else slugs[manifest.slug]
            raise ConfigurationError(f"Обмен {exchange.folder}: код или slug уже занят обменом {other}")
        slugs[manifest.slug] = exchange.folder
        known[manifest.slug] = known.get(manifest.slug, frozenset()) | manifest.known_settings
        if code in off or not _is_connected(manifest, connected):
            continue
        exchanges[code] = _as_connected(exchange, connected)
        if manifest.group:
            group = Group(manifest.group.code, manifest.group.title)
            if groups.setdefault(group.code, group) != group:
                raise ConfigurationError(f"Обмен {exchange.folder}: у группы {group.code} два наименования")
    unknown = set(connected or ()) - set(slugs)
    if unknown:
        raise ConfigurationError(f"Настройки обмена, которого нет: services.{', services.'.join(sorted(unknown))}")
    require_known(connected or {}, known)
    clash = set(exchanges) & set(groups)
    if clash:
        raise ConfigurationError(f"Код и сервиса, и группы: {', '.join(sorted(clash))}")
    return Catalog(dict(sorted(exchanges.items(), key=_place)), groups)


def known_settings(folders: Iterable[Path] = ()) -> dict[str, frozenset[str]]:
    """Keys that the table of each system may have, by slug: those of all its manifests.

    Raises:
        ConfigurationError: a manifest is wrong.
    """
    known: dict[str, frozenset[str]] = {}
    for exchange in _found(folders):
        slug = exchange.manifest.slug
        known[slug] = known.get(slug, frozenset()) | exchange.manifest.known_settings
    return known


def _place(item: tuple[str, Exchange]) -> tuple[int, str]:
    service = item[1].manifest.service
    return service.position, service.title


def _as_connected(exchange: Exchange, connected: Connections | None) -> Exchange:
    kind = (connected or {}).get(exchange.manifest.slug, {}).get("transport")
    return replace(exchange, manifest=exchange.manifest.by_way(kind))


def _is_connected(manifest: Manifest, connected: Connections | None) -> bool:
    return connected is None or manifest.slug in connected or not manifest.transport.settings


def _found(folders: Iterable[Path]) -> Iterator[Exchange]:
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
        try:
            spec = find_spec(point.value)
        except ModuleNotFoundError:
            spec = None
        if spec is None or not spec.submodule_search_locations:
            raise ConfigurationError(f"Точка входа {ENTRY_POINTS}: пакет {point.value} не найден")
        for place in spec.submodule_search_locations:
            for manifest in sorted(Path(place).glob(MANIFESTS)):
                yield _read(manifest, f"{point.value}.{manifest.parent.name}")
    for folder in folders:
        manifests = sorted(folder.glob(MANIFESTS))
        if not manifests:
            raise ConfigurationError(f"В папке обменов {folder} нет ни одного manifest.toml")
        for manifest in manifests:
            yield _read(manifest, None)


def _read(path: Path, package: str | None) -> Exchange:
    try:
        manifest = Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path}: не читается: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error)}") from error
    if manifest.slug != path.parent.name:
        raise ConfigurationError(f"{path}: slug должен совпадать с именем папки {path.parent.name}")
    exchange = Exchange(manifest, path.parent, package)
    wanted = [p.schema_path for p in manifest.packet_types] + [o.schema_path for o in manifest.object_types]
    if manifest.answer_schema:
        wanted.append(manifest.answer_schema)
    missing = [name for name in wanted if not exchange.schema(name).is_file()]
    wsdl = exchange.wsdl()
    if wsdl is not None and not wsdl.is_file():
        missing.append(str(manifest.transport.wsdl))
    if missing:
        raise ConfigurationError(f"{path}: нет файла {', '.join(missing)}")
    return exchange
