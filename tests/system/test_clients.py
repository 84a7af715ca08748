"""The published examples of clients, by the very commands of their page: six toolkits, both versions of SOAP."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.over_the_wire import ORGANIZATIONS, SOAP11, SOAP12, Region, furnished_region
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import PASSWORD

CLIENTS: Final = Path(__file__).parents[2] / "docs" / "clients"
PAGE: Final = (CLIENTS / "README.md").read_text(encoding="utf-8")
COMMANDS: Final = dict(re.findall(r"^## ([^\n]+)\n[^#]*?^```sh\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))
STORY: Final = re.findall(r"^    ((?:сервис|документ|запуск|пакет|отказ) .+)$", PAGE, re.MULTILINE)
TOOLKITS: Final = ("Python", "PHP", "Node.js", "Java", "C#", "curl")
RUNS: Final = [(version, toolkit) for version in (SOAP11, SOAP12) for toolkit in TOOLKITS]


@pytest.fixture(scope="module")
def region(server: ThrowawayPostgres, template: str) -> Iterator[Region]:
    with furnished_region(server, template) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The published folder, to build and run in."""
    copy = shutil.copytree(CLIENTS, tmp_path / "clients", ignore=shutil.ignore_patterns("node_modules"))
    (copy / "node_modules").symlink_to(CLIENTS / "node_modules")
    return copy


def tell(folder: Path, toolkit: str, address: str, oid: str, document: str) -> list[str]:
    """Run the commands of an example; the lines that it prints after what its tools print."""
    given = {"ADDRESS": address, "LOGIN": "mis", "OID": oid, "DOCUMENT": document, "GATEWAY_PASSWORD": PASSWORD}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-euc", COMMANDS[toolkit]],
        cwd=folder,
        env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **given},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-len(STORY) :]


def story_of(document: str) -> list[str]:
    """What the page says that every example prints."""
    return [line.replace("1000001", document) for line in STORY]


def test_every_toolkit_of_the_page_is_run() -> None:
    assert tuple(COMMANDS) == TOOLKITS
    assert len(STORY) == 6


@pytest.mark.parametrize(("version", "toolkit"), RUNS)
def test_the_example_tells_its_story(region: Region, folder: Path, version: str, toolkit: str) -> None:
    number = 2 + RUNS.index((version, toolkit))
    story = region.story(number)
    referral = story.case(0).referral()
    assert referral.content is not None
    (folder / f"{referral.object_id}.xml").write_bytes(referral.content)
    printed = tell(folder, toolkit, f"{region.url}/{version}", story.oid, f"{referral.object_id}.xml")
    assert printed == story_of(referral.object_id)


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
@pytest.mark.parametrize("toolkit", ["Python", "curl"])
def test_a_launch_that_formed_no_packet_is_told_and_ends_well(
    region: Region, folder: Path, version: str, toolkit: str
) -> None:
    story = region.story(2 + len(RUNS) + 2 * ["Python", "curl"].index(toolkit) + (version == SOAP12))
    referral = story.case(0).referral()
    assert referral.content is not None
    (folder / f"{referral.object_id}.xml").write_bytes(referral.content)
    given = (folder, toolkit, f"{region.url}/{version}", story.oid, f"{referral.object_id}.xml")
    assert tell(*given) == story_of(referral.object_id)
    assert tell(*given)[2:5] == [
        f"документ {referral.object_id} UNCHANGED",
        "запуск SUCCESS",
        "пакетов нет: после прошлого запуска ничего не изменилось",
    ]


def test_the_published_document_goes_through(region: Region, folder: Path) -> None:
    printed = tell(folder, "Python", f"{region.url}/{SOAP11}", ORGANIZATIONS[0].oid, "1000001.xml")
    assert printed == story_of("1000001")
