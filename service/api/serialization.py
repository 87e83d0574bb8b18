"""From predictions to the JSON of a response.

The tests check the JSON against `service.api.schemas`; the service does not validate its own output
for each response.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from service.api.problems import RequestError, to_problem
from service.model import Classification, Manifest, Topic


class ResponseSerializer:
    """Serialises the predictions of one model.

    Parameters
    ----------
    topics : sequence of Topic
    manifest : Manifest
    """

    def __init__(self, topics: Sequence[Topic], manifest: Manifest) -> None:
        self._topics = [
            {"topic": topic.code, "name": topic.name, "id": topic.id} for topic in topics
        ]
        self._model = {"name": manifest.name, "version": manifest.version}

    def result(self, classification: Classification) -> dict[str, Any]:
        """Return the JSON object of a text, as `BatchAnswer` has it."""
        topics = [
            {**self._topics[ranked.topic.id], "score": ranked.score}
            for ranked in classification.topics
        ]
        return {
            "topic": topics[0]["topic"],
            "topics": topics,
            "no_topic": classification.no_topic,
            "known_words": classification.known_words_ratio,
            "abstained": classification.abstained,
            "group": classification.group._asdict() if classification.group else None,
        }

    def response(self, result: Mapping[str, Any]) -> bytes:
        """Return a `ClassifyResponse` as JSON."""
        return to_json({**result, "model": self._model})

    def responses(self, classifications: Iterable[Classification]) -> list[bytes | Exception]:
        """Return the `ClassifyResponse` of each as JSON."""
        responses: list[bytes | Exception] = []
        for classification in classifications:
            result = self.result(classification)
            result["model"] = self._model
            responses.append(to_json(result))
        return responses

    def batch_response(
        self, results: Iterable[Mapping[str, Any]], errors: Mapping[int, RequestError]
    ) -> bytes:
        """Return a `BatchResponse` as JSON.

        Parameters
        ----------
        results : iterable of mapping
            Of the valid items, in their order.
        errors : mapping of int to RequestError
            Of the other items, by index.
        """
        answers: list[Mapping[str, Any]] = list(results)
        for index, error in sorted(errors.items()):
            answers.insert(index, to_problem(error).model_dump(exclude_none=True))
        return to_json({"answers": answers, "model": self._model})
