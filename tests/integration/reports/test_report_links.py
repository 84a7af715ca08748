"""Long reports: made by a worker, fetched by a link that expires and honours the role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from gateway.domain.errors import Conflict, InvalidRequest, NotFound, TooMany, Unavailable
from gateway.journal import reports
from gateway.operations import reports as operation
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import ReportReceipt, export_report, open_report
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.settings import load_settings
from tests.support.region import SERVICE, World
from tests.support.reporting import records_of, total
from workers.runner.process import WorkerProcess


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three records are a long report already."""
    monkeypatch.setattr(operation, "SHORT_RECORDS", 2)


def worker(world: World) -> WorkerProcess:
    return WorkerProcess(world.engine, world.ctx.catalog, load_settings())


def order_packets(world: World, name: str = "mis", form: ReportFormat = ReportFormat.XML) -> ReportReceipt:
    order = ReportOrder(ReportKind.PACKETS, form, launch_id=world.launches()[0])
    return export_report(world.ctx, world.viewer(name), order)


def token(receipt: ReportReceipt) -> str:
    assert receipt.download_url is not None
    return receipt.download_url.rpartition("/reports/")[2]


def execute(engine: Engine, statement: str, **parameters: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement), parameters)


@pytest.mark.usefixtures("long")
def test_a_long_report_is_made_by_a_worker_and_fetched_by_its_link(world: World) -> None:
    receipt = order_packets(world)
    assert receipt.xml is None
    with pytest.raises(Unavailable):
        open_report(world.ctx, token(receipt))
    worker(world).perform(receipt.report_id)
    opened = open_report(world.ctx, token(receipt), address="192.0.2.9")
    content = b"".join(opened.content)
    assert opened.media_type.startswith("application/xml")
    assert opened.filename.startswith("packets-")
    assert opened.filename.endswith(".xml")
    assert total(content) == len(records_of(content)) > 2
    assert world.audit("export-report") == world.audit("download-report") == [("mis", str(receipt.report_id))]
    page = open_report(world.ctx, token(receipt), printable=True)
    assert b"<table>" in b"".join(page.content)
    assert page.media_type.startswith("application/xhtml+xml")


def test_a_short_report_is_answered_at_once_and_kept_for_its_link(world: World) -> None:
    receipt = order_packets(world)
    assert receipt.xml is not None
    assert b"".join(open_report(world.ctx, token(receipt)).content).decode() == receipt.xml
    table = order_packets(world, form=ReportFormat.CSV)
    assert table.xml is None
    assert b"".join(open_report(world.ctx, token(table)).content).startswith("\ufeff".encode())
    with pytest.raises(InvalidRequest):
        open_report(world.ctx, token(table), printable=True)


@pytest.mark.usefixtures("long")
def test_a_worker_begins_again_what_another_left_half_written(world: World) -> None:
    receipt = order_packets(world)
    with world.engine.begin() as connection:
        for position in range(3):
            reports.put_chunk(connection, receipt.report_id, position, b"half of ")
    worker(world).perform(receipt.report_id)
    content = b"".join(open_report(world.ctx, token(receipt)).content)
    assert b"half of" not in content
    assert total(content) == len(records_of(content))
    with world.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox WHERE task = 'report'")).scalar_one() == 0


@pytest.mark.usefixtures("long")
def test_a_report_that_cannot_be_made_says_so(world: World) -> None:
    receipt = order_packets(world)
    execute(world.engine, "UPDATE reports SET filter = '{}' WHERE id = :id", id=receipt.report_id)
    for _ in range(3):
        execute(world.engine, "UPDATE outbox SET not_before = now()")
        worker(world).perform(receipt.report_id)
    with pytest.raises(Conflict, match="не составлен"):
        open_report(world.ctx, token(receipt))


CHANGES: dict[str, Callable[[Engine], None]] = {
    "disabled": lambda engine: execute(engine, "UPDATE accounts SET disabled_at = now() WHERE login = 'mis'"),
    "another role": lambda engine: execute(engine, "UPDATE accounts SET role = 'mo_admin' WHERE login = 'mis'"),
    "fewer МО": lambda engine: execute(
        engine,
        "DELETE FROM account_organizations WHERE organization_id ="
        " (SELECT max(organization_id) FROM account_organizations o JOIN accounts a ON a.id = account_id"
        "  WHERE login = 'mis') AND account_id = (SELECT id FROM accounts WHERE login = 'mis')",
    ),
    "a day later": lambda engine: execute(engine, "UPDATE reports SET created_at = now() - interval '25 hours'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_link_ends_with_the_rights_it_was_given_under(world: World, change: str) -> None:
    receipt = order_packets(world)
    open_report(world.ctx, token(receipt))
    CHANGES[change](world.engine)
    with pytest.raises(NotFound):
        open_report(world.ctx, token(receipt))


def test_a_link_of_an_operator_ends_when_its_account_may_no_longer_act(world: World) -> None:
    receipt = order_packets(world, "mis_for_mo_admin")
    open_report(world.ctx, token(receipt))
    execute(world.engine, "UPDATE accounts SET may_act = false WHERE login = 'mis'")
    with pytest.raises(NotFound):
        open_report(world.ctx, token(receipt))


def test_a_forged_link_opens_nothing(world: World) -> None:
    first, second = (token(order_packets(world, name)) for name in ("mis", "dc_admin"))
    body, _, signature = first.partition(".")
    for forged in ("", "x", f"{second.partition('.')[0]}.{signature}", f"{body}x.{signature}", first[:-1]):
        with pytest.raises(NotFound):
            open_report(world.ctx, forged)


@pytest.mark.usefixtures("long")
def test_one_account_may_not_fill_the_queue(world: World) -> None:
    for _ in range(operation.MAX_WAITING):
        order_packets(world)
    with pytest.raises(TooMany):
        order_packets(world)
    order_packets(world, "dc_admin")


def test_reports_are_deleted_after_their_day(world: World) -> None:
    old, new = order_packets(world), order_packets(world)
    execute(
        world.engine, "UPDATE reports SET created_at = now() - interval '25 hours' WHERE id = :id", id=old.report_id
    )
    with world.engine.begin() as connection:
        assert reports.delete_expired(connection) == 1
        left = connection.execute(text("SELECT DISTINCT report_id FROM report_chunks")).scalars().all()
    assert left == [new.report_id]


def test_the_audit_names_no_filter_text(world: World) -> None:
    launch = world.launches()[0]
    order = ReportOrder(ReportKind.PACKETS, launch_id=launch, text="Пример Альфа", service_code=SERVICE)
    export_report(world.ctx, world.viewer("mis"), order)
    with world.engine.connect() as connection:
        query = text("SELECT detail::text FROM audit_events WHERE action = 'export-report'")
        assert "Пример" not in connection.execute(query).scalar_one()
