"""Several processes of the service behind one port, between which the kernel shares connections.

In production that is what replicas are for; here it shows what a second core gives.
"""

import os
import signal
import socket
import sys
from types import FrameType

import uvicorn

from service.__main__ import build_app, server_config
from service.model import load_classifier
from service.settings import ServiceSettings


def work(port: int) -> None:
    """Serve with a listening socket of its own."""
    settings = ServiceSettings(port=port)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((settings.host, port))
    app = build_app(settings, load_classifier(settings.model_dir))
    uvicorn.Server(server_config(app, settings)).run(sockets=[listener])


def main() -> None:
    """Start the workers, and end them when told to stop."""
    port, n_workers = int(sys.argv[1]), int(sys.argv[2])
    children = []
    for _ in range(n_workers):
        if not (child := os.fork()):
            work(port)
            os._exit(0)
        children.append(child)

    def stop(signum: int, frame: FrameType | None) -> None:
        for child in children:
            os.kill(child, signum)

    signal.signal(signal.SIGTERM, stop)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
