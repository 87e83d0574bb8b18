"""Free ports of loopback, different ones for each worker of pytest-xdist."""

import os
import socket
from typing import Final

_RETURNED: Final[set[int]] = set()
"""The kernel may offer a port again before the first caller listens on it."""


def free_port() -> int:
    """Return a port that nothing listens on, and that was not returned before.

    Another worker gets none with the same remainder.
    """
    n_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        # the kernel may prefer ports of one parity: drop the lowest bit
        if port // 2 % n_workers == number and port not in _RETURNED:
            _RETURNED.add(port)
            return port
