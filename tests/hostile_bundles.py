"""Bundles as a hostile author would make them: every hash is right, and something else is not."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.model.bundle_files import manifest_hash_line
from tests.networks import edited

Damage = Callable[[Path], object]


def write_manifest(bundle: Path, content: bytes) -> None:
    """Write a manifest and its hash."""
    (bundle / "manifest.json").write_bytes(content)
    (bundle / "manifest.sha256").write_bytes(manifest_hash_line(content))


def edit_manifest(bundle: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest, and its hash with it."""
    manifest = json.loads((bundle / "manifest.json").read_text())
    edit(manifest)
    write_manifest(bundle, json.dumps(manifest).encode())


def rewrite(bundle: Path, name: str, value: object) -> None:
    """Change a file, and its hash with it."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    (bundle / name).write_bytes(content)
    declare(bundle, name, hashlib.sha256(content).hexdigest())


def declare(bundle: Path, name: str, digest: str = "0" * 64) -> None:
    """Have the manifest name a file."""
    edit_manifest(bundle, lambda manifest: manifest["files"].update({name: digest}))


def renumber(bundle: Path) -> None:
    """Have the manifest name the version that the folder has."""
    edit_manifest(bundle, lambda manifest: manifest.update(version=bundle.name))


def edit_network(bundle: Path, edit: Callable[[onnx.GraphProto], None]) -> None:
    """Change the network, and its hash with it."""
    rewrite(bundle, "model.onnx", edited((bundle / "model.onnx").read_bytes(), edit))


def edit_topics(bundle: Path, **changes: object) -> None:
    """Change the first topic."""
    first, *others = json.loads((bundle / "topics.json").read_text())
    rewrite(bundle, "topics.json", [first | changes, *others])


def edit_vocabulary(bundle: Path, **words: object) -> None:
    """Add words to the vocabulary."""
    rewrite(bundle, "vocabulary.json", json.loads((bundle / "vocabulary.json").read_text()) | words)


def before_the_end(graph: onnx.GraphProto, *nodes: onnx.NodeProto) -> None:
    """Put nodes before the output: they take ``answer``, and give ``probabilities``."""
    graph.node[-1].output[0] = "answer"
    graph.node.extend(nodes)


def constant(graph: onnx.GraphProto, name: str, *values: int) -> str:
    """Add whole numbers; one of them is a list of one."""
    graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    return name


def weights_that_are_no_numbers(graph: onnx.GraphProto) -> None:
    floats = [item for item in graph.initializer if item.data_type == TensorProto.FLOAT]
    weights = max(floats, key=lambda item: len(item.raw_data))
    array = numpy_helper.to_array(weights).copy()
    array[:] = np.nan
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))


def a_gigantic_tensor(graph: onnx.GraphProto) -> None:
    """It is made when the network runs: 40 GB of zeros, of which the sum is added."""
    constant(graph, "gigantic", 100_000, 100_000)
    before_the_end(
        graph,
        helper.make_node("ConstantOfShape", ["gigantic"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["answer", "nothing"], ["probabilities"]),
    )


def a_tensor_that_declares_more_than_it_has(graph: onnx.GraphProto) -> None:
    weights = max(graph.initializer, key=lambda item: len(item.raw_data))
    weights.dims[0] = 2**40


def a_loop_without_end(graph: onnx.GraphProto) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_still"]),
            helper.make_node("Identity", ["carried"], ["carried_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on_still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried_on", TensorProto.FLOAT, None),
        ],
    )
    graph.initializer.append(numpy_helper.from_array(np.array(1, dtype=bool), "always"))
    before_the_end(
        graph, helper.make_node("Loop", ["", "always", "answer"], ["probabilities"], body=body)
    )


def an_unknown_operator(graph: onnx.GraphProto) -> None:
    before_the_end(
        graph, helper.make_node("Backdoor", ["answer"], ["probabilities"], domain="com.example")
    )


def another_shape(graph: onnx.GraphProto) -> None:
    before_the_end(
        graph,
        helper.make_node("Unsqueeze", ["answer", constant(graph, "axis", 0)], ["probabilities"]),
    )


def other_predictions_in_a_batch(graph: onnx.GraphProto) -> None:
    """The mean of all texts that come together is what each gets."""
    before_the_end(
        graph,
        helper.make_node(
            "ReduceMean", ["answer", constant(graph, "axis", 0)], ["mean"], keepdims=1
        ),
        helper.make_node("Shape", ["answer"], ["shape"]),
        helper.make_node("Expand", ["mean", "shape"], ["probabilities"]),
    )


def weights_elsewhere(location: str) -> Callable[[onnx.GraphProto], None]:
    def edit(graph: onnx.GraphProto) -> None:
        weights = max(graph.initializer, key=lambda item: len(item.raw_data))
        weights.data_location = TensorProto.EXTERNAL
        n_bytes = len(weights.raw_data)
        weights.ClearField("raw_data")
        for key, value in (("location", location), ("offset", "0"), ("length", str(n_bytes))):
            weights.external_data.add(key=key, value=value)

    return edit


NETWORKS: Final[dict[str, tuple[Callable[[onnx.GraphProto], None], str]]] = {
    "weights that are no numbers": (weights_that_are_no_numbers, "probabilities"),
    "a tensor that declares more than it has": (
        a_tensor_that_declares_more_than_it_has,
        "onnxruntime rejects it",
    ),
    "an unknown operator": (an_unknown_operator, "onnxruntime rejects it"),
    "another shape": (another_shape, "expected 46 topics for a text"),
    "other predictions in a batch": (other_predictions_in_a_batch, "for texts together as alone"),
    "weights in the working folder": (weights_elsewhere("README.md"), "onnxruntime rejects it"),
    "weights above": (weights_elsewhere("../vocabulary.json"), "onnxruntime rejects it"),
    "weights anywhere": (weights_elsewhere("/etc/passwd"), "onnxruntime rejects it"),
    "weights in memory": (weights_elsewhere("*/_ORT_MEM_ADDR_/*"), "onnxruntime rejects it"),
}
"""Networks that fail wherever they are loaded, with the message."""

DEVOURING: Final[dict[str, tuple[Callable[[onnx.GraphProto], None], str]]] = {
    "a gigantic tensor": (a_gigantic_tensor, "it fails there"),
    "a loop without end": (a_loop_without_end, "within 5 s of CPU time"),
}
"""Networks that only the limits of the validator process stop."""
