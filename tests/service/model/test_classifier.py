import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.model import (
    Bundle,
    BundleError,
    InferenceError,
    NewsText,
    Topic,
    TopicClassifier,
    build_classifier,
    load_bundle,
    load_classifier,
)
from service.model.padding import MAX_BATCH_TOKENS, bucket_by_length
from service.model.ranking import TopicGroups, rank_topics
from tests.conftest import LATEST, RELEASED

CRUDE = "OPEC ministers agreed to cut crude oil production; prices rose a dlr a barrel."
EARN = "Net profit rose to 12 mln dlrs, or 80 cts a share, in the fourth quarter."


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(RELEASED / "1")


def with_weights(bundle: Bundle, scale: float) -> Bundle:
    """The same bundle, with the network's weights multiplied."""
    model = onnx.load_from_string(bundle.network)
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim == 2:
            tensor.CopyFrom(onnx.numpy_helper.from_array(array * np.float32(scale), tensor.name))
    return replace(bundle, network=model.SerializeToString())


def test_ranks_the_topics_of_a_text(classifier: TopicClassifier) -> None:
    crude, earn = classifier.classify([CRUDE, EARN], top_k=2)
    assert crude.topics[0].topic.code == "crude"
    assert earn.topics[0].topic.code == "earn"
    assert crude.topics[0].score > crude.topics[1].score
    assert len(earn.topics) == 2
    assert 0.9 < crude.known_words_ratio <= 1


def test_empty_list_of_texts(classifier: TopicClassifier) -> None:
    assert classifier.classify([]) == []


@pytest.mark.parametrize("text", [CRUDE, "", NewsText(CRUDE)])
def test_single_text_is_a_type_error(classifier: TopicClassifier, text: Any) -> None:
    kind = type(text).__name__
    with pytest.raises(TypeError, match=f"^texts: expected a list of texts, got one {kind}$"):
        classifier.classify(text)


def test_the_folder_may_be_a_str(classifier: TopicClassifier) -> None:
    loaded = load_classifier(str(RELEASED))
    assert loaded.manifest == classifier.manifest


def test_scores_are_a_distribution(classifier: TopicClassifier) -> None:
    (prediction,) = classifier.classify([CRUDE], top_k=len(classifier.topics))
    scores = [ranked.score for ranked in prediction.topics]
    assert prediction.no_topic is not None
    assert sum(scores) + prediction.no_topic == pytest.approx(1, abs=1e-5)
    assert scores == sorted(scores, reverse=True)
    assert {ranked.topic.id for ranked in prediction.topics} == set(range(len(classifier.topics)))


@given(st.lists(st.integers(1, 3 * MAX_BATCH_TOKENS), max_size=40))
def test_buckets_hold_each_text_once_within_the_limit(lengths: list[int]) -> None:
    chunks = list(bucket_by_length(lengths))
    assert sorted(index for chunk in chunks for index in chunk) == list(range(len(lengths)))
    in_order = [lengths[index] for chunk in chunks for index in chunk]
    assert in_order == sorted(lengths)
    for chunk in chunks:
        assert len(chunk) == 1 or len(chunk) * lengths[chunk[-1]] <= MAX_BATCH_TOKENS


def test_large_batch_keeps_its_order(classifier: TopicClassifier) -> None:
    texts = [f"{CRUDE} " * n + EARN for n in (90, 1, 300, 2, 40, 0, 7)] * 20
    predictions = classifier.classify(texts, top_k=1)
    for text, prediction in zip(texts, predictions, strict=True):
        (alone,) = classifier.classify([text], top_k=1)
        assert prediction.topics[0].topic == alone.topics[0].topic
        assert prediction.topics[0].score == pytest.approx(alone.topics[0].score, abs=1e-6)


@given(texts=st.lists(st.text(max_size=200), min_size=1, max_size=5))
def test_batch_and_single_agree(classifier: TopicClassifier, texts: list[str]) -> None:
    batch = classifier.infer([classifier.encoder.encode(text) for text in texts])
    for row, text in zip(batch, texts, strict=True):
        (single,) = classifier.infer([classifier.encoder.encode(text)])
        np.testing.assert_allclose(row, single, atol=1e-6)


