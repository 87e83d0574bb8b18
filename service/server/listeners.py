"""The listening sockets of the service."""

import socket
from collections.abc import Iterable
from typing import Final

BACKLOG: Final = 2_048


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host name, or raise OSError and listen on none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # IPv4 has its own socket
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def set_send_timeout(listeners: Iterable[socket.socket], seconds: float) -> None:
    """Have the kernel end connections whose client reads nothing of a response for so long.

    Connections inherit it from the listening socket. Linux only.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = max(1, round(seconds * 1e3))  # 0 would be no limit
        for listener in listeners:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
