"""Minimal bundles: three topics, a few words, a network of two steps.

With ``no_topic`` the network has a fourth output: "oil" is crude, "18" is earn, "rose" is none of
the topics, and "oil rose" is as likely crude as none.
"""

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

CODES: Final = ("crude", "earn", "wheat")
GROUPS: Final = ("Commodities", "Companies", "Commodities")
VOCABULARY: Final = {"oil": 4, "rose": 5, "#2": 6, "title:oil": 7, "lead:rose": 8}
TEXTS: Final = (("Oil", "Prices rose 18."), (None, "Oil rose"))
NO_TOPIC_WEIGHTS: Final = {"oil": (3, 0, 0, 0), "rose": (0, 0, 0, 3), "#2": (0, 2, 0, 0)}
TOPIC_MIN_CONFIDENCE: Final = {"crude": 0.6}
IR_VERSION: Final = 8
OPSET: Final = 17


def save_small_bundle(folder: Path, *, no_topic: bool = False) -> None:
    """Write a bundle."""
    weights = no_topic_weights() if no_topic else random_weights()
    network = small_network(weights)
    tensors = {name: name for name in ("token_ids", "token_counts", "probabilities")}
    n_texts = len(TEXTS)
    baseline = DriftBaseline(
        topics=dict(zip(CODES, (n_texts, 0, 0), strict=True)),
        abstentions={reason.value: 0 for reason in Abstention},
        **{
            name: count_bins(name, [0.5] * n_texts)
            for name in BOUNDS
            if no_topic or name != "no_topic_ratio"
        },
    )
    fields: dict[str, Any] = {"no_topic": True, "topic_min_confidence": TOPIC_MIN_CONFIDENCE}
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="small",
        version=folder.name,
        created="2026-01-01T00:00:00+00:00",
        command="a test",
        recipe={"name": "by hand"},
        data={"source": "none"},
        tokenizer=FieldEncoder.name,
        tensors=tensors,
        scores={"article": {"accuracy": 1.0}},
        libraries={"onnx": onnx.__version__},
        min_known_words_ratio=0.1,
        min_confidence=0.2,
        **(fields if no_topic else {}),
    )
    topics = [
        Topic(number, code, code.title(), group, f"About {code}.", 1)
        for number, (code, group) in enumerate(zip(CODES, GROUPS, strict=True))
    ]
    goldens = [_golden(network, title, text) for title, text in TEXTS]
    bundle = Bundle(manifest, network, VOCABULARY, topics, goldens, baseline)
    save_bundle(bundle, folder, {})


def random_weights() -> NDArray[np.float32]:
    """Return weights of shape (n_ids, n_topics)."""
    n_ids = 1 + max(VOCABULARY.values())
    weights = np.random.default_rng(0).normal(size=(n_ids, len(CODES))).astype(np.float32)
    weights[0] = 0
    return weights


def no_topic_weights() -> NDArray[np.float32]:
    """Return weights of shape (n_ids, n_topics + 1): `NO_TOPIC_WEIGHTS`, and 0 elsewhere."""
    weights = np.zeros((1 + max(VOCABULARY.values()), len(CODES) + 1), dtype=np.float32)
    for word, row in NO_TOPIC_WEIGHTS.items():
        weights[VOCABULARY[word]] = row
    return weights


def small_network(weights: NDArray[np.float32]) -> bytes:
    """Return a network of weights of shape (n_ids, n_outputs), as the real ones are.

    It gathers the weights of the words, adds them up and takes the softmax.
    """
    nodes = [
        helper.make_node("Gather", ["weights", "token_ids"], ["rows"]),
        helper.make_node("Unsqueeze", ["token_counts", "axis"], ["counts"]),
        helper.make_node("MatMul", ["counts", "rows"], ["sums"]),
        helper.make_node("Squeeze", ["sums", "axis"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    inputs = [
        helper.make_tensor_value_info("token_ids", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("token_counts", TensorProto.FLOAT, ["batch", "length"]),
    ]
    output = helper.make_tensor_value_info(
        "probabilities", TensorProto.FLOAT, ["batch", weights.shape[1]]
    )
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
    ]
    graph = helper.make_graph(nodes, "small", inputs, [output], constants)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[opset])
    return bytes(model.SerializeToString())


def _golden(network: bytes, title: str | None, text: str) -> Golden:
    encoder = FieldEncoder(VOCABULARY)
    encoded = encoder.encode(text, title)
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    inputs = {
        "token_ids": encoded.token_ids[np.newaxis],
        "token_counts": encoded.token_counts[np.newaxis],
    }
    ((probabilities,),) = session.run(None, inputs)
    return Golden(title, text, encoder.token_ids(text, title), probabilities.tolist())
