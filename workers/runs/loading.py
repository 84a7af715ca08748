"""Importing the modules of an exchange folder: whatever the folder has, by the names the vocabulary gives them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from gateway.catalog.manifest import Manifest
from gateway.catalog.registry import Exchange
from gateway.domain.errors import ConfigurationError
from gateway.domain.launches import LogKind
from workers import exchange as vocabulary
from workers.exchange import (
    NO_REFERENCE,
    Channel,
    Compose,
    Element,
    Finding,
    Form,
    FormFrame,
    FormRecord,
    Inquiry,
    Job,
    Peer,
    Prepare,
    Receive,
    Reference,
    Session,
    Source,
    Verdict,
)
from workers.runs.reference import Shelf

PARTS = ("form", "rules", "peer", "answer", "session", "receive", "notice")
VOCABULARY: Final = Path(vocabulary.__path__[0])


@dataclass(frozen=True, slots=True)
class Loaded:
    """An exchange with its functions. What its log kind does not need may be None."""

    exchange: Exchange
    rules: str
    form: Form | None
    record: FormRecord | None
    frame: FormFrame | None
    name: Callable[[Any], str] | None
    check: Callable[[Job], Sequence[Finding]] | None
    heading: Callable[[Job], str] | None
    locate: Callable[[Job, str], str] | None
    choose: Callable[[Job], str | None] | None
    take_apart: Callable[[Element], Sequence[Element]] | None
    connect: Callable[[Any], Peer] | None
    read: Callable[[Element], Verdict] | None
    run: Callable[[Session], str | None] | None
    source: Callable[[Any], Source] | None
    inquiry: Callable[[Any], Inquiry] | None
    receive: Receive | None
    prepare: Prepare | None
    reference: Reference = NO_REFERENCE
    compose: Compose | None = None
    channel: Channel | None = None
    check_settings: Callable[[Mapping[str, str]], None] | None = None

    def records(self, packet: Element) -> Sequence[Element]:
        """The records of a packet of many, in their order: where the exchange finds them, else the last children of
        the root that are alike."""
        if self.take_apart is not None:
            return self.take_apart(packet)
        alike = takewhile(lambda child: child.tag == packet[-1].tag, reversed(packet))
        return list(alike)[::-1]

    def under(self, shelf: Shelf) -> Loaded:
        """The exchange as one launch uses it: with its dictionaries, whose versions are part of the rules."""
        if not shelf.digest:
            return self
        rules = hashlib.sha256(f"{self.rules} {shelf.digest}".encode()).hexdigest()[:16]
        return replace(self, rules=rules, reference=shelf)


def load_exchange(exchange: Exchange) -> Loaded:
    """Import an exchange.

    Raises:
        ConfigurationError: a module cannot be imported, or the folder lacks a function its log kind needs.
    """
    parts = {part: _import(exchange, part) for part in PARTS if (exchange.folder / f"{part}.py").is_file()}
    loaded = Loaded(
        exchange=exchange,
        rules=_rules(exchange, VOCABULARY),
        form=getattr(parts.get("form"), "form", None),
        record=getattr(parts.get("form"), "record", None),
        frame=getattr(parts.get("form"), "frame", None),
        name=getattr(parts.get("form"), "name", None),
        check=getattr(parts.get("rules"), "check", None),
        heading=getattr(parts.get("rules"), "heading", None),
        locate=getattr(parts.get("form"), "locate", None),
        choose=getattr(parts.get("form"), "packet_type", None),
        take_apart=getattr(parts.get("form"), "records", None),
        connect=getattr(parts.get("peer"), "connect", None),
        read=getattr(parts.get("answer"), "read", None),
        run=getattr(parts.get("session"), "run", None),
        source=getattr(parts.get("peer"), "source", None),
        inquiry=getattr(parts.get("peer"), "inquiry", None),
        receive=getattr(parts.get("receive"), "receive", None),
        prepare=getattr(parts.get("receive"), "prepare", None),
        compose=getattr(parts.get("notice"), "compose", None),
        channel=getattr(parts.get("notice"), "CHANNEL", None),
        check_settings=getattr(parts.get("receive") or parts.get("session"), "check_settings", None),
    )
    manifest = exchange.manifest
    missing = [name for name in _needed(manifest) if getattr(loaded, name) is None]
    if manifest.receives and loaded.source is None and loaded.inquiry is None:
        missing.append("source или inquiry")
    if missing:
        raise ConfigurationError(f"Обмен {manifest.slug}: нет функции {', '.join(missing)}")
    return loaded


def _rules(exchange: Exchange, words: Path) -> str:
    """Names the rules in force: 16 hex digits that change with the exchange or the words that its rules are made of."""
    digest = hashlib.sha256(exchange.rules_digest().encode())
    for file in sorted(words.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _needed(manifest: Manifest) -> tuple[str, ...]:
    if manifest.service.log is LogKind.SESSION:
        return ("run",)
    if manifest.service.log is LogKind.NOTIFICATIONS:
        return ("compose", "channel")
    if manifest.receives:
        return ("receive",)
    forming = {name for p in manifest.packet_types for name in (("record", "frame") if p.records > 1 else ("form",))}
    return (*sorted(forming), "connect", *(("read",) if manifest.sending.answers == "collect" else ()))


def _import(exchange: Exchange, part: str) -> ModuleType:
    try:
        if exchange.package is not None:
            return import_module(f"{exchange.package}.{part}")
        package = f"gateway_exchange_{exchange.manifest.slug}"
        _load_file(package, exchange.folder / "__init__.py", [str(exchange.folder)])
        return _load_file(f"{package}.{part}", exchange.folder / f"{part}.py", None)
    except Exception as error:  # the code of a folder may fail in any way; which folder must be told
        reason = f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"Обмен {exchange.folder}: модуль {part}.py не загружается: {reason}") from error


def _load_file(name: str, path: Any, search: list[str] | None) -> ModuleType:
    if name in sys.modules and sys.modules[name].__file__ == str(path):
        return sys.modules[name]
    spec = spec_from_file_location(name, path, submodule_search_locations=search)
    if spec is None or spec.loader is None or not path.is_file():
        raise ConfigurationError(f"Модуль обмена {path} не читается")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
