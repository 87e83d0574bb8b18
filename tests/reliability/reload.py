"""``make reliability CASE=reload``: replace the model under load, by a bad one half of the times.

No request may fail; each response must be that of its version, which was served at that time.
Requests during a reload (from the renaming of the bundle until the service has loaded or rejected
it) are compared with those between reloads.
"""

import argparse
import math
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from service.model import load_classifier
from service.reload.validator import TIMEOUT_SECONDS
from tests.benchmarks.harness import Server
from tests.conftest import LATEST, RELEASED
from tests.end_to_end.running_service import RunningService
from tests.hostile_bundles import renumber
from tests.reliability.corrupt_bundles import corruptions
from tests.reliability.steady_load import REQUESTS_PER_SECOND, Asked, SteadyLoad

TEXT: Final = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs a barrel."
SOURCES: Final = (LATEST, RELEASED / "1")
WARM_RELOADS: Final = 10
MAX_MILLISECONDS: Final = 100
"""Of any request during a reload."""
MAX_GROWTH: Final = 0.05
SCORE_TOLERANCE: Final = 1e-6
LOOK_SECONDS: Final = 0.1
PAUSE_SECONDS: Final = 0.5
LOG: Final = "log"


@dataclass
class Record:
    """Times of reloads, by the clock of this process.

    Attributes
    ----------
    published : dict of int to float
        When a good bundle was renamed into place, by its number.
    confirmed : list of (float, int)
        When a number was seen to be served, which then no older one may be.
    windows : list of (float, float)
        Begin and end of each reload.
    sources : dict of int to Path
    megabytes : dict of int to float
        Proportional set size after so many reloads.
    """

    published: dict[int, float] = field(default_factory=dict)
    confirmed: list[tuple[float, int]] = field(default_factory=list)
    windows: list[tuple[float, float]] = field(default_factory=list)
    sources: dict[int, Path] = field(default_factory=dict)
    megabytes: dict[int, float] = field(default_factory=dict)


@contextmanager
def service_with(models: Path) -> Iterator[RunningService]:
    """Serve bundle 1 of a folder, looking often for others."""
    shutil.copytree(RELEASED / "1", models / "1")
    given = {"NEWSWIRE_MODEL_DIR": str(models), "NEWSWIRE_MODEL_POLL_SECONDS": str(LOOK_SECONDS)}
    with (models / LOG).open("wb") as log, RunningService(None, log.fileno(), **given) as service:
        yield service


