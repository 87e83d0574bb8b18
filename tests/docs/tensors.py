"""The tensors and parameters of the Open Inference Protocol."""

from typing import Final

from pydantic import BaseModel

from service.api.open_inference.model import OPTIONAL, OUTPUTS, TensorModel
from service.api.open_inference.schemas import (
    InferParameters,
    InputParameters,
    OutputParameters,
)
from tests.docs.markdown import block, code, rst, table
from tests.docs.served_app import app
from tests.docs.values import describe_schema

INPUTS: Final = {
    "text": "News texts in UTF-8. An element may be empty where there is a title.",
    "title": "Their titles. An element may be empty where there is a text.",
}
DESCRIPTIONS: Final = {
    "topic": "Codes of the most likely topics, highest score first.",
    "score": "Their probabilities.",
    "known_words": "Share of the words of a text that are in the vocabulary.",
    "abstained": "Why the prediction is not reliable; empty if it is.",
    "probabilities": "Probability of every topic, in the order of `GET /topics`.",
    "no_topic": "Probability that none of the topics fits; it and the row of `probabilities` sum "
    "to 1. Only for a model that estimates it.",
    "topic_probabilities": "Probability of every topic on its own, in the order of `GET /topics`; "
    "a text may have several topics. Only for a model that estimates them.",
    "all_topics": "Which topics the text has: true where `topic_probabilities` reach the topic's "
    "threshold (`all_topics_threshold` in `GET /topics`). None for a text with too few known words "
    "or of none of the topics. Only for a model with `topic_probabilities`.",
}
SHAPES: Final = {"topic": "[n, k]", "score": "[n, k]"}
PARAMETERS: Final[dict[str, type[BaseModel]]] = {
    "request": InferParameters,
    "input": InputParameters,
    "output": OutputParameters,
}


def _model() -> TensorModel:
    return app().model.served.tensors


def table_of_inputs() -> str:
    """Return the inputs: datatype, shape, content."""
    rows = (
        (code(item.name), code(item.datatype), "`[n]` or `[n, 1]`", INPUTS[item.name])
        for item in _model().metadata.inputs
    )
    return block(table(("input", "datatype", "shape", "content"), rows))


def table_of_outputs() -> str:
    """Return every output: datatype, shape, whether it has to be named, content."""
    of_topics = {item.name for item in _model().metadata.outputs if len(item.shape) > 1}
    rows = (
        (
            code(name),
            code(output.datatype),
            code(SHAPES.get(name, "[n, n_topics]" if name in of_topics else "[n]")),
            "no" if name in OPTIONAL else "yes",
            DESCRIPTIONS[name],
        )
        for name, output in OUTPUTS.items()
    )
    return block(table(("output", "datatype", "shape", "by default", "content"), rows))


def table_of_parameters(place: str) -> str:
    """Return the parameters of a request, of an input or of an output."""
    properties = PARAMETERS[place].model_json_schema()["properties"]
    rows = (
        (code(name), describe_schema(schema), _default(schema), rst(schema.get("description", "")))
        for name, schema in properties.items()
    )
    return block(table(("parameter", "type", "default", "description"), rows))


def _default(schema: dict[str, object]) -> str:
    default = schema.get("default")
    return "" if default is None else code(str(default).lower())
