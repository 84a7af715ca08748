"""Three invented МО, everybody who may call, and the launches after which their rows of the journal differ.

A and B belong to one МИС. The administrator of ЦОД launched the service over all three МО, then over C alone; the МИС
launched it over B alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.errors import GatewayError
from gateway.domain.launches import LaunchResult
from gateway.domain.roles import Role, Viewer
from gateway.journal import outbox, registry
from gateway.journal.schema import load_secret
from gateway.operations import accounts, control, intake
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.records import ActorClaim, Submission
from gateway.settings import load_settings
from gateway.soap.contract import SERVICES, Operation
from tests.support.running import add_account, add_organizations
from tests.support.waiting import eventually
from workers.demo.region import ORGANIZATIONS, Case, DemoOrganization, Document
from workers.runner.process import WorkerProcess
from workers.sandbox.tfoms import TfomsSandbox

SERVICE: Final = "tfoms-hosp"
A, B, C = (organization.oid for organization in ORGANIZATIONS)
OPERATIONS: Final = {operation.name: operation for service in SERVICES for operation in service.operations}
ACTOR: Final = "mis_for_mo_admin"
LOGINS: Final = {
    "dc_admin": (Role.DC_ADMIN, ()),
    "mo_admin": (Role.MO_ADMIN, (A,)),
    "statistician": (Role.STATISTICIAN, (A,)),
    "mis": (Role.MIS, (A, B)),
    "mis_of_c": (Role.MIS, (C,)),
}
SEES: Final = {
    "dc_admin": {A, B, C},
    "mo_admin": {A},
    "statistician": {A},
    "mis": {A, B},
    ACTOR: {A},
    "mis_of_c": {C},
}


@dataclass(frozen=True)
class World:
    """The region, open for questions."""

    engine: Engine
    ctx: Context

    def viewer(self, name: str) -> Viewer:
        """One of ``LOGINS``, or the МИС acting for the administrator of A."""
        claim = ActorClaim("операторА", "mo_admin", A) if name == ACTOR else None
        with self.engine.connect() as connection:
            stored = registry.find_account(connection, "mis" if name == ACTOR else name)
        assert stored is not None
        return accounts.as_viewer(self.ctx, stored.account, claim, "192.0.2.7")

    def call(self, name: str, operation: Operation, **asked: object) -> object:
        """Call an operation of the contract; what it answers, or the error that it raises."""
        try:
            return operation.call(self.ctx, self.viewer(name), operation.request.made_of(**asked))
        except GatewayError as error:
            return error

    def launches(self) -> list[UUID]:
        """Every launch: over all МО, over C, over B."""
        with self.engine.connect() as connection:
            return list(connection.execute(text("SELECT id FROM launches ORDER BY id")).scalars())

    def packets(self) -> dict[UUID, str]:
        """OID of every packet."""
        query = "SELECT p.id, o.oid FROM packets p JOIN organizations o ON o.id = p.organization_id ORDER BY p.id"
        with self.engine.connect() as connection:
            return {row.id: row.oid for row in connection.execute(text(query))}

    def packet_of(self, oid: str, status: str = "ACCEPTED") -> UUID:
        """A packet of a МО in this status."""
        query = """SELECT p.id FROM packets p JOIN organizations o ON o.id = p.organization_id
            WHERE o.oid = :oid AND p.status = :status ORDER BY p.id LIMIT 1"""
        with self.engine.connect() as connection:
            found: UUID = connection.execute(text(query), {"oid": oid, "status": status}).scalar_one()
        return found

    def audit(self, action: str) -> list[tuple[str, str | None]]:
        """(who, object) of every audited deed of this kind."""
        query = "SELECT who, object FROM audit_events WHERE action = :action ORDER BY id"
        with self.engine.connect() as connection:
            return [(r.who, r.object) for r in connection.execute(text(query), {"action": action})]


def open_world(engine: Engine) -> World:
    """Put the operations over a journal."""
    return World(engine, Context(engine, load_catalog(), Cursors(load_secret(engine))))


def build_world(engine: Engine) -> None:
    """Fill a migrated, empty journal."""
    ids = add_organizations(engine, [(o.oid, o.name, o.code) for o in ORGANIZATIONS])
    for login, (role, oids) in LOGINS.items():
        add_account(engine, login, role, [ids[oid] for oid in oids], may_act=login == "mis")
    world = open_world(engine)
    sandbox = TfomsSandbox()
    address = sandbox.start(username="gateway", password="invented")
    services = {"tfoms_hosp": {"address": address, "username": "gateway", "password": "invented"}}
    worker = WorkerProcess(engine, world.ctx.catalog, load_settings(services=services))
    try:
        for oid, first in ((A, 2), (B, 32), (C, 62)):
            submit(world, oid, [d for n in (first, first + 1) for d in Case(_organization(oid), n).documents()])
        run(world, worker, "dc_admin")
        submit(world, C, [Case(_organization(C), 70).referral()])
        run(world, worker, "dc_admin", C)
        submit(world, B, [Case(_organization(B), 40).referral()])
        run(world, worker, "mis", B)
    finally:
        sandbox.stop()


def _organization(oid: str) -> DemoOrganization:
    return next(o for o in ORGANIZATIONS if o.oid == oid)


def submit(world: World, oid: str, documents: list[Document]) -> None:
    """Hand documents over as the МИС of that МО."""
    given = [Submission(d.object_id, d.object_type, d.changed_at, content_base64=d.content) for d in documents]
    viewer = world.viewer("mis_of_c" if oid == C else "mis")
    outcomes = intake.submit_objects(world.ctx, viewer, SERVICE, oid, given, None)
    assert {o.result for o in outcomes} == {"ACCEPTED"}


def run(world: World, worker: WorkerProcess, login: str, *oids: str) -> UUID:
    """Launch the service and perform its work in this thread until it is over."""
    (launch_id,) = control.start_service(world.ctx, world.viewer(login), SERVICE, oids, None)

    def over() -> bool:
        for work_id in outbox.publish_due(world.engine):
            worker.perform(work_id)
        with world.engine.connect() as connection:
            result = connection.execute(text("SELECT result FROM launches WHERE id = :id"), {"id": launch_id})
            return bool(result.scalar_one() != LaunchResult.RUNNING)

    eventually(over, 30, what="the launch ends")
    return launch_id
