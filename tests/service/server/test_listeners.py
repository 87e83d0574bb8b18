import errno
import socket

import pytest

from service.server import listeners
from service.server.listeners import drop_new_connections, has_waiting

SEND_TIMEOUT_SECONDS = 7.5


def listen(host: str, port: int) -> list[socket.socket]:
    return listeners.listen(host, port, send_timeout_seconds=SEND_TIMEOUT_SECONDS)


def test_listens_on_every_address_of_a_name() -> None:
    (first, *others) = listen("127.0.0.1", 0)
    port = first.getsockname()[1]
    assert not others
    with first, socket.create_connection(("127.0.0.1", port)):
        with pytest.raises(OSError, match="Address already in use") as caught:
            listen("127.0.0.1", port)
        assert caught.value.errno == errno.EADDRINUSE
        accepted, _ = first.accept()
        with accepted:
            timeout = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert timeout == SEND_TIMEOUT_SECONDS * 1e3
    with listen("127.0.0.1", port)[0] as again:  # also while old connections end
        assert again.getsockname()[1] == port


def test_listens_on_none_if_one_address_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0)[0] as taken, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        addresses = [free.getsockname(), taken.getsockname()]
        free.close()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
        with pytest.raises(OSError, match="Address already in use"):
            listen("a name", 0)
        with socket.socket() as again:
            again.bind(addresses[0])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_waiting_connections_are_kept_while_new_ones_are_dropped(host: str) -> None:
    (listener,) = listen(host, 0)
    address = listener.getsockname()[:2]
    with socket.create_connection(address) as waiting:
        assert has_waiting([listener])
        drop_new_connections([listener])
        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.2)
        waiting.sendall(b"request")
        accepted, _ = listener.accept()
        assert not has_waiting([listener])
        with accepted:
            assert accepted.recv(10) == b"request"
            listener.close()
            accepted.sendall(b"response")
            assert waiting.recv(10) == b"response"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)