@given(
    weights=arrays(np.float32, 46, elements=st.sampled_from([0, 1, 2])).filter(np.any),
    top_k=st.integers(1, 46),
)
def test_ties_rank_by_class_index(
    classifier: TopicClassifier, weights: np.ndarray, top_k: int
) -> None:
    probabilities = weights / weights.sum()
    (ranked,) = rank_topics(classifier.topics, probabilities[np.newaxis], top_k=[top_k])
    expected = sorted(range(46), key=lambda index: (-probabilities[index], index))[:top_k]
    assert [item.topic.id for item in ranked] == expected
    assert ranked[0].topic.id == probabilities.argmax()
    assert [item.score for item in ranked] == [probabilities[index] for index in expected]


@pytest.mark.parametrize("top_k", [0, -1, 47])
def test_top_k_out_of_range_is_an_error(classifier: TopicClassifier, top_k: int) -> None:
    with pytest.raises(ValueError, match=f"top_k: expected 1 to 46, got {top_k}"):
        classifier.classify([CRUDE], top_k=top_k)


def test_version_must_equal_the_number_of_the_folder(bundle_copy: Path) -> None:
    moved = bundle_copy.rename(bundle_copy.parent / "2")
    with pytest.raises(BundleError, match="expected version '2' in the manifest, got '1'"):
        load_classifier(moved.parent)


def test_other_weights_fail_the_goldens(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"goldens\.json, entry 0: expected Keras' probabilities"):
        build_classifier(with_weights(bundle, 1.01))


def test_other_vocabulary_fails_the_goldens(bundle: Bundle) -> None:
    vocabulary = dict(bundle.vocabulary)
    vocabulary["the"], vocabulary["of"] = vocabulary["of"], vocabulary["the"]
    with pytest.raises(BundleError, match="the text has other token ids"):
        build_classifier(replace(bundle, vocabulary=vocabulary))


def test_scores_that_are_not_finite_fail_verification(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: expected 46 probabilities"):
        build_classifier(with_weights(bundle, float("nan")))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.1])
def test_invalid_probabilities_are_an_inference_error(
    classifier: TopicClassifier, monkeypatch: pytest.MonkeyPatch, score: float
) -> None:
    class Session:
        def run(self, *_: object) -> list[np.ndarray]:
            return [np.array([[0.5, score, *[0.0] * 44]], dtype=np.float32)]

    monkeypatch.setattr(classifier.session, "_session", Session())
    with pytest.raises(InferenceError, match="expected 46 probabilities"):
        classifier.classify([CRUDE])


def test_vocabulary_beyond_the_network_is_an_error(bundle: Bundle) -> None:
    vocabulary = {**bundle.vocabulary, "zebra": 20_000}
    with pytest.raises(BundleError, match="expected a network for token ids up to 20000"):
        build_classifier(replace(bundle, vocabulary=vocabulary))


def test_vocabulary_with_ids_beyond_64_bits_is_an_error(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"vocabulary\.json: "):
        build_classifier(replace(bundle, vocabulary={**bundle.vocabulary, "zebra": 2**64}))


def test_vocabulary_with_reserved_ids_is_an_error(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"vocabulary\.json: .* expected ids from 4, got 2"):
        build_classifier(replace(bundle, vocabulary={**bundle.vocabulary, "zebra": 2}))


def test_wrong_number_of_topics_is_an_error(bundle: Bundle) -> None:
    goldens = [replace(bundle.goldens[0], probabilities=[0.5, 0.5])]
    with pytest.raises(BundleError, match=r"expected 2 topics for a text, .* \(1, 46\)"):
        build_classifier(replace(bundle, goldens=goldens, topics=bundle.topics[:2]))


