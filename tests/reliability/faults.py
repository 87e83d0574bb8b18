"""``make reliability CASE=faults``: the environment of the service fails, and it serves on.

Each fault is a function that starts a service, breaks something, sends requests, repairs it if
possible, and sends requests again. Most need Linux, some need root or user namespaces.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from threading import Thread
from typing import Annotated, Final, NamedTuple

import httpx2
import typer

from tests.benchmarks.targets import CLASSIFY
from tests.end_to_end.running_service import RunningService
from tests.waiting import wait_until

SERVE: Final = [sys.executable, "-m", "service"]
JSON: Final = {"Content-Type": "application/json"}
LOOKED_AT: Final = ("/health/live", "/health/ready", "/metrics")
LOOK_EACH: Final = 50
"""After so many texts, health and metrics are asked for."""
LOGGED: Final = {"NEWSWIRE_ACCESS_LOG": "true"}

READ_ONLY: Final = """
for point in $(cut -d ' ' -f 2 /proc/mounts); do mount -o remount,bind,ro "$point" 2>/dev/null; done
if touch ./written 2>/dev/null; then rm ./written; echo "could write" >&2; exit 9; fi
exec "$@"
"""
OWN_DISK: Final = """
mount -t tmpfs -o size=1m tmpfs "$TMPDIR" && exec "$@" 2>>"$TMPDIR/log"
"""
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
MINUTE: Final = 60
FIVE_HOURS: Final = 5 * 3_600
DESCRIPTORS: Final = 64
CLIENTS: Final = 200


class Unavailable(Exception):  # noqa: N818 - no error
    """A fault cannot be brought about here."""


class Outcome(NamedTuple):
    """How many requests got status 200, and a remark."""

    during: int
    after: int
    asked: int
    seen: str

    @property
    def holds(self) -> bool:
        """Return whether all requests got status 200."""
        return self.during == self.after == self.asked


def disk_full(asked: int) -> Outcome:
    """The disk of its log and of TMPDIR is full; then there is room again."""
    with (
        tempfile.TemporaryDirectory() as folder,
        in_namespace(OWN_DISK, "--mount", TMPDIR=folder, **LOGGED) as service,
    ):
        disk = Path(f"/proc/{service.process.pid}/root{folder}")
        fill(disk / "filler")
        during = ask(service, asked)
        n_dropped = dropped(service)
        (disk / "filler").unlink()
        size = (disk / "log").stat().st_size
        after = ask(service, asked)
        wait_until(lambda: (disk / "log").stat().st_size > size, "the log grows")
        last = (disk / "log").read_bytes().splitlines()[-1]
        assert json.loads(last)["message"]
    assert n_dropped
    return Outcome(during, after, asked, f"{n_dropped:,} log lines dropped, later ones written")


def disk_read_only(asked: int) -> Outcome:
    """Every file system is mounted read-only from the start; then they are writable again."""
    with in_namespace(READ_ONLY, "--mount") as service:
        during = ask(service, asked)
        pid = str(service.process.pid)
        subprocess.run(
            ["nsenter", "--target", pid, "--mount", "mount", "-o", "remount,bind,rw", "/"],
            check=True,
        )
        return Outcome(during, ask(service, asked), asked, "started so, too")


def clock_jumps(asked: int) -> Outcome:
    """The time of day goes five hours ahead, ten back and comes right again."""
    return jump(asked, (FIVE_HOURS, -FIVE_HOURS), FAKETIME_DONT_FAKE_MONOTONIC="1")


def all_clocks_jump(asked: int) -> Outcome:
    """The monotonic clock goes five hours ahead too, as that of a machine that was suspended."""
    return jump(asked, (FIVE_HOURS,), back=FIVE_HOURS)


def jump(asked: int, offsets: tuple[int, ...], back: int = 0, **settings: str) -> Outcome:
    """Move the clock of a service by each of the offsets in turn, then to the last one."""
    if not FAKETIME.exists():
        raise Unavailable("libfaketime is not installed: apt-get install libfaketime")
    with tempfile.TemporaryDirectory() as folder:
        offset = Path(folder) / "offset"
        offset.write_text("+0")
        settings |= {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
        }
        with RunningService(None, None, **settings) as service:

            def ask_at(seconds: int, n_requests: int) -> int:
                offset.write_text(f"{seconds:+d}")
                answered = ask(service, n_requests)
                wait_until(lambda: abs(ahead(service) - seconds) < MINUTE, "the clock jumps")
                return answered

            during = sum(ask_at(seconds, asked // len(offsets)) for seconds in offsets)
            after = ask_at(back, asked)
    asked_during = asked // len(offsets) * len(offsets)
    return Outcome(during + asked - asked_during, after, asked, "its Date went along")


def network_gone(asked: int) -> Outcome:
    """There is no network but loopback, from the start: asked from inside, and then again."""
    command = [
        sys.executable,
        "-m",
        "tests.reliability.faults",
        "--only",
        "network gone",
        "--inside",
    ]
    shown = subprocess.run(
        [
            *unshare("--net"),
            *("sh", "-c", 'ip link set lo up && exec "$@"', "sh"),
            *(*command, "--requests", str(asked)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    during, after = json.loads(shown.stdout.splitlines()[-1])
    return Outcome(during, after, asked, "started so, too")


def inside_network(asked: int) -> tuple[int, int]:
    """Send requests to a service without a network but loopback."""
    with RunningService() as service:
        with socket.socket() as outside:
            assert outside.connect_ex(("192.0.2.1", 80)) != 0
        return ask(service, asked), ask(service, asked)


def log_reader_gone(asked: int) -> Outcome:
    """The reader of the log is gone: each write to it fails."""
    with RunningService(None, subprocess.PIPE, **LOGGED) as service:
        assert service.process.stderr is not None
        service.process.stderr.close()
        during, after = ask(service, asked), ask(service, asked)
        n_dropped = dropped(service)
        status = service.stop()
    assert n_dropped
    assert status == 0
    return Outcome(during, after, asked, f"{n_dropped:,} log lines dropped, exit status 0")


def log_reader_stopped(asked: int) -> Outcome:
    """The reader of the log stops, so that the pipe is full; reads on; then stops again."""
    with RunningService(None, subprocess.PIPE, **LOGGED) as service:
        log = service.process.stderr
        assert log is not None
        during = ask(service, asked)
        lines: list[bytes] = []
        reader = Thread(target=lambda: lines.extend(iter(log.readline, b"")), daemon=True)
        reader.start()
        after = ask(service, asked)
        wait_until(lambda: len(lines) + dropped(service) > 2 * asked, "all lines")
        began = time.monotonic()
        status = service.stop()
        reader.join()
        log.close()
    requests = [line for line in map(json.loads, lines) if line.get("route") == "/classify"]
    ids = [int(line["request_id"].rpartition("-")[2]) for line in requests]
    assert ids == sorted(ids)
    assert status == 0
    assert time.monotonic() - began < 10
    return Outcome(during, after, asked, f"{len(ids):,} of {2 * asked:,} lines read, in order")


def descriptors_exhausted(asked: int) -> Outcome:
    """Clients take all file descriptors and send nothing; then they leave."""
    command = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh", *SERVE]
    with RunningService(command) as service, ExitStack() as clients:
        for _ in range(CLIENTS):
            client = clients.enter_context(socket.socket())
            client.settimeout(5)
            client.connect(("127.0.0.1", service.port))
        descriptors = Path(f"/proc/{service.process.pid}/fd")
        wait_until(lambda: len(list(descriptors.iterdir())) == DESCRIPTORS, "no descriptor is left")
        taken = len(list(descriptors.iterdir()))
        during = ask(service, asked)
        clients.close()
        wait_until(lambda: answers(service.port), "a new connection gets a response")
        with httpx2.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30) as anew:
            service.client.close()
            service.client = anew
            after = ask(service, asked)
    seen = f"{taken} of {DESCRIPTORS} descriptors taken; asked over a connection that was there"
    return Outcome(during, after, asked, seen)


FAULTS: Final[Mapping[str, Callable[[int], Outcome]]] = {
    "disk full": disk_full,
    "disk read-only": disk_read_only,
    "clock jumps": clock_jumps,
    "all clocks jump": all_clocks_jump,
    "network gone": network_gone,
    "log reader gone": log_reader_gone,
    "log reader stopped": log_reader_stopped,
    "descriptors exhausted": descriptors_exhausted,
}


def ask(service: RunningService, n_requests: int) -> int:
    """Send texts, and now and then health checks; return how many texts got status 200."""
    answered = 0
    for number in range(n_requests):
        answer = service.client.post("/classify", content=CLASSIFY, headers=JSON)
        answered += answer.status_code == httpx2.codes.OK
        if number % LOOK_EACH == 0:
            for path in LOOKED_AT:
                assert service.client.get(path).status_code == httpx2.codes.OK
    return answered


def dropped(service: RunningService) -> int:
    """Return the number of dropped log lines."""
    lines = service.client.get("/metrics").text.splitlines()
    (line,) = (line for line in lines if line.startswith("newswire_log_lines_dropped_total "))
    return round(float(line.split()[1]))


def ahead(service: RunningService) -> float:
    """Return how many seconds the service's clock is ahead, by its Date header."""
    date = service.client.get("/health/live").headers["date"]
    return parsedate_to_datetime(date).timestamp() - time.time()


