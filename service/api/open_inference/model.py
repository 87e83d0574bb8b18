"""The model that is served, as the protocol sees it."""

from starlette.exceptions import HTTPException

from service.api.open_inference.parameters import check_output_parameters
from service.api.open_inference.requests import BYTES, INPUTS, parse_text_request
from service.api.open_inference.responses import (
    Content,
    describe_outputs,
    output_names,
    wanted_outputs,
    write_response,
)
from service.api.open_inference.schemas import ModelMetadata, TensorMetadata
from service.api.parsing import RequestLimits
from service.api.predictor import Predictor
from service.model import TopicClassifier


class TensorModel:
    """Takes texts as tensors, and gives tensors. Stateless, and safe to use from several threads.

    Parameters
    ----------
    classifier : TopicClassifier
    predictor : Predictor
    limits : RequestLimits

    Attributes
    ----------
    metadata : ModelMetadata
    """

    def __init__(
        self, classifier: TopicClassifier, predictor: Predictor, limits: RequestLimits
    ) -> None:
        self._predictor = predictor
        self._limits = limits
        self._name = classifier.manifest.name
        self._version = classifier.manifest.version
        self._labels = [topic.code for topic in classifier.topics]
        self._outputs = output_names(no_topic=classifier.manifest.no_topic)
        self.metadata = ModelMetadata(
            name=self._name,
            versions=[self._version],
            platform="onnxruntime_onnx",
            inputs=[TensorMetadata(name=name, datatype=BYTES, shape=[-1]) for name in INPUTS],
            outputs=describe_outputs(self._outputs, len(classifier.topics)),
        )

    def check(self, name: str, version: str | None = None) -> None:
        """Raise HTTPException unless it is the model of that name, and of that version if given."""
        if name != self._name or version not in (None, self._version):
            raise HTTPException(
                404, f"Expected model {self._name}, version {self._version}: there is no other."
            )

    def infer(self, body: bytes, header_length: str | None) -> Content:
        """Return the response to a body, with its header of that name if it has one.

        Raises
        ------
        RequestError
            If the request is not valid.
        InferenceError
            If the network gives something that is not a probability.
        """
        request = parse_text_request(body, header_length, self._limits)
        wanted = wanted_outputs(request.outputs, self._outputs)
        check_output_parameters(wanted)
        return write_response(
            self._predictor.predict_items(request.items, request.parameters),
            wanted,
            labels=self._labels,
            model={"model_name": self._name, "model_version": self._version},
            request_id=request.id,
            binary_by_default=request.parameters.binary_data_output,
        )
