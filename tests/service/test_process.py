"""Every entry point, started where and as a stranger may start it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import LATEST, ROOT
from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.slow

ENTRY_POINTS = ("service.cli", "service.healthcheck", "training", "deploy.batch")
SHADOWED = ("numpy", "signal", "json", "typing", "rich", "typer", "asyncio", "uvicorn", "logging")
"""Modules that entry points import."""


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    """A working folder in which somebody has put modules with the names of others."""
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w').close()\n")
    return tmp_path


def run(
    arguments: list[str], folder: Path = ROOT, redirections: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def link_packages(folder: Path) -> None:
    for name in ("service", "training", "deploy"):
        (folder / name).symlink_to(ROOT / name)


@pytest.mark.parametrize("module", [*ENTRY_POINTS, "service"])
def test_no_module_comes_from_the_working_folder(hostile_folder: Path, module: str) -> None:
    link_packages(hostile_folder)
    arguments = ["--help"] if module not in {"service", "service.healthcheck"} else []
    shown = run(["-m", module, *arguments], hostile_folder)
    assert not (hostile_folder / "executed").exists()
    assert "Traceback" not in shown.stderr
    expected = {"service": 2, "service.healthcheck": 1}  # no models there; no service to be healthy
    assert shown.returncode == expected.get(module, 0), shown.stderr


def test_interrupt_before_the_command_runs_has_no_traceback() -> None:
    program = (
        "import signal; from service.process import prepare_process; prepare_process();"
        "signal.raise_signal(signal.SIGINT)  # while the packages are imported"
    )
    shown = run(["-c", program])
    assert (shown.returncode, shown.stderr) == (-signal.SIGINT, "")


def test_nor_when_a_bundle_is_tried_at_a_reload(hostile_folder: Path, bundle_copy: Path) -> None:
    """``newswire serve`` in such a folder."""
    start = (
        f"import sys; sys.path.append({str(ROOT)!r}); sys.argv[0] = 'newswire';"
        "from service.cli.__main__ import main; sys.exit(main())"
    )
    (hostile_folder / "service").mkdir()
    (hostile_folder / "service" / "__init__.py").write_text("raise SystemExit('executed')\n")
    models = bundle_copy.parent
    serving = RunningService(
        [sys.executable, "-P", "-c", start, "serve"],
        NEWSWIRE_MODEL_DIR=str(models),
    )
    serving.folder = hostile_folder
    with serving as service:
        assert service.client.get("/model").json()["version"] == "1"
        shutil.copytree(LATEST, models / ".new")
        (models / ".new").rename(models / LATEST.name)
        service.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while service.client.get("/model").json()["version"] != LATEST.name:
            assert time.monotonic() < deadline, "the newer bundle is not served"
            time.sleep(0.1)
        assert service.stop() == 0
    assert not (hostile_folder / "executed").exists()


def test_nor_in_the_workers_of_the_batch_job(hostile_folder: Path) -> None:
    (hostile_folder / "in.jsonl").write_text('{"text": "Gold rose."}\n')
    arguments = ["in.jsonl", "out", "--workers", "1", "--model-dir", str(LATEST)]
    start = f"import sys; sys.path.append({str(ROOT)!r}); from deploy.batch.__main__ import main;"
    shown = run(["-P", "-c", f"{start} sys.exit(main())", *arguments], hostile_folder)
    assert shown.returncode == 0, shown.stderr
    assert list((hostile_folder / "out").glob("*.parquet"))
    assert not (hostile_folder / "executed").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("module", ENTRY_POINTS)
def test_standard_streams_may_be_closed(module: str, closed: str) -> None:
    arguments = {"service.cli": ["model"], "service.healthcheck": []}.get(module, ["--help"])
    shown = run(["-m", module, *arguments], redirections=closed)
    assert shown.returncode == (1 if module == "service.healthcheck" else 0)
    assert shown.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_the_service_stops_as_usual_without_standard_streams(closed: str) -> None:
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "service"]
    with RunningService(command, NEWSWIRE_ACCESS_LOG="true") as service:
        text = {"text": "Crude oil prices rose."}
        assert service.client.post("/classify", json=text).status_code == 200
        assert service.stop() == 0


def test_a_file_of_the_process_never_becomes_a_standard_stream() -> None:
    program = (
        "from service.process import open_standard_streams; open_standard_streams();"
        "import os, sys; file = open('README.md'); assert file.fileno() > 2;"
        "assert sys.stdin.read() == ''; print('lost'); print('lost', file=sys.stderr)"
    )
    assert run(["-c", program], redirections="<&- >&- 2>&-").returncode == 0


@pytest.mark.parametrize(
    ("module", "project", "absent"),
    [
        ("service.cli", "newswire-topics", "typer"),
        ("service.cli", "newswire-topics", "rich"),
        ("training", "'newswire-topics[training]'", "tensorflow"),
        ("deploy.batch", "'newswire-topics[batch]'", "ray"),
    ],
)
def test_what_has_an_absent_package_is_named(module: str, project: str, absent: str) -> None:
    program = (
        f"import runpy, sys; sys.modules[{absent!r}] = None;"  # so that no import finds it
        f"runpy.run_module({module!r}, run_name='__main__')"
    )
    shown = run(["-c", program])
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert shown.stderr.count("\n") == 1
    assert f"{absent} not found" in shown.stderr
    assert shown.stderr.endswith(f"pip install {project}\n")


def is_ignored(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")]
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="signals are read from /proc")
@pytest.mark.parametrize("arguments", [["service"], ["service.cli", "serve"]])
def test_sighup_while_it_starts_is_ignored(arguments: list[str]) -> None:
    """From before the first import that takes time: then none kills it."""
    with RunningService([sys.executable, "-m", *arguments]) as service:
        starting = service.start()
        while not is_ignored(starting.pid, signal.SIGHUP):
            assert starting.poll() is None
        loaded = Path(f"/proc/{starting.pid}/maps").read_text()
        assert "onnxruntime" not in loaded
        for _ in range(20):
            starting.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        assert starting.wait(timeout=60) == 2  # the port is taken
        assert service.stop() == 0


def test_sighup_after_sigterm_changes_nothing() -> None:
    for pause in (0, 0.01, 0.05, 0.1, 0.15):
        with RunningService() as service:
            service.process.send_signal(signal.SIGTERM)
            time.sleep(pause)
            while service.process.poll() is None:
                os.kill(service.process.pid, signal.SIGHUP)
                time.sleep(0.002)
            assert service.process.returncode == 0
