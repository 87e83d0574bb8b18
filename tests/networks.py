"""Reads and edits exported networks."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from service.model import Bundle, load_bundle, save_bundle
from tests.conftest import RELEASED


def weights_of(network: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the weights and biases of an ONNX file by the names of Keras' variables."""
    model = onnx.load_from_string(network)
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    return {
        name: array for name, array in arrays.items() if array.dtype == np.float32 and array.ndim
    }


def edited(network: bytes, edit: Callable[[onnx.GraphProto], None]) -> bytes:
    """Return the network with its graph edited."""
    model = onnx.load_from_string(network)
    edit(model.graph)
    return bytes(model.SerializeToString())


def of_fewer_topics(bundle: Bundle, n_topics: int) -> Bundle:
    """Return the bundle without its last topics: a softmax of fewer classes is the same, scaled."""
    before = len(bundle.topics)

    def cut(graph: onnx.GraphProto) -> None:
        for item in graph.initializer:
            if item.dims and item.dims[-1] == before:
                array = onnx.numpy_helper.to_array(item)[..., :n_topics]
                item.CopyFrom(onnx.numpy_helper.from_array(array, item.name))
        graph.output[0].type.tensor_type.shape.dim[1].dim_value = n_topics

    kept = [np.array(golden.probabilities[:n_topics]) for golden in bundle.goldens]
    return replace(
        bundle,
        network=edited(bundle.network, cut),
        topics=bundle.topics[:n_topics],
        goldens=[
            replace(golden, probabilities=(scores / scores.sum()).tolist())
            for golden, scores in zip(bundle.goldens, kept, strict=True)
        ],
    )


def save_two_topics(folder: Path) -> Path:
    """Save version 1 of the released model, cut to its first 2 topics; return the folder."""
    bundle = of_fewer_topics(load_bundle(RELEASED / "1"), 2)
    manifest = replace(bundle.manifest, name="pair", version=folder.name)
    save_bundle(replace(bundle, manifest=manifest, drift_baseline=None), folder, {})
    return folder
