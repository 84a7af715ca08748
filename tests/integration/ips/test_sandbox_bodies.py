"""What the stand-in ФРМО and ФРМР take for a body: sound JSON by the schema, nothing to be guessed."""

from __future__ import annotations

import json

import pytest

from tests.support.ips import OID
from tests.support.ips_client import Client, Json, content_of


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"buildYear": "1978"}, "/buildYear"),
        ({"buildName": None}, "Наименование здания"),
        ({"lishnee": 1}, "lishnee"),
        ({"beginDate": "1978-11-01"}, "beginDate"),
        ({"beginDate": "1978-02-29T00:00:00Z"}, "beginDate"),
        ({"beginDate": " 1978-11-01T00:00:00Z"}, "/beginDate"),
        ({"beginDate": "1978-11-01T24:00:00Z"}, "/beginDate"),
        ({"beginDate": "11978-11-01T00:00:00Z"}, "/beginDate"),
        ({"floors": [{"floorId": "1"}]}, "floorsItem"),
        ({"floors": [{"floorId": "1", "floor": "1", "rooms": None, "лишнее": None}]}, "/floors/лишнее"),
        ({"not a name of XML": 1}, "/not a name of XML"),
        ({"\ud800": 1}, "/\ufffd"),
        ({"buildName": "\ud800"}, "/buildName"),
        ({"ownageDocuments": ["да", "\0"]}, "/ownageDocuments"),
    ],
)
def test_a_body_against_the_schema_is_refused_with_its_place(client: Client, change: Json, told: str) -> None:
    status, answer = client.ask("POST", f"org/building?oid={OID}", {**content_of("mo_building.create"), **change})
    assert status == 400
    assert told in answer["message"]
    assert client.ask("GET", f"org/building?oid={OID}")[1]["total"] == 0


WHOLE = json.dumps(content_of("mo_building.create"), ensure_ascii=False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        f"{WHOLE} x".encode(),
        f"\ufeff{WHOLE}".encode(),
        WHOLE.encode("utf-16"),
        WHOLE.encode("cp1251"),
        (WHOLE[:-1] + ', "buildName": "Другое"}').encode(),
        (WHOLE[:-1] + ', "buildingSize": NaN}').encode(),
        (WHOLE[:-1] + ', "buildingSize": 1e999}').encode(),
        b'{"buildName":' + b"[" * 100_000,
    ],
    ids=range(12),
)
def test_a_body_that_is_no_sound_json_object_is_refused(client: Client, body: bytes) -> None:
    assert client.ask("POST", f"org/building?oid={OID}", body)[0] == 400
    assert client.ask("GET", f"org/building?oid={OID}")[1]["total"] == 0


@pytest.mark.parametrize(
    ("declared", "status"),
    [
        ("application/json", 200),
        ('Application/JSON; charset="UTF-8"', 200),
        ("application/json; charset=windows-1251", 400),
        ("application/problem+json", 400),
        ("text/plain", 400),
        ("", 400),
    ],
)
def test_a_body_is_declared_as_json_in_utf_8(client: Client, declared: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {client.token()}", "Content-Type": declared}
    call = f"{client.base}org/building?oid={OID}"
    assert client.pool.request("POST", call, body=WHOLE.encode(), headers=headers).status == status


@pytest.mark.parametrize("own_id", ["", "чужой"])
def test_a_body_bears_no_other_id_than_its_address(client: Client, own_id: str) -> None:
    call, content = f"org/building?oid={OID}", content_of("mo_building.create")
    entity_id = client.create(call, content)
    for given, status in ((own_id, 400), (entity_id, 200)):
        assert client.ask("PUT", f"{call}&entityId={entity_id}", {**content, "id": given})[0] == status
