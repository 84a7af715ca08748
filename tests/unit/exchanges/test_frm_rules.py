"""Checks of ФРМО and ФРМР that concern several objects, and the dictionaries that word them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import ConfigurationError
from gateway.xml.parser import parse
from workers.demo.parts import frm_data
from workers.exchange import SourceObject, load_dictionary
from workers.exchanges.frmo import rules as frmo
from workers.exchanges.frmo import session as frmo_session
from workers.exchanges.frmr import rules as frmr
from workers.exchanges.frmr import session as frmr_session
from workers.exchanges.frmr.sections import SECTIONS

OID = "1.2.643.5.1.13.13.12.2.34.1"
MO = "Учебная больница"


def sources(*given: frm_data.Submitted) -> dict[str, list[SourceObject]]:
    found: dict[str, list[SourceObject]] = {}
    for kind, object_id, content in given:
        found.setdefault(kind, []).append(SourceObject(kind, object_id, parse(content)))
    return found


def codes(*given: frm_data.Submitted, oid: str = OID) -> list[str]:
    return [problem.code for problem in frmo.check_together(sources(*given), MO, oid)]


def bearing(one: frm_data.Submitted, field: str) -> frm_data.Submitted:
    kind, object_id, content = one
    return kind, object_id, content.replace(f"<{kind}>".encode(), f"<{kind}>{field}".encode())


CARD = frm_data.organization(OID, 1)


def test_a_whole_hospital_breaks_nothing() -> None:
    assert codes(*frm_data.hospital(OID)) == []


@pytest.mark.parametrize("oid", ["", "не OID", "1.2.03", "1..2", "3.1"])
def test_an_organization_needs_its_oid(oid: str) -> None:
    assert "200" in codes(CARD, oid=oid)


def test_an_organization_is_submitted_once_and_under_its_own_oid() -> None:
    assert codes() == ["201"]
    assert codes(CARD, CARD) == ["201"]
    assert codes(frm_data.organization("1.2.643.5.1.13.13.12.2.34.2", 1)) == ["209"]


def test_ids_of_the_register_stand_once() -> None:
    buildings = [bearing(frm_data.building(f"b-{n}", n), "<id>same</id>") for n in (1, 2)]
    assert codes(CARD, *buildings) == ["217", "217"]
    units = [bearing(frm_data.department(f"d-{n}", n, "b-1"), "<oid>1.2.3</oid>") for n in (1, 2)]
    assert codes(CARD, frm_data.building("b-1", 1), *units) == ["225", "225"]


def test_a_section_bears_an_oid_of_its_own() -> None:
    units = [frm_data.department(f"d-{n}", 1, "b-1") for n in (1, 2)]
    found = list(frmo.check_together(sources(CARD, frm_data.building("b-1", 1), *units), MO, OID))
    assert [problem.code for problem in found] == ["225", "225"]
    assert found[0].about == f"МО: {MO}, Подразделение: Учебное отделение № 1, Отделение: Учебные палаты 1"


def test_references_lead_to_what_is_submitted() -> None:
    assert set(codes(CARD, frm_data.department("d-1", 1, "b-1"))) == {"226"}
    assert codes(CARD, frm_data.building("b-1", 1), frm_data.department("d-1", 1, "b-1", head="d-9")) == ["227"]
    assert codes(CARD, frm_data.staffing("s-1", 1, ["d-1", "d-2"])) == ["229", "229"]


def test_a_withheld_section_may_refer_to_anything() -> None:
    kind, object_id, content = frm_data.department("d-1", 1, "b-1")
    lost = content.replace(b"<hospitalSubdivisionItem>", b'<hospitalSubdivisionItem doNotSend="true">')
    lost = lost.replace(b'<id objectId="b-1"/>', b'<id objectId="b-9"/>')
    assert lost != content
    assert codes(CARD, frm_data.building("b-1", 1), (kind, object_id, lost)) == []


def test_heads_do_not_go_round() -> None:
    ring = [frm_data.department(f"d-{n}", n, "b-1", head=f"d-{n % 3 + 1}") for n in (1, 2, 3)]
    below = frm_data.department("d-4", 4, "b-1", head="d-1")
    assert codes(CARD, frm_data.building("b-1", 1), *ring, below) == ["228"] * 3


def test_every_code_has_its_words_and_every_word_its_code() -> None:
    of_frmo = load_dictionary(frmo_session.DICTIONARY, {}).errors.keys()
    assert {rule.code for rule in frmo.RULES} | set(frmo.TOGETHER) | {"301", "302", "303", "304"} == of_frmo
    of_frmr = load_dictionary(frmr_session.DICTIONARY, {}).errors.keys()
    assert {rule.code for rule in frmr.RULES} | set(frmr.TOGETHER) | {"621", "622", "623"} == of_frmr


def test_a_site_replaces_the_words_it_knows_better(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[events]\nread_buildings = { code = "3", title = "Здания" }\n[errors]\n211 = "Назовите здание"\n',
        encoding="utf-8",
    )
    words = load_dictionary(frmo_session.DICTIONARY, {"dictionary": str(own)})
    assert (words.events["read_buildings"].title, words.errors["211"]) == ("Здания", "Назовите здание")
    assert words.events["check"].title == "Проверка данных МО перед отправкой"


def test_a_section_of_a_worker_is_called_one_thing_everywhere() -> None:
    manifest = load_catalog().exchanges["frmr"].manifest
    titles = {packet.code: packet.title for packet in manifest.packet_types}
    assert all(titles[f"{one.prefix}.update"] == f"Обновление: {one.title}" for one in SECTIONS)


def test_events_of_a_site_may_share_a_code(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[events]\nread_end = { code = "70", title = "Конец чтения" }\n', encoding="utf-8")
    words = load_dictionary(frmo_session.DICTIONARY, {"dictionary": str(own)})
    assert (words.events["read_end"].code, words.events["end"].code) == ("70", "70")


WRONG = {
    "не TOML": "строка 1, «не TOML»: это не TOML, или такой код уже указан выше",
    '[errors]\n212 = "Год"\n212 = "Год постройки"\n': "строка 3, «212»: это не TOML, или такой код уже указан выше",
    '[events]\ncheck = { title = "Контроль" }\n': "events.check.code: не указано",
    "[events]\ncheck = 60\n": "events.check: нужна таблица",
    '[events]\ncheck = { code = true, title = "Контроль" }\n': "events.check.code: нужна строка",
    '[events]\ncheck = { code = "60", title = " " }\n': "events.check.title: пустая строка",
    '[events]\ncheck = { code = "60", titel = "Контроль" }\n': "events.check.title: не указано",
    '[event]\ncheck = { code = "60", title = "Контроль" }\n': "event: такого ключа нет",
    '[errors]\n212 = "Год\\u0000"\n': "errors.212: недопустимая запись",
    '[errors]\n999 = "Нет такой"\n': "обмен не знает ошибки 999",
    '[events]\nfinish = { code = "70", title = "Конец" }\n': "обмен не знает события finish",
    '[events]\nend = { code = "60", title = "Конец" }\n': (
        "событие end: вместо кода 70 указан 60, а коды 60 и 64 менять нельзя"
    ),
    '[events]\ncheck = { code = "61", title = "Контроль" }\n': (
        "событие check: вместо кода 60 указан 61, а коды 60 и 64 менять нельзя"
    ),
    '[events]\nend = { code = "64", title = "Конец" }\n': (
        "событие end: вместо кода 70 указан 64, а коды 60 и 64 менять нельзя"
    ),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.items(), ids=WRONG.values())
def test_a_dictionary_that_does_not_fit_is_refused_in_one_line(tmp_path: Path, text: str, problem: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_dictionary(frmo_session.DICTIONARY, {"dictionary": str(own)})
    assert refused.value.message == f"Словарь событий и ошибок own.toml: {problem}"


@pytest.mark.parametrize("content", [None, "Словарь".encode("cp1251")])
def test_a_dictionary_that_is_not_there_or_not_a_text_is_refused(tmp_path: Path, content: bytes | None) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        load_dictionary(frmr_session.DICTIONARY, {"dictionary": str(own)})
    assert refused.value.message.endswith("own.toml: не читается, нужен файл в кодировке UTF-8")


def test_a_dictionary_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[errors]\n601 = "Нет СНИЛС"\n', encoding="utf-8-sig")
    assert load_dictionary(frmr_session.DICTIONARY, {"dictionary": str(own)}).errors["601"] == "Нет СНИЛС"
