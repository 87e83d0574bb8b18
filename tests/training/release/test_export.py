from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from service.model import TopicClassifier, load_bundle, load_classifier
from service.model.outputs import PROBABILITIES
from service.model.padding import pad
from tests.networks import weights_of
from training.data import Dataset
from training.data.reuters_expected import TOPIC_CODES
from training.data.views import keras_texts
from training.recipes import TrainedModel
from training.recipes.mlp import multi_hot
from training.recipes.trained_model import OPSET, ExportError, serialize
from training.release.export import check_parity, export, repeatable_command

NUM_WORDS = 10_000


@pytest.fixture(scope="module")
def exported(trained_bundle: Path) -> TopicClassifier:
    return load_classifier(trained_bundle)


def test_numpy_keras_and_onnx_agree(
    trained: TrainedModel, exported: TopicClassifier, corpus_dataset: Dataset
) -> None:
    """Three witnesses: Keras, onnxruntime, and the forward pass written out in NumPy."""
    token_ids = corpus_dataset.test.token_ids
    from_keras = trained.predict(token_ids)[PROBABILITIES]
    texts = keras_texts(corpus_dataset.test, corpus_dataset.vocabulary)
    from_onnx = exported.infer([exported.encode(text) for text in texts])

    first, *rest = trained.network.layers
    hidden = multi_hot(token_ids, NUM_WORDS).astype(np.float32)
    for layer in (first, *rest[:-1]):
        kernel, bias = map(np.asarray, layer.get_weights())
        hidden = np.maximum(hidden @ kernel + bias, 0)
    kernel, bias = map(np.asarray, rest[-1].get_weights())
    logits = hidden @ kernel + bias
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    from_numpy = exponentials / exponentials.sum(axis=1, keepdims=True)

    for other in (from_onnx, from_numpy):
        np.testing.assert_allclose(from_keras, other, atol=1e-5)
        np.testing.assert_array_equal(from_keras.argmax(axis=1), other.argmax(axis=1))


def test_gathering_rows_is_multiplying_a_dense_row(
    trained: TrainedModel, exported: TopicClassifier, corpus_dataset: Dataset
) -> None:
    texts = keras_texts(corpus_dataset.test, corpus_dataset.vocabulary)[:200]
    token_ids, token_counts = pad([exported.encode(text) for text in texts])
    kernel = np.asarray(trained.network.layers[0].kernel)
    gathered = np.einsum("bl,blh->bh", np.minimum(token_counts, 1), kernel[token_ids])
    dense = multi_hot(corpus_dataset.test.token_ids[:200], NUM_WORDS) @ kernel
    np.testing.assert_allclose(gathered, dense, rtol=1e-6, atol=1e-6)

    session = onnxruntime.InferenceSession(trained.exported)
    inputs = {"token_ids": token_ids, "token_counts": token_counts}
    expected = trained.predict(corpus_dataset.test.token_ids[:200])[PROBABILITIES]
    np.testing.assert_allclose(session.run(None, inputs)[0], expected, atol=1e-6)


def test_network_is_valid_and_sparse(trained_bundle: Path) -> None:
    network = load_bundle(trained_bundle).network
    model = onnx.load_from_string(network)
    onnx.checker.check_model(model, full_check=True)
    described = {
        value.name: [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert described == {
        "token_ids": ["batch_or_1", "length"],
        "token_counts": ["batch", "length"],
        "probabilities": ["batch", 46],
    }
    assert "Gather" in {node.op_type for node in model.graph.node}
    assert (10_000, 64) in {array.shape for array in weights_of(network).values()}


def test_manifest_records_the_run(
    trained_bundle: Path, trained: TrainedModel, corpus_dataset: Dataset
) -> None:
    bundle = load_bundle(trained_bundle)
    manifest = bundle.manifest
    assert manifest.version == "7"
    assert manifest.recipe["settings"] == dict(trained.settings)
    assert manifest.recipe["settings"]["seed"] == 0
    assert manifest.data["fingerprint"] == corpus_dataset.fingerprint()
    assert {"tensorflow", "keras", "onnx", "python"} <= set(manifest.libraries)
    assert len(bundle.vocabulary) == 10_000 - 4
    assert [topic.code for topic in bundle.topics] == list(TOPIC_CODES)


def test_export_fails_if_goldens_differ(
    trained: TrainedModel, corpus_dataset: Dataset, tmp_path: Path
) -> None:
    def shifted(token_ids: Any) -> dict[str, NDArray[np.float32]]:
        return {PROBABILITIES: np.roll(trained.predict(token_ids)[PROBABILITIES], 1, axis=1)}

    other = replace(trained, predict=shifted)
    with pytest.raises(ExportError, match="verification of the exported network failed: goldens"):
        export(other, corpus_dataset, folder=tmp_path / "1", command="a test")
    assert list(tmp_path.iterdir()) == []


def test_export_fails_if_a_test_newswire_differs(
    trained: TrainedModel, corpus_dataset: Dataset, tmp_path: Path
) -> None:
    """The golden cases agree, and all newswires but one."""

    def one_wrong(token_ids: Any) -> dict[str, NDArray[np.float32]]:
        probabilities = trained.predict(token_ids)[PROBABILITIES]
        if len(token_ids) == len(corpus_dataset.test.token_ids):
            probabilities[1000] = np.roll(probabilities[1000], 1)
        return {PROBABILITIES: probabilities}

    other = replace(trained, predict=one_wrong)
    with pytest.raises(ExportError, match="for each of 2246 texts, 1 differ"):
        export(other, corpus_dataset, folder=tmp_path / "1", command="a test")


@pytest.mark.parametrize(
    ("split_seed", "words"), [(113, ""), (7, " --split-seed 7"), (None, " --chronological")]
)
def test_repeatable_command(tmp_path: Path, split_seed: int | None, words: str) -> None:
    command = repeatable_command({"recipe": "mlp", "seed": 0}, split_seed, tmp_path / "my run")
    expected = f"python -m training train --recipe mlp --seed 0{words} --out 'my run'"
    assert command == expected


def test_parity() -> None:
    expected = np.array([[0.6, 0.4], [0.1, 0.9]], dtype=np.float32)
    check_parity(expected=expected, actual=expected + np.float32(1e-6))
    with pytest.raises(ExportError, match="for each of 2 texts, 1 differ"):
        check_parity(expected=expected, actual=expected[[0, 0]])
    with pytest.raises(ExportError, match=r"the largest difference is 2e-05"):
        check_parity(expected=expected, actual=expected + np.float32(2e-5))


def test_export_fails_on_invalid_onnx() -> None:
    tensors = "(int64[a, b] token_ids) => (int64[a, b] probabilities)"
    graph = f"invalid {tensors} {{ probabilities = No (token_ids) }}"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {OPSET}]> {graph}')
    with pytest.raises(ExportError, match="is not valid ONNX: No Op registered for No"):
        serialize(model)
