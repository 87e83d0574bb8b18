"""Looks into exported networks."""

import numpy as np
import onnx
from numpy.typing import NDArray


def weights_of(network: bytes) -> dict[str, NDArray[np.float32]]:
    """The weights and biases of an ONNX file, by name, which are those of Keras' variables."""
    model = onnx.load_from_string(network)
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    return {
        name: array for name, array in arrays.items() if array.dtype == np.float32 and array.ndim
    }