def answers(port: int) -> bool:
    """Return whether a new connection gets a response."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).is_success
    except httpx2.TransportError:
        return False


def fill(path: Path) -> None:
    """Write until there is no more room."""
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(1_000))
        except OSError:
            return


def unshare(*namespaces: str) -> list[str]:
    """Return the command that starts another one in its own namespaces."""
    root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *root, *namespaces]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], check=False).returncode
    ):
        raise Unavailable(f"{' '.join(command)}: not permitted here")
    return command


@contextmanager
def in_namespace(script: str, *namespaces: str, **settings: str) -> Iterator[RunningService]:
    """Start a service by a script, in namespaces of its own."""
    command = [*unshare(*namespaces), "sh", "-c", script, "sh", *SERVE]
    with RunningService(command, None, **settings) as service:
        yield service


def main(
    requests: Annotated[int, typer.Option(min=1, help="During a fault, and after.")] = 1_000,
    only: Annotated[list[str] | None, typer.Option(help="Names of faults; all without it.")] = None,
    inside: Annotated[bool, typer.Option("--inside", hidden=True)] = False,  # noqa: FBT002
) -> None:
    """Break what surrounds the service, and see that it serves on."""
    if inside:
        typer.echo(json.dumps(inside_network(requests)))
        return
    holds = True
    for name in only or FAULTS:
        try:
            outcome = FAULTS[name](requests)
        except Unavailable as reason:
            typer.echo(f"{name}: skipped: {reason}")
            continue
        holds &= outcome.holds
        typer.echo(
            f"{name}: {outcome.during:,} of {outcome.asked:,} answered during, "
            f"{outcome.after:,} after; {outcome.seen}"
        )
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    typer.run(main)
