"""A public file is taken over a wire that fails in every way; the failure names what the server said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.catalog.manifest import Transport
from gateway.domain.errors import ConfigurationError
from workers.exchange import Freshness, NotSent, PeerRefused
from workers.sandbox.ca import CaSandbox
from workers.sandbox.ca_issue import document
from workers.transports import open_transport
from workers.transports.download import Downloaded, DownloadTransport

DOWNLOAD = Transport(kind="download", settings=("address",))


@pytest.fixture
def sandbox() -> Iterator[CaSandbox]:
    made = CaSandbox()
    made.start(count=20, keys=2)
    yield made
    made.stop()


def opened(address: str, **settings: str) -> DownloadTransport:
    transport: DownloadTransport = open_transport(DOWNLOAD, {"address": address, "pause_s": "0.01", **settings})
    return transport


def fetched(address: str, known: Freshness | None = None, **settings: str) -> Downloaded | None:
    transport = opened(address, **settings)
    try:
        return transport.fetch(known)
    finally:
        transport.close()


def test_the_file_comes_as_it_is_with_its_marks(sandbox: CaSandbox) -> None:
    download = fetched(sandbox.url)
    assert download is not None
    download.file.seek(0)
    assert download.file.read() == b"".join(document(sandbox.edition))
    assert (download.size, len(download.sha256)) == (download.file.tell(), 32)
    assert download.freshness.source == sandbox.url
    assert fetched(sandbox.url, download.freshness) is None
    other = Freshness("http://elsewhere/", download.freshness.etag, download.freshness.last_modified)
    again = fetched(sandbox.url, other)
    assert again is not None
    assert sandbox.requests == [200, 304, 200]
    download.close()
    again.close()


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (410, 1), (500, 3), (503, 3), (429, 3), (304, 1)])
def test_any_other_status_is_a_failure_that_names_it(sandbox: CaSandbox, status: int, tries: int) -> None:
    sandbox.switches.update({"answer_status": status})
    with pytest.raises((NotSent, PeerRefused), match=f"HTTP {status}"):
        fetched(sandbox.url)
    assert sandbox.requests == [status] * tries


def test_a_passing_trouble_is_tried_over_three_times(sandbox: CaSandbox) -> None:
    sandbox.switches.update({"fail_next": 1, "cut_next": 1})
    download = fetched(sandbox.url)
    assert download is not None
    assert sandbox.requests == [503, 200, 200]
    assert download.size == len(b"".join(document(sandbox.edition)))
    download.close()
    sandbox.switches.update({"cut_next": 3})
    with pytest.raises(NotSent, match="прервалась"):
        fetched(sandbox.url)


def test_redirects_are_followed_five_deep(sandbox: CaSandbox) -> None:
    sandbox.switches.update({"redirects": 5})
    download = fetched(sandbox.url)
    assert download is not None
    download.close()
    sandbox.switches.update({"redirects": 6})
    with pytest.raises(PeerRefused, match="больше 5 раз"):
        fetched(sandbox.url)


def test_a_file_over_the_limit_is_refused_at_once(sandbox: CaSandbox) -> None:
    with pytest.raises(PeerRefused, match="больше допустимых 10485 байт"):
        fetched(sandbox.url, max_mb="0.01")
    assert sandbox.requests == [200]


def test_a_file_that_does_not_come_in_its_time_is_given_up(sandbox: CaSandbox) -> None:
    sandbox.switches.update({"slow_s": 0.5})
    with pytest.raises(NotSent, match="за отведённое время"):
        fetched(sandbox.url, within_s="0.2")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"address": "ftp://host/file"}, "address"),
        ({"max_mb": "-1"}, "max_mb"),
        ({"proxy": "host:3128"}, "proxy"),
        ({"signature_provider": "no.such.module:function"}, "signature_provider"),
        ({"ca_bundle": "/no/such/file"}, "ca_bundle"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_is_named(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        opened(**{"address": "http://127.0.0.1:9/file", **settings})


class Canned(BaseHTTPRequestHandler):
    """Answers every request with the headers of its server, as a proxy does too."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers))  # type: ignore[attr-defined] # set by the fixture
        status, headers, body = self.server.answer  # type: ignore[attr-defined] # as above
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def canned() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    server.seen, server.answer = [], (200, {"Content-Length": "4"}, b"<r/>")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_proxy_is_asked_for_the_whole_address_and_told_who_we_are(canned: Any) -> None:
    download = fetched("http://register.test/file?a=1", proxy=f"http://user:pass@127.0.0.1:{canned.server_port}")
    assert download is not None
    ((path, headers),) = canned.seen
    assert path == "http://register.test/file?a=1"
    assert headers["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"
    assert headers["User-Agent"] == "service-journal"
    download.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, {"Content-Length": "400"}, b"<r/>"), "прервалась"),
        ((200, {"Content-Length": "4", "Content-Encoding": "gzip"}, b"<r/>"), "сжат"),
        ((302, {"Content-Length": "0", "Location": "file:///etc/passwd"}, b""), "не на адрес HTTP"),
        ((302, {"Content-Length": "0"}, b""), "HTTP 302"),
        ((206, {"Content-Length": "4"}, b"<r/>"), "HTTP 206"),
    ],
    ids=["cut", "compressed", "to-a-file", "nowhere", "part"],
)
def test_an_answer_that_is_not_the_whole_file_is_refused(
    canned: Any, answer: tuple[int, dict[str, str], bytes], reason: str
) -> None:
    canned.answer = answer
    with pytest.raises((NotSent, PeerRefused), match=reason):
        fetched(f"http://127.0.0.1:{canned.server_port}/file")


def test_a_redirect_never_leads_from_https_to_http() -> None:
    transport = opened("https://register.test/file")
    with pytest.raises(PeerRefused, match="с HTTPS на HTTP"):
        transport._redirected("https://register.test/file", "http://register.test/file")
    assert transport._redirected("http://a.test/x", "https://b.test/y") == "https://b.test/y"
