"""Messages that would take much memory are found before they are parsed, valid ones never."""

import subprocess
import sys
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.grpc.complexity import SMALL_BYTES, exceeds_complexity
from tests.conftest import ROOT
from tests.service.api.grpc.calling import add_input, infer_request

MAX_FIELDS: Final = 1_012
MILLION: Final = 1_000_000


def field(number: int, content: bytes) -> bytes:
    """Return a field whose content has a length."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


HOSTILE: Final = {
    "inputs": field(5, b"") * MILLION,
    "outputs": field(6, b"") * MILLION,
    "parameters": field(4, b"") * MILLION,
    "raw contents": field(7, b"") * MILLION,
    "unknown fields": field(15, b"") * MILLION,
    "unknown numbers": b"\x78\x01" * MILLION,
    "parameters of an input": field(5, field(4, b"") * MILLION),
    "parameters of an output": field(6, field(2, b"") * MILLION),
    "elements": field(5, field(5, field(8, b"") * MILLION)),
    "shape": field(5, field(3, b"\x01" * MILLION)),
    "shape, not packed": field(5, b"\x18\x01" * MILLION),
    **{
        f"contents {number}": field(5, field(5, field(number, b"\x01" * 8 * MILLION)))
        for number in range(1, 8)
    },
    "groups": b"\x7b" * SMALL_BYTES + b"\x7c" * SMALL_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_structure_without_text_is_found(name: str) -> None:
    assert exceeds_complexity(HOSTILE[name], max_fields=MAX_FIELDS)


@pytest.mark.parametrize("raw", [True, False])
def test_the_largest_valid_message_is_not(*, raw: bool) -> None:
    message = infer_request(["Gold rose. " * 50] * 256, raw=raw, top_k=3, min_confidence=0.5)
    add_input(message, ["Title"] * 256, raw=raw)
    for number in range(400):
        message.parameters[f"other {number}"].string_param = "a" * 100
    data = message.SerializeToString()
    assert len(data) > SMALL_BYTES
    assert not exceeds_complexity(data, max_fields=MAX_FIELDS)


def test_what_is_short_is_harmless() -> None:
    data = field(5, b"") * (SMALL_BYTES // 2)
    assert not exceeds_complexity(data, max_fields=1)
    assert exceeds_complexity(data + field(5, b""), max_fields=1)


@given(st.integers(0, 3 * SMALL_BYTES))
def test_a_valid_message_that_breaks_off_is_not(length: int) -> None:
    message = infer_request(["a" * SMALL_BYTES] * 2, raw=False, top_k=3)
    add_input(message, ["b"] * 2, raw=False)
    assert not exceeds_complexity(message.SerializeToString()[:length], max_fields=MAX_FIELDS)


@given(st.binary(), st.binary(max_size=20))
def test_any_bytes_are_read(begin: bytes, end: bytes) -> None:
    data = begin + end * SMALL_BYTES
    assert exceeds_complexity(data, max_fields=MAX_FIELDS) in {True, False}


@pytest.mark.slow
def test_memory_of_the_worst_message_that_passes() -> None:
    """Each byte of a valid message may become a few bytes, and no more."""
    program = (
        "import resource, sys\n"
        "from service.api.grpc import open_inference_pb2 as pb\n"
        "from service.api.grpc.complexity import MAX_PACKED_BYTES, exceeds_complexity\n"
        "from tests.service.api.grpc.test_complexity import MAX_FIELDS, field\n"
        "numbers = field(3, b'\\x01' * MAX_PACKED_BYTES) * (MAX_FIELDS - 2)\n"
        "data = field(5, numbers) + field(7, b'a' * 6_000_000)\n"
        "assert not exceeds_complexity(data, max_fields=MAX_FIELDS)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "pb.ModelInferRequest.FromString(data)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(shown.stdout) < 20_000  # kilobytes
