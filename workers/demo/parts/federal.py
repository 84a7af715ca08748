"""ФРМО and ФРМР: a МО that passes, one that stops at the check and is resumed, one half of which is known already."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from workers.demo.parts import Settings
from workers.demo.parts.frm_data import Submitted, corrected_hospital, faulty_hospital, halves, hospital, persons
from workers.demo.region import ORGANIZATIONS, Document
from workers.demo.stage import Stage
from workers.sandbox.ips import IpsSandbox
from workers.sandbox.ips_tokens import make_test_key

CLIENT: Final = "11111111-2222-4333-8444-555555555555"
WORKERS: Final = 5
"""Workers of one МО."""
PASSES, STOPS, HALF = (organization.oid for organization in ORGANIZATIONS)


class Federal:
    """«Передача данных в сервис ФРМО» and «Передача данных в сервис ФРМР»."""

    def __init__(self) -> None:
        self._sandbox = IpsSandbox()

    def open(self, stack: ExitStack, folder: Path) -> Settings:
        """Start the stand-in ИПС with both registers."""
        key = make_test_key(folder)
        address = self._sandbox.start(client_id=CLIENT, certificate=key.certificate)
        stack.callback(self._sandbox.stop)
        site = {
            "address": address,
            "client_id": CLIENT,
            "key": str(key.key),
            "certificate": str(key.certificate),
            "requests_per_s": "200",
        }
        return {"frmo": site, "frmr": site}

    def play(self, stage: Stage) -> None:
        """Send half a МО, then all three; complete what stopped one and resume its session; then the workers."""
        half, whole = halves(HALF)
        stage.submit("frmo", {HALF: _documents(half)}, "МИС передаёт половину сведений о МО")
        stage.launch("frmo", "ФРМО: половина МО", [HALF])
        submitted = {PASSES: hospital(PASSES), STOPS: faulty_hospital(STOPS), HALF: whole}
        stage.submit("frmo", {oid: _documents(made) for oid, made in submitted.items()}, "МИС передаёт сведения о МО")
        records = stage.launch("frmo", "ФРМО", list(submitted))
        stopped = next(record for record in records if record.organizationOid == STOPS)
        later = [document.an_hour_later() for document in _documents(corrected_hospital(STOPS))]
        stage.submit("frmo", {STOPS: later}, "МИС дополняет сведения")
        stage.resume(stopped.id, "ФРМО: «Возобновить передачу»")
        staff = {
            o.oid: _documents(persons(o.oid, WORKERS, 1 + WORKERS * place)) for place, o in enumerate(ORGANIZATIONS)
        }
        stage.submit("frmr", staff, "МИС передаёт медицинских работников")
        stage.launch("frmr", "ФРМР", list(staff))


def _documents(made: Iterable[Submitted]) -> list[Document]:
    return [Document(*each) for each in made]


PART = Federal
