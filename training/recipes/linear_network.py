"""The network of the ``linear`` recipe, in Keras and in ONNX, from fitted weights."""

import math
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray
from scipy.sparse import csr_array

from service.model.outputs import PROBABILITIES, TOPIC_PROBABILITIES
from training.recipes.calibration import Calibration
from training.recipes.features import count_ids, tf_igm
from training.recipes.svm import LinearSVMs
from training.recipes.trained_model import OPSET

GRAPH: Final = """
linear (int64[batch_or_1, length] token_ids, float[batch, length] token_counts)
  => (float[batch, n_outputs] probabilities, float[batch, n_topics] topic_probabilities)
  <int64[1] columns = {1}>
{
    scaled = Mul (e, token_counts)
    at_least_one = Max (scaled, one)
    logs = Log (at_least_one)  # 1 + log(count), 0 for 0
    idf_igm = Gather (token_weights, token_ids)
    weighted = Mul (idf_igm, logs)
    normed = LpNormalization <axis = 1, p = 2> (weighted)  # 0 stays 0
    quantized = Gather (kernel, token_ids)  # (n or 1, length, n_outputs)
    rows = Cast <to = 1> (quantized)  # int8 to float32
    as_matrices = Unsqueeze (normed, columns)  # (n, 1, length)
    summed = MatMul (as_matrices, rows)  # (n, 1, n_outputs)
    as_rows = Squeeze (summed, columns)
    margins = Add (as_rows, bias)  # divided by the scales, as the kernel is
    negative = Min (margins, zero)
    inputs = Concat <axis = 1> (margins, negative)
    logits = Gemm (inputs, calibration_kernel, calibration_bias)
    probabilities = Softmax <axis = 1> (logits)
    topic_logits = Gemm (inputs, topic_kernel, topic_bias)
    topic_probabilities = Sigmoid (topic_logits)
}
"""


def build_network(
    svms: LinearSVMs, calibration: Calibration, topic_calibration: Calibration
) -> Any:
    """Return the `keras.Model` of the fitted weights: features (n, n_ids) to both outputs."""
    features = keras.Input((len(svms.kernel),), sparse=True)
    margins = keras.layers.Dense(len(svms.bias))
    logits = keras.layers.Dense(len(calibration.bias), activation="softmax")
    topic_logits = keras.layers.Dense(len(topic_calibration.bias), activation="sigmoid")
    signs = keras.layers.Lambda(lambda values: tf.concat([values, tf.minimum(values, 0)], axis=1))
    inputs = signs(margins(features))
    outputs = {PROBABILITIES: logits(inputs), TOPIC_PROBABILITIES: topic_logits(inputs)}
    network = keras.Model(features, outputs)
    for layer, weights in (
        (margins, svms),
        (logits, calibration),
        (topic_logits, topic_calibration),
    ):
        layer.set_weights([weights.kernel, weights.bias])
    return network


def predict(
    network: Any, token_weights: NDArray[np.float32], token_ids: Sequence[Sequence[int]]
) -> dict[str, NDArray[np.float32]]:
    """Return both outputs of Keras by name, (n_texts, n_outputs) and (n_texts, n_topics)."""
    counts = count_ids(token_ids, len(token_weights))
    outputs = network(to_tensor(tf_igm(counts, token_weights)))
    return {name: probabilities.numpy() for name, probabilities in outputs.items()}


def to_tensor(rows: csr_array) -> Any:
    """Return the `tf.SparseTensor` of a sparse array."""
    coordinates = rows.tocoo()
    indices = np.stack(coordinates.coords, axis=1).astype(np.int64)
    return tf.sparse.reorder(tf.SparseTensor(indices, coordinates.data, rows.shape))


def quantize(kernel: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a kernel to 8 bits: a row is one cache line instead of three.

    Return int8 of the same shape, and the factor that restores each column, float32 of shape
    (n_columns,). Symmetric, as in B. Jacob et al., "Quantization and training of neural
    networks for efficient integer-arithmetic-only inference", CVPR 2018.
    """
    highest = np.abs(kernel).max(axis=0)
    scales = np.where(highest > 0, highest / 127, 1).astype(np.float32)
    return np.rint(kernel / scales).astype(np.int8), scales


def to_onnx(
    svms: LinearSVMs,
    kernel: NDArray[np.int8],
    scales: NDArray[np.float32],
    calibration: Calibration,
    topic_calibration: Calibration,
) -> onnx.ModelProto:
    """Return the network on token ids and counts, with a quantized kernel.

    Bias and calibrations contain the scales. Written in ONNX' text format: a conversion of
    TensorFlow's operations has 5 more nodes, and each node costs about as much as its work.
    """
    weights = {
        "e": math.e,
        "one": 1,
        "zero": 0,
        "token_weights": svms.token_weights,
        "bias": svms.bias / scales,
        "calibration_kernel": calibration.kernel * np.tile(scales, 2)[:, np.newaxis],
        "calibration_bias": calibration.bias,
        "topic_kernel": topic_calibration.kernel * np.tile(scales, 2)[:, np.newaxis],
        "topic_bias": topic_calibration.bias,
    }
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": {OPSET}]> {GRAPH}')
    model.graph.initializer.append(onnx.numpy_helper.from_array(kernel, "kernel"))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.asarray(values, dtype=np.float32), name)
        for name, values in weights.items()
    )
    return model
