"""The parts of the demonstration: one module per external system, each with a class that follows :class:`Part`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from workers.demo.stage import Stage

Settings = Mapping[str, Mapping[str, str]]
"""Settings of exchanges, by slug."""


class Part(Protocol):
    """One external system in the demonstration."""

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the system's stand-ins, to be stopped by ``stack``; ``folder`` is empty and the part's own."""
        ...

    def play(self, stage: Stage) -> None:
        """Submit, launch, repeat; print what happened."""
        ...


NAMES: Final = (
    "hospital",
    "volgograd",
    "alkona",
    "federal",
    "mse",
    "fri_ipra",
    "fri_disabled",
    "edu",
    "notices",
    "authorities",
)
"""Modules of this package, in the order of their playing."""


def parts() -> list[Part]:
    """Make every part anew."""
    return [cast("Part", import_module(f"{__name__}.{name}").PART()) for name in NAMES]
