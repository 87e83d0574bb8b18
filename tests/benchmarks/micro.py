"""``make bench ARGS=micro``: the steps of a prediction in process, on different texts."""

from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter, process_time
from typing import Annotated, Final

import typer
from rich.table import Table

from service.model import NewsText, TopicClassifier, load_classifier
from tests.benchmarks.comparison import console, describe_machine
from tests.benchmarks.corpus import BATCH_SIZE, ROOT, released_corpus
from tests.benchmarks.targets import ARTICLE

STEPS: Final = ("encode", "infer", "postprocess", "all three")
LENGTHS: Final = (10, 100, 1_000, 10_000)
N_TEXTS_OF_A_LENGTH: Final = 32
TOP_K: Final = 3


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Each takes every text once.")] = 10,
) -> None:
    """Time the steps of a prediction in process: different texts in turn, and one repeated."""
    table = Table(title=f"{describe_machine()}, median µs a text")
    table.add_column("")
    for step in STEPS:
        table.add_column(step, justify="right")
    for name, figures in measure(load_classifier(ROOT / "models" / "reuters"), rounds):
        table.add_row(name, *(f"{seconds * 1e6:,.1f}" for seconds in figures))
    console.print(table)


def measure(classifier: TopicClassifier, rounds: int) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield the name of each row, and the median seconds a text of each step."""
    texts = released_corpus()
    middle = [text for text in texts if 125 <= classifier.encode(text).n_words <= 155]
    batches = [texts[at : at + BATCH_SIZE] for at in range(0, len(texts), BATCH_SIZE)]
    repeated = NewsText(ARTICLE)
    cases = {
        f"{len(texts):,} texts": [[text] for text in texts],
        f"{len(middle)} of 125 to 155 words": [[text] for text in middle],
        "one repeated text of 140 words": [[repeated]] * len(middle),
        f"batches of {BATCH_SIZE}": batches,
    } | {
        f"{N_TEXTS_OF_A_LENGTH} of {length:,} words": [[text] for text in texts_of(length)]
        for length in LENGTHS
    }
    for name, calls in cases.items():
        times = [time_steps(classifier, call) for _ in range(rounds) for call in calls]
        yield name, [median(step) for step in zip(*times, strict=True)]


def time_steps(classifier: TopicClassifier, texts: Sequence[NewsText]) -> tuple[float, ...]:
    """Return the seconds a text of each step, one after the other, and of all.

    For a batch, of CPU time: it lasts longer than a process may keep its core.
    """
    clock = perf_counter if len(texts) == 1 else process_time
    start = clock()
    encoded = [classifier.encode(text) for text in texts]
    after_encode = clock()
    probabilities = classifier.infer(encoded)
    after_infer = clock()
    classifier.postprocess(
        encoded,
        probabilities,
        top_k=[TOP_K] * len(texts),
        min_confidence=[None] * len(texts),
    )
    end = clock()
    times = (after_encode - start, after_infer - after_encode, end - after_infer, end - start)
    return tuple(seconds / len(texts) for seconds in times)


def texts_of(n_words: int) -> list[NewsText]:
    """Return different texts of so many words, cut from the corpus."""
    words = [word for text in released_corpus() for word in text.text.split(" ")]
    starts = range(0, N_TEXTS_OF_A_LENGTH * len(words) // 64, len(words) // 64)
    return [NewsText(" ".join(words[at : at + n_words])) for at in starts]
