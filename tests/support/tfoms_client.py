"""A client of ТФОМС that is no code of ours: zeep by the published WSDL, and packets made of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
import zeep
from zeep.wsse.username import UsernameToken

from gateway.resources import resource_dir
from gateway.xml.canonical import serialize
from gateway.xml.namespaces import TFOMS
from gateway.xml.parser import parse, parse_text
from gateway.xml.schemas import validate

USER, PASSWORD = "mis", "выдуманный пароль"
SAMPLES = Path(__file__).parents[1] / "samples" / "tfoms"
ANSWER_SCHEMA = resource_dir("xsd") / "tfoms" / "1.0" / "ANSWER.xsd"
REFERRAL, CANCEL_REFERRAL = "HOSPITALISATION_REFERRAL", "CANCEL_HOSPITALISATION_REFERRAL"
HOSPITALISATION, MOTION, REFUSAL = "HOSPITALISATION", "MOTION_IN_HOSPITAL", "CANCEL_HOSPITALISATION"
OWN_NUMBER = {REFERRAL: 1001, CANCEL_REFERRAL: 2001, HOSPITALISATION: 3001, MOTION: 4001, REFUSAL: 5001}
ABSENT = ""
FREE = {"ZAP/NOM_NAP": ABSENT, "ZAP/FRM_MP": "1", "ZAP/TYPE_H": "4"}  # an emergency, tied to no referral
Changes = Mapping[str, str]


def packet(kind: str, oper: str = "Insert", *, packet_id: str = "", changes: Changes | None = None) -> str:
    """A sample with a fresh id, some fields changed; an empty text takes the field away."""
    root = parse((SAMPLES / f"{kind}.xml").read_bytes())
    header = {"ZGLV/ID": packet_id or str(uuid4()), "ZGLV/OPER": oper}
    for path, text in {**header, **(changes or {})}.items():
        element = root.find("/".join(f"{{{TFOMS}}}{step}" for step in path.split("/")))
        assert element is not None, path
        element.text = text
        parent = element.getparent()
        if text == ABSENT and parent is not None:
            parent.remove(element)
    if oper == "Delete":
        root.remove(root[1])
    return serialize(root).decode()


class Client:
    """What a test does with the peer."""

    def __init__(self, url: str, username: str = USER, password: str = PASSWORD) -> None:
        self.session = requests.Session()
        transport = zeep.Transport(session=self.session, operation_timeout=10)
        token = UsernameToken(username, password)
        opened = zeep.Client(f"{url}?wsdl", wsse=token, transport=transport)
        self.api: Any = opened.service

    def send(self, *packets: str) -> list[Any]:
        return list(self.api.SendPackets(packets={"packet": list(packets)}).receipt)

    def answers(self, limit: int = 1000, code: str | None = None) -> dict[str, str]:
        found = self.api.GetAnswers(limit=limit, **({"CODE_MO": code} if code else {}))
        return {answer.messageId: answer.content for answer in (found.answer if found else [])}

    def verdict(self, text: str) -> list[str]:
        """Send one packet, take and confirm its answer, return its error codes."""
        (receipt,) = self.send(text)
        assert receipt.result == "ACK"
        content = self.answers()[receipt.id]
        self.confirm(receipt.id)
        return codes(content)

    def confirm(self, *ids: str) -> list[str]:
        found = self.api.ConfirmAnswers(messageIds={"messageId": list(ids)}).confirmation
        return [confirmation.result for confirmation in found]

    def status(self, *ids: str) -> list[str]:
        return [found.status for found in self.api.GetPacketStatus(packetIds={"packetId": list(ids)}).packetStatus]


def codes(content: str) -> list[str]:
    answer = parse_text(content)
    assert validate(answer, ANSWER_SCHEMA) == ()
    found = [code.text or "" for code in answer.iter(f"{{{TFOMS}}}OSHIB")]
    assert answer.findtext(f"{{{TFOMS}}}BODY/{{{TFOMS}}}RESULT") == ("ERROR" if found else "OK")
    return found


def identifier(text: str) -> str:
    return parse_text(text).findtext(f"{{{TFOMS}}}ZGLV/{{{TFOMS}}}ID") or ""
