"""``make bench ARGS=inprocess``: our classifier beside fastText and scikit-learn, without a server.

Each runs in a process of its own, with its environment, and all take turns: ratios are of the same
round. The other two are trained on the newswires of the bundle.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Final

import typer
from rich.table import Table

from tests.benchmarks.comparison import console, describe_machine
from tests.benchmarks.corpus import ROOT
from tests.benchmarks.targets import OURS
from tests.benchmarks.trained import (
    FASTTEXT,
    SKLEARN,
    Contender,
    data_dir,
    texts_file,
    train,
    worker_command,
)

OWN: Final = Contender("ours", "ours", OURS.python)
SINGLE, BATCHES, ACCURACY = "single", "batches", "accuracy"


def main(
    rounds: Annotated[int, typer.Option(min=1, help="In each, all take a turn.")] = 10,
) -> None:
    """Compare our classifier with fastText and scikit-learn in process."""
    with ExitStack() as stack:
        texts = stack.enter_context(texts_file())
        train((FASTTEXT, SKLEARN), texts)
        workers = {
            contender.name: stack.enter_context(working(contender, texts))
            for contender in (OWN, FASTTEXT, SKLEARN)
        }
        figures: dict[str, dict[str, list[float]]] = {name: {} for name in workers}
        modes = [SINGLE, BATCHES] * rounds + ([ACCURACY] if data_dir() else [])
        for mode in [SINGLE, BATCHES, *modes]:  # the first round warms up
            for name, worker in workers.items():
                figures[name].setdefault(mode, []).append(ask(worker, mode))
    console.print(to_table(figures, rounds))


def to_table(figures: Mapping[str, Mapping[str, Sequence[float]]], rounds: int) -> Table:
    """Show medians over the rounds, and the medians of the rounds' ratios."""
    table = Table(title=f"{describe_machine()}, one core")
    table.add_column("")
    for title in ("µs a text", "ours to it", "µs in batches of 256", "ours to it", "accuracy"):
        table.add_column(title, justify="right")
    for name, measured in figures.items():
        cells = []
        for mode in (SINGLE, BATCHES):
            own, its = (rows[mode][-rounds:] for rows in (figures[OWN.name], measured))
            ratio = median(a / b for a, b in zip(own, its, strict=True))
            cells += [f"{median(its):,.1f}", f"{ratio:.2f}"]
        accuracy = measured.get(ACCURACY)
        table.add_row(name, *cells, f"{accuracy[0]:.3f}" if accuracy else "")
    return table


@contextmanager
def working(contender: Contender, texts: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a classifier's process, and end it."""
    with subprocess.Popen(
        worker_command(contender, "measure", texts),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin
        with worker.stdin:  # its end is the end of the process
            yield worker


def ask(worker: subprocess.Popen[str], mode: str) -> float:
    """Let a process take its turn; return its figure."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(f"{mode}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())
