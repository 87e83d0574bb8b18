"""What a bundle says of itself: the manifest, its topics and its golden cases."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from service.model.drift import DriftBaseline
from service.model.errors import BundleError

FORMAT_VERSION: Final = 2
"""The version that is written."""
FORMAT_VERSIONS: Final = (1, 2)
"""The versions that are read."""

THRESHOLDS: Final = ("min_confidence", "min_known_words_ratio")
VERSION_2_FIELDS: Final = {"no_topic", "topic_min_confidence"}
"""Fields of the manifest that format version 1 does not have."""
OPTIONAL_FIELDS: Final = {*THRESHOLDS, *VERSION_2_FIELDS, "no_topic_ratio"}
"""Fields of a record that have a default."""

MAX_LINE: Final = 500
_CODE: Final = re.compile(r"[\w-][\w.-]{0,63}", re.ASCII)

Record = TypeVar("Record", "Manifest", "Topic", "Golden", DriftBaseline)


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the classes that the network tells apart."""

    id: int
    """Class index, which is its place in the network's output."""
    code: str
    """The code of the corpus, such as ``money-fx``."""
    name: str
    """What people call it."""
    group: str
    description: str
    """One line: what newswires with this topic are about."""
    training_newswires: int
    """How many newswires of the training split have this topic."""


@dataclass(frozen=True, slots=True)
class Golden:
    """A text and what the trained network answered before it was exported."""

    title: str | None
    text: str
    token_ids: list[int]
    """Every token in order, as `TextEncoder.token_ids` gives them."""
    probabilities: list[float]
    """Shape (n_outputs,), from Keras."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Says what a bundle is, how it was made and what it scored; enough to repeat the run."""

    format_version: int
    name: str
    version: str
    created: str
    """When, in UTC, as ISO 8601."""
    command: str
    """The command that made the bundle."""
    recipe: dict[str, Any]
    """The recipe's name, and every setting that it had."""
    data: dict[str, Any]
    """Source, fingerprint and counts of the data set."""
    tokeniser: str
    """Name of the rule by which text becomes token ids (`service.model.encoders`)."""
    tensors: dict[str, str]
    """Names of the network's inputs and output, by their role."""
    scores: dict[str, Any]
    """Measured on the test split."""
    libraries: dict[str, str]
    """Version of each library that took part, and of Python."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 in hexadecimal of every other file of the bundle, by its path in it."""
    min_known_words_ratio: float = 0.0
    """Texts of which a smaller share of the words is known are abstained from; 0 to 1."""
    min_confidence: float = 0.0
    """Answers whose highest score is lower are abstained from; 0 to 1."""
    no_topic: bool = False
    """Whether the network has an output more than topics: the last column of ``probabilities`` is
    the probability that none of the topics fits."""
    topic_min_confidence: dict[str, float] = field(default_factory=dict)
    """Thresholds that take the place of ``min_confidence``, by topic code; 0 to 1."""

    @property
    def abstains(self) -> bool:
        """Whether the model can abstain by itself: it has a threshold, or knows "no topic"."""
        ratios = (
            self.min_known_words_ratio,
            self.min_confidence,
            *self.topic_min_confidence.values(),
        )
        return self.no_topic or any(ratios)


def to_json_object(record: Manifest | Topic | Golden | DriftBaseline) -> dict[str, Any]:
    """Return the JSON object that `from_json_object` reads, without optional fields of None."""
    values = asdict(record)
    return {k: v for k, v in values.items() if v is not None or k not in OPTIONAL_FIELDS}


