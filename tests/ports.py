"""Free ports of loopback, different ones for each worker of pytest-xdist."""

import os
import socket


def free_port() -> int:
    """Return a port that nothing listens on; another worker gets none with the same remainder."""
    n_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        # the kernel may prefer ports of one parity: drop the lowest bit
        if port // 2 % n_workers == number:
            return port
