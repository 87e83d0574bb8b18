"""Bundles made by hand: a network of given weights, and goldens that it predicts itself."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from service.model import Bundle, Golden, Manifest, Topic, save_bundle
from service.model.abstention import Abstention
from service.model.drift import BOUNDS, DriftBaseline, count_bins
from service.model.field_encoder import FieldEncoder
from service.model.manifest import FORMAT_VERSION
from service.model.outputs import TOPIC_PROBABILITIES

IR_VERSION: Final = 8
OPSET: Final = 18
TENSORS: Final = ("token_ids", "token_counts", "probabilities")
Weights = NDArray[np.int8] | NDArray[np.float32]


def save_bundle_of_weights(
    folder: Path,
    encoder: FieldEncoder,
    weights: Weights,
    topics: Sequence[Topic],
    texts: Iterable[tuple[str | None, str]],
    *,
    own_logit: float | None = None,
    **fields: Any,
) -> None:
    """Write a bundle whose last output is "none of the topics".

    Parameters
    ----------
    weights : array of shape (n_ids, n_topics + 1)
    texts : iterable of (title, text)
        Goldens.
    own_logit : float or None
        The logit with which a topic on its own has a probability of 0.5; None for a network without
        this output.
    fields
        Of the manifest.
    """
    network = network_of_weights(weights, own_logit)
    tensors = TENSORS if own_logit is None else (*TENSORS, TOPIC_PROBABILITIES)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    given: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "version": folder.name,
        "created": "2026-01-01T00:00:00+00:00",
        "command": "a test",
        "recipe": {"name": "by hand"},
        "data": {"source": "files"},
        "tokenizer": encoder.name,
        "tensors": {name: name for name in tensors},
        "scores": {"article": {"accuracy": 1.0}},
        "libraries": {"onnx": onnx.__version__},
        "no_topic": True,
    }
    bundle = Bundle(
        Manifest(**given | fields),
        network,
        encoder.vocabulary,
        topics,
        [_golden(session, encoder, title, text) for title, text in texts],
        _baseline(topics),
    )
    save_bundle(bundle, folder, {})


def network_of_weights(weights: Weights, own_logit: float | None = None) -> bytes:
    """Return a network as the released one: rows of tokens, summed by their counts, and softmax."""
    nodes = [
        helper.make_node("Gather", ["weights", "token_ids"], ["quantized"]),
        helper.make_node("Cast", ["quantized"], ["rows"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["token_counts", "axis"], ["counts"]),
        helper.make_node("MatMul", ["counts", "rows"], ["sums"]),
        helper.make_node("Squeeze", ["sums", "axis"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    inputs = [
        helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["batch_or_1", "length"]),
        helper.make_tensor_value_info("token_counts", TensorProto.FLOAT, ["batch", "length"]),
    ]
    n_outputs = weights.shape[1]
    outputs = [("probabilities", n_outputs)]
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
    ]
    if own_logit is not None:
        nodes += [
            helper.make_node("Slice", ["logits", "begin", "end", "axis"], ["own"]),
            helper.make_node("Sub", ["own", "own_logit"], ["own_logits"]),
            helper.make_node("Sigmoid", ["own_logits"], [TOPIC_PROBABILITIES]),
        ]
        outputs.append((TOPIC_PROBABILITIES, n_outputs - 1))
        constants += [
            numpy_helper.from_array(np.array([0], dtype=np.int64), "begin"),
            numpy_helper.from_array(np.array([n_outputs - 1], dtype=np.int64), "end"),
            numpy_helper.from_array(np.array(own_logit, dtype=np.float32), "own_logit"),
        ]
    described = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
        for name, width in outputs
    ]
    graph = helper.make_graph(nodes, "synthetic", inputs, described, constants)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
    return bytes(model.SerializeToString())


def _golden(
    session: onnxruntime.InferenceSession, encoder: FieldEncoder, title: str | None, text: str
) -> Golden:
    encoded = encoder.encode(text, title)
    inputs = {
        "token_ids": encoded.token_ids[np.newaxis],
        "token_counts": encoded.token_counts[np.newaxis],
    }
    probabilities = (output[0].tolist() for output in session.run(None, inputs))
    return Golden(title, text, encoder.token_ids(text, title), *probabilities)


def _baseline(topics: Sequence[Topic]) -> DriftBaseline:
    """Return the baseline of held-out texts, one of each topic."""
    n_texts = len(topics)
    return DriftBaseline(
        topics={topic.code: 1 for topic in topics},
        abstentions={reason.value: 0 for reason in Abstention},
        **{name: count_bins(name, [0.5] * n_texts) for name in BOUNDS},
    )
