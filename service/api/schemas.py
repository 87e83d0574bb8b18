"""Request and response bodies."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.model import DEFAULT_TOP_K, Abstention, Topic


def _whole_number(value: object) -> object:
    """Accept 3.0 as 3, as languages with a single number type write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class RankingOptions(BaseModel):
    """Options of a classification."""

    model_config = ConfigDict(extra="forbid", strict=True)

    top_k: Annotated[
        int, Field(ge=1, description="Number of topics to return."), BeforeValidator(_whole_number)
    ] = DEFAULT_TOP_K
    min_confidence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description=(
                "Abstain below this score instead of the model's thresholds. "
                "The abstention no_topic is not affected."
            ),
        ),
    ] = None
    explain: Annotated[
        bool, Field(description="Whether to return the effect of each word on the score.")
    ] = False


class BatchItem(BaseModel):
    """A news text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[
        str | None,
        Field(description="The news text. May be left out, null or blank if there is a title."),
    ] = None
    title: Annotated[
        str | None,
        Field(description="The title, if separate from the text. Required without a text."),
    ] = None


class ClassifyRequest(RankingOptions, BatchItem):
    """A news text to classify."""


class PlainTextOptions(RankingOptions):
    """Query parameters of a plain-text body."""

    model_config = ConfigDict(strict=False)  # query values are strings

    title: str | None = None


class BatchRequest(RankingOptions):
    """News texts to classify."""

    items: Annotated[
        list[Any], Field(min_length=1, description="The texts, each with its title if it has one.")
    ]
    """Validated one by one, so that an invalid item does not fail the others."""


class TopicScore(BaseModel):
    """A topic and its score."""

    topic: Annotated[str, Field(description="The topic's code.")]
    name: str
    id: Annotated[int, Field(description="Class index.")]
    score: Annotated[float, Field(ge=0, le=1, description="Probability.")]


class ModelVersion(BaseModel):
    """Name and version of the model."""

    name: str
    version: str


class GroupScore(BaseModel):
    """A group of topics and its score."""

    name: str
    score: Annotated[float, Field(ge=0, le=1, description="Sum of the scores of its topics.")]


class WordScore(BaseModel):
    """Effect of a word on the score of the topic ranked first."""

    word: Annotated[str, Field(description="The word as it is in the text.")]
    field: Annotated[Literal["title", "text"], Field(description="The field that has the word.")]
    start: Annotated[int, Field(description="Offset in the field, in Unicode code points.")]
    end: int
    known: Annotated[bool, Field(description="Whether the word is in the vocabulary.")]
    score_change: Annotated[
        float,
        Field(description="Score with the word minus score without it."),
    ]


class WordsInFavour(BaseModel):
    """Effect of each word on the score of the topic ranked first."""

    topic: Annotated[str, Field(description="The topic's code.")]
    words: Annotated[list[WordScore], Field(description="Every word of title and text, in order.")]


class BatchAnswer(BaseModel):
    """The topics of a news text."""

    topic: Annotated[str, Field(description="Code of the topic ranked first.")]
    topics: Annotated[
        list[TopicScore],
        Field(description="Highest score first; equal scores by the lower id."),
    ]
    no_topic: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description=(
                "Probability that none of the topics fits; with the scores of all topics it sums "
                "to 1. Null if the model does not estimate it."
            ),
        ),
    ]
    known_words: Annotated[
        float, Field(ge=0, le=1, description="Share of the words that are in the vocabulary.")
    ]
    abstained: Annotated[
        Abstention | None,
        Field(
            description=(
                "Reason why the prediction is not reliable; null if it is. "
                "no_topic: probably none of the topics fits."
            )
        ),
    ]
    group: Annotated[
        GroupScore | None,
        Field(description="A group whose topics together are certain enough where no topic is."),
    ]
    explanation: Annotated[
        WordsInFavour | None, Field(description="Present only if requested.")
    ] = None


class ClassifyResponse(BatchAnswer):
    """The topics of a news text, and the model."""

    model: ModelVersion


class TopicInfo(BaseModel):
    """A class of the model."""

    id: int
    topic: str
    name: str
    group: str
    description: str
    training_newswires: Annotated[
        int, Field(description="Number of texts of the training split with this topic.")
    ]

    @classmethod
    def of(cls, topic: Topic) -> Self:
        """Return the topic of a bundle as a response body."""
        return cls(
            id=topic.id,
            topic=topic.code,
            name=topic.name,
            group=topic.group,
            description=topic.description,
            training_newswires=topic.training_newswires,
        )


class TopicList(BaseModel):
    """Every topic, ordered by id."""

    topics: list[TopicInfo]


class ModelInfo(BaseModel):
    """Manifest of the served bundle: how it was made, and its scores."""

    name: str
    version: str
    created: str
    command: str
    recipe: dict[str, Any]
    data: dict[str, Any]
    tokenizer: str
    tensors: dict[str, str]
    scores: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]
    min_known_words_ratio: float
    min_confidence: float
    no_topic: Annotated[
        bool, Field(description="Whether the model estimates that none of its topics fits.")
    ]
    topic_min_confidence: Annotated[
        dict[str, float],
        Field(description="Thresholds by topic code; they replace min_confidence."),
    ]
    format_version: int


class Health(BaseModel):
    """Whether the service is up."""

    status: str


class FieldProblem(BaseModel):
    """An invalid field of a request."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: Annotated[str, Field(description="Kind of problem.")]
    title: str
    status: int
    detail: Annotated[str | None, Field(description="How to fix the request.")] = None
    instance: Annotated[
        str | None, Field(description="The request id, for errors of the service.")
    ] = None
    errors: Annotated[list[FieldProblem] | None, Field(description="Errors by field.")] = None


class BatchResponse(BaseModel):
    """The topics of each news text, and the model."""

    answers: Annotated[
        list[BatchAnswer | Problem],
        Field(description="In the order of the items; a problem for an invalid item."),
    ]
    model: ModelVersion
