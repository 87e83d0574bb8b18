"""``make reliability CASE=hostile-input``: send the hostile corpus again and again.

Each case must get its status in time, memory must not grow, and a normal request must succeed after
each round.
"""

import argparse
import subprocess
import sys
from statistics import median
from typing import Final, NamedTuple

from tests.benchmarks.harness import Server
from tests.end_to_end.running_service import RunningService
from tests.reliability.hostile_corpus import CORPUS, TEXT
from tests.reliability.raw_sockets import send_raw

WARM_ROUNDS: Final = 3
"""In which the allocator gets what it will keep."""


class Case(NamedTuple):
    """Outcomes of a case in all rounds."""

    name: str
    statuses: tuple[int, ...]
    milliseconds: float
    """Median of the rounds."""


class Tried(NamedTuple):
    """Outcomes of the corpus."""

    cases: list[Case]
    megabytes_before: float
    """Proportional set size after `WARM_ROUNDS`."""
    megabytes_after: float
    wrong: list[str]
    """Return the wrong outcomes."""


def attack(service: RunningService, *, rounds: int) -> Tried:
    """Send the whole corpus, and a normal request after it, so many times."""
    server = Server(service.process.pid, "", 0.0)
    seconds: dict[str, list[float]] = {name: [] for name in CORPUS}
    wrong: list[str] = []
    before = 0.0
    for number in range(WARM_ROUNDS + rounds):
        if number == WARM_ROUNDS:
            before = server.memory_megabytes()
        for name, hostile in CORPUS.items():
            answered = send_raw(service.port, hostile.sent, len(hostile.statuses))
            seconds[name].append(answered.seconds)
            if answered.statuses != hostile.statuses:
                wrong.append(f"{name}: expected {hostile.statuses}, got {answered.statuses}")
        answer = service.client.post("/classify", json={"text": TEXT})
        if (status := answer.status_code) != 200 or answer.json()["topic"] != "crude":
            wrong.append(f"round {number}: a normal request got {status}")
    cases = [
        Case(name, hostile.statuses, 1e3 * median(seconds[name]))
        for name, hostile in CORPUS.items()
    ]
    return Tried(cases, before, server.memory_megabytes(), wrong)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make reliability CASE=hostile-input", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with RunningService(errors=subprocess.DEVNULL) as service:
        tried = attack(service, rounds=rounds)
    lines = ["| case | status | milliseconds |", "|---|---|---|"]
    for case in tried.cases:
        statuses = ", ".join(map(str, dict.fromkeys(case.statuses)))
        lines.append(f"| {case.name} | {statuses} | {case.milliseconds:.1f} |")
    growth = tried.megabytes_after - tried.megabytes_before
    lines += [
        "",
        f"Memory: {tried.megabytes_before:.1f} MB, after {rounds} rounds {growth:+.1f} MB",
    ]
    sys.stdout.write("\n".join([*lines, *tried.wrong, ""]))
    return 1 if tried.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
