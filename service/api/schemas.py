"""What goes over the wire."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from service.model import Abstention, RankedTopic, Topic


def _whole_number(value: object) -> object:
    """Let 3.0 stand for 3: languages with one kind of number write it so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class ClassifyRequest(BaseModel):
    """A news text to classify."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"title": "OPEC meets", "text": "Crude prices rose ...", "top_k": 3}]
        },
    )

    text: Annotated[str, Field(description="The news text; not only white space.")]
    title: Annotated[
        str | None, Field(description="Its title, if it is known apart from the text.")
    ] = None
    top_k: Annotated[
        int, BeforeValidator(_whole_number), Field(ge=1, description="How many topics to give.")
    ] = 3
    min_confidence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="Abstain below this score instead of below the model's own threshold.",
        ),
    ] = None

    @field_validator("text")
    @classmethod
    def _has_content(cls, text: str) -> str:
        if not text or text.isspace():
            raise PydanticCustomError("blank_text", "Input should hold more than white space")
        return text


class TopicScore(BaseModel):
    """A topic and how likely it is."""

    topic: Annotated[str, Field(description="The topic's code.")]
    name: str
    id: Annotated[int, Field(description="Class index.")]
    score: Annotated[float, Field(ge=0, le=1, description="Probability.")]

    @classmethod
    def of(cls, ranked: RankedTopic) -> Self:
        """Give the form of a ranked topic that goes over the wire."""
        topic = ranked.topic
        return cls(topic=topic.code, name=topic.name, id=topic.id, score=ranked.score)


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: str


class ClassifyResponse(BaseModel):
    """The topics of a news text."""

    topic: Annotated[str, Field(description="Code of the topic ranked first.")]
    topics: Annotated[
        list[TopicScore],
        Field(description="Highest score first; equal scores by the lower id."),
    ]
    known_words: Annotated[
        float, Field(ge=0, le=1, description="Share of the text's words that the model knows.")
    ]
    abstained: Annotated[
        Abstention | None,
        Field(description="Why the answer should not be relied upon; null if it may."),
    ]
    model: ModelVersion


class TopicInfo(BaseModel):
    """A topic that the model tells apart."""

    id: int
    topic: str
    name: str
    group: str
    description: str
    training_newswires: Annotated[
        int, Field(description="How many newswires of the training split have it.")
    ]

    @classmethod
    def of(cls, topic: Topic) -> Self:
        """Give the form of a topic that goes over the wire."""
        return cls(
            id=topic.id,
            topic=topic.code,
            name=topic.name,
            group=topic.group,
            description=topic.description,
            training_newswires=topic.training_newswires,
        )


class TopicList(BaseModel):
    """Every topic, in the order of the ids."""

    topics: list[TopicInfo]


class ModelInfo(BaseModel):
    """The bundle that answers: how it was made, and what it scored."""

    name: str
    version: str
    created: str
    command: str
    recipe: dict[str, Any]
    data: dict[str, Any]
    tokeniser: str
    tensors: dict[str, str]
    scores: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]
    min_known_words_ratio: float
    min_confidence: float
    format_version: int


class Health(BaseModel):
    """Whether the service is up."""

    status: str


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: Annotated[str, Field(description="Identifies the kind of problem.")]
    title: str
    status: int
    detail: Annotated[str | None, Field(description="What to put right.")] = None
    errors: Annotated[list[FieldProblem] | None, Field(description="The same, field by field.")] = (
        None
    )
