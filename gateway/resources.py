"""Where the published contracts lie: ``wsdl/`` and ``xsd/`` of a checkout, or the same inside the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

_PACKAGE: Final = Path(__file__).parent


def resource_dir(name: Literal["wsdl", "xsd"]) -> Path:
    """Folder of the contracts of one kind."""
    installed = _PACKAGE / "data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name
