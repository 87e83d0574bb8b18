"""Request and response bodies. A docstring of a field is its description in OpenAPI."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from service.model import DEFAULT_TOP_K, Abstention

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def whole_number(value: object) -> object:
    """Accept 3.0 as 3, as languages with a single number type write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _join_lines(schema: dict[str, Any]) -> None:
    """Put the description of each field on one line."""
    for field in schema.get("properties", {}).values():
        if "description" in field:
            field["description"] = " ".join(field["description"].split())


class Body(BaseModel, use_attribute_docstrings=True, json_schema_extra=_join_lines):
    """Base of the bodies."""


class RankingOptions(Body, extra="forbid", strict=True):
    """Options of a classification."""

    top_k: Annotated[int, Field(ge=1), BeforeValidator(whole_number)] = DEFAULT_TOP_K
    """Number of topics to return."""
    min_confidence: Probability | None = None
    """Abstain below this score instead of the model's thresholds. The abstention no_topic is not
    affected."""
    explain: bool = False
    """Whether to return the effect of each word on the score."""
    all_topics: bool = False
    """Whether to return every topic whose own probability reaches its threshold. Only for a model
    with all_topics_thresholds in GET /model."""
    subjects: bool = False
    """Whether to return the concepts, such as IPTC Media Topics, that the text is about. Only for a
    model with subjects in GET /topics."""


class BatchItem(Body, extra="forbid", strict=True):
    """A news text."""

    text: str | None = None
    """The news text. May be left out, null or blank if there is a title."""
    title: str | None = None
    """The title, if separate from the text. Required without a text."""


class ClassifyRequest(RankingOptions, BatchItem):
    """A news text to classify."""


class PlainTextOptions(RankingOptions, strict=False):  # query values are strings
    """Query parameters of a plain-text body."""

    title: str | None = None


class BatchRequest(RankingOptions):
    """News texts to classify."""

    # validated one by one, so that an invalid item does not fail the others
    items: Annotated[list[Any], Field(min_length=1)]
    """The texts, each with its title if it has one."""


class TopicScore(Body):
    """A topic and its score."""

    topic: Annotated[str, Field(description="The topic's code.")]
    name: Annotated[str, Field(description="The topic's name, for people.")]
    id: Annotated[int, Field(description="Class index.")]
    score: Annotated[Probability, Field(description="Probability.")]


class ModelVersion(Body):
    """Name and version of the model."""

    name: Annotated[str, Field(description="Name of the model.")]
    version: Annotated[str, Field(description="Number of the bundle.")]


class GroupScore(Body):
    """A group of topics and its score."""

    name: Annotated[str, Field(description="Name of the group.")]
    score: Annotated[Probability, Field(description="Sum of the scores of its topics.")]


class WordEffect(Body):
    """Effect of a word on the score of the topic ranked first."""

    word: Annotated[str, Field(description="The word as it is in the text.")]
    field: Annotated[Literal["title", "text"], Field(description="The field that has the word.")]
    start: Annotated[int, Field(description="Offset in the field, in Unicode code points.")]
    end: Annotated[int, Field(description="Offset after its last code point.")]
    known: Annotated[bool, Field(description="Whether the word is in the vocabulary.")]
    score_change: float
    """Score with the word minus score without it."""


class WordEffects(Body):
    """Effect of each word on the score of the topic ranked first."""

    topic: Annotated[str, Field(description="The topic's code.")]
    words: Annotated[list[WordEffect], Field(description="Every word of title and text, in order.")]


class NewsSubject(Body):
    """A concept that a text is about, as a subject of IPTC ninjs 2.1."""

    uri: Annotated[str, Field(description="Address of the concept.")]
    name: Annotated[str, Field(description="Name of the concept.")]
    rel: Annotated[str, Field(description="Relation of the text to the concept: about.")]
    creator: Annotated[str, Field(description="The model that found it.")]
    confidence: Annotated[int, Field(ge=0, le=100)]
    """Sum of the probabilities of the topics that have the concept, in percent."""


