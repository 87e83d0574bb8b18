"""Converts the inputs of a request to checked texts.

Parameters that change the meaning of a request are supported or rejected, never ignored. Others are
ignored, since clients of other servers send them.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from service.api.errors import InvalidRequestError, TensorError, TooLargeError
from service.api.limits import RequestLimits
from service.api.open_inference.datatypes import BYTES, unpack_elements
from service.api.open_inference.schemas import InferParameters, InputTensor, TensorParameters
from service.api.schemas import BatchItem

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
"""Header with the bytes of JSON in a body that has binary data after it."""
DATATYPES: Final = re.compile("BOOL|BYTES|BF16|FP(16|32|64)|U?INT(8|16|32|64)")
"""Data types of the protocol. Errors do not repeat other names, which are the client's text."""
PLAUSIBLE: Final = 2**31
"""Errors do not repeat numbers beyond it, which may have thousands of digits."""
TEXT, TITLE = "text", "title"
INPUTS: Final = (TEXT, TITLE)
CONTENT_TYPES: Final = ("str",)
"""MLServer's codec of plain texts; others, such as base64, would have to be decoded."""
REQUEST_CONTENT_TYPES: Final = (*CONTENT_TYPES, "pd")
"""``pd`` means that the inputs are columns of a table, as they are here."""


def read_items(
    inputs: Sequence[InputTensor],
    data: memoryview,
    parameters: InferParameters,
    limits: RequestLimits,
) -> list[BatchItem]:
    """Check inputs and parameters, and return the texts; ``data`` are the inputs' binary data.

    RequestError is raised if they are not valid: TensorError for tensors that break the protocol,
    or that the model does not take.
    """
    _check_inputs(inputs, limits)
    _check_content_type("parameters", parameters.content_type, REQUEST_CONTENT_TYPES)
    if parameters.explain:
        raise TensorError(
            "parameters: expected explain to be false or absent; POST /classify explains a text."
        )
    if parameters.subjects:
        raise TensorError(
            "parameters: expected subjects to be false or absent; POST /classify returns them."
        )
    limits.resolve_options(parameters, n_texts=inputs[0].shape[0])
    for tensor in inputs:
        check_parameters(tensor.name, tensor.parameters)
    columns = _columns(inputs, data)
    blank = [""] * inputs[0].shape[0]
    rows = zip(*(columns.get(name, blank) for name in INPUTS), strict=True)
    return [
        _check_item(text, title, f"[{number}]", limits) for number, (text, title) in enumerate(rows)
    ]


def check_parameters(name: str, parameters: TensorParameters | None) -> None:
    """Raise TensorError for a parameter of a tensor that is not supported."""
    if parameters is None:
        return
    if parameters.shared_memory_region is not None:
        raise TensorError(
            f"{name}: expected no shared memory, which is not served; send the data in the request."
        )
    _check_content_type(name, parameters.content_type, CONTENT_TYPES)


def _check_content_type(name: str, content_type: Any, expected: Sequence[str]) -> None:
    if content_type is not None and content_type not in expected:
        raise TensorError(
            f"{name}: expected content_type {' or '.join(expected)}, or none: "
            "send texts as they are, in UTF-8."
        )


def _check_inputs(tensors: Sequence[InputTensor], limits: RequestLimits) -> None:
    """Check the declared names, types and shapes; nothing of a declared length is allocated."""
    names = [tensor.name for tensor in tensors]
    if not names or not set(names) <= set(INPUTS) or len(names) != len(set(names)):
        raise TensorError("inputs: expected text, title or both, each once, and no other.")
    for tensor in tensors:
        name, datatype = tensor.name, tensor.datatype
        if datatype != BYTES:
            came = datatype if DATATYPES.fullmatch(datatype) else "another"
            raise TensorError(f"{name}: expected datatype {BYTES}, got {came}.")
        n_texts, *others = tensor.shape or [0]
        if n_texts < 1 or others not in ([], [1]):
            plausible = all(abs(length) < PLAUSIBLE for length in tensor.shape)
            came = str(tensor.shape) if plausible else "other numbers"
            raise TensorError(
                f"{name}: expected shape [n] or [n, 1] with n of at least 1, got {came}."
            )
        if n_texts > limits.max_batch_size:
            message = f"Input should have at most {limits.max_batch_size} items"
            raise InvalidRequestError.of(name, message)
    lengths = {tensor.name: tensor.shape[0] for tensor in tensors}
    if len(set(lengths.values())) > 1:
        raise TensorError(
            f"title: expected {lengths[TEXT]} elements, as text has, got {lengths[TITLE]}."
        )


def _columns(tensors: Sequence[InputTensor], data: memoryview) -> dict[str, list[str]]:
    """Return the strings of each tensor by name, from the JSON or the binary data after it."""
    sizes = [each.parameters.binary_data_size if each.parameters else None for each in tensors]
    total = sum(size or 0 for size in sizes)
    if total != len(data):
        expected = total if total < PLAUSIBLE else "more"
        raise TensorError(
            f"Expected {expected} bytes after the JSON, as binary_data_size of the inputs says, "
            f"got {len(data)}; {HEADER_LENGTH} says where the JSON ends."
        )
    columns = {}
    for tensor, size in zip(tensors, sizes, strict=True):
        columns[tensor.name] = _strings(tensor, None if size is None else data[:size])
        data = data[size or 0 :]
    return columns


def _strings(tensor: InputTensor, data: memoryview | None) -> list[str]:
    """Return the strings of a tensor, as many as it declares."""
    name, n_texts = tensor.name, tensor.shape[0]
    if (data is None) == (tensor.data is None):
        raise TensorError(f"{name}: expected either data or the parameter binary_data_size.")
    elements = iter(tensor.data or []) if data is None else unpack_elements(data)
    strings: list[str] = []
    try:
        strings.extend(map(_string, islice(elements, n_texts)))
        has_more = next(elements, None) is not None
    except TensorError as error:
        raise error.at(f"{name}[{len(strings)}]") from None
    if has_more or len(strings) < n_texts:
        came = "more" if has_more else len(strings)
        raise TensorError(f"{name}: expected {n_texts} elements, as its shape says, got {came}.")
    return strings


def _string(element: Any) -> str:
    if isinstance(element, bytes):
        try:
            return element.decode()
        except UnicodeDecodeError as error:
            raise TensorError(
                f"expected UTF-8, got something else at byte {error.start}."
            ) from None
    if isinstance(element, list) and len(element) == 1:
        (element,) = element
    if not isinstance(element, str):
        raise TensorError("expected a string, flat or in a list of its own.")
    return element


def _check_item(text: str, title: str, index: str, limits: RequestLimits) -> BatchItem:
    """Check a text; an error names its place."""
    item = BatchItem.model_construct(text=text or None, title=title or None)
    try:
        limits.check_text(item)
    except InvalidRequestError as error:
        raise error.renamed(lambda field: field + index) from None
    except TooLargeError as error:
        raise error.at((TEXT if text else TITLE) + index) from None
    return item
