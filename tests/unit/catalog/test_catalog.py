"""Every wrong manifest is refused at start, in one line that names its file and what is wrong with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.catalog.registry import Catalog, load_catalog
from gateway.domain.errors import ConfigurationError
from workers.runs import loading
from workers.runs.loading import load_exchange

SAMPLE = Path(__file__).parents[2] / "exchanges" / "free_beds"


def place(root: Path, slug: str = "free_beds", *changes: tuple[str, str]) -> Path:
    """Put the sample exchange into a folder of exchanges, with its manifest changed; return the manifest."""
    folder = root / slug
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = folder / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    for old, new in (('slug = "free_beds"', f'slug = "{slug}"'), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    manifest.write_text(text, encoding="utf-8")
    return manifest


def refusal(root: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_catalog([root])
    assert "\n" not in caught.value.message
    return caught.value.message


CODE = 'code = "free-beds"'
TITLE = 'title = "Передача сводки о свободных койках (учебный)"'
GROUP = '[group]\ncode = "beds"\ntitle = "{}"\n\n[[object_types]]'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('log = "session"', 'log = "session"\nmax_atempts = 3'), "service.max_atempts: такого ключа нет"),
        (('log = "session"', 'log = "diary"'), "service.log: допустимо 'packets', 'session' или 'notifications'"),
        (('log = "session"', 'log = "session"\noid_required = true'), "oid_required needs organizations_required"),
        ((TITLE, ""), "service.title: не указано"),
        ((TITLE, 'title = ""'), "service.title: пустая строка"),
        (('schema = "BedCount.xsd"', 'schema = "Lost.xsd"'), "нет файла Lost.xsd"),
        (('kind = "folder"', 'kind = "folder"\nwsdl = "lost.wsdl"'), "нет файла lost.wsdl"),
        (("[operations]", '[status_titles]\nLOST = "Потерян"\n\n[operations]'), "status_titles.LOST: допустимо "),
        (("[operations]", "[operations"), "не читается"),
        (("slug = ", 'dictionaries = ["V002", "V999"]\nslug = '), "dictionaries.1: there is no dictionary V999"),
        (('object_type = "BedCount"', 'object_type = "Bed"'), "packet_types name unknown object types: Bed"),
        (('"out", "in"]', '"out"]\nsecrets = ["in"]'), "transport.secrets must be among transport.settings"),
        (("[operations]", "[retry]\nattempts = 0\n\n[operations]"), "retry.attempts: не меньше 1"),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    manifest = place(tmp_path, "free_beds", change)
    message = refusal(tmp_path)
    assert message.startswith(f"{manifest}: ")
    assert reason in message


def test_a_folder_is_named_as_its_slug(tmp_path: Path) -> None:
    manifest = place(tmp_path)
    manifest.parent.rename(tmp_path / "other")
    assert refusal(tmp_path).endswith("slug должен совпадать с именем папки other")


def test_two_exchanges_do_not_share_a_code(tmp_path: Path) -> None:
    one, two = place(tmp_path), place(tmp_path, "more_beds")
    message = refusal(tmp_path)
    assert str(one.parent) in message
    assert str(two.parent) in message


def test_two_folders_do_not_share_a_slug(tmp_path: Path) -> None:
    place(tmp_path / "one")
    place(tmp_path / "two", "free_beds", (CODE, 'code = "other-beds"'))
    with pytest.raises(ConfigurationError, match="код или slug уже занят"):
        load_catalog([tmp_path / "one", tmp_path / "two"])


def test_a_group_has_one_title(tmp_path: Path) -> None:
    place(tmp_path, "free_beds", ("[[object_types]]", GROUP.format("Койки")))
    place(tmp_path, "more_beds", (CODE, 'code = "more-beds"'), ("[[object_types]]", GROUP.format("Койки региона")))
    assert refusal(tmp_path).endswith("у группы beds два наименования")


def test_a_code_is_not_both_of_a_service_and_of_a_group(tmp_path: Path) -> None:
    place(tmp_path, "free_beds", ("[[object_types]]", GROUP.format("Койки").replace('"beds"', '"free-beds"')))
    assert refusal(tmp_path) == "Код и сервиса, и группы: free-beds"


def test_an_empty_folder_of_exchanges_is_a_mistake(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"В папке обменов {tmp_path} нет ни одного manifest.toml"


def test_services_may_be_switched_off(tmp_path: Path) -> None:
    place(tmp_path)
    with_all, without = load_catalog([tmp_path]), load_catalog([tmp_path], ["tfoms-hosp"])
    assert set(with_all.exchanges) - set(without.exchanges) == {"tfoms-hosp"}
    assert "free-beds" in without.exchanges
    assert without.manifest("tfoms-hosp") is None


def test_the_list_of_services_holds_the_systems_that_the_site_has_connected(tmp_path: Path) -> None:
    place(tmp_path)
    catalog = load_catalog([tmp_path], connected={"tfoms_hosp": {}})
    assert "tfoms-hosp" in catalog.exchanges
    assert "edu" not in catalog.exchanges
    assert "free-beds" not in catalog.exchanges
    assert set(load_catalog([tmp_path], connected={"free_beds": {}}).groups) == set()


def digest(catalog: Catalog) -> str:
    return catalog.exchanges["free-beds"].rules_digest()


@pytest.mark.parametrize("name", ["BedCount.xsd", "session.py"])
def test_the_rules_in_force_have_a_name_that_follows_them(tmp_path: Path, name: str) -> None:
    folder = place(tmp_path).parent
    before = digest(load_catalog([tmp_path]))
    assert digest(load_catalog([tmp_path])) == before
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert digest(load_catalog([tmp_path])) != before


def test_the_rules_in_force_follow_the_words_they_are_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "words"
    shutil.copytree(loading.VOCABULARY, words)
    place(tmp_path / "site", "beds_of_words")
    exchange = load_catalog([tmp_path / "site"]).exchanges["free-beds"]
    before = load_exchange(exchange).rules
    monkeypatch.setattr(loading, "VOCABULARY", words)
    assert load_exchange(exchange).rules == before
    with (words / "reference.py").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert load_exchange(exchange).rules != before


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "session.py").write_text("def run(:\n"), "session.py не загружается: SyntaxError"),
        (lambda folder: (folder / "session.py").write_text("import no_such_thing\n"), "ModuleNotFoundError"),
        (lambda folder: (folder / "session.py").write_text("1 / 0\n"), "ZeroDivisionError"),
        (lambda folder: (folder / "session.py").unlink(), "нет функции run"),
        (lambda folder: (folder / "__init__.py").unlink(), "__init__.py не читается"),
    ],
)
def test_a_folder_whose_code_does_not_load_is_named(
    tmp_path: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    folder = place(tmp_path, f"beds_{abs(hash(reason)) % 10**6}").parent
    spoil(folder)
    exchange = load_catalog([tmp_path]).exchanges["free-beds"]
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=reason) as caught:
            load_exchange(exchange)
        assert folder.name in caught.value.message


def test_an_answer_of_no_packet_has_a_title_in_every_service() -> None:
    for exchange in load_catalog().exchanges.values():
        titles = exchange.manifest.packet_type_titles
        assert titles["ANSWER"] == "Ответ на неизвестный пакет"
        assert titles.keys() >= {each.code for each in exchange.manifest.packet_types}
