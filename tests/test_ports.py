"""Ports for tests."""

import pytest

from tests.ports import free_port


def test_no_port_is_returned_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = iter([50_000, 50_000, 50_001, 50_000, 50_002])

    class Socket:
        def __enter__(self) -> "Socket":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def bind(self, _: object) -> None:
            pass

        def getsockname(self) -> tuple[str, int]:
            return "127.0.0.1", next(offered)

    monkeypatch.setattr("socket.socket", Socket)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    assert [free_port() for _ in range(3)] == [50_000, 50_001, 50_002]
