"""The records of a bundle: manifest, topics and golden cases."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from service.model.drift import DriftBaseline
from service.model.errors import BundleError

FORMAT_VERSION: Final = 3
JSON_KEYS: Final = {"tokenizer": "tokeniser"}
"""Fields of the manifest that have another key in the file."""
NEVER_REACHED: Final = 1.0
"""Threshold that no probability reaches, not even one that is rounded to 1."""
NEW_FIELDS: Final = {
    2: {"no_topic", "topic_min_confidence"},
    3: {"all_topics_precision", "all_topics_thresholds"},
}
"""Manifest fields that earlier format versions do not have."""
Record = TypeVar("Record", "Manifest", "Topic", "Subject", "Golden", DriftBaseline)


@dataclass(frozen=True, slots=True)
class Subject:
    """A concept of a vocabulary, such as IPTC Media Topics, that a topic stands for."""

    uri: str
    name: str
    match: str  # how the concept matches the topic, in SKOS: exact, close or broad


@dataclass(frozen=True, slots=True)
class Topic:
    """A class of the network."""

    id: int  # class index: its position in the network's output
    code: str  # label in the data set, such as money-fx
    name: str  # readable name
    group: str  # name of its group, which may be the same for all topics
    description: str  # one sentence
    training_newswires: int  # newswires of the training split with this topic
    subjects: tuple[Subject, ...] = ()
    """Concepts that its texts are about; left out if there are none."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A text with the tokens and the prediction of the trained network before export."""

    title: str | None  # None if the text has none
    text: str  # perhaps empty
    token_ids: list[int]  # in order, as from `TextEncoder.token_ids`
    probabilities: list[float]  # shape (n_outputs,), from Keras
    topic_probabilities: list[float] | None = None  # shape (n_topics,), where there is this output


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is, how it was trained and what it scored; enough to repeat the run."""

    format_version: int  # version of the bundle format
    name: str  # name of the model
    version: str  # number of the bundle, which names its folder
    created: str  # time in UTC, ISO 8601
    command: str  # command line of the training
    recipe: dict[str, Any]  # name and settings of the recipe
    data: dict[str, Any]  # source, fingerprint and counts of the data set
    tokenizer: str  # name of the encoder
    tensors: dict[str, str]  # names of the network's inputs and outputs, by role
    scores: dict[str, Any]  # scores on the test split, by view of the texts
    libraries: dict[str, str]  # versions of libraries and of Python
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of every other file, by path
    min_known_words_ratio: float = 0.0  # abstain if a smaller share of the words is known
    min_confidence: float = 0.0  # abstain if the highest score is lower
    no_topic: bool = False  # the last output is the probability that no topic fits
    topic_min_confidence: dict[str, float] = field(default_factory=dict)
    """Overrides ``min_confidence``, by topic code."""
    all_topics_thresholds: dict[str, float] = field(default_factory=dict)
    """Thresholds of the topics' own probabilities, by topic code; 1 is never reached."""
    all_topics_precision: float = 0.0
    """Precision for which each topic's threshold was chosen, on held-out texts."""

    @property
    def abstains(self) -> bool:
        """Whether the model can abstain without ``min_confidence`` in a request."""
        thresholds = (self.min_known_words_ratio, self.min_confidence)
        return self.no_topic or any(thresholds) or any(self.topic_min_confidence.values())


def to_json_object(record: Manifest | Topic | Golden | DriftBaseline) -> dict[str, Any]:
    """Return the JSON object that `from_json_object` reads.

    Fields that have their default None or () are left out.
    """
    values = asdict(record)
    return {
        JSON_KEYS.get(item.name, item.name): list(value) if isinstance(value, tuple) else value
        for item in fields(record)
        if (value := values[item.name]) not in (None, ()) or item.default is MISSING
    }


def from_json_object(kind: type[Record], value: object, where: str) -> Record:
    """Return a record from parsed JSON; error messages begin with ``where``.

    Raises BundleError if a field is unknown, of another type, or missing and has no default.
    """
    if not isinstance(value, Mapping):
        raise BundleError(f"{where}: expected an object, got {type(value).__name__}")
    if kind is Manifest:
        version = value.get("format_version")
        for needed, names in NEW_FIELDS.items():
            newer = sorted(names & value.keys())
            if newer and isinstance(version, int) and version < needed:
                raise BundleError(
                    f"{where}: expected format_version {needed} with the fields {newer}, "
                    f"got {version}"
                )
    keys = {item.name: JSON_KEYS.get(item.name, item.name) for item in fields(kind)}
    required = {
        keys[item.name]
        for item in fields(kind)
        if item.default is MISSING and item.default_factory is MISSING
    }
    missing = sorted(required - value.keys())
    unknown = sorted(value.keys() - set(keys.values()))
    if missing or unknown:
        raise BundleError(f"{where}: fields missing: {missing}, fields unknown: {unknown}")
    if kind is Topic and "subjects" in value:
        value = {**value, "subjects": parse_subjects(value["subjects"], where)}
    for name, hint in get_type_hints(kind).items():
        key = keys[name]
        if key in value and not _conforms(value[key], hint):
            expected = hint.__name__ if isinstance(hint, type) and not get_args(hint) else hint
            given = type(value[key]).__name__
            raise BundleError(f"{where}: {key}: expected {expected}, got {given}")
    return kind(**{name: value[key] for name, key in keys.items() if key in value})


def parse_subjects(value: object, where: str) -> tuple[Subject, ...]:
    """Parse the subjects of a topic, or raise BundleError unless they are a list of objects."""
    if not isinstance(value, list):
        raise BundleError(
            f"{where}: subjects: expected a list of objects, got {type(value).__name__}"
        )
    return tuple(
        from_json_object(Subject, item, f"{where}: subjects[{index}]")
        for index, item in enumerate(value)
    )


def _conforms(value: object, hint: Any) -> bool:
    """Whether a value has a type: a plain one, or a union, list, tuple or dict of them."""
    items = get_args(hint)
    origin = get_origin(hint)
    if origin in (list, tuple):
        return isinstance(value, origin) and all(_conforms(item, items[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_conforms(v, items[1]) for v in value.values())
    if items:
        return any(_conforms(value, option) for option in items)
    return hint is Any or type(value) is hint
