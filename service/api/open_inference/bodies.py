"""The protocol over HTTP: bodies of JSON, perhaps with binary data after it."""

import re
from collections.abc import Iterable
from typing import Any, Final

from fastapi import Response
from pydantic_core import to_json

from service.api.errors import TensorError
from service.api.json_body import parse_body
from service.api.json_complexity import exceeds_json_complexity
from service.api.limits import RequestLimits
from service.api.media_type import JSON
from service.api.open_inference.datatypes import to_binary
from service.api.open_inference.inputs import HEADER_LENGTH, INPUTS
from service.api.open_inference.model import OutputValues, TensorModel
from service.api.open_inference.schemas import InferRequest

BINARY_MEDIA_TYPE: Final = "application/octet-stream"
MAX_OTHER_STRINGS: Final = 500
"""Names, and strings that are not texts; clients may send parameters of their own."""


def infer(body: bytes, header_length: str | None, model: TensorModel) -> Response:
    """Return the response to a body, with its header `HEADER_LENGTH` if it has one.

    RequestError is raised for a request that is not valid, InferenceError if the network fails.
    """
    request, data = parse_infer_request(body, header_length, model.limits)
    return _to_response(model, request.id, model.predict(request, data))


def parse_infer_request(
    body: bytes, header_length: str | None, limits: RequestLimits
) -> tuple[InferRequest, memoryview]:
    """Return the request in the JSON of a body, and the binary data after it.

    RequestError is raised for a body that is not valid.
    """
    json_part = body if header_length is None else _json_part(body, header_length)
    n_texts = len(INPUTS) * limits.max_batch_size
    if exceeds_json_complexity(
        json_part, max_strings=MAX_OTHER_STRINGS + n_texts, max_texts=n_texts
    ):
        raise TensorError(f"Expected at most {limits.max_batch_size} texts in the JSON, got more.")
    return parse_body(InferRequest, json_part), memoryview(body)[len(json_part) :]


def _json_part(body: bytes, header_length: str) -> bytes:
    expected = f"Expected {HEADER_LENGTH} to say how many of the body's {len(body)} bytes are JSON"
    if not re.fullmatch("[0-9]{1,19}", header_length):
        raise TensorError(f"{expected}, got no such number.")
    if int(header_length) > len(body):
        raise TensorError(f"{expected}, got {int(header_length)}.")
    return body[: int(header_length)]


def _to_response(
    model: TensorModel, request_id: str | None, outputs: Iterable[OutputValues]
) -> Response:
    """Write an `InferResponse`: JSON, and after it the data of binary outputs."""
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, datatype, values, is_binary in outputs:
        shape = list(values.shape)
        tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
        tensors.append(tensor)
        if is_binary:
            parts.append(to_binary(values, datatype))
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = values.ravel().tolist()
    own = {"model_name": model.metadata.name, "model_version": model.metadata.versions[0]}
    echo = {} if request_id is None else {"id": request_id}
    json_part = to_json({**own, **echo, "outputs": tensors})
    if not parts:
        return Response(json_part, media_type=JSON)
    headers = {HEADER_LENGTH: str(len(json_part))}
    return Response(b"".join([json_part, *parts]), 200, headers, BINARY_MEDIA_TYPE)
