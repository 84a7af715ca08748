"""A client of the stand-in ФРМО and ФРМР that shares no code with our own: plain JSON, tokens made by hand."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.ips import CLIENT, OID, OPERATIONS, SNILS, sample, smallest
from workers.ips.mirror import to_json
from workers.ips.register import load
from workers.sandbox.ips import IpsSandbox
from workers.sandbox.ips_rules import REFERENCES, Reference
from workers.sandbox.ips_tokens import KeyFiles

Json = dict[str, Any]

OTHER: Final = f"{OID[:-1]}2"
PERSON: Final = f"mo={OID}&mr=true&snils={SNILS}"


class Client:
    """Asks the registers in plain JSON."""

    def __init__(self, sandbox: IpsSandbox, key: KeyFiles) -> None:
        self.base = sandbox.url
        self.key = key.key.read_text()
        der = x509.load_pem_x509_certificate(key.certificate.read_bytes()).public_bytes(Encoding.DER)
        self.x5c = [b64encode(der).decode()]
        self.pool = urllib3.PoolManager(retries=False)

    def token(self, headers: Json | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"sub": CLIENT, "aud": self.base.removesuffix("/ips/"), "iat": now, "exp": now + 300, **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="ES256", headers={"typ": None, "x5c": self.x5c, **(headers or {})})

    def ask(self, method: str, call: str, content: object = None, *, token: str | None = None) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self.token() if token is None else token}"}
        body = None
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            body = json.dumps(content).encode() if not isinstance(content, bytes) else content
        response = self.pool.request(method, self.base + call, body=body, headers=headers)
        return response.status, response.json()

    def create(self, call: str, content: object) -> str:
        status, answer = self.ask("POST", call, content)
        assert status == 200, answer
        return str(answer["content"]["entityId"])


def content_of(operation: str) -> Json:
    content = sample(operation).find("request/content")
    assert content is not None
    register = load("frmr" if operation.startswith("mr_") else "frmo")
    return to_json(content, register.operations[operation].entity, register)


def path_of(entity: str) -> str:
    """Where records of an entity are made."""
    return next(o.path for o in OPERATIONS if (o.entity, o.answer) == (entity, "created"))


def sound(entity: str, standing: Mapping[str, str]) -> Json:
    """The smallest record of ФРМО that no rule refuses; ``standing`` has the ids of what it may name, by entity."""
    content = smallest(entity, load("frmo"))
    for reference in REFERENCES.get(entity, ()):
        if content.get(reference.path.partition("/")[0]):
            _put(content, entity, reference.path.split("/"), "" if reference.optional else standing[reference.entity])
    return content


def naming(entity: str, reference: Reference, standing: Mapping[str, str], named: str) -> Json:
    """Such a record that names another one at one more place."""
    content = sound(entity, standing)
    _put(content, entity, reference.path.split("/"), named)
    return content


def _put(content: Json, entity: str, path: Sequence[str], text: str) -> None:
    name, *below = path
    field = load("frmo").entities[entity][name]
    if below:
        inner = smallest(field.type, load("frmo"))
        _put(inner, field.type, below, text)
        content[name] = [inner] if field.item else inner
    else:
        content[name] = text
