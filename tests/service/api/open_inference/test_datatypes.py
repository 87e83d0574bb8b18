import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.errors import TensorError
from service.api.open_inference.datatypes import pack_elements, unpack_elements


@given(st.lists(st.binary(max_size=300)))
def test_written_tensors_are_read_back(elements: list[bytes]) -> None:
    assert list(unpack_elements(memoryview(pack_elements(elements)))) == elements


def test_the_form_is_that_of_the_specification() -> None:
    assert pack_elements([b"ab", b"", b"c" * 256]) == (
        b"\x02\0\0\0ab" + b"\0\0\0\0" + b"\0\x01\0\0" + b"c" * 256
    )


@given(st.binary(max_size=40))
def test_any_bytes_are_read_to_their_end_or_refused(data: bytes) -> None:
    try:
        elements = list(unpack_elements(memoryview(data)))
    except TensorError:
        return
    assert pack_elements(elements) == data


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=3), st.data())
def test_truncated_element_is_rejected(elements: list[bytes], data: st.DataObject) -> None:
    whole = pack_elements(elements)
    start = len(whole) - len(elements[-1]) - 4
    cut = data.draw(st.integers(start + 1, len(whole) - 1))
    with pytest.raises(TensorError, match="expected"):
        list(unpack_elements(memoryview(whole[:cut])))


def test_a_length_that_lies_makes_nothing() -> None:
    with pytest.raises(TensorError, match="expected 4294967295 bytes, got 2"):
        list(unpack_elements(memoryview(b"\xff\xff\xff\xffab")))
