"""The served model with the tensors of the protocol."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from service.api.errors import TensorError
from service.api.limits import RequestLimits
from service.api.open_inference.datatypes import BOOL, BYTES, DTYPES, FP32
from service.api.open_inference.inputs import INPUTS, check_parameters, read_items
from service.api.open_inference.schemas import (
    InferParameters,
    InferRequest,
    ModelMetadata,
    OutputParameters,
    RequestedOutput,
    TensorMetadata,
)
from service.api.predictor import Prediction, Predictor
from service.model import TopicClassifier
from service.model.outputs import PROBABILITIES, TOPIC_PROBABILITIES

ALL_TOPICS: Final = "all_topics"
BY_TOPIC: Final = (PROBABILITIES, TOPIC_PROBABILITIES)
"""Outputs with a probability per topic: a request may ask for the highest ones only."""
OPTIONAL: Final = (TOPIC_PROBABILITIES, ALL_TOPICS)
"""Outputs for which the network runs again: returned only if they are requested."""


class Output(NamedTuple):
    """An output of the model."""

    datatype: str
    value: Callable[[Prediction], Any]
    """Returns its value or values for a text."""


def _mask(found: Prediction) -> NDArray[np.bool_]:
    """Return which topics are among all topics of a text, of shape (n_topics,)."""
    mask = np.zeros(found.probabilities.shape, dtype=np.bool_)
    mask[[ranked.topic.id for ranked in found.classification.all_topics or ()]] = True
    return mask


OUTPUTS: Final = {
    "topic": Output(BYTES, lambda found: [each.topic.code for each in found.classification.topics]),
    "score": Output(FP32, lambda found: [each.score for each in found.classification.topics]),
    "known_words": Output(FP32, lambda found: found.classification.known_words_ratio),
    "abstained": Output(BYTES, lambda found: found.classification.abstained or ""),
    PROBABILITIES: Output(FP32, lambda found: found.probabilities),
    "no_topic": Output(FP32, lambda found: found.classification.no_topic),
    TOPIC_PROBABILITIES: Output(FP32, lambda found: found.topic_probabilities),
    ALL_TOPICS: Output(BOOL, _mask),
}
"""A request that names none gets all that the model has, except the `OPTIONAL`."""

OutputValues = tuple[str, str, NDArray[Any], bool]
"""An output of a response: its name, data type and values, and whether it is binary."""


class TensorModel:
    """Predicts tensors from tensors. Stateless, and safe to use from several threads."""

    def __init__(
        self, classifier: TopicClassifier, predictor: Predictor, limits: RequestLimits
    ) -> None:
        self._predictor = predictor
        self.limits = limits
        manifest = classifier.manifest
        self._labels = [topic.code for topic in classifier.topics]
        absent = set() if manifest.no_topic else {"no_topic"}
        absent |= set() if classifier.finds_all_topics else {*OPTIONAL}
        shapes = {"topic": [-1, -1], "score": [-1, -1]}
        shapes |= {name: [-1, len(self._labels)] for name in (*BY_TOPIC, ALL_TOPICS)}
        self.metadata = ModelMetadata(
            name=manifest.name,
            versions=[manifest.version],
            platform="onnxruntime_onnx",
            inputs=[TensorMetadata(name=name, datatype=BYTES, shape=[-1]) for name in INPUTS],
            outputs=[
                TensorMetadata(name=name, datatype=datatype, shape=shapes.get(name, [-1]))
                for name, (datatype, _) in OUTPUTS.items()
                if name not in absent
            ],
        )

    def named(self, name: str, version: str = "") -> Self:
        """Return this model; HTTPException is raised for another name, or another given version."""
        own_name, (own_version,) = self.metadata.name, self.metadata.versions
        if name != own_name or version not in ("", own_version):
            raise HTTPException(
                404, f"Expected model {own_name}, version {own_version}: there is no other."
            )
        return self

    def predict(self, request: InferRequest, data: memoryview) -> Iterator[OutputValues]:
        """Check a request, and yield its outputs; ``data`` are the inputs' binary data.

        RequestError is raised if it is not valid, InferenceError if the network fails.
        """
        options = request.parameters or InferParameters()
        items = read_items(request.inputs, data, options, self.limits)
        outputs = self._wanted_outputs(request.outputs or [], options)
        options.all_topics = any(name in outputs for name in OPTIONAL)
        predictions = self._predictor.predict_batch(items, options)
        for name, wanted in outputs.items():
            datatype, value = OUTPUTS[name]
            rows = [value(prediction) for prediction in predictions]
            if wanted.classification:
                datatype = BYTES
                rows = [_highest(row, wanted.classification, self._labels) for row in rows]
            values = np.asarray(rows, dtype=DTYPES[datatype])
            binary = wanted.binary_data
            yield name, datatype, values, options.binary_data_output if binary is None else binary

    def _wanted_outputs(
        self, requested: Sequence[RequestedOutput], options: InferParameters
    ) -> Mapping[str, OutputParameters]:
        """Return the parameters of each output of the response, by name.

        A request that names none gets all but the `OPTIONAL`; its ``all_topics`` adds these.
        """
        present = [output.name for output in self.metadata.outputs]
        wanted = {output.name: output.parameters or OutputParameters() for output in requested}
        if not wanted.keys() <= set(present) or len(wanted) < len(requested):
            raise TensorError(f"outputs: expected some of {', '.join(present)}, each once.")
        for name, parameters in wanted.items():
            check_parameters(name, parameters)
            if parameters.classification and name not in BY_TOPIC:
                raise TensorError(
                    f"{name}: expected the parameter classification of {' or '.join(BY_TOPIC)} "
                    "alone."
                )
        if not wanted:
            wanted = {name: OutputParameters() for name in present if name not in OPTIONAL}
        if options.all_topics:
            wanted |= {name: OutputParameters() for name in OPTIONAL if name not in wanted}
        return wanted


def _highest(
    probabilities: NDArray[np.float32], n_classes: int, labels: Sequence[str]
) -> list[str]:
    """Return the highest probabilities of a text as Triton's classification extension does.

    Each is ``value:index:label``, the value with six decimals; ties by the lower index. There are
    at most ``n_classes``.
    """
    order = np.argsort(-probabilities, kind="stable")[:n_classes]
    return [f"{probabilities[index]:f}:{index}:{labels[index]}" for index in order]
