"""`gateway sandbox`: every stand-in has a command that serves until it is told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import main
from tests.support.tls import CERTIFICATE
from workers.sandbox import SYSTEMS

COMMAND = [sys.executable, "-m", "gateway.cli", "sandbox"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_stand_in_explains_itself(system: str) -> None:
    result = CliRunner().invoke(main, ["sandbox", system, "--help"])
    assert result.exit_code == 0, result.output
    assert {"--host", "--port", "--admin-port"} <= set(result.output.split())


def test_a_stand_in_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    options = ["tfoms", "--port", "0", "--admin-port", "0", "--state", str(state), "--password", "invented"]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert "/tfoms, управление: http://127.0.0.1:" in line
    assert "invented" not in line
    assert state.is_file()


def options_of(system: str, folder: Path) -> list[str]:
    """What a command needs besides; every port of it is a free one."""
    ports = {"smsc": ["--http-port", "0"], "mse": ["--sftp-port", "0"], "volgograd": ["--ftp-port", "0"]}
    needed = {
        "alkona": ["--folder", str(folder)],
        "volgograd": ["--folder", str(folder)],
        "ips": ["--certificate", str(CERTIFICATE)],
    }
    return ["--port", "0", "--admin-port", "0", *ports.get(system, []), *needed.get(system, [])]


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_address_that_cannot_be_taken_is_one_readable_line(system: str, tmp_path: Path) -> None:
    taken = CliRunner().invoke(main, ["sandbox", system, "--host", "192.0.2.1", *options_of(system, tmp_path)])
    assert (taken.exit_code, "Стенд не запустился" in taken.output) == (2, True)


def test_an_unknown_system_is_refused() -> None:
    assert CliRunner().invoke(main, ["sandbox", "никто"]).exit_code == 2
