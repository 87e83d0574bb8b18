"""Rejects a message that is more structure than text, before protobuf parses it.

Protobuf makes an object of each field of two bytes: a message of megabytes that has nothing else
takes hundreds of megabytes. A valid message is nearly all text.
"""

from collections.abc import Mapping
from typing import Any, Final

SMALL_BYTES: Final = 8_192
"""Messages up to this are harmless, whatever they hold."""
MAX_PACKED_BYTES: Final = 128
"""Of a list of numbers, such as a shape; each of its bytes may become a number of eight."""
_VARINT, _LENGTH_DELIMITED = 0, 2  # of all fields of a valid message, where it is looked at
_MAX_VARINT_BYTES: Final = 10
_MORE: Final = 0x80

# by field number: the messages in a message, or None for packed numbers
_CONTENTS: Final[Mapping[int, Any]] = dict.fromkeys(range(1, 8))
_INPUT: Final[Mapping[int, Any]] = {3: None, 5: _CONTENTS}
_OUTPUT: Final[Mapping[int, Any]] = {}
_INFER_REQUEST: Final[Mapping[int, Any]] = {5: _INPUT, 6: _OUTPUT}


def exceeds_complexity(message: bytes, *, max_fields: int) -> bool:
    """Whether a ``ModelInferRequest``, valid or not, has more fields than a valid one can have.

    A message that breaks off is counted up to there: protobuf reads no further either.
    """
    if len(message) <= SMALL_BYTES:
        return False
    try:
        return _fields_left(memoryview(message), _INFER_REQUEST, max_fields) < 0
    except IndexError:
        return False


def _fields_left(data: memoryview, nested: Mapping[int, Any], left: int) -> int:
    """Return how many fields are left, of ``left``, after those of a message.

    -1 if it has more, or more numbers than a valid message; IndexError if it breaks off.
    """
    at = 0
    while at < len(data):
        left -= 1
        if left < 0:
            return -1
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            _, at = _varint(data, at)
        elif wire_type == _LENGTH_DELIMITED:
            length, at = _varint(data, at)
            if number in nested:
                fields = nested[number]
                if fields is not None:
                    left = _fields_left(data[at : at + length], fields, left)
                elif length > MAX_PACKED_BYTES:
                    return -1
            at += length
        else:
            return -1
    return left


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return a number and the place after it; IndexError if it does not end."""
    value = 0
    for position in range(_MAX_VARINT_BYTES):
        byte = data[at + position]
        value |= (byte & (_MORE - 1)) << 7 * position
        if byte < _MORE:
            return value, at + position + 1
    raise IndexError
