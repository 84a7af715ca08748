"""A МИС and an administrator of ЦОД at work, over the wire: zeep, the published WSDLs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import requests
from requests.auth import HTTPBasicAuth
from sqlalchemy import Engine
from zeep import Client
from zeep.exceptions import Fault
from zeep.transports import Transport

from gateway.domain.roles import Role
from gateway.journal.engine import connect
from tests.support.postgres import ThrowawayPostgres
from tests.support.running import PASSWORD, add_account, add_organizations, running
from tests.support.waiting import eventually
from workers.demo.client import Services
from workers.demo.region import Case, DemoOrganization, Document
from workers.sandbox.tfoms import TfomsSandbox

SERVICE: Final = "tfoms-hosp"
SOAP11, SOAP12 = "soap", "soap12"
ORGANIZATIONS: Final = tuple(
    DemoOrganization(f"1.2.643.5.1.13.13.12.2.34.{number}", f"Учебная больница № {number}", f"34{number:04d}")
    for number in range(1, 21)
)


@dataclass(frozen=True)
class Region:
    """The running gateway and its peer."""

    url: str
    sandbox: TfomsSandbox
    engine: Engine

    def sign_in(self, login: str, version: str = SOAP11, password: str = PASSWORD) -> Services:
        """Clients of the three services."""
        return _sign_in(self.url, login, version, password)

    def story(self, number: int, version: str = SOAP11) -> Story:
        """A story about the МО of this number."""
        return Story(self, ORGANIZATIONS[number - 1], version)


@contextmanager
def furnished_region(server: ThrowawayPostgres, template: str) -> Iterator[Region]:
    """Run the gateway's processes and a stand-in ТФОМС, with a МО for every story and three accounts."""
    url = server.create_database(template)
    engine = connect(url, pool_size=2)
    ids = add_organizations(engine, [(o.oid, o.name, o.code) for o in ORGANIZATIONS])
    add_account(engine, "mis", Role.MIS, list(ids.values()), may_act=True)
    add_account(engine, "other-mis", Role.MIS, list(ids.values()))
    add_account(engine, "admin", Role.DC_ADMIN)
    sandbox = TfomsSandbox()
    address = sandbox.start(username="gateway", password="invented")
    services = {"tfoms_hosp": {"address": address, "username": "gateway", "password": "invented"}}
    try:
        with running(url, services) as public_url:
            yield Region(public_url, sandbox, engine)
    finally:
        sandbox.stop()
        engine.dispose()
        server.drop_database(url)


@cache
def _sign_in(url: str, login: str, version: str, password: str) -> Services:
    def service(name: str) -> Any:
        session = requests.Session()
        session.auth = HTTPBasicAuth(login, password)
        return Client(f"{url}/{version}/{name}?wsdl", transport=Transport(session=session)).service

    return Services(service("journal"), service("control"), service("intake"))


class Story:
    """What happens to the documents of one МО."""

    def __init__(self, region: Region, organization: DemoOrganization, version: str) -> None:
        self.organization = organization
        self.mis = region.sign_in("mis", version)
        self.admin = region.sign_in("admin", version)

    @property
    def oid(self) -> str:
        """OID of the МО."""
        return self.organization.oid

    def case(self, at: int, *, ending: int | None = None) -> Case:
        """An invented stay with which nothing is wrong; ``ending`` (0–4) tells how it goes on after the referral."""
        first = 45 * ORGANIZATIONS.index(self.organization) + 1
        clean = [n for n in range(first, first + 45) if n % 7 != 3 and n % 9 != 4 and n % 11 != 5]
        return Case(self.organization, [n for n in clean if ending is None or n % 5 == ending][at])

    def submit(self, *documents: Document) -> list[str]:
        """Hand documents over; the results."""
        objects = [
            {
                "objectId": d.object_id,
                "objectType": d.object_type,
                "changedAt": d.changed_at,
                "deleted": d.content is None,
                "contentBase64": d.content,
            }
            for d in documents
        ]
        answer = self.mis.intake.SubmitObjects(
            serviceCode=SERVICE, organizationOid=self.oid, objects={"object": objects}
        )
        return [outcome.result for outcome in answer.outcome]

    def start(self) -> str:
        """«Запуск» over this МО alone."""
        answer = self.admin.control.StartService(serviceCode=SERVICE, organizationOids={"organizationOid": [self.oid]})
        return str(answer.launchId[0])

    def wait(self, launch_id: str) -> Any:
        """The record of a launch that is over."""
        return eventually(lambda: self._ended(launch_id), 60, what="the launch ends", poll_s=0.1)

    def _ended(self, launch_id: str) -> Any:
        record = self.admin.journal.GetLaunch(launchId=launch_id)
        return None if record.result == "RUNNING" else record

    def launch(self) -> Any:
        """«Запуск», and its record when it is over."""
        return self.wait(self.start())

    def packets(self, launch: Any, **narrowed: Any) -> list[Any]:
        """Packets of a launch, the oldest first."""
        answer = self.admin.journal.ListPackets(launchId=launch.id, **narrowed)
        return list(reversed(answer.packets.packet)) if answer.packets else []

    def only_packet(self, launch: Any) -> Any:
        """The packet of a launch that has one."""
        (packet,) = self.packets(launch)
        return packet

    def hold(self, *packets: Any) -> list[Any]:
        """«Не отправлять повторно»."""
        ids = {"packetId": [packet.id for packet in packets]}
        return list(self.admin.control.HoldPackets(packetIds=ids, reason="Проверка").outcome)

    def release(self, *packets: Any) -> list[Any]:
        """«Снять запрет отправки»."""
        return list(self.admin.control.ReleasePackets(packetIds={"packetId": [p.id for p in packets]}).outcome)


def code_of(fault: Fault) -> str:
    """Code of our typed fault."""
    return str(fault.detail.findtext(".//{*}code"))


def message_of(fault: Fault) -> str:
    """Message of our typed fault."""
    return str(fault.detail.findtext(".//{*}message"))
