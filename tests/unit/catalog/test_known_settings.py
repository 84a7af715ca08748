"""A key of ``[services.*]`` that nothing reads is refused, and no manifest forgets a key that the code reads."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.registry import installed, known_settings, load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.settings import is_known, load_settings, shown

ROOT = Path(__file__).parents[3]
PLACES = ("transports", "runs", "exchange", "exchanges")


def words(tree: ast.AST) -> dict[str, list[str]]:
    """Strings that a name of the module or of a loop stands for."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        target: ast.expr | None = None
        value: ast.expr | None = None
        if isinstance(node, ast.AnnAssign):
            target, value = node.target, node.value
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
        elif isinstance(node, ast.For | ast.comprehension):
            target, value = node.target, node.iter
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant | ast.Tuple):
            found.setdefault(target.id, []).extend(
                each.value for each in ast.walk(value) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )
    return found


def asked(tree: ast.AST) -> Iterator[ast.expr]:
    """What is asked of ``settings``: by ``get``, by brackets, by ``in``, by a function that takes both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and of_settings(node.value):
            yield node.slice
        elif isinstance(node, ast.Compare) and of_settings(node.comparators[0]):
            yield node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and of_settings(node.func.value):
            yield from node.args[:1]
        elif isinstance(node, ast.Call) and len(node.args) > 1 and of_settings(node.args[0]):
            yield node.args[1]


def of_settings(node: ast.expr) -> bool:
    """Tell whether an expression is the table of a site."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ("settings", "_settings")


def read_keys(path: Path) -> set[str]:
    """Keys that a module asks of ``settings``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named, keys = words(tree), set[str]()
    for node in asked(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            keys.add(node.value)
        elif isinstance(node, ast.Name):
            keys.update(named.get(node.id, ()))
    return keys


def test_every_key_that_the_code_reads_stands_in_a_manifest() -> None:
    known = frozenset().union(*known_settings().values())
    read = {
        key: path for place in PLACES for path in (ROOT / "workers" / place).rglob("*.py") for key in read_keys(path)
    }
    assert {"signer", "dictionary", "ticket_root", "out", "quiet_from", "requests_per_s", "portal"} <= set(read)
    assert {key: path.name for key, path in read.items() if not is_known(key, known)} == {}


def test_every_way_lists_what_its_transport_reads() -> None:
    ways = [
        (way.kind, exchange.manifest)
        for exchange in load_catalog().exchanges.values()
        for way in (exchange.manifest.transport, *exchange.manifest.transport.alternatives)
    ]
    for kind, manifest in ways:
        read = read_keys(ROOT / "workers" / "transports" / f"{kind}.py") - {"portal"}
        assert {key for key in read if not is_known(key, manifest.known_settings)} == set(), (kind, manifest.slug)


@pytest.mark.parametrize(
    ("slug", "key", "said"),
    [
        ("ca", "singer", "неизвестная настройка services.ca.singer: возможно, signer"),
        ("mse", "pasword_file", "неизвестная настройка services.mse.pasword_file: возможно, password"),
        ("email", "portal", "неизвестная настройка services.email.portal"),  # only letters with a link have one
        ("ca", "zzzz", "неизвестная настройка services.ca.zzzz"),
        ("sms", "field_", "неизвестная настройка services.sms.field_: возможно, field_…"),
    ],
)
def test_a_key_that_nothing_reads_is_refused(slug: str, key: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"GATEWAY_SERVICES__{slug.upper()}__{key.upper()}", "hunter2")
    with pytest.raises(ConfigurationError) as refused:
        installed(load_settings())
    assert refused.value.message == said


def test_a_mistyped_secret_is_not_shown() -> None:
    settings = load_settings(services={"mse": {"pasword": "hunter2", "host": "mse.example", "ticket_root": "T"}})
    values = shown(settings, known_settings())
    assert "hunter2" not in values["services.mse.pasword"]
    assert (values["services.mse.host"], values["services.mse.ticket_root"]) == ("mse.example", "T")


def test_the_sample_of_settings_is_known_whole() -> None:
    text = (ROOT / "deploy" / "gateway.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE))["services"]
    assert len(tables) > 8
    installed(load_settings(services=tables))
