"""The lines of a file, or of a range of its bytes, a block in memory at a time."""

from collections.abc import Iterator
from typing import Final

from deploy.batch.locations import Place

BLOCK_BYTES: Final = 2**20
GZIP: Final = ".gz"


def read_lines(place: Place, start: int, stop: int) -> Iterator[bytes]:
    """Give the lines whose first byte is in a range, without their ends; blank ones are no lines.

    So each line of a file is in one range exactly, wherever the ranges meet.

    Parameters
    ----------
    place : Place
        A file, compressed if its name ends with ``.gz``; then the range must begin at 0.
    start, stop : int
        In bytes.
    """
    position = max(start - 1, 0)  # of the first byte of the tail
    is_first_of_range = start == 0  # else the byte before says whether a line begins at the start
    tail = b""
    with (
        place.files.open_input_stream(place.path, compression="gzip")
        if place.path.endswith(GZIP)
        else place.files.open_input_file(place.path)
    ) as stream:
        if position:
            stream.seek(position)
        while position < stop and (block := stream.read(BLOCK_BYTES)):
            *whole, tail = (tail + block).split(b"\n")
            for line in whole:
                if position >= stop:
                    return
                position += len(line) + 1
                if is_first_of_range and not line.isspace() and line:
                    yield line
                is_first_of_range = True
    if is_first_of_range and position < stop and tail and not tail.isspace():
        yield tail
