"""What goes over the wire."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from service.model import Abstention, Topic


def _whole_number(value: object) -> object:
    """Let 3.0 stand for 3: languages with one kind of number write it so."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class RankingOptions(BaseModel):
    """How texts are to be answered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    top_k: Annotated[
        int, Field(ge=1, description="How many topics to give."), BeforeValidator(_whole_number)
    ] = 3
    min_confidence: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description=(
                "Abstain below this score instead of below the model's own thresholds. "
                "It does not switch off the abstention no_topic."
            ),
        ),
    ] = None
    explain: Annotated[
        bool, Field(description="Whether to say which words spoke for the answer.")
    ] = False


class BatchItem(BaseModel):
    """A news text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[
        str | None,
        Field(
            description="The news text. It may be left out, null or only white space if there is a "
            "title."
        ),
    ] = None
    title: Annotated[
        str | None,
        Field(
            description="Its title, if it is known apart from the text; required, and not only "
            "white space, if there is no text."
        ),
    ] = None


class ClassifyRequest(RankingOptions, BatchItem):
    """A news text to classify."""


class PlainTextOptions(RankingOptions):
    """What the query says of a body that is a plain text."""

    model_config = ConfigDict(strict=False)  # in a query, everything is written as text

    title: str | None = None


class BatchRequest(RankingOptions):
    """News texts to classify."""

    items: Annotated[
        list[Any], Field(min_length=1, description="The texts, each with its title if it has one.")
    ]
    """Not checked yet: each is answered by itself, be it with a problem."""


class TopicScore(BaseModel):
    """A topic and how likely it is."""

    topic: Annotated[str, Field(description="The topic's code.")]
    name: str
    id: Annotated[int, Field(description="Class index.")]
    score: Annotated[float, Field(ge=0, le=1, description="Probability.")]


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: str


class GroupScore(BaseModel):
    """A group of topics and how likely it is."""

    name: str
    score: Annotated[float, Field(ge=0, le=1, description="Sum of the scores of its topics.")]


class WordScore(BaseModel):
    """What a word does to the score of the topic ranked first."""

    word: Annotated[str, Field(description="As it is written.")]
    field: Annotated[Literal["title", "text"], Field(description="Where it stands.")]
    start: Annotated[int, Field(description="Its place there, in Unicode code points.")]
    end: int
    known: Annotated[bool, Field(description="Whether the model knows it.")]
    score_change: Annotated[
        float,
        Field(description="The score with the word less that without it: above 0, it speaks for."),
    ]


class WordsInFavour(BaseModel):
    """Which words spoke for the topic ranked first, and which against it."""

    topic: Annotated[str, Field(description="The topic's code.")]
    words: Annotated[
        list[WordScore], Field(description="Every word of title and text, in their order.")
    ]


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
                "Probability that none of the model's topics fits; the scores of all topics and "
                "it sum to 1; null for a model that does not know it."
            ),
        ),
    ]
    known_words: Annotated[
        float, Field(ge=0, le=1, description="Share of the text's words that the model knows.")
    ]
    abstained: Annotated[
        Abstention | None,
        Field(
            description=(
                "Why the answer should not be relied upon; null if it may. "
                "no_topic: it is more likely than not that none of the topics fits."
            )
        ),
    ]
    group: Annotated[
        GroupScore | None,
        Field(
            description="Given where no topic is sure enough, but those of a group together are."
        ),
    ]
    explanation: Annotated[
        WordsInFavour | None, Field(description="Only there if it was asked for.")
    ] = None


class ClassifyResponse(BatchAnswer):
    """The topics of a news text, and which model gave them."""

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
    tokenizer: str
    tensors: dict[str, str]
    scores: dict[str, Any]
    libraries: dict[str, str]
    files: dict[str, str]
    min_known_words_ratio: float
    min_confidence: float
    no_topic: Annotated[
        bool, Field(description="Whether the model knows that none of its topics fits.")
    ]
    topic_min_confidence: Annotated[
        dict[str, float],
        Field(description="Thresholds in place of min_confidence, by topic code."),
    ]
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
    instance: Annotated[
        str | None, Field(description="Identifies the request, where the service failed.")
    ] = None
    errors: Annotated[list[FieldProblem] | None, Field(description="The same, field by field.")] = (
        None
    )


class BatchResponse(BaseModel):
    """The topics of each news text, and which model gave them."""

    answers: Annotated[
        list[BatchAnswer | Problem],
        Field(description="In the order of the items; a problem for an item that is not valid."),
    ]
    model: ModelVersion
