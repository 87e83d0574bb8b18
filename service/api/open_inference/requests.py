"""From the body of a request to checked texts: JSON, then perhaps binary data after it."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from service.api.json_complexity import exceeds_json_complexity
from service.api.open_inference.elements import unpack_elements
from service.api.open_inference.parameters import check_input_parameters
from service.api.open_inference.schemas import (
    InferParameters,
    InferRequest,
    InputTensor,
    RequestedOutput,
)
from service.api.parsing import RequestLimits, check_options, check_text, parse_body
from service.api.problems import InvalidRequestError, TensorError, TooLargeError
from service.api.schemas import BatchItem, FieldProblem

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
"""The header that says how many bytes of a body are JSON, where binary data follow it."""
BYTES: Final = "BYTES"
DATATYPES: Final = {
    *("BOOL", "BYTES", "FP16", "BF16", "FP32", "FP64"),
    *("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"),
}
"""What the protocol knows; another name is the client's own text, which is not repeated."""
PLAUSIBLE: Final = 2**31
"""Numbers beyond are not repeated; they may have thousands of digits."""
TEXT, TITLE = "text", "title"
INPUTS: Final = (TEXT, TITLE)
MAX_OTHER_STRINGS: Final = 500
"""Names, and what is no text: parameters may be anybody's own."""


class TextRequest(NamedTuple):
    """A request, read from its tensors."""

    id: str | None
    parameters: InferParameters
    items: list[BatchItem]
    outputs: list[RequestedOutput]
    """Which are wanted; all, if there is none."""


def parse_text_request(
    body: bytes, header_length: str | None, limits: RequestLimits
) -> TextRequest:
    """Parse and check a body.

    Parameters
    ----------
    body : bytes
    header_length : str or None
        The header of that name, if there is one.
    limits : RequestLimits

    Raises
    ------
    MalformedBodyError
        If the body is not JSON.
    TensorError
        If it is not what the protocol says, or not the tensors that the model takes.
    InvalidRequestError, TooLargeError
        If it is more than the limits allow, or a text and its title are blank.
    """
    head = body if header_length is None else _head(body, header_length)
    n_texts = len(INPUTS) * limits.max_batch_size
    if exceeds_json_complexity(head, max_strings=MAX_OTHER_STRINGS + n_texts, max_texts=n_texts):
        raise TensorError(f"Expected at most {limits.max_batch_size} texts in the JSON, got more.")
    request = parse_body(InferRequest, head)
    parameters = request.parameters or InferParameters()
    check_options(parameters, limits)
    _check_inputs(request.inputs, limits)
    check_input_parameters(parameters, request.inputs)
    binary = _split(request.inputs, memoryview(body)[len(head) :])
    columns = {
        tensor.name: _elements(tensor, data)
        for tensor, data in zip(request.inputs, binary, strict=True)
    }
    blank = [""] * request.inputs[0].shape[0]
    texts, titles = (columns.get(name, blank) for name in INPUTS)
    items = [
        BatchItem.model_construct(text=text or None, title=title or None)
        for text, title in zip(texts, titles, strict=True)
    ]
    for number, item in enumerate(items):
        _check_item(item, number, limits)
    return TextRequest(request.id, parameters, items, request.outputs or [])


def _head(body: bytes, header_length: str) -> bytes:
    """Give the JSON of a body that has more."""
    expected = f"Expected {HEADER_LENGTH} to say how many of the body's {len(body)} bytes are JSON"
    if not re.fullmatch("[0-9]{1,19}", header_length):
        raise TensorError(f"{expected}, got no such number.")
    if int(header_length) > len(body):
        raise TensorError(f"{expected}, got {int(header_length)}.")
    return body[: int(header_length)]


