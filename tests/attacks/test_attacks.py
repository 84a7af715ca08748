"""Every attack of the corpus over real HTTP: what is answered, what it costs, what it leaves behind."""

from __future__ import annotations

from functools import cache

import pytest

from gateway.soap.versions import SOAP11, SOAP12, VERSIONS, Version
from gateway.xml.parser import parse
from tests.attacks.corpus import CORPUS
from tests.attacks.requests import POLICY, SNILS, SURNAME, Attack, Sent, element, envelope
from tests.attacks.serving import OID, Reply, Site
from workers.demo.region import ORGANIZATIONS, Case

DEARER = 5
"""How many times the processor time of a right request of its size an attack may cost."""

SMALL_S = 0.3
"""Processor time that any request may cost; judging one password takes a sixth of it."""

MAX_MEMORY_BYTES = 64 * 1024 * 1024

MIN_BYTES = 4096


def names(version: Version) -> dict[str, str]:
    return {"e": version.envelope}


def fault_code(reply: Reply, version: Version) -> str:
    """Code of the typed fault of a well-formed answer of this version; "" where the answer is a result."""
    root = parse(reply.body)
    assert root.tag == f"{{{version.envelope}}}Envelope"
    if root.find("e:Body/e:Fault", names(version)) is None:
        return ""
    (code,) = root.iterfind(".//{*}gatewayFault/{*}code")
    return code.text or ""


def soap_code(reply: Reply, version: Version) -> str | None:
    path = "e:Body/e:Fault/faultcode" if version is SOAP11 else "e:Body/e:Fault/e:Code/e:Value"
    return parse(reply.body).findtext(path, namespaces=names(version))


def answered_in(reply: Reply, version: Version, attack: Attack) -> Version:
    """A SOAP 1.1 caller at the 1.2 address is told so in SOAP 1.1; all others are answered as the address says."""
    if version is SOAP12 and attack.soap == "VersionMismatch" and SOAP11.envelope.encode() in reply.body:
        return SOAP11
    return version


@cache
def valid_cost_s(site: Site, size: int) -> float:
    """Processor time of handing over documents in a request of so many bytes, taken for the second time."""
    documents = Case(ORGANIZATIONS[0], 1).documents()
    content = next(d.content for d in documents if d.content).decode()
    count = max(1, min(200, size // 65_536))
    text = content.replace("&", "&amp;").replace("<", "&lt;")
    pad = " " * max(0, size // count - len(text) - 300)
    objects = "".join(
        f"<object><objectId>a{i}</objectId><objectType>Referral</objectType><changedAt>2026-01-01T00:00:00Z</changedAt>"
        f"<deleted>false</deleted><content>{text}{pad}</content></object>"
        for i in range(count)
    )
    head = f"<serviceCode>tfoms-hosp</serviceCode><organizationOid>{OID}</organizationOid>"
    body = element("SubmitObjects", f"{head}<objects>{objects}</objects>", "intake")
    raw = Sent(envelope(SOAP11, body), "intake").raw(SOAP11)
    reply, _ = site.cost(raw)
    assert reply.status == 200, reply.body
    assert b"INVALID" not in reply.body
    return site.cost(raw)[1].cpu_s


def floor_of(size: int) -> int:
    """The greatest power of two below the size: what is compared with is never larger."""
    return max(MIN_BYTES, 1 << (size.bit_length() - 1))


def cheapest_s(site: Site, raw: bytes) -> float:
    """CPU of the same request again, the best of three: a neighbour on the core makes any single one dearer."""
    return min(site.cost(raw)[1].cpu_s for _ in range(3))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v.code)
@pytest.mark.parametrize("attack", CORPUS, ids=lambda a: a.name)
def test_an_attack_is_answered_as_it_should_and_cheaply(site: Site, attack: Attack, version: Version) -> None:
    raw = attack.raw(version)
    valid_s = valid_cost_s(site, floor_of(len(raw)))
    reply, cost = site.cost(raw)
    assert reply.status == attack.expected_status(version), reply
    if attack.code is not None:
        version = answered_in(reply, version, attack)
        assert reply.headers["content-type"] == version.content_type
        assert fault_code(reply, version) == attack.code
        assert attack.code == "" or soap_code(reply, version) == attack.expected_fault(version)
    limit_s = max(SMALL_S, DEARER * valid_s)
    assert cost.cpu_s <= limit_s or cheapest_s(site, raw) <= limit_s
    assert cost.memory_bytes <= MAX_MEMORY_BYTES


def test_no_attack_left_a_person_or_a_traceback_behind(site: Site) -> None:
    log = site.log.read_text(encoding="utf-8")
    assert [word for word in (SURNAME, SNILS, POLICY, "Traceback", " ERROR ") if word in log] == []
    assert log.count("gateway.soap.app: /soap") > len(CORPUS), "the log was on"


def test_the_corpus_is_large_and_named() -> None:
    assert len({attack.name for attack in CORPUS}) == len(CORPUS) >= 100
