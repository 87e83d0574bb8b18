import httptools
import pytest

from service.server import headers as module
from service.server.headers import UnfinishedHeaders, find_header, normalize_target

HOST = (b"host", b"a")


class Waiting:
    """Records whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close_idle(self) -> None:
        self.is_closed = True


def test_too_many_header_bytes_close_the_oldest_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_UNFINISHED_BYTES", 100)
    unfinished = UnfinishedHeaders()
    first, second, third = connections = [Waiting() for _ in range(3)]
    for connection in connections:
        unfinished.count(connection, 30)
    unfinished.count(third, 40)
    assert unfinished.total == 100
    unfinished.count(second, 60)
    assert [connection.is_closed for connection in connections] == [True, False, False]
    assert unfinished.total == 100
    unfinished.forget(second)
    unfinished.forget(first)
    unfinished.forget(third)
    assert unfinished.total == 0


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"http://a", b"http://a/"),
        (b"http://a:80?b=c?d", b"http://a:80/?b=c?d"),
        (b"http://a/b?c", b"http://a/b?c"),
    ],
)
def test_target_without_path_gets_one(target: bytes, expected: bytes) -> None:
    assert normalize_target(target) == expected


def test_invalid_target() -> None:
    with pytest.raises(httptools.HttpParserInvalidURLError):
        normalize_target(b"a b")


def test_find_header_returns_the_first() -> None:
    assert find_header([HOST, (b"a", b"1"), (b"a", b"2")], b"a") == b"1"
    assert find_header([HOST], b"a") == b""
