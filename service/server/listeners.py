"""The listening sockets of the service."""

import select
import socket
import struct
from array import array
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

BACKLOG: Final = 2_048
_SO_ATTACH_FILTER: Final = 26
_DROP_SYN: Final = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the flags of the TCP header
        (0x45, 0, 1, 0x02),  # without SYN, skip the next instruction
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFF_FFFF),  # accept
    )
)
"""Classic BPF (Documentation/networking/filter.rst of Linux)."""


def listen(host: str, port: int, *, send_timeout_seconds: float) -> list[socket.socket]:
    """Listen on every address of a host name, or raise OSError and listen on none.

    On Linux, the kernel ends connections whose client reads nothing of a response for
    ``send_timeout_seconds``.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listeners: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:  # IPv4 has its own socket
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # its connections inherit it
                milliseconds = max(1, round(send_timeout_seconds * 1e3))  # 0 would be no limit
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
            listener.bind(address)
            listener.listen(BACKLOG)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def drop_new_connections(listeners: Iterable[socket.socket]) -> None:
    """Have the kernel drop SYN segments, before the sockets are closed. Linux only.

    Closing a listening socket resets the connections that wait to be accepted, and their requests
    are lost. Without new ones, the waiting connections can be accepted first. A client sends its
    SYN again after a second, and learns then that the port is closed.
    """
    instructions = array("B", _DROP_SYN)
    address, n_bytes = instructions.buffer_info()
    program = struct.pack("HP", n_bytes // 8, address)
    for listener in listeners:
        with suppress(OSError):  # not every kernel has it; then some requests may be lost
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def has_waiting(listeners: Iterable[socket.socket]) -> bool:
    """Whether a connection waits to be accepted."""
    poll = select.poll()
    for listener in listeners:
        poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
