"""The samples of Волгоград as jobs: a sound object of every packet type, and what one changed piece makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from gateway.resources import resource_dir
from gateway.xml.parser import parse
from workers import exchanges
from workers.exchange import Element, Frame, Job, Operation, Organization
from workers.exchanges.volgograd import form

SCHEMAS: Final = resource_dir("xsd") / "volgograd" / "2.0"
MO: Final = Organization(1, "1.2.643.5.1.13.13.12.2.34.1", "Учебная больница", {"tfoms": "340001"})
MOMENT: Final = datetime(2026, 3, 20, 12, tzinfo=UTC)
_FOLDER: Final = Path(exchanges.__path__[0]) / "volgograd" / "samples" / "valid"
SOUND: Final = {
    "HOSPITALISATION_REFERRAL": "referral",
    "CANCEL_HOSPITALISATION_REFERRAL": "cancellation",
    "HOSPITALISATION": "hospitalisation",
    "HOSPITALISATION_EXT": "hospitalisation-emergency",
    "CANCEL_HOSPITALISATION": "refusal",
    "MOTION_IN_HOSPITAL": "motion",
    "HOSPITAL_FREE_BEDS": "beds",
}
"""Packet type → its sample."""


def source(kind: str, *changes: tuple[str, str]) -> Element:
    """A sample, with pieces of its text exchanged."""
    text = (_FOLDER / f"{SOUND[kind]}.xml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return parse(text.encode())


def job(kind: str, *changes: tuple[str, str], operation: Operation = Operation.INSERT, key: str = "1001") -> Job:
    """A job of the packet type that the sample is for."""
    return Job(UUID(int=7), kind, operation, key, MO, MOMENT, source(kind, *changes))


def frame(kind: str, number: int = 1) -> Frame:
    """What stands around the records."""
    return Frame(UUID(int=7), kind, Operation.INSERT, MO, MOMENT, UUID(int=8), 1, 1, number)


def file(*jobs: Job, number: int = 1) -> Element:
    """A file of records, all of the packet type of the first."""
    around = replace(frame(jobs[0].packet_type, number), organization=jobs[0].organization)
    return form.frame(around, [form.record(each) for each in jobs])


def of(organization: str, task: Job) -> Job:
    """The same job of another МО."""
    return replace(task, organization=replace(MO, codes={"tfoms": organization}))
