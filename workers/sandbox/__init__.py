"""Stand-in peers, strict and stateful: started by ``gateway sandbox``, by the demonstration and by the tests."""

from __future__ import annotations

from typing import Final

SYSTEMS: Final = (
    "alkona",
    "ca",
    "edu",
    "fri_disabled",
    "fri_ipra",
    "ips",
    "mail",
    "mse",
    "smsc",
    "tfoms",
    "volgograd",
)
"""Modules of this package that serve a peer; each has ``command``, what ``gateway sandbox <system>`` runs."""
