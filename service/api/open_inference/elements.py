"""The elements of a BYTES tensor in binary: each its length in four bytes, then itself."""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

from service.api.errors import TensorError

_LENGTH: Final = Struct("<I")


def pack_elements(elements: Iterable[bytes]) -> bytes:
    """Write elements one after the other."""
    return b"".join(part for item in elements for part in (_LENGTH.pack(len(item)), item))


def unpack_elements(data: memoryview) -> Iterator[bytes]:
    """Read what `pack_elements` writes; never more than is there, whatever the lengths say.

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
