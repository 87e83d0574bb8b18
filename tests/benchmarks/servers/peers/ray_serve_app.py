"""Ray Serve, as https://docs.ray.io/en/latest/serve/http-guide.html teaches it.

A deployment whose ``__call__`` gets the request, with one replica, which is the default. It is a
coroutine, as "Performance Tuning" advises, and requests are not logged, as `LoggingConfig` shows;
the variable of the former page is set in `tests.benchmarks.peers`.
"""

import os
import signal
import sys
import tempfile
from types import FrameType
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from tests.benchmarks.servers.peers.prediction import classify, served_classifier


@serve.deployment(num_replicas=1)
class TopicDeployment:
    """Classifies the text of a request."""

    def __init__(self) -> None:
        self.classifier = served_classifier()

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Classify a text."""
        return classify(self.classifier, (await request.json())["text"])


def serve_topics(port: int) -> None:
    """Start a cluster of this machine alone, and serve until told to stop."""
    logging = {"enable_access_log": False}
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        ray.init(include_dashboard=False, _temp_dir=folder)
        # Ray's own handler ends its daemons first, and without them it leaves workers behind.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serve.start(http_options={"host": "127.0.0.1", "port": port}, logging_config=logging)
            app = TopicDeployment.bind()  # type: ignore[attr-defined]
            serve.run(app, blocking=True, logging_config=logging)
        finally:
            ray.shutdown()


def main() -> None:
    """Run Ray in a process group of its own, so that a signal to ours does not end its daemons."""
    if not (child := os.fork()):
        os.setpgid(0, 0)
        serve_topics(int(sys.argv[1]))
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        os.kill(child, signum)

    signal.signal(signal.SIGTERM, stop)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main()
