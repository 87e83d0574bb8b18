import httptools
import pytest

from service.server import headers as heads
from service.server.headers import MAX_FIELDS, UnfinishedHeads, check_head, find_header, with_path

HOST = (b"host", b"a")


class Waiting:
    """A connection that remembers that it was cut."""

    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


def test_the_oldest_heads_are_cut_when_all_together_are_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heads, "MAX_UNFINISHED_BYTES", 100)
    unfinished = UnfinishedHeads()
    first, second, third = connections = [Waiting() for _ in range(3)]
    for connection in connections:
        unfinished.count(connection, 30)
    unfinished.count(third, 40)
    assert unfinished.total == 100
    unfinished.count(second, 60)
    assert [connection.is_cut for connection in connections] == [True, False, False]
    assert unfinished.total == 100
    unfinished.forget(second)
    unfinished.forget(first)
    unfinished.forget(third)
    assert unfinished.total == 0


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ([], "1.1"),
        ([HOST, HOST], "1.1"),
        ([HOST, HOST], "1.0"),
        ([HOST] + [(b"a", b"")] * MAX_FIELDS, "1.1"),
    ],
)
def test_heads_that_are_refused(headers: list[tuple[bytes, bytes]], version: str) -> None:
    with pytest.raises(ValueError, match=r"expected (one Host|at most 100)"):
        check_head(headers, lambda: version)


def test_heads_that_are_not() -> None:
    check_head([HOST] + [(b"a", b"")] * (MAX_FIELDS - 1), lambda: "1.1")
    check_head([], lambda: "1.0")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"http://a", b"http://a/"),
        (b"http://a:80?b=c?d", b"http://a:80/?b=c?d"),
        (b"http://a/b?c", b"http://a/b?c"),
    ],
)
def test_a_target_gets_a_path(target: bytes, expected: bytes) -> None:
    assert with_path(target) == expected


def test_a_target_that_is_none() -> None:
    with pytest.raises(httptools.HttpParserInvalidURLError):
        with_path(b"a b")


def test_the_first_header_of_a_name_is_found() -> None:
    assert find_header([HOST, (b"a", b"1"), (b"a", b"2")], b"a") == b"1"
    assert find_header([HOST], b"a") == b""
