from pathlib import Path

import numpy as np
import pytest

from service.model import Topic, TopicClassifier, load_classifier
from service.model.manifest import Subject
from service.model.subjects import NewsSubject, SubjectIndex
from tests.conftest import RELEASED
from tests.synthetic_bundles import (
    NO_TOPIC_TEXT,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

OIL = Subject("http://cv.iptc.org/newscodes/mediatopic/20001243", "oil and gas", "close")
OIL_BROAD = Subject(OIL.uri, OIL.name, "broad")
SHIPS = Subject("http://example.org/ships", "ships", "exact")
SEA = Subject("http://example.org/sea", "sea", "broad")
SUBJECTS = {0: (OIL,), 1: (OIL_BROAD,), 2: (SHIPS, SEA)}
N_TOPICS = 4
CREATOR = "newswire-topics desk/7"


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> TopicClassifier:
    folder = tmp_path_factory.mktemp("subjects") / "7"
    return load_classifier(save_synthetic_bundle(folder, N_TOPICS, subjects=SUBJECTS))


def found(uri: str, name: str, confidence: int) -> NewsSubject:
    return NewsSubject(uri, name, "about", CREATOR, confidence)


def index_of(*subjects: tuple[Subject, ...]) -> tuple[SubjectIndex, list[Topic]]:
    topics = [
        Topic(number, f"t{number}", "Name", "Group", "About.", 1, each)
        for number, each in enumerate(subjects)
    ]
    return SubjectIndex(topics, name="desk", version="7"), topics


def test_scores_of_topics_that_share_a_concept_are_added() -> None:
    index, topics = index_of((OIL,), (OIL_BROAD, SEA), (SHIPS,))
    scores = np.array([0.5, 0.25, 0.125], dtype=np.float32)
    assert index.find(topics[:1], scores) == [found(OIL.uri, OIL.name, 75)]
    assert index.find(topics[2:], scores) == [found(SHIPS.uri, SHIPS.name, 12)]
    assert [(each.name, each.confidence) for each in index.find(topics, scores)] == [
        ("oil and gas", 75),
        ("sea", 25),
        ("ships", 12),
    ]


def test_a_sum_over_1_counts_as_1() -> None:
    index, topics = index_of((OIL,), (OIL_BROAD,))
    scores = np.array([0.75, 0.5], dtype=np.float32)
    assert [each.confidence for each in index.find(topics, scores)] == [100]


def test_ties_are_in_the_order_of_the_topics() -> None:
    index, topics = index_of((SEA,), (SHIPS, OIL))
    scores = np.array([0.5, 0.5], dtype=np.float32)
    assert [each.name for each in index.find(topics, scores)] == ["sea", "ships", "oil and gas"]
    assert [each.name for each in index.find(topics[::-1], scores)] == [
        "ships",
        "oil and gas",
        "sea",
    ]


def test_an_index_without_subjects_is_false() -> None:
    assert not index_of((), ())[0]
    assert index_of((), (SEA,))[0]


def test_subjects_are_those_of_the_first_topic(classifier: TopicClassifier) -> None:
    texts = [text_of(0), text_of(2), text_of(3)]
    oil, ships, without = classifier.classify(texts, top_k=1, subjects=True)
    probabilities = classifier.infer([classifier.encode(texts[0])])[0]
    assert oil.abstained is None
    assert oil.subjects == [found(OIL.uri, OIL.name, round(100 * probabilities[:2].sum()))]
    assert ships.subjects
    assert [each.name for each in ships.subjects] == ["ships", "sea"]
    assert without.abstained is None
    assert without.subjects == []
    assert [each.subjects for each in classifier.classify(texts)] == [None] * 3


def test_topics_that_share_a_concept_make_it_surer(classifier: TopicClassifier) -> None:
    text = unsure_text(0, 1)
    (sure,) = classifier.classify([text], min_confidence=0, subjects=True)
    assert sure.topics[0].score < 0.5
    assert sure.subjects
    assert sure.subjects[0].confidence > 95


def test_there_are_none_if_the_model_abstains(classifier: TopicClassifier) -> None:
    texts = [unsure_text(0, 1), NO_TOPIC_TEXT, "unknown words alone"]
    for all_topics in (False, True):
        found = classifier.classify(texts, subjects=True, all_topics=all_topics)
        assert [each.abstained for each in found] == [
            "low_confidence",
            "no_topic",
            "too_few_known_words",
        ]
        assert [each.subjects for each in found] == [[], [], []]


def test_subjects_of_all_topics(classifier: TopicClassifier) -> None:
    """Probabilities of each topic on its own are added: of two topics they are over 1."""
    text = f"{text_of(0)} {text_of(1)} {unsure_text(2)}"
    (several,) = classifier.classify([text], min_confidence=0, all_topics=True, subjects=True)
    assert several.all_topics
    assert {ranked.topic.id: ranked.score > 0.9 for ranked in several.all_topics} == {
        0: True,
        1: True,
        2: True,
    }
    assert several.subjects
    own = {ranked.topic.id: round(100 * ranked.score) for ranked in several.all_topics}
    assert [(each.name, each.confidence) for each in several.subjects] == [
        ("oil and gas", 100),
        ("ships", own[2]),
        ("sea", own[2]),
    ]


def test_a_model_without_subjects_has_none_to_add(tmp_path: Path) -> None:
    without = load_classifier(save_synthetic_bundle(tmp_path / "1", 3))
    assert not without.has_subjects
    with pytest.raises(ValueError, match="subjects: expected a model whose topics have subjects"):
        without.classify([text_of(0)], subjects=True)


@pytest.mark.parametrize("number", ["1", "4"])
def test_earlier_bundles_are_read_as_before(number: str) -> None:
    assert not load_classifier(RELEASED / number).has_subjects