def test_invalid_network_is_an_error(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx: onnxruntime rejects it"):
        build_classifier(replace(bundle, network=b"not a network"))


def test_network_with_other_tensors_is_an_error(bundle: Bundle) -> None:
    tensors = bundle.manifest.tensors | {"token_ids": "words"}
    manifest = replace(bundle.manifest, tensors=tensors)
    with pytest.raises(BundleError, match=r"model\.onnx: expected tensors"):
        build_classifier(replace(bundle, manifest=manifest))


def test_error_names_the_damaged_bundle(bundle_copy: Path) -> None:
    goldens = json.loads((bundle_copy / "goldens.json").read_text())
    assert goldens
    (bundle_copy / "goldens.json").write_text("[]")
    with pytest.raises(BundleError, match=str(bundle_copy)):
        load_classifier(bundle_copy.parent)


def test_telemetry_is_off_before_onnxruntime_is_imported() -> None:
    code = (
        "import os, sys; import service.model.bundle; assert 'ORT_DISABLE_TELEMETRY' in os.environ;"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "1"


def test_group_if_no_topic_but_its_group_is_confident(
    classifier: TopicClassifier,
) -> None:
    scores = np.zeros((len(classifier.topics),), dtype=np.float32)
    codes = {topic.code: topic.id for topic in classifier.topics}
    scores[[codes["crude"], codes["nat-gas"], codes["gas"], codes["ship"]]] = 0.4, 0.3, 0.2, 0.1
    encoded = classifier.encode(CRUDE)
    for min_confidence, group in ((0.3, None), (0.8, ("Energy", 0.9)), (0.95, None)):
        (prediction,) = classifier.postprocess(
            [encoded], scores[np.newaxis], top_k=[1], min_confidence=[min_confidence]
        )
        assert (prediction.group is None) == (group is None)
        if prediction.group and group:
            assert prediction.group.name == group[0]
            assert prediction.group.score == pytest.approx(group[1])


@pytest.mark.parametrize(
    ("groups", "best"),
    [
        ("aaaa", None),  # says nothing that the topics do not say
        ("abcd", None),
        ("abbc", ("b", 0.3)),
        ("abba", ("a", 0.7)),
        ("abbb", ("b", 0.7)),
    ],
)
def test_groups_are_of_several_topics_but_not_all(
    groups: str, best: tuple[str, float] | None
) -> None:
    topics = [Topic(i, f"t{i}", "Name", group, "About.", 1) for i, group in enumerate(groups)]
    (found,) = TopicGroups(topics).best(np.array([[0.3, 0.2, 0.1, 0.4]], dtype=np.float32))
    assert (found and found.name) == (best and best[0])
    assert found is None or found.score == pytest.approx(best and best[1])


def test_no_group_with_too_few_known_words(classifier: TopicClassifier) -> None:
    (prediction,) = classifier.classify(["zxcv qwer tyui"], min_confidence=0.9)
    assert prediction.abstained == "too_few_known_words"
    assert prediction.group is None


def test_network_affected_by_zero_counts_is_an_error(bundle: Bundle) -> None:
    model = onnx.load_from_string(bundle.network)
    (limit,) = [node for node in model.graph.node if node.op_type == "Min"]
    limit.op_type = "Max"  # 0 becomes 1
    with pytest.raises(BundleError, match="no effect of a token with count 0"):
        build_classifier(replace(bundle, network=model.SerializeToString()))


def test_other_fingerprint_is_an_error() -> None:
    expected = load_bundle(LATEST).fingerprint
    assert load_classifier(RELEASED, fingerprint=expected).fingerprint == expected
    with pytest.raises(BundleError, match=f"expected fingerprint {expected}, got"):
        load_classifier(RELEASED / "1", fingerprint=expected)


@pytest.mark.parametrize("text", ["", " \n"])
def test_title_alone_is_classified_like_a_single_line(
    classifier: TopicClassifier, text: str
) -> None:
    headline = "Gold prices rise"
    (alone,) = classifier.classify([NewsText(text, headline)])
    (line,) = classifier.classify([headline])
    assert alone == line
    assert alone.topics[0].topic.code == "gold"


def test_title_alone_is_explained(classifier: TopicClassifier) -> None:
    words = classifier.explain(NewsText(title="Gold prices rise")).words
    assert [(word.word, word.field) for word in words] == [
        ("Gold", "title"),
        ("prices", "title"),
        ("rise", "title"),
    ]
    line = classifier.explain("Gold prices rise").words
    assert [word.score_change for word in words] == [word.score_change for word in line]


def test_each_text_of_a_batch_has_its_own_options(classifier: TopicClassifier) -> None:
    texts = [CRUDE, "Wheat exports.", "zxcv qwer tyui", "Money supply and gold."]
    encoded = [classifier.encode(text) for text in texts]
    probabilities = classifier.infer(encoded)
    top_k, min_confidence = [1, 46, 2, 3], [None, 0.99, 0.0, 0.9]
    together = classifier.postprocess(
        encoded, probabilities, top_k=top_k, min_confidence=min_confidence
    )
    for row, classification in enumerate(together):
        assert [classification] == classifier.postprocess(
            [encoded[row]],
            probabilities[row : row + 1],
            top_k=[top_k[row]],
            min_confidence=[min_confidence[row]],
        )
        assert len(classification.topics) == top_k[row]
    assert [item.group is None for item in together].count(False) > 0
