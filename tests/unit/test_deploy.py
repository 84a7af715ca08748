"""The shipped services can write where the shipped settings send them."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path, PurePosixPath

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIGURATION = PurePosixPath("/etc/service-journal")
"""What is read only: the services have no business to change it."""


def proposed() -> dict[str, str]:
    """Absolute paths of the example outside the configuration, by table and key; proposals are commented out."""
    text = re.sub(r"^# (?=\[|\w+ = )", "", (DEPLOY / "gateway.toml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    tables = tomllib.loads(text)["services"]
    values = {f"{slug}.{key}": value for slug, table in tables.items() for key, value in table.items()}
    return {
        name: value
        for name, value in values.items()
        if value.startswith("/") and not PurePosixPath(value).is_relative_to(CONFIGURATION)
    }


def writable(unit: str) -> list[PurePosixPath]:
    """Folders that a service may write."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of systemd have capitals
    parser.read(DEPLOY / "systemd" / unit, encoding="utf-8")
    service = parser["Service"]
    states = [f"/var/lib/{name}" for name in service.get("StateDirectory", "").split()]
    return [PurePosixPath(path.lstrip("-+")) for path in [*service.get("ReadWritePaths", "").split(), *states]]


def test_every_folder_of_the_example_is_writable_for_the_exchanges() -> None:
    folders = proposed()
    assert {"alkona.out", "alkona.in", "volgograd.out", "volgograd.in"} <= set(folders)
    allowed = writable("gateway-worker.service")
    shut = {
        name for name, folder in folders.items() if not any(PurePosixPath(folder).is_relative_to(a) for a in allowed)
    }
    assert shut == set()
