"""The model that is served, as the protocol sees it."""

from typing import Self

from fastapi import Response
from starlette.exceptions import HTTPException

from service.api.open_inference.requests import BYTES, INPUTS, parse_text_request
from service.api.open_inference.responses import (
    OUTPUTS,
    PROBABILITIES,
    wanted_outputs,
    write_response,
)
from service.api.open_inference.schemas import ModelMetadata, TensorMetadata
from service.api.parsing import RequestLimits
from service.api.predictor import Predictor
from service.model import TopicClassifier


class TensorModel:
    """Predicts tensors from tensors. Stateless, and safe to use from several threads."""

    def __init__(
        self, classifier: TopicClassifier, predictor: Predictor, limits: RequestLimits
    ) -> None:
        self._predictor = predictor
        self._limits = limits
        manifest = classifier.manifest
        self._model = {"model_name": manifest.name, "model_version": manifest.version}
        self._labels = [topic.code for topic in classifier.topics]
        self._outputs = [name for name in OUTPUTS if manifest.no_topic or name != "no_topic"]
        shapes = {"topic": [-1, -1], "score": [-1, -1], PROBABILITIES: [-1, len(self._labels)]}
        self.metadata = ModelMetadata(
            name=manifest.name,
            versions=[manifest.version],
            platform="onnxruntime_onnx",
            inputs=[TensorMetadata(name=name, datatype=BYTES, shape=[-1]) for name in INPUTS],
            outputs=[
                TensorMetadata(name=name, datatype=datatype, shape=shapes.get(name, [-1]))
                for name, (datatype, _) in OUTPUTS.items()
                if name in self._outputs
            ],
        )

    def named(self, name: str, version: str | None = None) -> Self:
        """Return this model, or raise HTTPException if it has another name or version."""
        own_name, own_version = self._model.values()
        if name != own_name or version not in (None, own_version):
            raise HTTPException(
                404, f"Expected model {own_name}, version {own_version}: there is no other."
            )
        return self

    def infer(self, body: bytes, header_length: str | None) -> Response:
        """Return the response to a body, with its header of that name if it has one.

        RequestError is raised for a request that is not valid, InferenceError if the network fails.
        """
        request = parse_text_request(body, header_length, self._limits)
        wanted = wanted_outputs(request.outputs, self._outputs)
        predictions = self._predictor.predict_items(request.items, request.parameters)
        return write_response(predictions, request, wanted, labels=self._labels, model=self._model)
