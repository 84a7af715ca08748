"""Every kind of trouble at the most talkative level of logging: no log of ours holds a word about a patient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from requests.auth import HTTPBasicAuth

from gateway.domain.roles import Role
from gateway.journal import registry
from gateway.operations.passwords import hash_password
from tests.support.houses import PASSWORD, SERVICE, USER, House, documents, environment_for
from tests.support.up import Up, journal_of
from workers.demo.client import Services, sign_in, start, submit, watch
from workers.demo.region import ORGANIZATIONS, Document
from workers.sandbox.switches import Malformation, Outage
from workers.sandbox.tfoms import TfomsSandbox

OID: Final = ORGANIZATIONS[0].oid
KEY: Final = "invented password"
SURNAME: Final = "Небывалов"
OF_PATIENTS: Final = (SURNAME, "100-000-0", "1000000", "340000000000", "340001202600")
"""Surname, СНИЛС with and without dashes, policy, number of a referral: how each of them begins."""

TROUBLES: Final[tuple[dict[str, object], ...]] = (
    {"outage": Outage.REFUSE},
    {"outage": Outage.FAULT},
    {"take_and_drop_next": 2, "malformed_answer_next": 5, "malformation": Malformation.INVALID},
    {"drop_before_next": 2, "malformed_answer_next": 5, "malformation": Malformation.TRUNCATED},
    {"reject_percent": 60},
)


@pytest.fixture
def peer() -> Iterator[TfomsSandbox]:
    sandbox = TfomsSandbox()
    sandbox.start(username=USER, password=PASSWORD)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def up(peer: TfomsSandbox, tmp_path: Path) -> Iterator[Up]:
    with Up(tmp_path, tmp_path / "data", environment_for(peer)) as running:
        yield running


def of_the_first(numbers: range) -> Iterator[Document]:
    """Documents of one МО with a surname to look for."""
    for oid, document in documents(numbers):
        if oid == OID:
            content = re.sub(rb"<FAM>.*?</FAM>", f"<FAM>{SURNAME}</FAM>".encode(), document.content or b"")
            yield replace(document, content=content)


def spoilt(document: Document) -> Iterator[Document]:
    """The same document as nobody can take it: against its schema, against the rules, not even XML."""
    content = document.content or b""
    yield replace(document, content=content.replace(b"<FAM>", b"<FAM>" + SURNAME.encode() * 50))
    yield replace(document, content=content.replace(b"<W>", f"<{SURNAME}>".encode()))
    yield replace(document, content=content[:-20])
    yield replace(document, object_id=SURNAME, content=re.sub(rb"<W>.</W>", b"", content))


def open_accounts(up: Up, home: House) -> tuple[Services, Services]:
    stored = hash_password(KEY)
    with home.engine.begin() as connection:
        registry.add_account(connection, "mis", stored, Role.MIS, list(home.organizations.values()), may_act=True)
        registry.add_account(connection, "admin", stored, Role.DC_ADMIN, [], may_act=False)
    return sign_in(up.url, "mis", KEY), sign_in(up.url, "admin", KEY)


def broken_envelopes(url: str) -> None:
    """What no client library would send, with a patient in it."""
    for body in (f"<{SURNAME}", f"<a>{SURNAME}</a>", f"<!DOCTYPE a [<!ENTITY b '{SURNAME}'>]><a>&b;</a>"):
        requests.post(
            f"{url}/soap/intake",
            data=body.encode(),
            headers={"Content-Type": "text/xml"},
            auth=HTTPBasicAuth("mis", KEY),
            timeout=30,
        )


def test_troubles_are_logged_without_patients(up: Up, peer: TfomsSandbox) -> None:
    with journal_of(up, peer) as home:
        mis, admin = open_accounts(up, home)
        broken_envelopes(up.url)
        results: list[Any] = []
        for number, trouble in enumerate(TROUBLES):
            given = list(of_the_first(range(1 + 30 * number, 31 + 30 * number)))
            submit(mis, SERVICE, OID, [*given, *spoilt(given[0])])
            peer.switches.reset()
            peer.switches.update(trouble)
            results.append(watch(admin, start(admin, SERVICE)[0], lambda _: None).result)
        statuses = home.statuses()
    up.stop()
    assert results == ["FAILED", "FAILED", "SUCCESS", "SUCCESS", "SUCCESS"]
    assert {"ACCEPTED", "REJECTED", "FORM_ERROR"} <= statuses.keys()
    for log in (up.log, up.data / "postgres.log"):
        written = log.read_text(encoding="utf-8", errors="replace")
        assert written
        assert [piece for piece in OF_PATIENTS if piece in written] == []
