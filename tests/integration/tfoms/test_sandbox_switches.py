"""What the switches of the stand-in ТФОМС do."""

from __future__ import annotations

import pytest
import requests
import zeep

from gateway.domain.errors import InvalidRequest, InvalidXml
from gateway.xml.parser import parse_text
from gateway.xml.schemas import validate
from tests.support.tfoms_client import ANSWER_SCHEMA, FREE, HOSPITALISATION, REFERRAL, Client, codes, identifier, packet
from workers.sandbox.tfoms import TfomsSandbox


def test_answer_delay(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"answer_delay_s": 3600})
    text = packet(REFERRAL)
    client.send(text)
    assert client.status(identifier(text)) == ["RECEIVED"]
    assert client.answers() == {}
    sandbox.switches.reset()
    assert client.status(identifier(text)) == ["ANSWERED"]
    assert codes(client.answers()[identifier(text)]) == []


def test_refused_connections_come_back_on_the_same_port(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"outage": "refuse"})
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            client.send(packet(REFERRAL))
    response = requests.post(f"{sandbox.admin_url}/switches", json={"outage": "none"}, timeout=5)
    assert response.json()["outage"] == "none"
    assert client.verdict(packet(REFERRAL)) == []
    assert len(sandbox.ledger()) == 1


def test_outage_by_fault(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"outage": "fault"})
    with pytest.raises(zeep.exceptions.Fault) as caught:
        client.send(packet(REFERRAL))
    assert caught.value.code == "soap:Server"
    assert sandbox.ledger() == ()


def test_dropped_before_it_was_read(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"drop_before_next": 1})
    text = packet(REFERRAL)
    with pytest.raises(requests.ConnectionError):
        client.send(text)
    assert client.status(identifier(text)) == ["UNKNOWN"]
    assert client.verdict(text) == []


def test_taken_and_dropped(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"take_and_drop_next": 1})
    text = packet(REFERRAL)
    with pytest.raises(requests.ConnectionError):
        client.send(text)
    assert client.status(identifier(text)) == ["ANSWERED"]
    assert client.verdict(text) == []
    assert [entry.receptions for entry in sandbox.ledger()] == [2]


@pytest.mark.parametrize("malformation", ["truncated", "invalid"])
@pytest.mark.parametrize("switch", [{"malformed_answer_next": 1}, {"malformed_answer_percent": 100}])
def test_malformed_answer_comes_right(
    malformation: str, switch: dict[str, int], client: Client, sandbox: TfomsSandbox
) -> None:
    text = packet(REFERRAL)
    client.send(text)
    sandbox.switches.update({**switch, "malformation": malformation})
    spoilt = client.answers()[identifier(text)]
    if malformation == "truncated":
        with pytest.raises(InvalidXml):
            parse_text(spoilt)
    else:
        assert len(validate(parse_text(spoilt), ANSWER_SCHEMA)) == 1
    sandbox.switches.update({"malformed_answer_percent": 0})
    assert codes(client.answers()[identifier(text)]) == []


def test_random_rejection_is_the_same_for_the_same_seed(client: Client, sandbox: TfomsSandbox) -> None:
    sandbox.switches.update({"reject_percent": 30, "seed": 7})
    texts = [packet(HOSPITALISATION, changes={**FREE, "ZGLV/OBJ_ID": str(number)}) for number in range(100)]
    client.send(*texts)
    refused = [entry.codes for entry in sandbox.ledger() if entry.verdict == "ERROR"]
    assert 10 < len(refused) < 50
    assert set(refused) == {("900",)}
    before = client.answers()
    client.send(*texts)
    assert client.answers() == before


def test_unknown_switch_is_refused(sandbox: TfomsSandbox) -> None:
    for wrong in ({"outrage": "refuse"}, {"outage": "perhaps"}, {"reject_percent": 101}):
        with pytest.raises(InvalidRequest):
            sandbox.switches.update(wrong)
        response = requests.post(f"{sandbox.admin_url}/switches", json=wrong, timeout=5)
        assert response.status_code == 400
    assert requests.get(f"{sandbox.admin_url}/switches", timeout=5).json()["outage"] == "none"
