"""``make bench ARGS=inprocess``: our classifier beside fastText and scikit-learn, without a server.

Each runs in a process of its own, with its environment, and all take turns: ratios are of the same
round. Those of others are trained on the same newswires as the bundle.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from service.model import find_bundle, load_bundle
from tests.benchmarks.comparison import console, describe_machine
from tests.benchmarks.corpus import ROOT, SEED, generate_corpus, joined, released_corpus
from tests.benchmarks.targets import OURS

MODULE: Final = "tests.benchmarks.classifiers.worker"
RELEASED: Final = ROOT / "models" / "reuters"
SINGLE, BATCHES, ACCURACY = "single", "batches", "accuracy"
TEXTS_OF_A_TOPIC: Final = 200
N_COMMON_WORDS: Final = 100
"""The most frequent words, which all topics share."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A classifier: its row, its module in `tests.benchmarks.classifiers`, and its interpreter."""

    name: str
    module: str
    python: Path


@dataclass(frozen=True, slots=True)
class TrainedPeer(Contender):
    """A classifier that is trained before it is measured."""

    model: Path


def _peer(name: str, module: str, venv: str) -> TrainedPeer:
    folder = ROOT / ".venv" / f"peers-{venv}"
    return TrainedPeer(name, module, folder / "bin" / "python", folder / "topics.model")


FASTTEXT: Final = _peer("fastText", "fasttext_model", "fasttext")
SKLEARN: Final = _peer("scikit-learn, TF-IDF and linear SVM", "sklearn_model", "sklearn")
OWN: Final = Contender("ours", "ours", OURS.python)


def main(
    rounds: Annotated[int, typer.Option(min=1, help="In each, all take a turn.")] = 10,
) -> None:
    """Compare our classifier with fastText and scikit-learn in process."""
    with ExitStack() as stack:
        texts = stack.enter_context(texts_file())
        workers = {
            contender.name: stack.enter_context(working(contender, texts))
            for contender in (OWN, *train((FASTTEXT, SKLEARN), texts))
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


def data_dir() -> Path | None:
    """Return the folder of the Reuters corpus, if it is here."""
    folder = Path(os.environ.get("NEWSWIRE_DATA_DIR") or ROOT / "data")
    return folder if (folder / "reuters21578.tar.gz").exists() else None


@contextmanager
def texts_file() -> Iterator[Path]:
    """Write the texts to train on, to test on and to classify; delete the file at the end."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        examples = newswires(folder) if (folder := data_dir()) else {"train": made_up_examples()}
        json.dump({**examples, "corpus": list(map(joined, released_corpus()))}, file)
        file.flush()
        yield Path(file.name)


def newswires(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return topic and text of the newswires, by part of the split."""
    from training.data import Source, load_dataset  # of the training job: not needed without data

    dataset = load_dataset(Source.REUTERS21578, folder)
    return {
        name: [
            (split.topic_codes[label], joined(article.news_text))
            for label, article in zip(split.labels, split.articles or (), strict=True)
        ]
        for name, split in (("train", dataset.train), ("test", dataset.test))
    }


def made_up_examples() -> list[tuple[str, str]]:
    """Return topic and text for each topic; each has its own order of the less frequent words."""
    bundle = load_bundle(find_bundle(RELEASED))
    words = sorted(bundle.vocabulary, key=bundle.vocabulary.__getitem__)
    examples = []
    for topic in bundle.topics:
        others = words[N_COMMON_WORDS:]
        Random(topic.id).shuffle(others)  # noqa: S311 - texts, not secrets
        ranks = {word: rank for rank, word in enumerate(words[:N_COMMON_WORDS] + others)}
        texts = generate_corpus(ranks, TEXTS_OF_A_TOPIC, seed=SEED + 1 + topic.id)
        examples += [(topic.code, joined(text)) for text in texts]
    return examples


def train(peers: Sequence[TrainedPeer], texts: Path) -> Sequence[TrainedPeer]:
    """Train the classifiers of others, whose models stay in their environments."""
    for peer in peers:
        console.print(f"training {peer.name}", highlight=False)
        subprocess.run(_command(peer, "train", texts), cwd=ROOT, check=True)
    return peers


@contextmanager
def working(contender: Contender, texts: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a classifier's process, and end it."""
    with subprocess.Popen(
        _command(contender, "measure", texts),
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


def _command(contender: Contender, command: str, texts: Path) -> list[Any]:
    model = contender.model if isinstance(contender, TrainedPeer) else RELEASED
    return [contender.python, "-m", MODULE, command, contender.module, model, texts]
