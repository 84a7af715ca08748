"""The stage of the demonstration: what its parts may do with the gateway, over SOAP alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from workers.demo import client, screen
from workers.demo.client import Services
from workers.demo.region import Document

PAGE: Final = 100


class Stage:
    """A МИС that submits and an administrator of the ЦОД who launches; every launch is remembered."""

    def __init__(self, url: str, password: str) -> None:
        self.mis = client.sign_in(url, "mis", password)
        self.admin = client.sign_in(url, "admin", password)
        self.launches: list[Any] = []

    def submit(self, service_code: str, documents: Mapping[str, Sequence[Document]], title: str) -> None:
        """Submit documents by OID of their МО; print how many were taken, and what the door found wrong."""
        outcomes = [x for oid, sent in documents.items() for x in client.submit(self.mis, service_code, oid, sent)]
        counts = Counter(outcome.result for outcome in outcomes)
        screen.line(f"{title}: " + ", ".join(f"{code} {count}" for code, count in sorted(counts.items())))
        for outcome in outcomes:
            for finding in outcome.findings.finding if outcome.findings else ():
                screen.line(f"    {finding.path}, строка {finding.line}: {finding.message}")

    def launch(self, service_code: str, title: str, oids: Sequence[str] = ()) -> list[Any]:
        """«Запуск», to its end; return the records, one per МО where the service runs per МО."""
        ids = client.start(self.admin, service_code, oids)
        return [self._watch(launch_id, title) for launch_id in ids]

    def resume(self, launch_id: str, title: str) -> Any:
        """«Возобновить передачу», to its end; return the record."""
        self.admin.control.ResumeTransfer(launchId=launch_id)
        self.launches = [record for record in self.launches if record.id != launch_id]
        return self._watch(launch_id, title)

    def take_inbound(self) -> None:
        """The МИС takes every document that came for it and confirms it."""
        intake = self.mis.intake
        while documents := _documents(intake.TakeInbound(limit=PAGE)):
            intake.ConfirmInbound(ids={"id": [document.id for document in documents]}, accepted=True)
            kinds = Counter(document.documentType for document in documents)
            screen.line("МИС забирает входящие документы: " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())))

    def _watch(self, launch_id: str, title: str) -> Any:
        with screen.progress(title) as watch:
            record = client.watch(self.admin, launch_id, watch)
        self.launches.append(record)
        return record

    def services(self) -> list[Any]:
        """Every service and group of «Список сервисов», a group before its members."""
        found = []
        for service in _listed(self.admin):
            found.append(service)
            found += _listed(self.admin, service.code) if service.isGroup else []
        return found


def _documents(answer: Any) -> list[Any]:
    return list(answer.document) if answer else []


def _listed(admin: Services, group_code: str | None = None) -> list[Any]:
    services: list[Any] = admin.journal.ListServices(groupCode=group_code).services.service
    return services
