"""What the addresses answer to a browser, a generator of clients and a load balancer."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

import pytest

from gateway.soap.versions import VERSIONS, Version
from tests.integration.soap.stubbed import URL, request


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("query", ["wsdl", "WSDL", "wsdl=", "singleWsdl"])
def test_wsdl_is_published_with_the_address_of_the_settings(app: WSGIApplication, version: Version, query: str) -> None:
    path = f"{version.root}/journal"
    answer = request(app, path, method="GET", QUERY_STRING=query, HTTP_HOST="evil.test", HTTP_AUTHORIZATION=None)
    assert answer.status == 200
    assert f'location="{URL}{path}"' in answer.body.decode()
    assert b"evil" not in answer.body


def test_head_has_the_headers_and_no_body(app: WSGIApplication) -> None:
    got = request(app, "/soap/intake", method="GET", QUERY_STRING="wsdl")
    head = request(app, "/soap/intake", method="HEAD", QUERY_STRING="wsdl")
    assert head.body == b""
    assert head.headers == got.headers


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/healthz", 200), ("/soap/other", 404), ("/soap", 404)])
def test_pages_beside_the_services(app: WSGIApplication, path: str, status: int) -> None:
    assert request(app, path, method="GET").status == status


def test_the_first_page_names_every_wsdl(app: WSGIApplication) -> None:
    text = request(app, "/", method="GET").body.decode()
    assert [line for line in text.splitlines() if line.endswith("?wsdl")] == [
        f"{URL}{root}/{service}?wsdl" for service in ("journal", "control", "intake") for root in ("/soap", "/soap12")
    ]
