"""The records of a bundle: manifest, topics and golden cases."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from service.model.drift import DriftBaseline
from service.model.errors import BundleError

FORMAT_VERSION: Final = 2
READABLE_FORMAT_VERSIONS: Final = (1, 2)
JSON_KEYS: Final = {"tokenizer": "tokeniser"}
"""Fields of the manifest that have another key in the file."""

THRESHOLDS: Final = ("min_confidence", "min_known_words_ratio")
VERSION_2_FIELDS: Final = {"no_topic", "topic_min_confidence"}
"""Manifest fields that format version 1 does not have."""
OPTIONAL_FIELDS: Final = {*THRESHOLDS, *VERSION_2_FIELDS, "no_topic_ratio"}
"""Fields with a default."""

MAX_LINE_LENGTH: Final = 500
_CODE: Final = re.compile(r"[\w-][\w.-]{0,63}", re.ASCII)

Record = TypeVar("Record", "Manifest", "Topic", "Golden", DriftBaseline)


@dataclass(frozen=True, slots=True)
class Topic:
    """A class of the network."""

    id: int
    """Class index: its position in the network's output."""
    code: str
    """Of the corpus, such as ``money-fx``."""
    name: str
    group: str
    description: str
    """One line."""
    training_newswires: int
    """Newswires of the training split with this topic."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A text with the tokens and the prediction of the trained network before export."""

    title: str | None
    text: str
    token_ids: list[int]
    """In order, as from `TextEncoder.token_ids`."""
    probabilities: list[float]
    """Shape (n_outputs,), from Keras."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is, how it was trained and what it scored; enough to repeat the run."""

    format_version: int
    name: str
    version: str
    created: str
    """Time in UTC, ISO 8601."""
    command: str
    """The training command."""
    recipe: dict[str, Any]
    """Name and settings."""
    data: dict[str, Any]
    """Source, fingerprint and counts of the data set."""
    tokenizer: str
    """Name of the encoder (`service.model.encoders`); ``tokeniser`` in the file."""
    tensors: dict[str, str]
    """Names of the network's inputs and output, by role."""
    scores: dict[str, Any]
    """On the test split."""
    libraries: dict[str, str]
    """Versions of libraries and of Python."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 in hexadecimal of every other file of the bundle, by path."""
    min_known_words_ratio: float = 0.0
    """The model abstains if a smaller share of the words is known; 0 to 1."""
    min_confidence: float = 0.0
    """The model abstains if the highest score is lower; 0 to 1."""
    no_topic: bool = False
    """Whether the last column of ``probabilities`` is the probability that no topic fits."""
    topic_min_confidence: dict[str, float] = field(default_factory=dict)
    """Overrides ``min_confidence``, by topic code; 0 to 1."""

    @property
    def abstains(self) -> bool:
        """Whether the model can abstain without ``min_confidence`` in a request."""
        ratios = (
            self.min_known_words_ratio,
            self.min_confidence,
            *self.topic_min_confidence.values(),
        )
        return self.no_topic or any(ratios)


def to_json_object(record: Manifest | Topic | Golden | DriftBaseline) -> dict[str, Any]:
    """Return the JSON object that `from_json_object` reads, without optional fields of None."""
    return {
        JSON_KEYS.get(name, name): value
        for name, value in asdict(record).items()
        if value is not None or name not in OPTIONAL_FIELDS
    }


def from_json_object(kind: type[Record], value: object, where: str) -> Record:
    """Return a record from parsed JSON.

    Parameters
    ----------
    where : str
        Begins the error message, for example ``"topics.json, entry 3"``.

    Raises
    ------
    BundleError
        If a field is missing, unknown, or of another type.
    """
    if not isinstance(value, Mapping):
        raise BundleError(f"{where}: expected an object, got {type(value).__name__}")
    keys = {item.name: JSON_KEYS.get(item.name, item.name) for item in fields(kind)}
    known = set(keys.values())
    required = known - OPTIONAL_FIELDS
    newer = sorted(VERSION_2_FIELDS & value.keys())
    if kind is Manifest and newer and value.get("format_version") == 1:
        raise BundleError(f"{where}: expected format_version 2 with the fields {newer}, got 1")
    if not required <= value.keys() <= known:
        missing, unknown = sorted(required - value.keys()), sorted(value.keys() - known)
        raise BundleError(f"{where}: fields missing: {missing}, fields unknown: {unknown}")
    for name, hint in get_type_hints(kind).items():
        key = keys[name]
        if key in value and not _conforms(value[key], hint):
            given = type(value[key]).__name__
            raise BundleError(f"{where}: {key}: expected {_readable(hint)}, got {given}")
    return kind(**{name: value[key] for name, key in keys.items() if key in value})


