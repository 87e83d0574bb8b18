import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.model import AbstentionThresholds, TextEncoder, load_bundle
from service.model.outputs import PROBABILITIES
from tests.conftest import RELEASED, ROOT
from tests.training.generated import generated_dataset
from training.data import Dataset
from training.recipes import TrainedModel
from training.release.goldens import make_goldens


def passages(token_ids: Sequence[int], length: int = 8) -> Iterator[tuple[int, ...]]:
    """Every run of so many words."""
    return (
        tuple(token_ids[start : start + length]) for start in range(len(token_ids) - length + 1)
    )


def test_goldens_cover_topics_titles_and_unknown_words() -> None:
    goldens = load_bundle(RELEASED / "1").goldens
    answers = {max(range(46), key=golden.probabilities.__getitem__) for golden in goldens}
    assert len(answers) >= 12
    assert any(golden.title for golden in goldens)
    assert any(2 in golden.token_ids for golden in goldens)
    assert any(golden.token_ids == [1] for golden in goldens)


def test_golden_texts_are_not_of_the_corpus(corpus_dataset: Dataset) -> None:
    texts = json.loads((ROOT / "training" / "release" / "golden_texts.json").read_text())
    encoder = TextEncoder(corpus_dataset.vocabulary)
    corpus = {
        passage
        for split in (corpus_dataset.train, corpus_dataset.test)
        for ids in split.token_ids
        for passage in passages(ids)
    }
    ours = {passage for case in texts for passage in passages(encoder.token_ids(case["text"]))}
    assert [encoder.decode(passage) for passage in ours & corpus] == []


def model_of(dataset: Dataset, probabilities: NDArray[np.float32]) -> TrainedModel:
    """A model whose probabilities are the same for each text."""
    return TrainedModel(
        recipe="linear",
        settings={},
        encoder=TextEncoder(dataset.vocabulary),
        network=None,
        predict=lambda ids: {PROBABILITIES: np.tile(probabilities, (len(ids), 1))},
        exported=b"",
        thresholds=AbstentionThresholds(known_words_ratio=0.5, confidence=0.5),
    )


def test_goldens_of_other_topics_are_beginnings_of_held_out_texts() -> None:
    dataset = generated_dataset(3, 300, 100)
    long = [replace(item, body="word " * 500) for item in dataset.test.articles]
    dataset = replace(dataset, test=replace(dataset.test, articles=long))
    goldens = make_goldens(model_of(dataset, np.array([0.5, 0.3, 0.2], np.float32)), dataset)
    assert len(goldens) == 26
    assert goldens[0].text == "word " * 99 + "word"
    assert goldens[0].title == long[0].title
    assert goldens[3].text == dataset.test.negatives[0].body  # after one of each topic
    assert goldens[-2].token_ids == [1]
    assert 2 in goldens[-1].token_ids


def test_goldens_of_texts_without_spaces_are_shortened() -> None:
    dataset = generated_dataset(3, 300)
    long = [replace(item, title="t" * 9_000, body="x" * 9_000) for item in dataset.test.articles]
    dataset = replace(dataset, test=replace(dataset.test, articles=long))
    goldens = make_goldens(model_of(dataset, np.array([0.5, 0.3, 0.2], np.float32)), dataset)
    stored = {golden.text for golden in goldens} | {golden.title or "" for golden in goldens}
    assert {"x" * 2_000, "t" * 2_000} < stored
    assert max(map(len, stored)) == 2_000


def test_generated_goldens_have_known_words_only() -> None:
    dataset = generated_dataset(3, 300)
    model = model_of(dataset, np.array([0.5, 0.3, 0.2], np.float32))
    goldens = make_goldens(model, dataset, store_texts=False)
    assert len(goldens) == 26
    assert all(2 not in golden.token_ids for golden in goldens[:-1])
    assert {golden.title is None for golden in goldens} == {True, False}
    assert goldens == make_goldens(model, dataset, store_texts=False)
    without_words = replace(model, encoder=TextEncoder({}))
    assert len(make_goldens(without_words, dataset, store_texts=False)) == 2


def test_goldens_with_two_first_topics_are_left_out() -> None:
    """Rounding could exchange the topics, and so fail the bundle on another machine."""
    dataset = generated_dataset(3, 300)
    tied = model_of(dataset, np.array([0.4, 0.4, 0.2], np.float32))
    (golden,) = make_goldens(tied, dataset)  # there must be one
    assert golden.probabilities[0] == golden.probabilities[1]
