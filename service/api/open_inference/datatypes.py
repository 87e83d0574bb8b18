"""The data types of tensors, and their binary format."""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.api.errors import TensorError

BYTES: Final = "BYTES"
FP32: Final = "FP32"
BOOL: Final = "BOOL"
DTYPES: Final = {FP32: np.dtype("<f4"), BOOL: np.dtype(np.bool_), BYTES: np.dtype(np.str_)}

_LENGTH: Final = Struct("<I")


def to_binary(values: NDArray[Any], datatype: str) -> bytes:
    """Return the elements of a tensor in the binary format of the protocol."""
    if datatype == BYTES:
        return pack_elements(str(element).encode() for element in values.flat)
    return values.tobytes()


def pack_elements(elements: Iterable[bytes]) -> bytes:
    """Serialise elements of BYTES: each is its length in 4 bytes, then its content."""
    return b"".join(part for item in elements for part in (_LENGTH.pack(len(item)), item))


def unpack_elements(data: memoryview) -> Iterator[bytes]:
    """Yield the elements that `pack_elements` wrote; wrong lengths read nothing beyond the data.

    TensorError is raised if the data end within an element.
    """
    while data:
        if len(data) < _LENGTH.size:
            raise TensorError(
                f"expected the element's length in {_LENGTH.size} bytes, got {len(data)}."
            )
        (length,) = _LENGTH.unpack_from(data)
        data = data[_LENGTH.size :]
        if len(data) < length:
            raise TensorError(f"expected {length} bytes, got {len(data)}.")
        yield bytes(data[:length])
        data = data[length:]