def _conforms(value: object, hint: Any) -> bool:
    """Whether parsed JSON has a type: a plain one, or a union, list or dict of them."""
    if hint is Any:
        return True
    items = get_args(hint)
    origin = get_origin(hint)
    if origin is list:
        return isinstance(value, list) and all(_conforms(item, items[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_conforms(v, items[1]) for v in value.values())
    if items:
        return any(_conforms(value, option) for option in items)
    return type(value) is hint


def _readable(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def check_manifest(manifest: Manifest, *, tokenizers: Collection[str]) -> None:
    """Raise BundleError for an unknown format or tokenizer, or an invalid value."""
    if manifest.format_version not in READABLE_FORMAT_VERSIONS:
        expected = " or ".join(map(str, READABLE_FORMAT_VERSIONS))
        raise BundleError(
            f"manifest.json: expected format_version {expected}, got {manifest.format_version}"
        )
    if manifest.tokenizer not in tokenizers:
        expected = " or ".join(map(repr, tokenizers))
        raise BundleError(
            f"manifest.json: expected tokeniser {expected}, got {manifest.tokenizer!r}"
        )
    for name in ("name", "version", "created"):  # they are in responses, metrics and log lines
        if not _is_line(getattr(manifest, name)):
            raise BundleError(
                f"manifest.json: {name}: expected 1 to {MAX_LINE_LENGTH} printable characters"
            )
    thresholds = {name: getattr(manifest, name) for name in THRESHOLDS}
    thresholds |= {
        f"topic_min_confidence: {code}": ratio
        for code, ratio in manifest.topic_min_confidence.items()
    }
    for name, ratio in thresholds.items():
        if not 0 <= ratio <= 1:  # NaN is neither
            raise BundleError(f"manifest.json: {name}: expected 0 to 1, got {ratio}")


def check_topic_thresholds(manifest: Manifest, topics: Sequence[Topic]) -> None:
    """Raise BundleError if ``topic_min_confidence`` has a code that is no topic's."""
    codes = {topic.code for topic in topics}
    if unknown := [code for code in manifest.topic_min_confidence if code not in codes]:
        raise BundleError(
            f"manifest.json: topic_min_confidence: expected codes of topics, got {unknown}"
        )


def check_topics(topics: Sequence[Topic]) -> None:
    """Raise BundleError unless ids are 0, 1, 2, ..., codes unique and texts printable."""
    if [topic.id for topic in topics] != list(range(len(topics))) or not topics:
        raise BundleError("topics.json: expected ids 0, 1, 2, ... in order")
    if len({topic.code for topic in topics}) < len(topics):
        raise BundleError("topics.json: expected unique codes, some repeat")
    for topic in topics:
        texts = (topic.name, topic.group, topic.description)
        if not _CODE.fullmatch(topic.code) or not all(map(_is_line, texts)):
            raise BundleError(
                f"topics.json, entry {topic.id}: expected a code of letters, digits, '-', '_' and "
                f"'.', and a name, group and description of 1 to {MAX_LINE_LENGTH} "
                "printable characters"
            )


def _is_line(text: str) -> bool:
    return text.isprintable() and bool(text.strip()) and len(text) <= MAX_LINE_LENGTH


def check_goldens(goldens: Sequence[Golden], n_outputs: int) -> None:
    """Raise BundleError unless there are goldens, each of ``n_outputs`` probabilities."""
    if not goldens:
        raise BundleError("goldens.json: expected at least one golden case, got none")
    for number, golden in enumerate(goldens):
        probabilities = golden.probabilities
        if len(probabilities) != n_outputs or not math.isclose(sum(probabilities), 1, abs_tol=1e-3):
            raise BundleError(
                f"goldens.json, entry {number}: expected {n_outputs} probabilities that sum to 1, "
                f"got {len(probabilities)} with sum {sum(probabilities):.4f}"
            )
