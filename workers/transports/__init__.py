"""Transports: one module per kind, found by the name that a manifest gives.

Every module has ``open_transport(manifest, settings, wsdl) -> Transport``; what else its transport can do is
between it and the exchanges that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError

__all__ = ["open_transport"]


def open_transport(transport: manifest.Transport, settings: Mapping[str, str], wsdl: Path | None = None) -> Any:
    """Open the transport that a manifest describes; ``close()`` it when the run is over.

    ``settings`` are the site's, with ``wsdl`` the file that the manifest names. Nothing is sent yet.

    The setting ``transport`` chooses among those that the manifest allows.

    Raises:
        ConfigurationError: unknown kind, a setting without which the transport cannot work, a bad value.
    """
    transport = transport.chosen(settings.get("transport"))
    name = f"{__name__}.{transport.kind}"
    if find_spec(name) is None:
        raise ConfigurationError(f"Неизвестный вид транспорта: {transport.kind}")
    missing = [key for key in transport.settings if not settings.get(key)]
    if missing:
        raise ConfigurationError(f"{transport.unconfigured}: {', '.join(missing)} (таблица services)")
    return import_module(name).open_transport(transport, settings, wsdl)