def from_json_object(kind: type[Record], value: object, where: str) -> Record:
    """Read a record from parsed JSON, checking that each field is there and of its type.

    Parameters
    ----------
    kind : type
        `Manifest`, `Topic`, `Golden` or `DriftBaseline`.
    value : object
        What the JSON parser gave.
    where : str
        Begins the error message, for example ``"topics.json, entry 3"``.

    Raises
    ------
    BundleError
        If a field is missing, unknown, or of another type.
    """
    if not isinstance(value, Mapping):
        raise BundleError(f"{where}: expected an object, got {type(value).__name__}")
    known = {item.name for item in fields(kind)}
    required = known - OPTIONAL_FIELDS
    newer = sorted(VERSION_2_FIELDS & value.keys())
    if kind is Manifest and newer and value.get("format_version") == 1:
        raise BundleError(f"{where}: expected format_version 2 with the fields {newer}, got 1")
    if not required <= value.keys() <= known:
        missing, unknown = sorted(required - value.keys()), sorted(value.keys() - known)
        raise BundleError(f"{where}: fields missing: {missing}, fields unknown: {unknown}")
    for name, hint in get_type_hints(kind).items():
        if name in value and not _conforms(value[name], hint):
            given = type(value[name]).__name__
            raise BundleError(f"{where}: {name}: expected {_readable(hint)}, got {given}")
    return kind(**value)


def _conforms(value: object, hint: Any) -> bool:
    """Whether parsed JSON is of a type hint: a plain type, a union, a list or a dict of them."""
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


def check_manifest(manifest: Manifest, *, tokenisers: Collection[str]) -> None:
    """Refuse a manifest that this code cannot serve.

    Raises
    ------
    BundleError
        If its format or tokeniser rule is not one of ours, or a threshold is no ratio.
    """
    if manifest.format_version not in FORMAT_VERSIONS:
        expected = " or ".join(map(str, FORMAT_VERSIONS))
        raise BundleError(
            f"manifest.json: expected format_version {expected}, got {manifest.format_version}"
        )
    if manifest.tokeniser not in tokenisers:
        expected = " or ".join(map(repr, tokenisers))
        raise BundleError(
            f"manifest.json: expected tokeniser {expected}, got {manifest.tokeniser!r}"
        )
    for name in ("name", "version", "created"):  # they stand in answers, metrics and log lines
        if not _is_a_line(getattr(manifest, name)):
            raise BundleError(
                f"manifest.json: {name}: expected 1 to {MAX_LINE} printable characters"
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
    """Raise BundleError if ``topic_min_confidence`` names a code that is not a topic's."""
    codes = {topic.code for topic in topics}
    if unknown := [code for code in manifest.topic_min_confidence if code not in codes]:
        raise BundleError(
            f"manifest.json: topic_min_confidence: expected codes of topics, got {unknown}"
        )


def check_topics(topics: Sequence[Topic]) -> None:
    """Refuse topics whose ids are not 0, 1, 2, ... in order, or that cannot be told or shown."""
    if [topic.id for topic in topics] != list(range(len(topics))) or not topics:
        raise BundleError("topics.json: expected ids 0, 1, 2, ... in order")
    if len({topic.code for topic in topics}) < len(topics):
        raise BundleError("topics.json: expected a code of its own for each topic, some repeat")
    for topic in topics:
        texts = (topic.name, topic.group, topic.description)
        if not _CODE.fullmatch(topic.code) or not all(map(_is_a_line, texts)):
            raise BundleError(
                f"topics.json, entry {topic.id}: expected a code of letters, digits, '-', '_' and "
                f"'.', and a name, group and description of 1 to {MAX_LINE} printable characters"
            )


def _is_a_line(text: str) -> bool:
    return text.isprintable() and bool(text.strip()) and len(text) <= MAX_LINE


def check_goldens(goldens: Sequence[Golden], n_outputs: int) -> None:
    """Raise BundleError if there is no golden case, or one whose probabilities are none.

    Parameters
    ----------
    goldens : sequence of Golden
    n_outputs : int
        How many probabilities the network gives for a text: n_topics, or n_topics + 1 where the
        last is that of none of the topics.
    """
    if not goldens:
        raise BundleError("goldens.json: expected at least one golden case, got none")
    for number, golden in enumerate(goldens):
        probabilities = golden.probabilities
        if len(probabilities) != n_outputs or not math.isclose(sum(probabilities), 1, abs_tol=1e-3):
            raise BundleError(
                f"goldens.json, entry {number}: expected {n_outputs} probabilities that sum to 1, "
                f"got {len(probabilities)} with sum {sum(probabilities):.4f}"
            )
