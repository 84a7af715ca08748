"""Long lists: memory that does not grow with the list, and the command that writes them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from gateway.catalog.registry import load_catalog
from gateway.domain.roles import Role, Viewer
from gateway.journal import registry
from gateway.journal.engine import database_now
from gateway.journal.packet_queries import PacketQuery
from gateway.journal.report_queries import snapshot
from gateway.journal.schema import load_secret
from gateway.operations.context import Context
from gateway.operations.cursors import Cursors
from gateway.operations.report_orders import ReportOrder
from gateway.operations.reports import export_report, open_report, stream_report
from gateway.reports.heading import Made
from gateway.reports.kinds import ReportFormat, ReportKind
from gateway.reports.sources import SOURCES
from gateway.reports.writers import write, write_xml
from gateway.settings import load_settings
from tests.bench_reports import fill
from tests.support.reporting import HOSTILE, heading, records_of, total
from tests.support.running import add_account, gateway_command
from workers.runner.process import WorkerProcess

MIB = 1024 * 1024
PACKETS = 20_000


@pytest.fixture
def launch(engine: Engine) -> UUID:
    made = fill(engine, PACKETS)
    add_account(engine, "centre", Role.DC_ADMIN)
    add_account(engine, "mis", Role.MIS, [1, 3])
    return made


def context(engine: Engine) -> Context:
    return Context(engine, load_catalog(), Cursors(load_secret(engine)))


def viewer(engine: Engine, login: str) -> Viewer:
    with engine.connect() as connection:
        stored = registry.find_account(connection, login)
    assert stored is not None
    return Viewer(stored.account)


@pytest.mark.parametrize("form", ReportFormat)
@pytest.mark.parametrize("login", ["centre", "mis"])
def test_memory_does_not_grow_with_the_list(engine: Engine, launch: UUID, form: ReportFormat, login: str) -> None:
    ctx, who = context(engine), viewer(engine, login)

    def make(**wanted: object) -> tuple[int, int]:
        order = ReportOrder(ReportKind.PACKETS, form, launch_id=launch, **wanted)  # type: ignore[arg-type]  # any field
        tracemalloc.start()
        size = sum(map(len, stream_report(ctx, who, order)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size, peak

    make(text="99")
    few, peak_of_few = make(text="99")
    many, peak_of_many = make()
    assert many > 10 * few > 0
    assert peak_of_many < peak_of_few + MIB < 6 * MIB


@pytest.mark.parametrize("zone", ["UTC", "Asia/Yekaterinburg", "America/St_Johns"])
def test_the_database_writes_packets_letter_for_letter_as_we_do(engine: Engine, launch: UUID, zone: str) -> None:
    hostile = {"id": launch, "text": HOSTILE + "".join(map(chr, (*range(1, 32), 0xFFFE, 0xFFFF))) + "'\\&amp;"}
    with engine.begin() as connection:
        connection.execute(text("UPDATE packets SET result_text = :text, held = true WHERE attempts = 1"), hostile)
        connection.execute(text("UPDATE packets SET service_code = 'gone', packet_type = 'x' WHERE data_size < 2010"))
    with snapshot(engine) as connection:
        query = PacketQuery(None, None, launch)
        source, made = SOURCES[ReportKind.PACKETS], Made.now(database_now(connection), (), zone)
        ours = write(heading(ReportKind.PACKETS), made, source.records(connection, query, load_catalog()))
        assert source.xml is not None
        theirs = source.xml(connection, query, load_catalog(), made)
        assert b"".join(write_xml(heading(ReportKind.PACKETS), made, theirs)) == b"".join(ours)


def test_a_worker_makes_a_long_report_without_holding_it(engine: Engine, launch: UUID) -> None:
    ctx = context(engine)
    process = WorkerProcess(engine, ctx.catalog, load_settings())
    receipt = export_report(ctx, viewer(engine, "mis"), ReportOrder(ReportKind.PACKETS, launch_id=launch))
    assert receipt.download_url is not None
    tracemalloc.start()
    process.perform(receipt.report_id)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * MIB
    report = b"".join(open_report(ctx, receipt.download_url.rpartition("/")[2]).content)
    assert len(report) > 5 * MIB
    records = records_of(report)
    assert total(report) == len(records) == len({r["id"] for r in records})
    assert [r["id"] for r in records] == sorted((r["id"] for r in records), reverse=True)
    assert {r["organizationOid"][-1] for r in records} == {"0", "2"}


def test_the_command_writes_a_table_a_page_and_nothing_when_refused(
    launch: UUID, database_url: str, tmp_path: Path
) -> None:
    out = tmp_path / "packets.csv"
    wanted = ("export", "packets", "--launch", str(launch), "--output", str(out))
    site = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": "https://a.example"}
    done = gateway_command(*wanted, "--account", "mis", "--format", "csv", **site)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(out.read_text(encoding="utf-8-sig").splitlines()) > PACKETS // 2
    page = gateway_command(*wanted, "--account", "mis", "--format", "html", "--text", "777", **site)
    assert page.returncode == 0
    assert "<table>" in out.read_text(encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(out.rename(tmp_path / "kept"))
    out.symlink_to(link)
    assert gateway_command(*wanted, "--account", "mis", "--format", "csv", "--text", "777", **site).returncode == 0
    assert (out.is_symlink(), (tmp_path / "kept").read_bytes()[:3]) == (True, b"\xef\xbb\xbf")
    for each in list(tmp_path.iterdir()):
        each.unlink()
    refused = gateway_command(*wanted, "--account", "nobody", **site)
    assert refused.returncode == 2
    assert "nobody" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_takes_no_more_is_told_in_one_line(launch: UUID, database_url: str, tmp_path: Path) -> None:
    site = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_SERVICES__TFOMS_HOSP__ADDRESS": "https://a.example"}
    wanted = [sys.executable, "-m", "gateway.cli", "export", "packets", "--launch", str(launch), "--account", "mis"]
    for limit in (1000, 200_000):
        with (tmp_path / "small").open("wb") as out:
            done = subprocess.run(
                wanted,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                env={**os.environ, **site},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),  # noqa: B023
            )
        assert (done.returncode, done.stderr) == (2, "gateway: Отчёт не записан: File too large\n")
