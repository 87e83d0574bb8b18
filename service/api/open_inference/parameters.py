"""Parameters that change the meaning of a request: supported or rejected, never ignored.

Others that mean nothing here are ignored, for clients of other servers send them.
"""

from collections.abc import Sequence
from typing import Any, Final

from service.api.open_inference.schemas import (
    InferParameters,
    InputTensor,
    RequestedOutput,
    TensorParameters,
)
from service.api.problems import TensorError

CLASSIFIABLE: Final = "probabilities"
"""The output with a value for each class, from which the highest can be chosen."""
STRINGS: Final = "str"
"""MLServer's name for texts as they are; others, such as base64, would have to be decoded."""
DATA_FRAME: Final = "pd"
"""MLServer's name for a request whose inputs are the columns of a table, as they are here."""


def check_input_parameters(parameters: InferParameters, inputs: Sequence[InputTensor]) -> None:
    """Raise TensorError if a parameter asks to read the inputs in a way that is not served."""
    _check_content_type("parameters", parameters.content_type, STRINGS, DATA_FRAME)
    if parameters.explain:
        raise TensorError(
            "parameters: expected explain to be false or absent; POST /classify explains a text."
        )
    for tensor in inputs:
        _check_tensor(tensor.name, tensor.parameters)


def check_output_parameters(outputs: Sequence[RequestedOutput]) -> None:
    """Raise TensorError if a parameter asks for outputs in a way that is not served."""
    for output in outputs:
        _check_tensor(output.name, output.parameters)
        if output.n_classes and output.name != CLASSIFIABLE:
            raise TensorError(
                f"{output.name}: expected the parameter classification of {CLASSIFIABLE} alone."
            )


def _check_tensor(name: str, parameters: TensorParameters | None) -> None:
    if parameters is None:
        return
    if parameters.shared_memory_region is not None:
        raise TensorError(
            f"{name}: expected no shared memory, which is not served; send the data in the request."
        )
    _check_content_type(name, parameters.content_type, STRINGS)


def _check_content_type(name: str, content_type: Any, *expected: str) -> None:
    if content_type is not None and content_type not in expected:
        raise TensorError(
            f"{name}: expected content_type {' or '.join(expected)}, or none: "
            "send texts as they are, in UTF-8."
        )
