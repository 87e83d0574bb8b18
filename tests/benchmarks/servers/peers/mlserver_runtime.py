"""MLServer, as https://docs.seldon.ai/mlserver/user-guide/custom teaches a runtime of one's own.

A `MLModel` with the simplified interface of ``decode_args``, which reads the text from a BYTES
tensor of the V2 protocol; its answer is JSON in such a tensor, as in the example "Serving a custom
model with JSON serialization". ``mlserver start`` reads both settings from a folder. By default one
parallel worker, a process of its own, does the inference; without, the server's own process does it
("Parallel Inference"). Without ``debug`` requests are not logged.
"""

import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import List  # noqa: UP035 - decode_args knows no list[str]

from mlserver import MLModel
from mlserver.cli import main
from mlserver.codecs import decode_args

from tests.benchmarks.servers.peers.prediction import classify, served_classifier


class TopicRuntime(MLModel):  # type: ignore[misc]
    """Classifies the texts of a tensor."""

    async def load(self) -> bool:
        """Load the model."""
        self.classifier = served_classifier()
        return True

    @decode_args  # type: ignore[untyped-decorator]
    async def predict(self, text: List[str]) -> List[str]:  # noqa: UP006
        """Classify each text."""
        return [json.dumps(classify(self.classifier, item)) for item in text]


def find_free_port() -> int:
    """Find a port for what cannot be turned off."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def serve(port: int, parallel_workers: int) -> None:
    """Write the settings, and serve until told to stop."""
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": find_free_port(),
        "metrics_port": find_free_port(),
        "parallel_workers": parallel_workers,
    }
    model = {"name": "topics", "implementation": f"{__spec__.name}.{TopicRuntime.__name__}"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "settings.json").write_text(json.dumps(settings))
        Path(folder, "model-settings.json").write_text(json.dumps(model))
        sys.argv[1:] = ["start", folder]
        main()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
