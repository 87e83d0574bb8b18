import errno
import socket

import pytest

from service.server.listeners import listen


def test_listens_on_every_address_of_a_name() -> None:
    (first, *others) = listen("127.0.0.1", 0)
    port = first.getsockname()[1]
    assert not others
    with first, socket.create_connection(("127.0.0.1", port)):
        with pytest.raises(OSError, match="Address already in use") as caught:
            listen("127.0.0.1", port)
        assert caught.value.errno == errno.EADDRINUSE
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
