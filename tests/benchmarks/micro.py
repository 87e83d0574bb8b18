"""``make bench ARGS=micro``: the steps of a prediction in process, by number of texts and words.

``make test`` does not collect it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from service.model import TopicClassifier, load_classifier
from tests.benchmarks.targets import ARTICLE, ROOT

Benchmark = Callable[..., Any]

WORDS = ARTICLE.split()


@pytest.fixture(scope="module")
def classifier() -> TopicClassifier:
    return load_classifier(ROOT / "models" / "reuters")


def texts_of(n_words: int, n_texts: int) -> list[str]:
    """Texts that begin at different words; each has its lead in another place."""
    endless = WORDS * (2 + n_words // len(WORDS))
    starts = [number % len(WORDS) for number in range(n_texts)]
    return [" ".join(endless[start : start + n_words]) for start in starts]


@pytest.mark.benchmark(group="encode")
@pytest.mark.parametrize("n_words", [10, 100, 140, 1_000, 10_000])
def test_encode(benchmark: Benchmark, classifier: TopicClassifier, n_words: int) -> None:
    (text,) = texts_of(n_words, 1)
    assert benchmark(classifier.encode, text).n_words == n_words


@pytest.mark.benchmark(group="infer")
@pytest.mark.parametrize("n_words", [10, 140, 10_000])
@pytest.mark.parametrize("n_texts", [1, 16, 256])
def test_infer(
    benchmark: Benchmark, classifier: TopicClassifier, n_texts: int, n_words: int
) -> None:
    encoded = [classifier.encode(text) for text in texts_of(n_words, n_texts)]
    assert len(benchmark(classifier.infer, encoded)) == n_texts


@pytest.mark.benchmark(group="classify")
@pytest.mark.parametrize("n_words", [10, 100, 140, 1_000, 10_000])
@pytest.mark.parametrize("n_texts", [1, 16, 256])
def test_classify(
    benchmark: Benchmark, classifier: TopicClassifier, n_texts: int, n_words: int
) -> None:
    assert len(benchmark(classifier.classify, texts_of(n_words, n_texts))) == n_texts


@pytest.mark.benchmark(group="classify")
def test_classify_a_mixed_batch(benchmark: Benchmark, classifier: TopicClassifier) -> None:
    """256 texts of 44 to 140 words, as in the row of batches of ``make bench``."""
    texts = [" ".join(WORDS[number % 97 :]) for number in range(256)]
    assert len(benchmark(classifier.classify, texts)) == len(texts)
