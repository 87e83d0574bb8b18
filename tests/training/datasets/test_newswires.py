import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.model.encoding import START_ID, UNKNOWN_ID
from training.datasets.newswires import (
    Article,
    limit_token_ids,
    limit_vocabulary,
    make_dataset,
)

newswires = st.lists(st.lists(st.integers(4, 99), max_size=5), min_size=5, max_size=40)


@given(newswires)
def test_every_newswire_is_in_one_split(words: list[list[int]]) -> None:
    labels = np.arange(len(words))
    dataset = make_dataset("test", {}, words, labels)
    both = np.concatenate([dataset.train.labels, dataset.test.labels])
    assert sorted(both) == list(labels)
    for split in (dataset.train, dataset.test):
        assert split.token_ids == [[START_ID, *words[label]] for label in split.labels]


@given(st.lists(st.integers(0, 30)), st.integers(4, 30))
def test_rare_words_become_unknown(ids: list[int], num_words: int) -> None:
    limited = limit_token_ids(ids, num_words)
    for new, old in zip(limited, ids, strict=True):
        assert new == (old if old < num_words else UNKNOWN_ID)


def test_the_vocabulary_is_limited_alike() -> None:
    assert limit_vocabulary({"the": 4, "of": 5, "lead": 6}, 6) == {"the": 4, "of": 5}


@pytest.mark.parametrize(
    ("title", "body", "own"), [("T", "b", "T\nb"), ("", "b", "b"), ("T", "", "T\n")]
)
def test_own_text(title: str, body: str, own: str) -> None:
    assert Article(title, body, has_body=True, keras_text="other").own_text == own


def test_the_fingerprint_sees_every_id_and_label() -> None:
    words = [[4, 5], [6], [7, 8], [9], [10]]
    labels = np.arange(5)
    first = make_dataset("a", {}, words, labels).fingerprint()
    assert make_dataset("b", {"x": 4}, words, labels).fingerprint() == first
    assert make_dataset("a", {}, [*words[:4], [11]], labels).fingerprint() != first
    assert make_dataset("a", {}, words, labels[::-1]).fingerprint() != first
    regrouped = [[4], [5, 6], [7, 8], [9], [10]]
    assert make_dataset("a", {}, regrouped, labels).fingerprint() != first
