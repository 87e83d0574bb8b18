"""Run a target in a process of its own, which a crash or a hang ends."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / ".fuzzing"
"""Corpora, which grow from run to run, and what broke a promise."""
HANG_SECONDS: Final = 1
MAX_MEGABYTES: Final = 1_000
MAX_BYTES: Final = 20_000
"""Longest input: above what is answered on the event loop."""
GRACE_SECONDS: Final = 120


class Run(NamedTuple):
    """The outcome of a target."""

    name: str
    n_inputs: int
    coverage: int
    """Edges of the code that were taken."""
    corpus: int
    """Inputs that took another path than those before."""
    failure: str | None
    """The end of what was printed, if a promise was broken."""


def run(name: str, *, seconds: int, seed: int) -> Run:
    """Fuzz a target for some seconds, beginning with its corpus and seeds."""
    corpus, broken = WORK / name / "corpus", WORK / name / "broken"
    _write_seeds(name, corpus)
    broken.mkdir(parents=True, exist_ok=True)
    options = {
        "max_total_time": seconds,
        "seed": seed,
        "timeout": HANG_SECONDS,
        "rss_limit_mb": MAX_MEGABYTES,
        "max_len": MAX_BYTES,
        "print_final_stats": 1,
        "artifact_prefix": f"{broken}/",
    } | getattr(_target(name), "OPTIONS", {})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzzing.one", name, str(corpus)),
            *(f"-{key}={value}" for key, value in options.items()),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds + GRACE_SECONDS,
        check=False,
    )
    states = re.findall(r"cov: (\d+) ft: \d+ corp: (\d+)/", done.stdout)
    coverage, n_corpus = states[-1] if states else (0, 0)
    n_inputs = re.search(r"number_of_executed_units: (\d+)", done.stdout)
    return Run(
        name,
        n_inputs=int(n_inputs[1]) if n_inputs else 0,
        coverage=int(coverage),
        corpus=int(n_corpus),
        failure=done.stdout[-5_000:] if done.returncode else None,
    )


def _target(name: str) -> object:
    return importlib.import_module(f"tests.fuzzing.{name}")


def _write_seeds(name: str, corpus: Path) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(_target(name).seeds()):  # type: ignore[attr-defined]
        (corpus / f"seed-{number}").write_bytes(seed)
