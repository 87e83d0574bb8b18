import json
from collections.abc import Iterator, Sequence

from service.model import TextEncoder, load_bundle
from tests.conftest import RELEASED, ROOT
from training.data import Dataset


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