def replace_again_and_again(
    service: RunningService, models: Path, *, times: int, pause: float, seed: int
) -> Record:
    """Publish good and bad bundles in turn, each when the one before is settled."""
    record = Record(published={1: 0.0}, sources={1: RELEASED / "1"})
    record.confirmed.append((time.monotonic(), 1))
    spoilt = corruptions(random.Random(seed))  # noqa: S311
    server = Server(service.process.pid, "", 0)
    for turn in range(times):
        time.sleep(pause)
        number, source = turn + 2, SOURCES[turn // 2 % len(SOURCES)]
        beside = Path(shutil.copytree(source, models / ".beside" / str(number)))
        renumber(beside)
        good = turn % 2 == 0
        if good:
            record.published[number], record.sources[number] = math.inf, source
        else:
            _, damage = next(spoilt)
            damage(beside)
        settled = _settled(models)
        began = time.monotonic()
        if good:
            record.published[number] = began
        beside.rename(models / str(number))
        _wait_for(models, settled, good=good)
        record.windows.append((began, time.monotonic()))
        if good:
            record.confirmed.append((time.monotonic(), number))
        _clear(models, keep=max(record.published))
        if turn + 1 in {WARM_RELOADS, times}:
            record.megabytes[turn + 1] = server.memory_megabytes()
    time.sleep(pause)
    return record


def _settled(models: Path) -> dict[str, int]:
    """Return how many bundles the log says were loaded or failed; a request would be load."""
    log = (models / LOG).read_text()
    return {"loaded": log.count("instead of"), "failed": log.count('"model reload failed')}


def _wait_for(models: Path, before: dict[str, int], *, good: bool) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (now := _settled(models)) == before:
        assert time.monotonic() < deadline, "a bundle was neither loaded nor did it fail"
        time.sleep(0.02)
    outcome = "loaded" if good else "failed"
    assert now == before | {outcome: before[outcome] + 1}, f"expected it to be {outcome}"


def _clear(models: Path, *, keep: int) -> None:
    """Remove every bundle but one; the highest that is served stays the highest."""
    for path in sorted(models.iterdir(), key=lambda path: path.name, reverse=True):
        if path.name.isdecimal() and int(path.name) != keep:
            gone = path.rename(models / f".gone-{path.name}")
            shutil.rmtree(gone)


def faults(asked: Sequence[Asked], record: Record) -> list[str]:
    """Return the faults of the responses."""
    scores = {
        source: load_classifier(source).classify([TEXT])[0].topics[0].score
        for source in set(record.sources.values())
    }
    found = []
    times = [moment for moment, _ in record.confirmed]
    for request in asked:
        if not request.version:
            found.append(f"no answer: {request}")
            continue
        number = int(request.version)
        oldest = record.confirmed[max(0, int(np.searchsorted(times, request.began)) - 1)][1]
        served = record.published.get(number, math.inf) <= request.ended and number >= oldest
        if not served:
            found.append(f"a version that was not served then: {request}")
        elif abs(scores[record.sources[number]] - request.score) > SCORE_TOLERANCE:
            found.append(f"not the score of its version: {request}")
    return found


def quantiles(asked: Sequence[Asked], record: Record) -> dict[str, tuple[int, float, float, float]]:
    """Number of requests, median, p99 and longest in milliseconds, during reloads and between."""
    began, ended = np.array([item[:2] for item in asked]).T
    starts, ends = np.array(record.windows).T
    # a request belongs to a window that has begun before it ended, and not ended before it began
    inside = np.searchsorted(starts, ended) > np.searchsorted(ends, began)
    milliseconds = (ended - began) * 1e3
    found = {}
    for name, chosen in (("during", inside), ("between", ~inside)):
        p50, p99, longest = np.percentile(milliseconds[chosen], [50, 99, 100]).tolist()
        found[name] = (int(chosen.sum()), p50, p99, longest)
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=100)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options.add_argument("--rate", type=float, default=REQUESTS_PER_SECOND)
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, service_with(Path(folder)) as service:
        with SteadyLoad(service.port, TEXT, arguments.rate) as load:
            record = replace_again_and_again(
                service,
                Path(folder),
                times=arguments.times,
                pause=PAUSE_SECONDS,
                seed=arguments.seed,
            )
        status = service.stop()
    found = faults(load.asked, record)
    speed = quantiles(load.asked, record)
    ratio = speed["during"][2] / speed["between"][2]
    growth = record.megabytes[arguments.times] / record.megabytes[WARM_RELOADS] - 1
    versions = {item.version for item in load.asked}
    lines = [
        f"seed {arguments.seed}, {arguments.times} reloads, {len(versions)} versions answered, "
        f"{arguments.rate:g} requests a second",
        f"{len(load.asked):,} requests, {len(found)} wrong or failed; exit status {status}",
        *(
            f"{name}: {n:,} requests, p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {longest:.1f} ms"
            for name, (n, p50, p99, longest) in speed.items()
        ),
        f"p99 during reloads: {ratio:.2f} times that between",
        f"memory after {WARM_RELOADS} and after all: {record.megabytes} MB, {growth:+.1%}",
        *found[:10],
    ]
    print("\n".join(lines))  # noqa: T201
    return int(
        bool(found) or status != 0 or speed["during"][3] > MAX_MILLISECONDS or growth > MAX_GROWTH
    )


if __name__ == "__main__":
    sys.exit(main())
