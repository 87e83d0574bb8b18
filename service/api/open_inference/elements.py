"""The elements of a BYTES tensor in binary: each its length in four bytes, then itself."""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

from service.api.problems import TensorError

_LENGTH: Final = Struct("<I")


def pack_elements(elements: Iterable[bytes]) -> bytes:
    """Write elements one after the other."""
    return b"".join(part for item in elements for part in (_LENGTH.pack(len(item)), item))


def unpack_elements(data: memoryview, name: str) -> Iterator[bytes]:
    """Read what `pack_elements` writes; never more than is there, whatever the lengths say.

    Parameters
    ----------
    data : memoryview
    name : str
        Of the tensor; begins the error message.

    Raises
    ------
    TensorError
        If the data end within an element.
    """
    offset, number = 0, 0
    while offset < len(data):
        where = f"{name}[{number}]"
        if len(data) - offset < _LENGTH.size:
            left = len(data) - offset
            raise TensorError(
                f"{where}: expected the element's length in {_LENGTH.size} bytes, got {left}."
            )
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        if len(data) - offset < length:
            left = len(data) - offset
            raise TensorError(f"{where}: expected {length} bytes, got {left}.")
        yield bytes(data[offset : offset + length])
        offset += length
        number += 1
