"""LitServe, as https://lightning.ai/docs/litserve/get-started teaches it.

A `LitAPI` with ``setup``, ``decode_request``, ``predict`` and ``encode_response``, and one worker,
which is the default. For production the reference of ``run`` advises log level ``warning``, without
which requests are logged, and no client file. ``fast_queue`` is left out: with one worker on this
small model it gave no more requests a second.
"""

import sys
from typing import Any

import litserve

from tests.benchmarks.servers.peers.prediction import classify, served_classifier


class TopicAPI(litserve.LitAPI):  # type: ignore[misc]
    """Classifies the text of a request."""

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self.classifier = served_classifier()

    def decode_request(self, request: dict[str, Any]) -> str:
        """Return the text of a request."""
        return str(request["text"])

    def predict(self, x: str) -> dict[str, Any]:
        """Classify a text."""
        return classify(self.classifier, x)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return the response unchanged: it can be serialised as JSON."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(TopicAPI(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        generate_client_file=False,
    )
