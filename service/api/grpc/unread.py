"""Closes connections whose client does not read a response.

HTTP/2 has flow control: a response waits for as long as the client's window is closed. gRPC cannot
cancel such a call, so a few connections could occupy all calls for ever.
"""

import os
import socket
from asyncio import current_task, get_running_loop
from collections.abc import Collection
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from grpc.aio import ServicerContext

DESCRIPTORS: Final = Path("/proc/self/fd")
"""File descriptors of this process. Linux only: elsewhere no connection is closed."""
INTERVAL_SECONDS: Final = 0.1
INTERNET: Final = (socket.AF_INET, socket.AF_INET6)

Peer = tuple[IPv4Address | IPv6Address, int]
"""Address and port."""


class UnreadResponses:
    """Closes the connections of calls whose response is not read within some seconds."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._peers: set[str] = set()

    def watch(self, context: ServicerContext) -> None:
        """Watch the current task, which sends the response of a call, until it ends."""
        if task := current_task():
            timer = get_running_loop().call_later(self._timeout_seconds, self._expire, context)
            task.add_done_callback(lambda _: timer.cancel())

    def _expire(self, context: ServicerContext) -> None:
        if not self._peers:  # one search for all calls of all connections
            get_running_loop().call_later(INTERVAL_SECONDS, self._close)
        self._peers.add(context.peer())

    def _close(self) -> None:
        peers, self._peers = self._peers, set()
        close_connections(peers)


def close_connections(peers: Collection[str]) -> None:
    """Close the connections of peers, as gRPC names them: ``ipv4:127.0.0.1:50000``.

    The sockets are gRPC's own: it notices that a connection has ended, and ends its calls.
    """
    unread = set(map(parse_peer, peers))
    with suppress(OSError):
        for path in DESCRIPTORS.iterdir():
            with suppress(OSError), _open_socket(int(path.name)) as connection:
                if connection.family in INTERNET:
                    host, port, *_ = connection.getpeername()
                    if _to_peer(host, port) in unread:
                        connection.shutdown(socket.SHUT_RDWR)


def _open_socket(descriptor: int) -> socket.socket:
    """Return a duplicate of a socket, or raise OSError if the descriptor is not a socket."""
    duplicate = os.dup(descriptor)
    try:
        return socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        raise


def parse_peer(peer: str) -> Peer | None:
    """Parse the name that gRPC gives a peer; return None if it has no internet address."""
    kind, _, address = unquote(peer).partition(":")
    host, _, port = address.rpartition(":")
    return _to_peer(host.strip("[]"), int(port)) if kind in ("ipv4", "ipv6") else None


def _to_peer(host: str, port: int) -> Peer:
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address, port
