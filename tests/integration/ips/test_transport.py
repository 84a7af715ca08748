"""The REST transport of ИПС against the stand-in registers, and against peers that misbehave.

What matters is whether a change may have been taken: NotSent is repeated by itself, InDoubt never is.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from lxml import etree

from gateway.catalog import manifest
from gateway.domain.errors import ConfigurationError
from gateway.xml.canonical import serialize
from gateway.xml.schemas import validate
from tests.support import canned
from tests.support.ips import CLIENT, OID, OPERATIONS, SNILS, packet, sample, smallest_packet, texts
from tests.support.tls import CERTIFICATE
from workers.exchange import InDoubt, NotSent, PeerRefused, SignInRefused, TransportError
from workers.ips.limiter import LocalLimiter
from workers.ips.register import Operation, load
from workers.sandbox.ips import BY_SWITCH, IpsSandbox
from workers.sandbox.ips_tokens import KeyFiles, make_test_key
from workers.transports import open_transport
from workers.transports.ips_rest import LONGEST_TURN_S, IpsTransport
from workers.transports.ips_rest import open_transport as open_ips

IPS = manifest.Transport(kind="ips_rest", settings=("address", "client_id", "key", "certificate"), secrets=("key",))
READING = packet("mo.read", {"oid": OID})
DONE = json.dumps({"requestId": "1", "content": {"entityId": "2"}}).encode()
SURNAME = "Примерова-Проверкина"
Open = Callable[..., IpsTransport]


@pytest.fixture
def site(key: KeyFiles) -> dict[str, str]:
    """Settings of a site, all but the address."""
    own = {"client_id": CLIENT, "key": str(key.key), "certificate": str(key.certificate)}
    return {**own, "requests_per_s": "1000", "read_timeout_s": "2"}


@pytest.fixture
def transport(sandbox: IpsSandbox, site: dict[str, str]) -> Iterator[IpsTransport]:
    with closing(open_transport(IPS, {**site, "address": sandbox.url})) as opened:
        yield opened


@pytest.fixture
def to(site: dict[str, str]) -> Open:
    def opening(place: str, scheme: str = "http", **settings: str) -> IpsTransport:
        opened: IpsTransport = open_transport(IPS, {**site, "address": f"{scheme}://{place}/ips/", **settings})
        return opened

    return opening


def buildings(transport: IpsTransport, count: int) -> None:
    for _ in range(count):
        assert not transport.call(sample("mo_building.create")).refusal


def test_a_building_is_created_read_changed_and_deleted(transport: IpsTransport) -> None:
    answer = transport.call(sample("mo_building.create"))
    (entity_id,) = texts(answer.document, "response/content/entityId")
    one = {"oid": OID, "entityId": entity_id}
    read = transport.call(packet("mo_building.read", one)).document
    assert texts(read, "response/content/floors/floorsItem/rooms/roomsItem/roomName") == ["101"]
    update = sample("mo_building.create")
    update.tag = "mo_building.update"
    parameters, floors = update.find("request/parameters"), update.find("request/content/floorCount")
    assert parameters is not None
    assert floors is not None
    etree.SubElement(parameters, "entityId").text = entity_id
    floors.text = "6"
    assert transport.call(serialize(update)).refusal == ""
    listed = transport.call(packet("mo_building.list", {"oid": OID})).document
    assert texts(listed, "response/content/contentItem/floorCount") == ["6"]
    assert transport.call(packet("mo_building.delete", one)).refusal == ""
    gone = transport.call(packet("mo_building.read", one))
    assert gone.refusal == "404 Not Found: Запись не найдена."
    assert texts(gone.document, "error/code") == ["404"]


def test_a_person_is_sent_and_found_by_snils(transport: IpsTransport) -> None:
    assert not transport.call(sample("mr_person.create")).refusal
    assert not transport.call(sample("mr_card.create")).refusal
    full = transport.call(packet("mr_person_full.read", {"mo": OID, "mr": "true", "snils": SNILS})).document
    assert texts(full, "response/content/lastName") == [SURNAME]
    assert texts(full, "response/content/personCard/personCardItem/serviceNumber") == ["0042"]


@pytest.mark.parametrize(("limit", "pages"), [(None, 3), ("10", 3), ("25", 1), ("24", 2), ("100", 1)])
def test_a_list_is_read_page_by_page(transport: IpsTransport, limit: str | None, pages: int) -> None:
    for number in range(25):
        depart = sample("mo_depart.create")
        name = depart.find("request/content/departName")
        assert name is not None
        name.text = f"Отделение {number}"
        transport.call(depart)
    request: etree._Element | None = packet("mo_depart.list", {"oid": OID, **({"limit": limit} if limit else {})})
    names: list[str] = []
    asked = 0
    while request is not None:
        answer = transport.call(request)
        page = texts(answer.document, "response/content/contentItem/departName")
        assert page[:1] == (names[-1:] or page[:1]), "it begins with the last one of the page before"
        names += page[1:] if names else page
        assert transport.total(answer) == 25
        request = transport.next_page(request, answer)
        asked += 1
    assert names == [f"Отделение {number}" for number in range(25)]
    assert asked == pages


def test_a_refusal_within_http_200_is_a_refusal(sandbox: IpsSandbox, transport: IpsTransport) -> None:
    sandbox.switches.update({"refuse_next": 1})
    answer = transport.call(sample("mo_building.create"))
    assert answer.refusal == BY_SWITCH
    assert texts(answer.document, "response/errorUserMessage") == [BY_SWITCH]
    assert transport.next_page(READING, answer) is None


def test_a_wrong_packet_stays_here_and_is_explained(sandbox: IpsSandbox, transport: IpsTransport) -> None:
    wrong = sample("mo_building.create")
    year = wrong.find("request/content/buildYear")
    assert year is not None
    year.text = "давно"
    (finding,) = transport.check(wrong)
    assert finding.path.endswith("/buildYear")
    for refused in (wrong, serialize(wrong), b"<x/>", b"<mo.read/>", "нет".encode(), etree.Element("mo.read")):
        with pytest.raises(PeerRefused, match="не отправлен"):
            transport.call(refused)
    assert sandbox.ledger() == ()
    assert transport.check(sample("mo_building.create")) == ()
    assert len(transport.check(etree.Element("mo.read"))) == 1


def test_our_token_is_not_accepted(sandbox: IpsSandbox, site: dict[str, str], tmp_path: Path) -> None:
    other = make_test_key(tmp_path)
    for change in (
        {"client_id": "чужая"},
        {"audience": "https://other.example"},
        {"key": str(other.key), "certificate": str(other.certificate)},
    ):
        stranger = open_transport(IPS, {**site, "address": sandbox.url, **change})
        with closing(stranger), pytest.raises(SignInRefused, match="HTTP 401"):
            stranger.call(sample("mo_building.create"))
    assert sandbox.ledger() == ()


@pytest.mark.parametrize("switch", ["drop_before_next", "take_and_drop_next", "failing_next"])
def test_a_creation_that_got_lost_is_in_doubt_and_not_repeated(
    sandbox: IpsSandbox, transport: IpsTransport, switch: str
) -> None:
    sandbox.switches.update({switch: 1})
    with pytest.raises(InDoubt):
        transport.call(sample("mo_building.create"))
    assert sandbox.created_twice() == ()
    assert len(sandbox.ledger()) == (switch == "take_and_drop_next")
    assert not transport.call(READING).refusal


def test_a_slow_peer_leaves_a_creation_in_doubt_and_a_reading_not(sandbox: IpsSandbox, to: Open) -> None:
    place = sandbox.url.removeprefix("http://").partition("/")[0]
    sandbox.switches.update({"slow_s": 0.5})
    with closing(to(place, read_timeout_s="0.1")) as impatient:
        with pytest.raises(InDoubt, match="не ответил за отведённое время"):
            impatient.call(sample("mo_building.create"))
        with pytest.raises(NotSent):
            impatient.call(READING)
    sandbox.switches.reset()
    assert len(sandbox.ledger()) == 1


def test_nobody_listens(sandbox: IpsSandbox, transport: IpsTransport) -> None:
    sandbox.switches.update({"outage": "refuse"})
    with pytest.raises(NotSent, match="Нет соединения"):
        transport.call(sample("mo_building.create"))
    sandbox.switches.reset()
    buildings(transport, 1)


ERROR = json.dumps({"timestamp": "2023-11-20T12:00:00+03:00", "code": 400, "reasonPhrase": "Bad Request"}).encode()


@pytest.mark.parametrize(
    ("answer", "writing", "reading"),
    [
        (canned.http(500, b"{}"), InDoubt, NotSent),
        (canned.http(503, b"<html/>"), InDoubt, NotSent),
        (canned.http(200, b"{}"), InDoubt, NotSent),
        (canned.http(200, b"[1]"), InDoubt, NotSent),
        (canned.http(200, b'{"requestId":"1"}'), InDoubt, NotSent),
        (canned.http(200, b'{"requestId":"1","content":null,"errorUserMessage":" "}'), InDoubt, NotSent),
        (canned.http(200, b"\xff"), InDoubt, NotSent),
        (canned.http(200, b'{"requestId":' + b'{"a":' * 5000), InDoubt, NotSent),
        (canned.http(200, b'{"requestId":"1","content":' + b'{"a":' * 90 + b"1" + b"}" * 91), InDoubt, NotSent),
        (canned.http(200, DONE, missing=5), InDoubt, NotSent),
        (canned.http(429, b""), NotSent, NotSent),
        (canned.http(404, b"<html>nginx</html>"), PeerRefused, PeerRefused),
        (canned.http(400, ERROR.replace(b"400", b"500")), PeerRefused, PeerRefused),
        (canned.http(302, b""), PeerRefused, PeerRefused),
        (canned.http(403, b""), SignInRefused, SignInRefused),
    ],
)
def test_strange_answers(to: Open, answer: bytes, writing: type[TransportError], reading: type[TransportError]) -> None:
    for request, expected in ((sample("mo_building.create"), writing), (READING, reading)):
        with canned.peer(canned.answering(answer)) as place, closing(to(place, read_timeout_s="0.5")) as transport:
            with pytest.raises(expected) as caught:
                transport.call(request)
            assert type(caught.value) is expected


@pytest.mark.parametrize("name", ["mo_building.create", "mo_building.update", "mo_building.delete"])
def test_every_change_is_in_doubt_when_the_connection_breaks(to: Open, name: str) -> None:
    change = smallest_packet(load("frmo").operations[name])
    with canned.peer(canned.vanishing) as place, closing(to(place)) as transport, pytest.raises(InDoubt, match="связь"):
        transport.call(change)


def test_a_reading_leaves_no_doubt_when_the_connection_breaks(to: Open) -> None:
    with canned.peer(canned.vanishing) as place, closing(to(place)) as transport, pytest.raises(NotSent):
        transport.call(READING)


def test_an_answer_that_drips_is_cut_off(to: Open) -> None:
    def dripping(connection: socket.socket) -> None:
        canned.read_request(connection)
        connection.sendall(canned.http(200, b"{", missing=1000))
        try:
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            return

    with canned.peer(dripping) as place, closing(to(place, read_timeout_s="0.3")) as hasty, pytest.raises(InDoubt):
        hasty.call(sample("mo_building.create"))


def test_400_without_a_message_is_a_refusal_of_the_packet(to: Open) -> None:
    with canned.peer(canned.answering(canned.http(400, ERROR))) as place, closing(to(place)) as transport:
        answer = transport.call(sample("mo_building.create"))
    assert answer.refusal == "400 Bad Request"
    assert texts(answer.document, "error/timestamp") == ["2023-11-20T12:00:00+03:00"]


def test_only_trusted_certificates_are_spoken_to(to: Open) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def trusted(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            canned.answering(canned.http(200, DONE))(secured)

    def untrusted(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    with canned.peer(untrusted, trusted) as place:
        with closing(to(place, "https")) as transport, pytest.raises(NotSent, match="защищённое соединение"):
            transport.call(sample("mo_building.create"))
        with closing(to(place, "https", ca_bundle=str(CERTIFICATE))) as transport:
            assert texts(transport.call(sample("mo_building.create")).document, "response/requestId") == ["1"]


def test_requests_go_out_as_documented(to: Open) -> None:
    seen: list[bytes] = []

    def listening(connection: socket.socket) -> None:
        seen.append(canned.read_request(connection))
        connection.sendall(canned.http(200, DONE))

    with canned.peer(listening, listening) as place:
        for request in (packet("mo_depart.read", {"departOid": "1/2", "oid": OID}), sample("mo_staff.create")):
            with closing(to(place)) as transport:
                transport.call(request)
    head, _, body = seen[1].partition(b"\r\n\r\n")
    assert seen[0].startswith(f"GET /ips/org/depart/1%2F2?oid={OID} HTTP/1.1\r\n".encode())
    assert head.startswith(f"POST /ips/org/staff?oid={OID} HTTP/1.1\r\n".encode())
    assert b"\r\nAuthorization: Bearer ey" in head
    line = json.loads(body)["staffDetails"][0]
    assert (line["rate"], line["postFedCode"]["code"], line["vacancy"]) == (22.5, 173, 22.5)


def test_those_who_share_a_limiter_share_the_rate(sandbox: IpsSandbox, site: dict[str, str]) -> None:
    limiter = LocalLimiter()
    settings = {**site, "address": sandbox.url, "requests_per_s": "20"}

    def work() -> None:
        with closing(open_ips(IPS, settings, limiter=limiter)) as transport:
            buildings(transport, 4)

    begun = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 11 / 20
    assert len(sandbox.ledger()) == 12


def test_a_queue_too_long_is_not_waited_for(sandbox: IpsSandbox, site: dict[str, str]) -> None:
    class Busy:
        def reserve(self, peer: str, interval_s: float) -> float:
            assert "@" not in peer
            return LONGEST_TURN_S + interval_s

    transport = open_ips(IPS, {**site, "address": sandbox.url}, limiter=Busy())
    with closing(transport), pytest.raises(NotSent, match="Очередь"):
        transport.call(sample("mo_building.create"))
    assert sandbox.ledger() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": ""},
        {"address": "ips.test"},
        {"address": "ftp://ips.test/"},
        {"address": "http://ips.test/?a=1"},
        {"client_id": ""},
        {"key": "/нет/ключа.pem"},
        {"certificate": str(CERTIFICATE)},
        {"key": str(CERTIFICATE)},
        {"requests_per_s": "0"},
        {"requests_per_s": "много"},
        {"read_timeout_s": "-1"},
        {"ca_bundle": "/нет/такого.pem"},
    ],
    ids=str,
)
def test_settings_are_checked_before_anything_is_sent(site: dict[str, str], wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        open_transport(IPS, {**site, "address": "http://ips.test/", **wrong})


def test_nothing_about_people_is_told_in_errors_or_logs(
    sandbox: IpsSandbox, transport: IpsTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.switches.update({"take_and_drop_next": 1})
    with pytest.raises(InDoubt) as caught:
        transport.call(sample("mr_person.create"))
    transport.call(packet("mr_person.read", {"mo": OID, "mr": "true", "snils": SNILS}))
    told = str(caught.value) + caplog.text
    assert SURNAME not in told
    assert SNILS not in told


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_every_operation_reaches_its_place(transport: IpsTransport, operation: Operation) -> None:
    answer = transport.call(smallest_packet(operation))
    assert "Такого адреса нет" not in answer.refusal
    assert answer.document.tag == operation.name
    assert validate(answer.document, load(operation.register).schema) == ()


def test_a_repetition_under_another_token_takes_a_turn_of_its_own(sandbox: IpsSandbox, site: dict[str, str]) -> None:
    reserved: list[tuple[str, float]] = []

    class Counting:
        def reserve(self, peer: str, interval_s: float) -> float:
            reserved.append((peer, interval_s))
            return 0.0

    settings = {**site, "address": sandbox.url, "requests_per_s": "10"}
    sandbox.switches.update({"unauthorized_next": 1})
    with closing(open_ips(IPS, settings, limiter=Counting())) as transport:
        transport.call(READING)
    assert len(reserved) == len(sandbox.arrivals()) == 2
