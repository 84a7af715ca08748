"""What every exchange folder that receives owes: one suite over all such services found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.catalog.manifest import Manifest, PacketType
from gateway.domain.errors import GatewayError
from gateway.domain.lookups import comparable
from gateway.domain.statuses import INITIAL, Direction
from gateway.xml.parser import parse
from gateway.xml.paths import local, values_at
from gateway.xml.schemas import validate
from tests.contract.test_exchange_conformance import (
    OBJECT_TYPES,
    SERVICES,
    TABLES,
    TEXTS,
    module,
    names_in,
    schema,
    trees,
)
from workers.exchange import (
    Element,
    Incoming,
    Organization,
    Reception,
    SourceObject,
    Standing,
    State,
    Submitted,
    receptions,
)

RECEIVING: list[tuple[Path, Manifest]] = [
    (folder, manifest) for folder, manifests in SERVICES.items() for manifest in manifests if manifest.receives
]
SAMPLES: list[tuple[Path, Manifest, dict[str, Any]]] = [
    (folder, manifest, sample) for folder, manifest in RECEIVING for sample in TABLES[folder].get("inbound", [])
]
MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)

every_service = pytest.mark.parametrize(
    ("folder", "manifest"), RECEIVING, ids=[manifest.service.code for _, manifest in RECEIVING]
)
every_sample = pytest.mark.parametrize(
    ("folder", "manifest", "sample"), SAMPLES, ids=[f"{m.service.code}-{s['file']}" for _, m, s in SAMPLES]
)


class Anything:
    """Dictionaries that know every code."""

    def has(self, dictionary: str, code: str, on: date) -> bool:  # noqa: ARG002 # of the vocabulary
        return True

    def title(self, dictionary: str, code: str, on: date) -> str | None:  # noqa: ARG002 # of the vocabulary
        return "наименование"

    def detail(self, dictionary: str, code: str, on: date, column: str) -> str | None:  # noqa: ARG002 # of the vocabulary
        return "1"


@dataclass
class SampleDesk:
    """One МО, the one of the samples, whose МИС submitted every valid sample."""

    folder: Path
    seen: set[str] = field(default_factory=set)
    moment: datetime = MOMENT
    packet_id: UUID = field(default_factory=lambda: UUID(int=7))
    reference: Anything = field(default_factory=Anything)

    @property
    def organization(self) -> Organization:
        codes = TABLES[self.folder]["organization"]["codes"]
        return Organization(1, "1.2.643.5.1.13.13.12.2.0.1", "Тестовая больница", codes)

    def organizations(self, system: str, code: str) -> Sequence[Organization]:
        return [self.organization] if self.organization.codes.get(system) == code else []

    def find(self, object_type: str, lookup: Sequence[str]) -> Sequence[Submitted]:
        paths = next(each.lookup for each in OBJECT_TYPES[self.folder] if each.code == object_type)
        found = []
        for sample in TABLES[self.folder]["sample"]:
            if sample["object_type"] == object_type and sample["file"].startswith("valid/"):
                root = parse((self.folder / "samples" / sample["file"]).read_bytes())
                if comparable(values_at(root, paths)) == comparable(lookup) is not None:
                    source = SourceObject(object_type, sample["object_id"], root)
                    found.append(Submitted(self.organization, source, MOMENT, closed=False))
        return found

    def received(self, mark: str) -> bool:
        return mark in self.seen

    def standing(self, organization: Organization, state: State) -> Standing:
        assert organization == self.organization
        return Standing.SAME if state.digest in self.seen else Standing.FIRST


def read(folder: Path, manifest: Manifest, key: str, data: bytes) -> Incoming:
    """A document as the run hands it to ``receive``."""
    try:
        root = parse(data)
    except GatewayError as error:
        return Incoming(key, key, data, findings=error.findings)
    prepare = getattr(module(folder, "receive"), "prepare", None)
    return known(folder, manifest, key, prepare(root, {}) if prepare else root)


def known(folder: Path, manifest: Manifest, key: str, root: Element) -> Incoming:
    kind: PacketType | None = next((p for p in manifest.packet_types if p.root_name == local(root)), None)
    found = validate(root, schema(folder, manifest.packet_types[0].schema_path if kind is None else kind.schema_path))
    return Incoming(key, key, etree.tostring(root), kind.code if kind else None, root, found)


def received(folder: Path, incoming: Incoming, desk: SampleDesk) -> Sequence[Reception]:
    judge = module(folder, "receive")
    assert judge is not None
    return receptions(judge.receive(incoming, desk))


def received_once(folder: Path, incoming: Incoming, desk: SampleDesk) -> Reception:
    """What a document becomes that concerns one МО, or that nobody can read."""
    (reception,) = received(folder, incoming, desk)
    return reception


@every_service
def test_the_functions_and_samples_of_receiving_are_there(folder: Path, manifest: Manifest) -> None:
    assert callable(getattr(module(folder, "peer"), "source", getattr(module(folder, "peer"), "inquiry", None)))
    assert callable(getattr(module(folder, "receive"), "receive", None))
    mine = {sample["file"] for of, m, sample in SAMPLES if (of, m) == (folder, manifest)}
    assert mine == {f"inbound/{path.name}" for path in (folder / "samples").glob("inbound/*")}
    assert {sample["status"] for of, _, sample in SAMPLES if of == folder} == {"PROCESSED", "REFUSED"}


@every_sample
def test_a_sample_becomes_what_is_declared_and_the_same_again(
    folder: Path, manifest: Manifest, sample: dict[str, Any]
) -> None:
    data = (folder / "samples" / sample["file"]).read_bytes()
    incoming = read(folder, manifest, sample["key"], data)
    before = None if incoming.element is None else etree.tostring(incoming.element)
    reception = received_once(folder, incoming, SampleDesk(folder))
    assert reception.status == sample["status"], reception
    assert reception.text or reception.findings
    assert {kind.code for kind in manifest.packet_types} >= {reception.packet_type}
    assert bool(reception.documents) == (reception.status == "PROCESSED")
    again = received_once(folder, incoming, SampleDesk(folder))
    assert (again.status, again.text, again.answer, again.marks) == (
        reception.status,
        reception.text,
        reception.answer,
        reception.marks,
    )
    assert before == (None if incoming.element is None else etree.tostring(incoming.element))


@every_sample
def test_what_is_answered_follows_the_schema_of_answers(
    folder: Path, manifest: Manifest, sample: dict[str, Any]
) -> None:
    incoming = read(folder, manifest, sample["key"], (folder / "samples" / sample["file"]).read_bytes())
    answer = received_once(folder, incoming, SampleDesk(folder)).answer
    assert (answer is None) == (manifest.answer_schema is None)
    if answer is not None and manifest.answer_schema is not None:
        assert validate(parse(answer), schema(folder, manifest.answer_schema)) == ()


@every_sample
def test_a_document_whose_marks_or_state_are_known_is_not_processed_again(
    folder: Path, manifest: Manifest, sample: dict[str, Any]
) -> None:
    incoming = read(folder, manifest, sample["key"], (folder / "samples" / sample["file"]).read_bytes())
    first = received_once(folder, incoming, SampleDesk(folder))
    for mark in first.marks:
        assert received_once(folder, incoming, SampleDesk(folder, {mark})).status == "REFUSED"
    if first.state is not None:
        assert received(folder, incoming, SampleDesk(folder, {first.state.digest})) == []
    assert first.marks or first.state or first.status == "REFUSED"


@every_service
def test_junk_is_refused_or_processed_but_never_breaks(folder: Path, manifest: Manifest) -> None:
    names = [name for kind in manifest.packet_types for name in names_in(schema(folder, kind.schema_path))]
    prepare = getattr(module(folder, "receive"), "prepare", None)

    @given(trees(names), TEXTS, st.sampled_from([kind.root_name for kind in manifest.packet_types]), st.booleans())
    def never_breaks(root: Element, key: str, name: str, rooted: bool) -> None:
        root.tag = name if rooted else root.tag
        incoming = known(folder, manifest, key, prepare(root, {}) if prepare else root)
        for reception in received(folder, incoming, SampleDesk(folder)):
            assert reception.status in INITIAL[Direction.IMPORT]
            assert reception.organization is not None or not (reception.documents or reception.closes)
            assert reception.text or reception.findings

    never_breaks()
