"""A МИС as the gateway sees it: zeep, the published WSDLs, and nothing else.

zeep gives the only child of a wrapper in place of the wrapper: `result/outcomes` arrives as what holds `outcome`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import requests
from requests.auth import HTTPBasicAuth
from zeep import Client
from zeep.exceptions import Fault, TransportError
from zeep.transports import Transport

from workers.demo.region import Document

SUBMIT: Final = 100


def wait_until_up(url: str, *, limit_s: float = 60.0) -> None:
    """Wait until the gateway answers at its public address.

    Raises:
        TimeoutError: it does not within the limit.
    """
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise TimeoutError(f"Шлюз по адресу {url} не отвечает {limit_s:.0f} с")


@dataclass(frozen=True, slots=True)
class Services:
    """Clients of the three services for one account."""

    journal: Any
    control: Any
    intake: Any


def sign_in(url: str, login: str, password: str) -> Services:
    """Make clients from the published WSDLs."""

    def service(name: str) -> Any:
        session = requests.Session()
        session.auth = HTTPBasicAuth(login, password)
        return Client(f"{url}/soap/{name}?wsdl", transport=Transport(session=session)).service

    return Services(service("journal"), service("control"), service("intake"))


def submit(services: Services, service_code: str, oid: str, documents: Sequence[Document]) -> list[Any]:
    """Submit documents of one МО in batches; return the outcomes."""
    outcomes: list[Any] = []
    for start in range(0, len(documents), SUBMIT):
        objects = [
            {
                "objectId": d.object_id,
                "objectType": d.object_type,
                "changedAt": d.changed_at,
                "deleted": d.content is None,
                "contentBase64": d.content,
            }
            for d in documents[start : start + SUBMIT]
        ]
        answer = services.intake.SubmitObjects(
            serviceCode=service_code, organizationOid=oid, objects={"object": objects}
        )
        outcomes += answer.outcome
    return outcomes


def start(services: Services, service_code: str, oids: Sequence[str] = ()) -> list[str]:
    """«Запуск»; return the ids of the launches, one per МО where the service runs per МО."""
    chosen = {"organizationOid": list(oids)} if oids else None
    answer = services.control.StartService(serviceCode=service_code, organizationOids=chosen)
    return list(answer.launchId)


def watch(services: Services, launch_id: str, look: Callable[[Any], None]) -> Any:
    """Look at a launch until it is over; return its record."""
    while True:
        record = services.journal.GetLaunch(launchId=launch_id)
        look(record)
        if record.result != "RUNNING":
            return record
        time.sleep(0.2)


def all_packets(services: Services, launch_id: str) -> list[Any]:
    """Every packet of a launch, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        page: dict[str, Any] = {"limit": 1000}
        if cursor:
            page["cursor"] = cursor
        answer = services.journal.ListPackets(launchId=launch_id, page=page)
        found += answer.packets.packet if answer.packets else []
        cursor = answer.nextCursor
        if not cursor:
            return found


__all__ = [
    "Fault",
    "Services",
    "TransportError",
    "all_packets",
    "sign_in",
    "start",
    "submit",
    "wait_until_up",
    "watch",
]
