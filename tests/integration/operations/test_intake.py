"""The door for source objects: what is wrong is told place by place, and harms nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.domain.errors import GatewayError, NotFound
from gateway.journal.bodies import unpack
from gateway.operations import intake
from gateway.operations.records import Submission, SubmitOutcome
from gateway.xml.limits import DOCUMENT_LIMITS
from gateway.xml.parser import parse
from tests.support.region import SERVICE, A, C, World
from workers.demo.region import ORGANIZATIONS, Case

GOOD = Submission(
    "1000777",
    "Referral",
    datetime(2026, 5, 1, tzinfo=UTC),
    content="<Referral><NOM_NAP>3400012026000777</NOM_NAP></Referral>",
)
CYRILLIC = "<Referral><NOM_NAP>3400012026000777</NOM_NAP><PERS><FAM>Образец</FAM></PERS></Referral>"


def submit(world: World, *given: Submission, oid: str = A) -> tuple[SubmitOutcome, ...]:
    return intake.submit_objects(world.ctx, world.viewer("mis"), SERVICE, oid, given, None)


def only(world: World, **changed: Any) -> SubmitOutcome:
    return submit(world, replace(GOOD, **changed))[0]


def stored(world: World) -> int:
    with world.engine.connect() as connection:
        count: int = connection.execute(text("SELECT count(*) FROM source_objects")).scalar_one()
    return count


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        ({"content": "<Referral><NOM_NAP>"}, "/", ""),
        ({"content": "просто текст"}, "/", ""),
        ({"content": "<!DOCTYPE a><Referral/>"}, "/", "DOCTYPE не допускается"),
        ({"content": "<Hospitalisation/>"}, "/Hospitalisation", ""),
        ({"content": None}, "content", "Нет содержимого"),
        ({"content": ""}, "content", "Нет содержимого"),
        ({"content_base64": b"<Referral/>"}, "content", "либо content, либо contentBase64"),
        ({"deleted": True}, "content", "содержимое не передаётся"),
        ({"object_id": "1" * 65}, "objectId", "от 1 до 64"),
        ({"object_id": "  "}, "objectId", "от 1 до 64"),
        ({"object_type": "Refferal"}, "objectType", "принимает типы: Referral"),
    ],
)
def test_what_is_wrong_is_said_and_not_kept(world: World, changed: dict[str, Any], path: str, words: str) -> None:
    before = stored(world)
    outcome = only(world, **changed)
    assert outcome.result == "INVALID"
    assert outcome.findings[0].path == path
    assert words in outcome.findings[0].message
    assert any("а" <= letter <= "я" for letter in outcome.findings[0].message)
    assert stored(world) == before


def test_every_mistake_has_its_place_line_and_sentence(world: World) -> None:
    content = "<Referral>\n  <NOM_NAP>не номер</NOM_NAP>\n  <DTA_NAP>вчера</DTA_NAP>\n  <ЛИШНЕЕ/>\n</Referral>"
    outcome = only(world, content=content)
    found = [(f.path, f.line, f.code) for f in outcome.findings]
    assert ("/Referral/DTA_NAP", 3, "XSD") in found
    assert len(found) >= 2
    for finding in outcome.findings:
        assert "вчера" not in finding.message
        assert "не номер" not in finding.message
        assert any("а" <= letter <= "я" for letter in finding.message)


def test_one_bad_object_harms_no_other_of_its_batch(world: World) -> None:
    given = [replace(GOOD, object_id=str(number)) for number in range(10_001, 10_005)]
    given[1] = replace(given[1], content="<Referral>")
    given[2] = replace(given[2], object_type="Nothing")
    outcomes = submit(world, *given)
    assert [o.object_id for o in outcomes] == [s.object_id for s in given]
    assert [o.result for o in outcomes] == ["ACCEPTED", "INVALID", "INVALID", "ACCEPTED"]
    assert [o.result for o in submit(world, *given)] == ["UNCHANGED", "INVALID", "INVALID", "UNCHANGED"]


def test_what_has_no_canonical_form_is_invalid_and_harms_no_other(world: World) -> None:
    unhashable = str(GOOD.content).replace("<Referral>", '<Referral xmlns:a="relative">')
    outcomes = submit(world, replace(GOOD, object_id="10005", content=unhashable), replace(GOOD, object_id="10006"))
    assert [o.result for o in outcomes] == ["INVALID", "ACCEPTED"]
    assert "полным адресом (URI)" in outcomes[0].findings[0].message


def test_what_changes_is_audited_once_a_request(world: World) -> None:
    before = len(world.audit("submit-objects"))
    submit(world, GOOD, replace(GOOD, object_id="1000778"))
    submit(world, GOOD)
    only(world, content="<Referral>")
    assert world.audit("submit-objects")[before:] == [("mis", None)]


def test_text_and_bytes_in_any_allowed_encoding_are_the_same_object(world: World) -> None:
    as_text = f'<?xml version="1.0" encoding="windows-1251"?>{CYRILLIC}'
    assert only(world, content=as_text).result == "ACCEPTED"
    for data in (
        as_text.encode("cp1251"),
        CYRILLIC.encode(),
        f"\ufeff{CYRILLIC}".encode(),
        f'<?xml version="1.0" encoding="UTF-16"?>{CYRILLIC}'.encode("utf-16"),
    ):
        assert only(world, content=None, content_base64=data).result == "UNCHANGED"
    koi8 = f'<?xml version="1.0" encoding="koi8-r"?>{CYRILLIC}'.encode("koi8-r")
    assert "Кодировка" in only(world, content=None, content_base64=koi8).findings[0].message


def test_latest_state_wins_whatever_the_order(world: World) -> None:
    later = GOOD.changed_at + timedelta(hours=1)
    assert only(world, changed_at=later).result == "ACCEPTED"
    assert only(world, content="<Referral><NOM_NAP>3400012026000778</NOM_NAP></Referral>").result == "UNCHANGED"
    assert only(world, deleted=True, content=None).result == "UNCHANGED"
    assert only(world, deleted=True, content=None, changed_at=later).result == "ACCEPTED"
    assert only(world, deleted=True, content=None, changed_at=later).result == "UNCHANGED"
    assert only(world, changed_at=later + timedelta(hours=1)).result == "ACCEPTED"
    never = replace(GOOD, object_id="555", deleted=True, content=None)
    assert submit(world, never)[0].result == "UNCHANGED"


def test_too_many_objects_and_foreign_places_are_refused_whole(world: World) -> None:
    before = stored(world)
    few = replace(world.ctx, max_objects=2)
    with pytest.raises(GatewayError, match="не больше 2 документов") as caught:
        intake.submit_objects(few, world.viewer("mis"), SERVICE, A, [GOOD] * 3, None)
    assert caught.value.code == "TOO_MANY"
    for oid in (C, "1.2.3.4"):
        with pytest.raises(NotFound, match="МО не найдена: проверьте OID"):
            submit(world, GOOD, oid=oid)
    with pytest.raises(NotFound, match="Сервис не найден"):
        intake.submit_objects(world.ctx, world.viewer("mis"), "no-such", A, [GOOD], None)
    assert stored(world) == before


def test_the_same_id_of_two_mo_is_two_objects(world: World) -> None:
    before = stored(world)
    document = Case(ORGANIZATIONS[0], 2).referral()
    given = replace(GOOD, object_id=document.object_id)
    intake.submit_objects(world.ctx, world.viewer("mis_of_c"), SERVICE, C, [given], None)
    assert stored(world) == before + 1


def test_a_clock_that_runs_ahead_is_told_before_it_bars_the_truth(world: World) -> None:
    outcome = only(world, changed_at=datetime.now(UTC) + timedelta(days=2))
    assert outcome.result == "INVALID"
    assert [(f.path, f.message) for f in outcome.findings] == [
        ("changedAt", "Время изменения в будущем: проверьте часы МИС")
    ]


def test_a_batch_id_has_a_length(world: World) -> None:
    with pytest.raises(GatewayError, match="batchId: не больше 128 знаков"):
        intake.submit_objects(world.ctx, world.viewer("mis"), SERVICE, A, [GOOD], "x" * 129)


def test_what_is_taken_at_the_limit_of_size_can_be_read_again(world: World) -> None:
    """What is kept of a text has a declaration of its own, and so is longer than what came."""
    room = DOCUMENT_LIMITS.max_bytes - len(str(GOOD.content))
    taken = []
    for left in (-1, 0, 38, 39):
        content = str(GOOD.content).replace("</R", " " * (room - left) + "</R")
        taken.append(only(world, object_id="20001", content=content).result)
    assert taken == ["INVALID", "INVALID", "INVALID", "ACCEPTED"]
    with world.engine.connect() as connection:
        kept = connection.execute(text("SELECT content FROM source_objects WHERE object_id = '20001'")).scalar_one()
    assert parse(unpack(kept)).tag == "Referral"
