"""``make bench ARGS=memory``: the memory of a worker over 100,000 requests."""

import json
from dataclasses import replace
from functools import cache
from typing import Annotated

import typer

from tests.benchmarks.comparison import check_wrk, console
from tests.benchmarks.corpus import classify_bodies, released_corpus
from tests.benchmarks.harness import load, running
from tests.benchmarks.targets import OURS

STRETCH_SECONDS = 5
LENGTHS = (1, 5, 10, 20, 40, 1_300, 3_000)
"""Of texts beside those of the corpus."""


def main(
    requests: Annotated[int, typer.Option(min=1, help="How many at the least.")] = 100_000,
) -> None:
    """Load a worker, and print its proportional set size as it goes."""
    check_wrk()
    mixed = replace(OURS, bodies=cache(mixed_lengths))
    done = 0
    sizes: list[tuple[int, float]] = []
    with running(OURS) as server:
        while done < requests:
            result = load(mixed, server, seconds=STRETCH_SECONDS, connections=8)
            done += round(result.requests_per_second * STRETCH_SECONDS)
            sizes.append((done, result.memory_megabytes))
            console.print(f"{done:9,} requests: {result.memory_megabytes:.1f} MB", highlight=False)
    half = next(size for number, size in sizes if number >= done / 2)
    console.print(f"Growth over the last half: {sizes[-1][1] / half - 1:+.2%}", highlight=False)


def mixed_lengths() -> list[bytes]:
    """Return the corpus, and cuts of it of 1 to 3,000 words."""
    words = [word for text in released_corpus() for word in text.text.split()]
    bodies = list(classify_bodies())
    for at, length in enumerate(LENGTHS):
        text = " ".join(words[at * LENGTHS[-1] :][:length])
        bodies.append(json.dumps({"text": text}).encode())
    return bodies
