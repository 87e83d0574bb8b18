"""Start a server, load it, and read its figures from the kernel."""

import json
import math
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.corpus import ROOT
from tests.benchmarks.targets import Target
from tests.ports import free_port

WRK_SCRIPT: Final = Path(__file__).with_name("request.lua")
START_TIMEOUT_SECONDS: Final = 120
STOP_TIMEOUT_SECONDS: Final = 30
MAX_SETTLE_SECONDS: Final = 10
POLL_SECONDS: Final = 0.25
IDLE_CORES: Final = 0.1
"""A server that uses less is idle: some have background work."""
TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one round.

    Attributes
    ----------
    requests_per_second, texts_per_second : float
    p50, p99 : float
        Latency in milliseconds.
    cpu_microseconds : float
        User and system time of the server's processes, per request.
    memory_megabytes : float
        Proportional set size of the server's processes, after the round.
    start_seconds : float
        From the start of the process to the first answer.
    failed : int
        Requests without an answer of status 200.
    """

    requests_per_second: float
    texts_per_second: float
    p50: float
    p99: float
    cpu_microseconds: float
    memory_megabytes: float
    start_seconds: float
    failed: int


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes
    ----------
    pid : int
        The process that was started; it leads a process group of its own.
    url : str
        Where requests go.
    start_seconds : float
    """

    pid: int
    url: str
    start_seconds: float

    def processes(self) -> list[int]:
        """Return the ids of the processes of the server's session, and of their descendants."""
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        parents = {pid: _parent(pid) for pid in pids}
        found = {pid for pid in pids if _session(pid) == self.pid}
        while more := {pid for pid in pids if parents[pid] in found} - found:
            found |= more
        return sorted(found)

    def cpu_seconds(self) -> float:
        """User and system time of all processes until now."""
        return sum(_cpu_ticks(pid) for pid in self.processes()) / TICKS

    def wait_until_idle(self) -> None:
        """Wait until the last requests of a load are finished."""
        end = time.monotonic() + MAX_SETTLE_SECONDS
        before = -math.inf
        while (now := self.cpu_seconds()) - before > IDLE_CORES * POLL_SECONDS:
            if time.monotonic() > end:
                break
            before = now
            time.sleep(POLL_SECONDS)

    def memory_megabytes(self) -> float:
        """Proportional set size of all processes."""
        return sum(_kilobytes(pid, "Pss") for pid in self.processes()) / 1e3

    def own_megabytes(self) -> float:
        """Memory of all processes that is no file's: other programs have no share in it."""
        return sum(_kilobytes(pid, "Anonymous") for pid in self.processes()) / 1e3


@contextmanager
def running(target: Target) -> Iterator[Server]:
    """Start a server, wait for its first answer, and stop it at the end."""
    port = free_port()
    python = str(target.python)
    command = [python if word == "python" else word.format(port=port) for word in target.command]
    variables = {key: value.format(port=port) for key, value in target.environment.items()}
    url = f"http://127.0.0.1:{port}{target.path}"
    first = target.bodies()[0]
    with tempfile.TemporaryFile() as log:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while not _answers(url, first):
                if process.poll() is not None or time.monotonic() - began > START_TIMEOUT_SECONDS:
                    log.seek(0)
                    raise RuntimeError(
                        f"{target.name}: does not answer:\n{log.read().decode()[-2_000:]}"
                    )
                time.sleep(0.01)
            yield Server(process.pid, url, time.monotonic() - began)
        finally:
            started = Server(process.pid, url, 0).processes()
            _stop(process)
            _end(started)  # what left the process group


def load(target: Target, server: Server, *, seconds: int, connections: int) -> Result:
    """Load a server for some seconds with wrk, which posts the bodies in turn."""
    with tempfile.NamedTemporaryFile() as bodies:
        bodies.writelines(body + b"\n" for body in target.bodies())
        bodies.flush()
        before = server.cpu_seconds()
        shown = subprocess.run(
            [
                *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"),
                *("-s", str(WRK_SCRIPT), server.url),
            ],
            env=os.environ | {"BENCH_BODIES": bodies.name},
            capture_output=True,
            text=True,
            check=True,
        )
        cpu_seconds = server.cpu_seconds() - before
    measured = json.loads(shown.stdout.rpartition("RESULT ")[2])
    rate = measured["requests"] / measured["microseconds"] * 1e6
    return Result(
        requests_per_second=rate,
        texts_per_second=rate * target.texts,
        p50=measured["p50"] / 1e3,
        p99=measured["p99"] / 1e3,
        cpu_microseconds=cpu_seconds / measured["requests"] * 1e6,
        memory_megabytes=server.memory_megabytes(),
        start_seconds=server.start_seconds,
        failed=measured["failed"],
    )


def _answers(url: str, body: bytes) -> bool:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for stop in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, stop)
            process.wait(STOP_TIMEOUT_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _end(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _cpu_ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _kilobytes(pid: int, kind: str) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{kind}:"))