class ClassifyResult(Body):
    """The topics of a news text."""

    topic: Annotated[str, Field(description="Code of the topic ranked first.")]
    topics: list[TopicScore]
    """Highest score first; equal scores by the lower id."""
    no_topic: Probability | None
    """Probability that none of the topics fits; with the scores of all topics it sums to 1. Null if
    the model does not estimate it."""
    known_words: Probability
    """Share of the words that are in the vocabulary."""
    abstained: Abstention | None
    """Reason why the prediction is not reliable; null if it is. no_topic: probably none of the
    topics fits."""
    group: GroupScore | None
    """Group whose topics together reach the confidence; null unless abstained is low_confidence."""
    explanation: WordEffects | None = None
    """Present only if requested."""
    all_topics: list[TopicScore] | None = None
    """Every topic whose own probability reaches its threshold, highest first; perhaps none. The
    score is that probability. Present only if requested."""
    subjects: list[NewsSubject] | None = None
    """Concepts of the topic ranked first, or of all_topics, highest confidence first; none if
    abstained. Present only if requested."""


class ClassifyResponse(ClassifyResult):
    """The topics of a news text, and the model."""

    model: Annotated[ModelVersion, Field(description="The model that made the prediction.")]


class SubjectInfo(Body):
    """A concept that a topic stands for."""

    uri: Annotated[str, Field(description="Address of the concept.")]
    name: Annotated[str, Field(description="Name of the concept.")]
    match: Literal["exact", "close", "broad"]
    """How the concept matches the topic, in SKOS."""


class TopicInfo(Body):
    """A class of the model."""

    id: Annotated[int, Field(description="Class index.")]
    topic: Annotated[str, Field(description="The topic's code.")]
    name: Annotated[str, Field(description="The topic's name, for people.")]
    group: Annotated[str, Field(description="Name of its group.")]
    description: Annotated[str, Field(description="What its texts are about, in a sentence.")]
    training_newswires: int
    """Number of texts of the training split with this topic."""
    all_topics_threshold: Probability | None
    """A text has the topic in all_topics if the topic's own probability is at least this. Null if
    the model does not estimate it."""
    subjects: list[SubjectInfo]
    """Concepts, such as IPTC Media Topics, that its texts are about. Perhaps none."""


class TopicList(Body):
    """Every topic."""

    topics: Annotated[list[TopicInfo], Field(description="Ordered by id.")]


class ModelInfo(ModelVersion):
    """Manifest of the served bundle: how it was made, and its scores."""

    created: Annotated[str, Field(description="Time in UTC, ISO 8601.")]
    command: Annotated[str, Field(description="Command line of the training.")]
    recipe: Annotated[dict[str, Any], Field(description="Name and settings of the recipe.")]
    data: dict[str, Any]
    """Source, fingerprint and counts of the data set."""
    tokenizer: Annotated[str, Field(description="Name of the encoder.")]
    tensors: dict[str, str]
    """Names of the network's inputs and outputs, by role."""
    scores: dict[str, Any]
    """Scores on the test split, by view of the texts."""
    libraries: dict[str, str]
    """Versions of libraries and of Python."""
    files: Annotated[dict[str, str], Field(description="SHA-256 of each file, by path.")]
    min_known_words_ratio: float
    """The model abstains if a smaller share of the words is known."""
    min_confidence: float
    """The model abstains if the highest score is lower."""
    no_topic: bool
    """Whether the model estimates that none of its topics fits."""
    topic_min_confidence: dict[str, float]
    """Thresholds by topic code; they replace min_confidence."""
    all_topics_thresholds: dict[str, float]
    """Thresholds of all_topics by topic code. Empty if the model cannot find all topics."""
    all_topics_precision: float
    """Precision for which each topic's threshold was chosen, on held-out texts."""
    format_version: Annotated[int, Field(description="Version of the bundle format.")]


class Health(Body):
    """Whether the service is up."""

    status: Annotated[str, Field(description="live, ready, stopping or failing.")]