def _check_inputs(tensors: Sequence[InputTensor], limits: RequestLimits) -> None:
    """Check what the tensors are said to be."""
    names = [tensor.name for tensor in tensors]
    if not names or not set(names) <= set(INPUTS) or len(names) != len(set(names)):
        raise TensorError("inputs: expected text, title or both, each once, and no other.")
    n_texts = {tensor.name: _count(tensor, limits) for tensor in tensors}
    if len(set(n_texts.values())) > 1:
        raise TensorError(
            f"title: expected {n_texts[TEXT]} elements, as text has, got {n_texts[TITLE]}."
        )


def _count(tensor: InputTensor, limits: RequestLimits) -> int:
    """Give how many texts a tensor declares; nothing is made of that length."""
    if tensor.datatype != BYTES:
        came = tensor.datatype if tensor.datatype in DATATYPES else "another"
        raise TensorError(f"{tensor.name}: expected datatype {BYTES}, got {came}.")
    shape = tensor.shape
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)) or shape[0] < 1:
        raise TensorError(
            f"{tensor.name}: expected shape [n] or [n, 1] with n of at least 1, got {_show(shape)}."
        )
    if shape[0] > limits.max_batch_size:
        message = f"Input should have at most {limits.max_batch_size} items"
        raise InvalidRequestError([FieldProblem(field=tensor.name, message=message)])
    return shape[0]


def _show(shape: list[int]) -> str:
    """Write a shape, if it is a plausible one."""
    plausible = all(abs(length) < PLAUSIBLE for length in shape)
    return str(shape) if plausible else "other numbers"


def _split(tensors: Sequence[InputTensor], data: memoryview) -> list[memoryview | None]:
    """Give each tensor its part of the binary data, or None if it has none."""
    sizes = [tensor.binary_data_size for tensor in tensors]
    total = sum(size or 0 for size in sizes)
    if total != len(data):
        expected = total if total < PLAUSIBLE else "more"
        raise TensorError(
            f"Expected {expected} bytes after the JSON, as binary_data_size of the inputs says, "
            f"got {len(data)}; {HEADER_LENGTH} says where the JSON ends."
        )
    parts: list[memoryview | None] = []
    for size in sizes:
        parts.append(None if size is None else data[:size])
        data = data[size or 0 :]
    return parts


def _elements(tensor: InputTensor, data: memoryview | None) -> list[str]:
    """Give the strings of a tensor, as many as it declares."""
    if (data is None) == (tensor.data is None):
        raise TensorError(f"{tensor.name}: expected either data or the parameter binary_data_size.")
    n_texts = tensor.shape[0]
    elements: list[Any] = (
        tensor.data or [] if data is None else _from_binary(tensor.name, data, most=n_texts + 1)
    )
    if len(elements) != n_texts:
        came = len(elements) if len(elements) < n_texts else "more"
        raise TensorError(
            f"{tensor.name}: expected {n_texts} elements, as its shape says, got {came}."
        )
    return [_string(element, number, tensor.name) for number, element in enumerate(elements)]


def _string(element: Any, number: int, name: str) -> str:
    """Take an element as it is, or in a list of its own."""
    if isinstance(element, list) and len(element) == 1:
        (element,) = element
    if not isinstance(element, str):
        raise TensorError(f"{name}[{number}]: expected a string, flat or in a list of its own.")
    return element


def _from_binary(name: str, data: memoryview, *, most: int) -> list[str]:
    """Read elements, and not all of them if they are too many."""
    elements = []
    for number, element in enumerate(islice(unpack_elements(data, name), most)):
        try:
            elements.append(element.decode())
        except UnicodeDecodeError as error:
            raise TensorError(
                f"{name}[{number}]: expected UTF-8, got something else at byte {error.start}."
            ) from None
    return elements


def _check_item(item: BatchItem, number: int, limits: RequestLimits) -> None:
    """Check a text; what is wrong is said of its place."""
    try:
        check_text(item, limits)
    except InvalidRequestError as error:
        problems = [
            FieldProblem(field=f"{problem.field}[{number}]", message=problem.message)
            for problem in error.problems
        ]
        raise InvalidRequestError(problems) from None
    except TooLargeError as error:
        name = TEXT if item.text else TITLE
        raise TooLargeError(f"{name}[{number}]: {error}") from None
