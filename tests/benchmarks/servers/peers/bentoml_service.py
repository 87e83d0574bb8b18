"""BentoML, as https://docs.bentoml.com/en/latest/build-with-bentoml/services.html teaches it.

A service class with a synchronous ``api``, which the page advises for most models, under ``bentoml
serve``. One worker, which is the default; the log of requests is off, as "Configurations" shows.
"""

import sys
from typing import Any

import bentoml
from bentoml_cli.cli import cli

from tests.benchmarks.servers.peers.prediction import classify, served_classifier


@bentoml.service(workers=1, logging={"access": {"enabled": False}})
class TopicService:
    """Classifies the text of a request."""

    def __init__(self) -> None:
        self.classifier = served_classifier()

    @bentoml.api  # type: ignore[untyped-decorator]
    def classify(self, text: str) -> dict[str, Any]:
        """Classify a text."""
        return classify(self.classifier, text)


if __name__ == "__main__":
    service = f"{__spec__.name}:TopicService"
    cli(["serve", service, "--host", "127.0.0.1", "--port", sys.argv[1]])
