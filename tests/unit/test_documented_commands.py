"""What the documents tell operators to type is there to be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from gateway.cli import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("README.md", "docs/*.md", "docs/clients/*.md", "deploy/*.*", "workers/exchanges/*/README.md")
    for path in ROOT.glob(pattern)
)
_INDENTED = re.compile(r"^ {4,}(\S.*)$", re.MULTILINE)
_FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`|«([^»]+)»")


def code(text: str) -> Iterator[list[str]]:
    """Words of each piece of code in a document; brackets around what may be left out are taken away."""
    text = text.replace("\\\n", " ")
    fenced = (line for block in _FENCED.findall(text) for line in block.splitlines())
    quoted = ("".join(parts) for parts in _INLINE.findall(_FENCED.sub("", text)))
    for piece in (*fenced, *_INDENTED.findall(text), *quoted):
        yield piece.partition(" #")[0].replace("[", "").replace("]", "").split()


def typed(words: list[str]) -> list[str] | None:
    """What follows `gateway`, None where no command of ours is typed."""
    places = [n for n, word in enumerate(words) if word == "gateway" or word.endswith("/bin/gateway")]
    return words[places[0] + 1 :] if places else None


@cache
def options_of(command: click.Command) -> set[str]:
    """Options of a command and of all that are below it."""
    context = click.Context(command)
    own = {name for parameter in command.get_params(context) for name in parameter.opts}
    below = command.list_commands(context) if isinstance(command, click.Group) else []
    found = (command.get_command(context, name) for name in below if isinstance(command, click.Group))
    return own.union(*(options_of(each) for each in found if each is not None))


def unknown(words: list[str]) -> str | None:
    """The first word that the command line does not know, None where it knows all."""
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return words[0]
        command, words = found, words[1:]
    known = options_of(command)
    return next((word for word in words if word.startswith("-") and word.partition("=")[0] not in known), None)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_and_option_of_a_document_is_there(path: Path) -> None:
    for words in code(path.read_text(encoding="utf-8")):
        alone = words if words[:1] and words[0].startswith("--") else None  # told in prose, after its command
        assert unknown(typed(words) or alone or []) is None, " ".join(words)


def test_commands_are_found_in_every_kind_of_code() -> None:
    block = "    gateway up \\\n        --data D # so\n\n"
    text = f"{block}```sh\n/opt/bin/gateway check\n```\n`gateway ca list` «gateway worker»"
    assert [typed(words) for words in code(text)] == [["check"], ["up", "--data", "D"], ["ca", "list"], ["worker"]]
    assert [unknown(words) for words in (["up", "--dat", "D"], ["ca", "lost"], ["--of"])] == ["--dat", "lost", "--of"]
