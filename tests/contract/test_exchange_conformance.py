"""What every exchange folder owes, whoever wrote it: one suite over all folders found."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.catalog.manifest import Manifest, ObjectType, PacketType
from gateway.catalog.registry import MANIFESTS
from gateway.domain.launches import LogKind
from gateway.resources import resource_dir
from gateway.xml.parser import parse
from gateway.xml.schemas import validate
from workers import exchanges
from workers.exchange import (
    Element,
    Finding,
    Frame,
    Job,
    MissingSourceData,
    Operation,
    Organization,
    SourceObject,
    TransportError,
    Verdict,
    load_dictionary,
)

FOLDERS = sorted({path.parent for path in Path(exchanges.__path__[0]).glob(MANIFESTS)})
SERVICES = {
    folder: [
        Manifest.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.parent.glob(MANIFESTS))
        if path.parent == folder
    ]
    for folder in FOLDERS
}
OBJECT_TYPES = {folder: [each for m in SERVICES[folder] for each in m.object_types] for folder in FOLDERS}
PACKET_TYPES = {folder: [each for m in SERVICES[folder] for each in m.packet_types] for folder in FOLDERS}
TABLES: dict[Path, dict[str, Any]] = {
    folder: tomllib.loads((folder / "samples" / "samples.toml").read_text(encoding="utf-8")) for folder in FOLDERS
}
SAMPLES: list[tuple[Path, dict[str, Any]]] = [
    (folder, sample) for folder in FOLDERS for sample in TABLES[folder]["sample"]
]
ANSWERS: list[tuple[Path, dict[str, Any]]] = [
    (folder, sample) for folder in FOLDERS for sample in TABLES[folder].get("answer", [])
]
PACKETS = [(folder, packet) for folder in FOLDERS for packet in PACKET_TYPES[folder] if packet.object_type]

SESSIONS = [folder for folder in FOLDERS if all(m.service.log is LogKind.SESSION for m in SERVICES[folder])]
SESSION_SAMPLES = [(folder, sample) for folder, sample in SAMPLES if folder in SESSIONS]
SESSION_OBJECTS = [(folder, each) for folder in SESSIONS for each in OBJECT_TYPES[folder]]

every_exchange = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
every_sample = pytest.mark.parametrize(
    ("folder", "sample"), SAMPLES, ids=[f"{f.name}-{s['file']}-{s['operation']}" for f, s in SAMPLES]
)
every_answer = pytest.mark.parametrize(("folder", "sample"), ANSWERS, ids=[f"{f.name}-{s['file']}" for f, s in ANSWERS])
every_session_sample = pytest.mark.parametrize(
    ("folder", "sample"), SESSION_SAMPLES, ids=[f"{f.name}-{s['file']}" for f, s in SESSION_SAMPLES]
)
every_session_object = pytest.mark.parametrize(
    ("folder", "kind"), SESSION_OBJECTS, ids=[f"{f.name}-{o.code}" for f, o in SESSION_OBJECTS]
)
every_packet = pytest.mark.parametrize(("folder", "packet"), PACKETS, ids=[f"{f.name}-{p.code}" for f, p in PACKETS])


def module(folder: Path, name: str) -> ModuleType | None:
    full = f"{exchanges.__name__}.{folder.name}.{name}"
    return import_module(full) if find_spec(full) else None


def schema(folder: Path, named: str) -> Path:
    """The schema of a manifest: in the folder itself, else among those of all exchanges."""
    own = folder / named
    return own if own.is_file() else resource_dir("xsd") / named


def job(folder: Path, packet: PacketType, source: Element, operation: str, object_id: str = "1001") -> Job:
    codes = TABLES[folder]["organization"]["codes"]
    organization = Organization(1, "1.2.643.5.1.13.13.12.2.0.1", "Тестовая больница", codes)
    moment = datetime(2026, 3, 20, 12, tzinfo=UTC)
    return Job(UUID(int=7), packet.code, Operation(operation), object_id, organization, moment, source)


def becomes(folder: Path, sample: dict[str, Any], source: Element) -> list[PacketType]:
    """The packet types that a sample is formed as: what the exchange chooses, else every one of its object."""
    packets = [packet for packet in PACKET_TYPES[folder] if packet.object_type == sample["object_type"]]
    form = module(folder, "form")
    if form is None or not packets or not hasattr(form, "packet_type"):
        return packets
    code = form.packet_type(job(folder, packets[0], source, sample["operation"], sample["object_id"]))
    assert (code is None) == sample.get("silent", False)
    return [packet for packet in PACKET_TYPES[folder] if packet.code == code]


def findings(folder: Path, packet: PacketType, task: Job) -> tuple[Finding, ...]:
    """All that rules and the packet schema say; what keeps a packet from being formed counts once."""
    rules, form = module(folder, "rules"), module(folder, "form")
    assert form is not None
    broken: tuple[Finding, ...] = rules.check(task) if rules else ()
    try:
        formed = form.form(task) if packet.records == 1 else form.frame(frame(task), [form.record(task)])
    except MissingSourceData as error:
        return (*broken, *(finding for finding in error.findings if finding not in broken))
    return (*broken, *validate(formed, schema(folder, packet.schema_path)))


def frame(task: Job, position: int = 1, size: int = 1, number: int = 0) -> Frame:
    """What stands around records like that of a job."""
    head = (task.packet_id, task.packet_type, task.operation, task.organization, task.formed_at)
    return Frame(*head, UUID(int=8), position, size, number)


def test_there_are_exchanges_and_samples() -> None:
    assert FOLDERS
    assert SAMPLES


@every_exchange
def test_the_manifest_is_of_its_folder(folder: Path) -> None:
    assert {manifest.slug for manifest in SERVICES[folder]} == {folder.name}
    assert (folder / "README.md").is_file()


@every_exchange
def test_every_schema_that_the_manifest_names_compiles(folder: Path) -> None:
    named = [each.schema_path for each in OBJECT_TYPES[folder]]
    named += [each.schema_path for each in PACKET_TYPES[folder]]
    named += [manifest.answer_schema for manifest in SERVICES[folder] if manifest.answer_schema]
    for path in named:
        assert validate(etree.Element("no-such-root"), schema(folder, path))


@every_exchange
def test_the_wsdl_and_the_modules_that_the_manifest_needs_are_there(folder: Path) -> None:
    for manifest in SERVICES[folder]:
        if manifest.transport.wsdl:
            assert (resource_dir("wsdl") / manifest.transport.wsdl).is_file()
        if manifest.packet_types and manifest.service.log is LogKind.PACKETS:
            formed = ["form", *(["answer"] if manifest.answer_schema else [])]
            needed = ["peer", *(["receive"] if manifest.receives else formed)]
            assert [name for name in needed if module(folder, name) is None] == []


@every_exchange
def test_every_packet_type_and_every_file_has_its_place_among_the_samples(folder: Path) -> None:
    samples = [sample for of, sample in SAMPLES if of == folder]
    shown = {sample["object_type"] for sample in samples if sample["file"].startswith("valid/")}
    assert {packet.object_type for packet in PACKET_TYPES[folder] if packet.object_type} <= shown
    files = {str(path.relative_to(folder / "samples")) for path in (folder / "samples").glob("*valid/*.xml")}
    answers = {sample["file"] for of, sample in ANSWERS if of == folder}
    assert files == {sample["file"] for sample in samples} | answers


@every_sample
def test_a_sample_gives_the_declared_number_of_findings(folder: Path, sample: dict[str, Any]) -> None:
    source = parse((folder / "samples" / sample["file"]).read_bytes())
    lax = next(each.schema_path for each in OBJECT_TYPES[folder] if each.code == sample["object_type"])
    assert validate(source, schema(folder, lax)) == ()
    for packet in becomes(folder, sample, source):
        task = job(folder, packet, source, sample["operation"], sample["object_id"])
        found = findings(folder, packet, task)
        assert len(found) == sample["findings"], found


@every_session_sample
def test_a_sample_of_a_session_breaks_the_declared_number_of_rules(folder: Path, sample: dict[str, Any]) -> None:
    rules = module(folder, "rules")
    assert rules is not None
    source = parse((folder / "samples" / sample["file"]).read_bytes())
    before = etree.tostring(source)
    found = list(rules.check(SourceObject(sample["object_type"], sample["object_id"], source), "Тестовая больница"))
    assert len(found) == sample["findings"], found
    assert etree.tostring(source) == before


@every_session_object
def test_junk_in_an_object_of_a_session_is_checked_but_never_breaks(folder: Path, kind: ObjectType) -> None:
    rules = module(folder, "rules")
    assert rules is not None
    codes = load_dictionary(folder / "dictionary.toml", {}).errors

    @given(trees([*names_in(schema(folder, kind.schema_path).with_name("types.xsd")), kind.code]))
    def never_breaks(source: Element) -> None:
        found = rules.check(SourceObject(kind.code, "1001", source), "Тестовая больница")
        assert {problem.code for problem in found} <= codes.keys()

    never_breaks()


@every_answer
def test_an_answer_of_the_peer_gives_the_declared_number_of_findings(folder: Path, sample: dict[str, Any]) -> None:
    (named,) = {manifest.answer_schema for manifest in SERVICES[folder] if manifest.answer_schema}
    answer = parse((folder / "samples" / sample["file"]).read_bytes())
    found = validate(answer, schema(folder, named))
    assert len(found) == sample["findings"], found


@every_sample
def test_forming_and_checking_leave_the_source_alone_and_give_the_same_again(
    folder: Path, sample: dict[str, Any]
) -> None:
    source = parse((folder / "samples" / sample["file"]).read_bytes())
    before = etree.tostring(source)
    for packet in becomes(folder, sample, source):
        task = job(folder, packet, source, sample["operation"], sample["object_id"])
        assert findings(folder, packet, task) == findings(folder, packet, task)
    assert etree.tostring(source) == before


@every_sample
def test_records_are_framed_in_their_order_and_framed_again_elsewhere(folder: Path, sample: dict[str, Any]) -> None:
    """The packet with a place in its group is the provisional one, framed anew."""
    form = module(folder, "form")
    source = parse((folder / "samples" / sample["file"]).read_bytes())
    for packet in becomes(folder, sample, source):
        if packet.records == 1 or sample["findings"]:
            continue
        assert form is not None
        records = getattr(form, "records", list)
        task = job(folder, packet, source, sample["operation"], sample["object_id"])
        provisional = form.frame(frame(task), [form.record(task) for _ in range(3)])
        again = form.frame(frame(task, 2, 5, 7), records(parse(etree.tostring(provisional)))[-2:])
        at_once = form.frame(frame(task, 2, 5, 7), [form.record(task) for _ in range(2)])
        assert etree.tostring(again) == etree.tostring(at_once)
        assert validate(again, schema(folder, packet.schema_path)) == ()
        if hasattr(form, "name"):
            assert len({form.name(frame(task, 1, 1, number)) for number in (1, 2, 99_999)}) == 3


TEXTS = st.one_of(
    st.sampled_from(["", " ", "1", "3", "4", "2026-03-16", "2026-02-30", "340001", "112-233-445 96", "OK", "ERROR"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8),
)


def trees(names: list[str]) -> st.SearchStrategy[Element]:
    """Any tree of elements with these names or others, in order or not, once or twice, with or without text."""
    tags = st.sampled_from([*names, "нечто", "{urn:x}PERS"])

    def build(tag: str, text: str, children: list[Element]) -> Element:
        made = etree.Element(tag)
        made.text = text
        made.extend(children)
        return made

    leaves = st.builds(build, tags, TEXTS, st.just([]))
    return st.recursive(
        leaves, lambda inner: st.builds(build, tags, TEXTS, st.lists(inner, max_size=12)), max_leaves=30
    )


def names_in(path: Path) -> list[str]:
    declared = etree.parse(path).iter("{*}element")
    return sorted({str(each.get("name")) for each in declared if each.get("name")} | {"PERS"})


@every_packet
def test_junk_is_formed_checked_or_refused_but_never_breaks(folder: Path, packet: PacketType) -> None:
    lax = next(each for each in OBJECT_TYPES[folder] if each.code == packet.object_type)
    choose = getattr(module(folder, "form"), "packet_type", lambda _: None)
    codes = {each.code for each in PACKET_TYPES[folder]}

    @given(trees(names_in(schema(folder, lax.schema_path))), st.sampled_from(sorted(Operation)), TEXTS)
    def never_breaks(source: Element, operation: str, object_id: str) -> None:
        task = job(folder, packet, source, operation, object_id)
        assert choose(task) in {None, *codes}
        assert all(isinstance(each, Finding) for each in findings(folder, packet, task))

    never_breaks()


@every_exchange
def test_junk_in_an_answer_is_read_or_refused_but_never_breaks(folder: Path) -> None:
    answer = module(folder, "answer")
    named = next((manifest.answer_schema for manifest in SERVICES[folder] if manifest.answer_schema), None)
    if answer is None or named is None:
        return
    read: Callable[[Element], Verdict] = answer.read

    @given(trees(names_in(schema(folder, named))))
    def never_breaks(element: Element) -> None:
        with suppress(TransportError):
            assert isinstance(read(element), Verdict)

    never_breaks()


class Asked:
    """Dictionaries that answer everything alike and remember which of them were asked."""

    def __init__(self, answer: bool) -> None:
        self.names: set[str] = set()
        self._answer = answer

    def has(self, dictionary: str, code: str, on: date) -> bool:
        assert code
        assert isinstance(on, date)
        self.names.add(dictionary)
        return self._answer

    def title(self, dictionary: str, code: str, on: date) -> str | None:
        return "наименование" if self.has(dictionary, code, on) else None

    def detail(self, dictionary: str, code: str, on: date, column: str) -> None:
        assert column
        self.has(dictionary, code, on)  # what a column says is judged by the tests of the rules themselves


@every_sample
def test_dictionaries_are_those_of_the_manifest_and_only_ever_add_findings(
    folder: Path, sample: dict[str, Any]
) -> None:
    named = {name for manifest in SERVICES[folder] for name in manifest.dictionaries}
    source = parse((folder / "samples" / sample["file"]).read_bytes())
    for packet in becomes(folder, sample, source):
        task = job(folder, packet, source, sample["operation"], sample["object_id"])
        full, empty = Asked(True), Asked(False)
        known, unknown = (set(findings(folder, packet, replace(task, reference=each))) for each in (full, empty))
        assert known <= set(findings(folder, packet, task)) <= unknown
        assert full.names | empty.names <= named


@every_exchange
def test_a_folder_imports_the_vocabulary_and_nothing_else_of_ours(folder: Path) -> None:
    allowed = ("workers.exchange ", f"workers.exchanges.{folder.name}.")
    for path in folder.glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(("import ", "from ")) and line.split()[1].split(".")[0] in ("workers", "gateway"):
                assert f"{line.split()[1]} ".startswith(allowed), f"{path.name}: {line}"
