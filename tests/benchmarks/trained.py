"""fastText and scikit-learn: trained on the newswires of the bundle before they are measured.

Without the Reuters data they are trained on made-up texts: their speed can still be measured.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from service.model import find_bundle, load_bundle
from tests.benchmarks.corpus import ROOT, SEED, generate_corpus, joined, released_corpus

MODULE: Final = "tests.benchmarks.classifiers.worker"
RELEASED: Final = ROOT / "models" / "reuters"
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
SKLEARN: Final = _peer("scikit-learn", "sklearn_model", "sklearn")
TRAINED: Final = {"fasttext": FASTTEXT, "sklearn": SKLEARN}
"""By the name of the environment."""


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
            for label, article in zip(split.labels, split.articles, strict=True)
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


def train(peers: Sequence[TrainedPeer], texts: Path) -> None:
    """Train classifiers; their models stay in their environments."""
    for peer in peers:
        subprocess.run(worker_command(peer, "train", texts), cwd=ROOT, check=True)


def worker_command(contender: Contender, command: str, texts: Path) -> list[Any]:
    """Return the command of a worker."""
    model = contender.model if isinstance(contender, TrainedPeer) else RELEASED
    return [contender.python, "-m", MODULE, command, contender.module, model, texts]
