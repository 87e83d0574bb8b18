"""A process that trains a classifier, or classifies the texts of a file as often as it is told to.

``python -m tests.benchmarks.classifiers.worker train|measure MODULE MODEL TEXTS``: TEXTS is a JSON
file of ``train`` and ``test`` examples (pairs of topic and text) and of the ``corpus``. Each line
on standard input is a mode, each line on standard output its figure, in microseconds a text.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

BATCH_SIZE = 256


def time_single(classifier: Any, texts: Mapping[str, Any]) -> float:
    """Return the median time of a text, one after the other."""
    times = []
    for text in texts["corpus"]:
        start = perf_counter()
        classifier.classify(text)
        times.append(perf_counter() - start)
    return median(times) * 1e6


def time_batches(classifier: Any, texts: Mapping[str, Any]) -> float:
    """Return the median CPU time a text: a batch lasts longer than a process keeps its core."""
    corpus = texts["corpus"]
    times = []
    for at in range(0, len(corpus), BATCH_SIZE):
        batch = corpus[at : at + BATCH_SIZE]
        start = process_time()
        classifier.classify_batch(batch)
        times.append((process_time() - start) / len(batch))
    return median(times) * 1e6


def measure_accuracy(classifier: Any, texts: Mapping[str, Any]) -> float:
    """Return the share of test examples whose topic is ranked first."""
    n_right = sum(bool(classifier.ranking(text)[0][0] == topic) for topic, text in texts["test"])
    return n_right / len(texts["test"])


MODES: Mapping[str, Callable[[Any, Mapping[str, Any]], float]] = {
    "single": time_single,
    "batches": time_batches,
    "accuracy": measure_accuracy,
}


def main(command: str, module_name: str, model: Path, texts: Mapping[str, Any]) -> None:
    """Train a model, or measure it until standard input ends."""
    module = import_module(f"tests.benchmarks.classifiers.{module_name}")
    if command == "train":
        topics: Sequence[str]
        topics, examples = zip(*texts["train"], strict=True)
        module.train(topics, examples, model)
        return
    classifier = module.Classifier(model)
    for line in sys.stdin:
        sys.stdout.write(f"{MODES[line.strip()](classifier, texts)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(Path(sys.argv[4]).read_text()))
