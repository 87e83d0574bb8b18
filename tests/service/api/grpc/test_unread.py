"""Connections of this process are found by the names that gRPC has for their peers."""

import os
import socket
from ipaddress import ip_address

import pytest

from service.api.grpc.unread import DESCRIPTORS, close_connections, parse_peer


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:127.0.0.1:50000", "127.0.0.1"),
        ("ipv6:%5B::1%5D:50000", "::1"),
        ("ipv6:[::ffff:127.0.0.1]:50000", "127.0.0.1"),
    ],
)
def test_peers(peer: str, address: str) -> None:
    assert parse_peer(peer) == (ip_address(address), 50_000)


def test_another_kind_of_peer() -> None:
    assert parse_peer("unix:/tmp/socket") is None
    close_connections(["unix:"])


@pytest.mark.parametrize(
    ("host", "name"), [("127.0.0.1", "ipv4:127.0.0.1:{}"), ("::1", "ipv6:%5B::1%5D:{}")]
)
def test_only_the_connection_of_the_peer_is_closed(host: str, name: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        address = server.getsockname()[:2]
        with (
            socket.create_connection(address, timeout=5) as first,
            socket.create_connection(address, timeout=5) as second,
        ):
            accepted = [server.accept()[0] for _ in range(2)]
            close_connections([name.format(first.getsockname()[1])])
            assert first.recv(1) == b""
            accepted[1].sendall(b"a")
            assert second.recv(1) == b"a"
            for connection in accepted:
                connection.close()


def test_descriptors_that_are_no_sockets_stay_single() -> None:
    ends = os.pipe()
    before = len([*DESCRIPTORS.iterdir()])
    close_connections(["ipv4:127.0.0.1:1"])
    assert len([*DESCRIPTORS.iterdir()]) == before
    for end in ends:
        os.close(end)
