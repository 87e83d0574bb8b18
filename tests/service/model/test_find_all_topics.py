"""Every topic of a text, from Python."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from service.model import (
    Abstention,
    BundleError,
    InferenceError,
    TopicClassifier,
    load_classifier,
)
from service.model.outputs import OUTPUTS, TOPIC_PROBABILITIES
from tests.hostile_bundles import edit_manifest, edit_network
from tests.synthetic_bundles import (
    NO_TOPIC_TEXT,
    code_of,
    save_synthetic_bundle,
    text_of,
    unsure_text,
)

TEXTS = [text_of(2) + unsure_text(0), NO_TOPIC_TEXT, "qqq www eee", unsure_text(1, 0), text_of(1)]
EXPECTED: list[list[int]] = [[2, 0], [], [], [0, 1], [1]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TopicClassifier:
    return load_classifier(save_synthetic_bundle(tmp_path_factory.mktemp("all") / "1", 46))


def test_topics_over_their_thresholds(model: TopicClassifier) -> None:
    found = model.classify(TEXTS, top_k=1, all_topics=True)
    assert [[each.topic.id for each in text.all_topics or ()] for text in found] == EXPECTED
    probabilities = model.infer([model.encode(text) for text in TEXTS], TOPIC_PROBABILITIES)
    for text, row in zip(found, probabilities, strict=True):
        if text.abstained in (None, Abstention.LOW_CONFIDENCE):
            expected = set(np.flatnonzero(row >= model.all_topics_thresholds))
            assert {each.topic.id for each in text.all_topics or ()} == expected
        for topic, score in text.all_topics or ():
            assert score == pytest.approx(row[topic.id], abs=1e-6)


def test_the_rest_is_the_same(model: TopicClassifier) -> None:
    plain = model.classify(TEXTS, min_confidence=0.9)
    assert all(text.all_topics is None for text in plain)
    found = model.classify(TEXTS, min_confidence=0.9, all_topics=True)
    assert [text._replace(all_topics=None) for text in found] == plain
    assert model.classify([], all_topics=True) == []


def test_values_that_are_no_probabilities(model: TopicClassifier) -> None:
    classifications = model.classify(TEXTS[:1])
    for value in (np.nan, -0.1, 1.1):
        probabilities = np.full((1, len(model.topics)), value, dtype=np.float32)
        with pytest.raises(InferenceError, match="topic_probabilities"):
            model.add_all_topics(probabilities, classifications)


def test_threshold_of_1_is_never_reached(tmp_path: Path) -> None:
    folder = save_synthetic_bundle(tmp_path / "1", 3)
    edit_manifest(
        folder, lambda manifest: manifest["all_topics_thresholds"].update({code_of(1): 1})
    )
    with pytest.raises(BundleError, match="all_topics_thresholds: expected"):
        load_classifier(folder)  # a whole number is no float
    edit_manifest(
        folder, lambda manifest: manifest["all_topics_thresholds"].update({code_of(1): 1.0})
    )
    model = load_classifier(folder)
    (found,) = model.add_all_topics(np.ones((1, 3), np.float32), model.classify(TEXTS[:1]))
    assert [topic.id for topic, _ in found.all_topics or ()] == [0, 2]


def test_model_without_the_output(tmp_path: Path) -> None:
    folder = save_synthetic_bundle(tmp_path / "1", 3, all_topics=False)
    model = load_classifier(folder)
    assert not model.finds_all_topics
    with pytest.raises(ValueError, match="all_topics: expected a model with the output"):
        model.classify(TEXTS, all_topics=True)


@pytest.mark.parametrize(
    ("operator", "values", "message"),
    [
        ("Sub", 3.0, r"topic_probabilities: expected 3 .* got shape \(1, 3\), -2\.9"),
        ("Mul", np.nan, r"topic_probabilities: expected 3 .* got shape \(1, 3\), nan to nan"),
        ("Mul", np.ones((1, 1, 1)), r"topic_probabilities: expected 3 .* got shape \(1, 1, 3\)"),
        ("Mul", 3.0, r"goldens\.json, entry 0: expected Keras' topic_probabilities within"),
    ],
)
def test_an_output_of_other_values_is_an_error(
    tmp_path: Path, operator: str, values: object, message: str
) -> None:
    def edit(graph: onnx.GraphProto) -> None:
        (node,) = [node for node in graph.node if TOPIC_PROBABILITIES in node.output]
        node.output[0] = "before"
        graph.initializer.append(numpy_helper.from_array(np.array(values, np.float32), "other"))
        graph.node.append(helper.make_node(operator, ["before", "other"], [TOPIC_PROBABILITIES]))
        (output,) = [item for item in graph.output if item.name == TOPIC_PROBABILITIES]
        output.type.tensor_type.ClearField("shape")

    folder = save_synthetic_bundle(tmp_path / "1", 3)
    edit_network(folder, edit)
    with pytest.raises(BundleError, match=message):
        load_classifier(folder)


@pytest.mark.parametrize("name", OUTPUTS)
def test_one_output_in_both_roles_is_an_error(tmp_path: Path, name: str) -> None:
    folder = save_synthetic_bundle(tmp_path / "1", 3)
    edit_manifest(folder, lambda item: item["tensors"].update(dict.fromkeys(OUTPUTS, name)))
    with pytest.raises(BundleError, match=r"model\.onnx: expected tensors"):
        load_classifier(folder)
