"""From predictions to the JSON of a response.

The tests check the JSON against `service.api.schemas`; the service does not validate its own output
for each response.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

from service.api.problems import RequestError, to_problem
from service.model import Manifest


class ResponseSerializer:
    """Serialises the predictions of one model."""

    def __init__(self, manifest: Manifest) -> None:
        self._model = {"name": manifest.name, "version": manifest.version}

    def response(self, result: dict[str, Any]) -> bytes:
        """Return a `ClassifyResponse` as JSON."""
        result["model"] = self._model
        return to_json(result)

    def batch_response(
        self, results: Iterable[Mapping[str, Any]], errors: Mapping[int, RequestError]
    ) -> bytes:
        """Return a `BatchResponse` as JSON: results of the valid items, errors by index."""
        answers: list[Mapping[str, Any]] = list(results)
        for index, error in sorted(errors.items()):
            answers.insert(index, to_problem(error).model_dump(exclude_none=True))
        return to_json({"answers": answers, "model": self._model})
