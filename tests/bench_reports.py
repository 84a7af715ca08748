"""Reports of a million packets: seconds, bytes, and the peak memory of the process that makes them.

Run as ``python -m tests.bench_reports [packets]``; needs nothing but the embedded PostgreSQL. Prints, asserts nothing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.roles import Role, Viewer
from gateway.journal import registry
from gateway.journal.engine import connect
from gateway.journal.migrating import migrate
from gateway.journal.reports import ReportStatus, find_report
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import export_report
from gateway.reports.kinds import ReportFormat, ReportKind
from tests.support.postgres import session_server
from tests.support.running import add_account, add_organizations, environment
from tests.support.waiting import eventually

SERVICE = "tfoms-hosp"
OID = "1.2.643.5.1.13.13.12.2.99.{}"
FILL = """
    INSERT INTO packets (id, launch_id, service_code, organization_id, packet_type, operation, status, result_text,
                         attempts, object_id, data_size, answer_size)
    SELECT CAST(lpad(to_hex(:ms + n), 12, '0') || '7' || substr(md5(CAST(n AS text)), 1, 3) || '8'
                || substr(md5(CAST(n AS text)), 4, 15) AS uuid),
           :launch, :service, 1 + n % :organizations, 'HOSPITALISATION_REFERRAL', 'Insert',
           (ARRAY['ACCEPTED', 'ACCEPTED', 'ACCEPTED', 'REJECTED'])[1 + n % 4],
           CASE n % 4 WHEN 3 THEN 'Направление с таким номером уже есть <№ ' || n || '> & ждёт ответа' END,
           1, 'document-' || n, 2000 + n % 500, 700
    FROM generate_series(1, :packets) n
"""
"""Ids are UUIDv7 a millisecond apart, from the beginning of the launch on."""

COUNT = """
    INSERT INTO launch_counters (launch_id, organization_id, service_code, packets_total, packets_with_errors)
    SELECT launch_id, organization_id, min(service_code), count(*), count(*) FILTER (WHERE status = 'REJECTED')
    FROM packets WHERE launch_id = :launch GROUP BY launch_id, organization_id
"""


def fill(engine: Engine, packets: int, organizations: int = 3) -> UUID:
    """One launch of the service over invented МО with so many packets; its id."""
    add_organizations(engine, [(OID.format(n), f"Учебная больница {n}", f"9900{n}") for n in range(organizations)])
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        ms = connection.execute(text("SELECT CAST(extract(epoch FROM now()) * 1000 AS bigint)")).scalar_one()
        launch = UUID(int=ms << 80 | 0x7 << 76 | 0x8 << 60)
        connection.execute(
            text(
                "INSERT INTO launches (id, service_code, started_at, result, started_by)"
                " VALUES (:launch, :service, now(), 'SUCCESS', 'по расписанию')"
            ),
            {"launch": launch, "service": SERVICE},
        )
        asked = {"ms": ms, "launch": launch, "service": SERVICE, "organizations": organizations, "packets": packets}
        connection.execute(text(FILL), asked)
        connection.execute(text(COUNT), {"launch": launch})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE packets"))
    return launch


def by_command(url: str, launch: UUID, login: str, form: str, folder: Path) -> None:
    """``gateway export`` into a file."""
    out = folder / f"report.{form.lower()}"
    wanted = ["PACKETS", "--account", login, "--launch", str(launch), "--format", form, "--output", str(out)]
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "gateway.cli", "export", *wanted], env=_settings(url))
    peak = _peak_mb(child)
    report(f"gateway export, {form}, {login}", time.monotonic() - started, out.stat().st_size, peak)
    assert child.returncode == 0


def by_worker(engine: Engine, url: str, launch: UUID, login: str) -> None:
    """ExportReport, made by a worker process of its own."""
    with engine.connect() as connection:
        stored = registry.find_account(connection, login)
    assert stored is not None
    ctx = Context(engine, load_catalog(), Cursors(load_secret(engine)))
    order = ReportOrder(ReportKind.PACKETS, ReportFormat.XML, launch_id=launch)
    child = subprocess.Popen([sys.executable, "-m", "gateway.cli", "worker"], env=_settings(url))
    try:
        started = time.monotonic()
        receipt = export_report(ctx, Viewer(stored.account), order)
        answered = time.monotonic() - started
        made = eventually(partial(_size, engine, receipt.report_id), 120, poll_s=0.1)
        report(f"worker, XML, {login}", time.monotonic() - started, made, _high_water_mb(child.pid))
        print(f"    answered with a link after {answered:.2f} s")  # noqa: T201 # the figures are the product
    finally:
        child.terminate()
        child.wait(60)


def _size(engine: Engine, report_id: UUID) -> int:
    """Size of a finished report, 0 before."""
    with engine.connect() as connection:
        row = find_report(connection, report_id)
    assert row is not None
    assert row.status != ReportStatus.FAILED, row.error
    return row.size or 0


def _settings(url: str) -> dict[str, str]:
    return environment(GATEWAY_DATABASE_URL=url, GATEWAY_LOG_LEVEL="WARNING")


def _peak_mb(child: subprocess.Popen[bytes]) -> float:
    peak = 0.0
    while child.poll() is None:
        peak = max(peak, _high_water_mb(child.pid))
        time.sleep(0.05)
    return peak


def _high_water_mb(pid: int) -> float:
    """Peak resident memory of a running process so far, 0 once it is gone."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def report(what: str, seconds: float, size: int, peak_mb: float) -> None:
    print(f"{what:44} {seconds:7.1f} s {size / 2**20:8.1f} MiB, peak RSS {peak_mb:6.1f} MiB")  # noqa: T201


def main(packets: int = 1_000_000) -> None:
    with session_server() as server, TemporaryDirectory() as folder:
        url = server.create_database()
        engine = connect(url)
        migrate(engine)
        started = time.monotonic()
        launch = fill(engine, packets)
        print(f"{packets} packets in the journal after {time.monotonic() - started:.0f} s")  # noqa: T201
        add_account(engine, "centre", Role.DC_ADMIN)
        add_account(engine, "mis", Role.MIS, [1, 2, 3])
        for form in ("XML", "CSV"):
            by_command(url, launch, "centre", form, Path(folder))
        by_command(url, launch, "mis", "XML", Path(folder))
        by_worker(engine, url, launch, "centre")
        engine.dispose()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
