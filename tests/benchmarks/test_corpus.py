"""The made-up newswires of the benchmarks resemble real ones."""

import hashlib
import json
from collections.abc import Mapping
from itertools import chain

import numpy as np
import pytest

from service.model import NewsText, TopicClassifier, find_bundle, load_bundle, load_classifier
from service.model.field_encoder import FieldEncoder
from tests.benchmarks import corpus
from tests.conftest import RELEASED

VOCABULARY = {"title:oil": 9, "oil": 4, "#2": 5, "rose": 6, "said": 7, "lead:rose": 8, "pct": 10}


@pytest.fixture(scope="module")
def classifier() -> TopicClassifier:
    return load_classifier(RELEASED)


@pytest.fixture(scope="module")
def texts() -> list[NewsText]:
    return corpus.released_corpus()


def fields(classifier: TopicClassifier, text: NewsText) -> list[str]:
    assert isinstance(classifier.encoder, FieldEncoder)
    title_words, body_words = classifier.encoder.split_fields(text.text, text.title)
    return title_words + body_words


def test_the_same_seed_has_the_same_texts_on_every_machine() -> None:
    once, again = (corpus.generate_corpus(VOCABULARY, 64) for _ in range(2))
    assert once == again
    shown = json.dumps([[text.title, text.text] for text in once]).encode()
    assert hashlib.sha256(shown).hexdigest()[:16] == "cbd69cf0d055929f"


@pytest.mark.parametrize("vocabulary", [VOCABULARY, load_bundle(find_bundle(RELEASED)).vocabulary])
def test_another_seed_has_other_texts(vocabulary: Mapping[str, int]) -> None:
    first, second = (set(corpus.generate_corpus(vocabulary, 64, seed=seed)) for seed in (1, 2))
    assert not first & second


def test_no_text_is_repeated(texts: list[NewsText]) -> None:
    assert len(texts) == len({text.text for text in texts}) == 2_048


def test_tokens_of_fields_and_numbers_are_no_words() -> None:
    (text,) = corpus.generate_corpus(VOCABULARY, 1)
    assert not {":", "#"} & set(text.text)


def test_half_of_the_texts_have_titles(classifier: TopicClassifier, texts: list[NewsText]) -> None:
    titles = [text.title for text in texts if text.title is not None]
    assert len(titles) == len(texts) / 2
    assert {len(classifier.encoder.tokenizer.tokenize(title)) for title in titles} == set(
        range(5, 11)
    )


def test_lengths_are_those_of_newswires(classifier: TopicClassifier, texts: list[NewsText]) -> None:
    n_words = [classifier.encode(text).n_words for text in texts]
    low, median, high, longest = np.quantile(n_words, [0.05, 0.5, 0.95, 1])
    assert 25 < low < 50
    assert 110 < median < 130
    assert 380 < high < 480
    assert 900 < longest <= 1_010
    assert abs(np.log(n_words).std() - 0.75) < 0.1


def test_two_to_five_percent_of_the_words_are_unknown(
    classifier: TopicClassifier, texts: list[NewsText]
) -> None:
    encoded = [classifier.encode(text) for text in texts]
    n_numbers = sum(text.n_numbers for text in encoded)
    n_words = sum(text.n_words for text in encoded)
    n_known = sum(text.n_known_words for text in encoded)
    assert 0.02 < 1 - n_known / (n_words - n_numbers) < 0.05
    assert 0.07 < n_numbers / n_words < 0.12


def test_texts_repeat_words_as_newswires_do(
    classifier: TopicClassifier, texts: list[NewsText]
) -> None:
    """The 136 test newswires of 125 to 155 words have 85 different words and 111 token ids."""
    words = [words for text in texts if 125 <= len(words := fields(classifier, text)) <= 155]
    n_distinct = np.mean([len(set(item)) for item in words])
    assert len(words) > 100
    assert 80 < n_distinct < 100
    n_ids = [
        len(encoded.token_ids)
        for text in texts
        if 125 <= (encoded := classifier.encode(text)).n_words <= 155
    ]
    assert 100 < np.mean(n_ids) < 122


def test_words_are_as_frequent_as_in_newswires(
    classifier: TopicClassifier, texts: list[NewsText]
) -> None:
    """Of the words of the test newswires "the" is 5.3 %, the 100th 0.11 %, the 1,000th 0.012 %."""
    encoded = [word for text in texts for word in fields(classifier, text) if word.isalpha()]
    _, counts = np.unique(encoded, return_counts=True)
    shares = np.sort(counts)[::-1] / len(encoded)
    for rank, share in ((1, 0.053), (10, 0.0105), (100, 0.0011), (1_000, 0.00012)):
        assert shares[rank - 1] == pytest.approx(share, rel=0.25)


def test_bodies_hold_the_texts(texts: list[NewsText]) -> None:
    batches = [json.loads(body)["items"] for body in corpus.batch_bodies()]
    assert [len(items) for items in batches] == [256] * 8
    items = list(chain.from_iterable(batches))
    assert items == [json.loads(body) for body in corpus.classify_bodies()]
    assert [NewsText(item["text"], item.get("title")) for item in items] == texts
    sent = [json.loads(body)["text"] for body in corpus.joined_bodies()]
    assert sent == [corpus.joined(text) for text in texts]
    tensors = [json.loads(body)["inputs"][0]["data"] for body in corpus.open_inference_bodies()]
    assert list(chain.from_iterable(tensors)) == sent


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_title_as_first_line_is_still_the_title(
    classifier: TopicClassifier, texts: list[NewsText], number: int
) -> None:
    text = texts[number]
    assert (
        classifier.encode(corpus.joined(text)).token_ids.tolist()
        == classifier.encode(text).token_ids.tolist()
    )
