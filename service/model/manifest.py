"""The records of a bundle: manifest, topics and golden cases."""

import math
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from service.model.drift import DriftBaseline
from service.model.errors import BundleError
from service.model.outputs import TOPIC_PROBABILITIES

FORMAT_VERSION: Final = 3
READABLE_FORMAT_VERSIONS: Final = (1, 2, 3)
JSON_KEYS: Final = {"tokenizer": "tokeniser"}
"""Fields of the manifest that have another key in the file."""

THRESHOLDS: Final = ("min_confidence", "min_known_words_ratio")
NEW_FIELDS: Final = {
    2: {"no_topic", "topic_min_confidence"},
    3: {"all_topics_precision", "all_topics_thresholds"},
}
"""Manifest fields that earlier format versions do not have."""
OPTIONAL_FIELDS: Final = {
    *THRESHOLDS,
    *NEW_FIELDS[2],
    *NEW_FIELDS[3],
    "no_topic_ratio",
    "topic_probabilities",
}

MAX_LINE_LENGTH: Final = 500
MAX_CODE_LENGTH: Final = 64

Record = TypeVar("Record", "Manifest", "Topic", "Golden", DriftBaseline)


@dataclass(frozen=True, slots=True)
class Topic:
    """A class of the network."""

    id: int  # class index: its position in the network's output
    code: str  # of the corpus, such as money-fx
    name: str
    group: str
    description: str
    training_newswires: int  # newswires of the training split with this topic


@dataclass(frozen=True, slots=True)
class Golden:
    """A text with the tokens and the prediction of the trained network before export."""

    title: str | None
    text: str
    token_ids: list[int]  # in order, as from `TextEncoder.token_ids`
    probabilities: list[float]  # shape (n_outputs,), from Keras
    topic_probabilities: list[float] | None = None  # shape (n_topics,), where there is this output


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is, how it was trained and what it scored; enough to repeat the run."""

    format_version: int
    name: str
    version: str
    created: str  # time in UTC, ISO 8601
    command: str  # of the training
    recipe: dict[str, Any]  # name and settings
    data: dict[str, Any]  # source, fingerprint and counts of the data set
    tokenizer: str  # name of the encoder in `service.model.bundle`
    tensors: dict[str, str]  # names of the network's inputs and outputs, by role
    scores: dict[str, Any]  # on the test split
    libraries: dict[str, str]  # versions of libraries and of Python
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 of every other file, by path
    min_known_words_ratio: float = 0.0  # abstain if a smaller share of the words is known
    min_confidence: float = 0.0  # abstain if the highest score is lower
    no_topic: bool = False  # the last output is the probability that no topic fits
    topic_min_confidence: dict[str, float] = field(default_factory=dict)
    """Overrides ``min_confidence``, by topic code."""
    all_topics_thresholds: dict[str, float] = field(default_factory=dict)
    """By topic code: a text has the topic if its own probability is as high."""
    all_topics_precision: float = 0.0
    """Of each topic on held-out texts, for which its threshold was chosen."""

    @property
    def abstains(self) -> bool:
        """Whether the model can abstain without ``min_confidence`` in a request."""
        thresholds = (self.min_known_words_ratio, self.min_confidence)
        return self.no_topic or any(thresholds) or any(self.topic_min_confidence.values())


def to_json_object(record: Manifest | Topic | Golden | DriftBaseline) -> dict[str, Any]:
    """Return the JSON object that `from_json_object` reads, without optional fields of None."""
    return {
        JSON_KEYS.get(name, name): value
        for name, value in asdict(record).items()
        if value is not None or name not in OPTIONAL_FIELDS
    }


def from_json_object(kind: type[Record], value: object, where: str) -> Record:
    """Return a record from parsed JSON; error messages begin with ``where``.

    Raises BundleError if a field is missing, unknown, or of another type.
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
    keys = {name: JSON_KEYS.get(name, name) for name in get_type_hints(kind)}
    known = set(keys.values())
    missing, unknown = sorted(known - OPTIONAL_FIELDS - value.keys()), sorted(value.keys() - known)
    if missing or unknown:
        raise BundleError(f"{where}: fields missing: {missing}, fields unknown: {unknown}")
    for name, hint in get_type_hints(kind).items():
        key = keys[name]
        if key in value and not _conforms(value[key], hint):
            expected = hint.__name__ if isinstance(hint, type) and not get_args(hint) else hint
            given = type(value[key]).__name__
            raise BundleError(f"{where}: {key}: expected {expected}, got {given}")
    return kind(**{name: value[key] for name, key in keys.items() if key in value})


def _conforms(value: object, hint: Any) -> bool:
    """Whether parsed JSON has a type: a plain one, or a union, list or dict of them."""
    items = get_args(hint)
    origin = get_origin(hint)
    if origin is list:
        return isinstance(value, list) and all(_conforms(item, items[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_conforms(v, items[1]) for v in value.values())
    if items:
        return any(_conforms(value, option) for option in items)
    return hint is Any or type(value) is hint


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
    thresholds = {name: getattr(manifest, name) for name in (*THRESHOLDS, "all_topics_precision")}
    for code, ratio in manifest.topic_min_confidence.items():
        thresholds[f"topic_min_confidence: {code}"] = ratio
    for code, ratio in manifest.all_topics_thresholds.items():
        thresholds[f"all_topics_thresholds: {code}"] = ratio
    for name, ratio in thresholds.items():
        if not 0 <= ratio <= 1:  # NaN is neither
            raise BundleError(f"manifest.json: {name}: expected 0 to 1, got {ratio}")


def check_topics(topics: Sequence[Topic], manifest: Manifest) -> None:
    """Raise BundleError unless ids are 0, 1, 2, ..., codes unique and known, texts printable."""
    if [topic.id for topic in topics] != list(range(len(topics))) or not topics:
        raise BundleError("topics.json: expected ids 0, 1, 2, ... in order")
    codes = {topic.code for topic in topics}
    if len(codes) < len(topics):
        raise BundleError("topics.json: expected unique codes, some repeat")
    if unknown := [code for code in manifest.topic_min_confidence if code not in codes]:
        raise BundleError(
            f"manifest.json: topic_min_confidence: expected codes of topics, got {unknown}"
        )
    thresholds = manifest.all_topics_thresholds
    if thresholds.keys() != (codes if TOPIC_PROBABILITIES in manifest.tensors else set()):
        raise BundleError(
            "manifest.json: all_topics_thresholds: expected one of each topic where tensors has "
            f"{TOPIC_PROBABILITIES!r}, else none, got {len(thresholds)}"
        )
    for topic in topics:
        texts = (topic.name, topic.group, topic.description)
        if not is_code(topic.code) or not all(map(_is_line, texts)):
            raise BundleError(
                f"topics.json, entry {topic.id}: expected a code of letters, digits, '-', '_' and "
                f"'.', and a name, group and description of 1 to {MAX_LINE_LENGTH} "
                "printable characters"
            )


def is_code(text: str) -> bool:
    """Whether a text can be the code of a topic: 1 to 64 letters and digits, ``-``, ``_``, ``.``.

    Letters are those of any script, with their marks. A code does not begin with a full stop.
    """
    return 1 <= len(text) <= MAX_CODE_LENGTH and text[0] != "." and all(map(_is_code_part, text))


def _is_code_part(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")
    return character.isalnum() or is_mark or character in "-_."


def _is_line(text: str) -> bool:
    return text.isprintable() and bool(text.strip()) and len(text) <= MAX_LINE_LENGTH


def check_goldens(goldens: Sequence[Golden], manifest: Manifest, n_topics: int) -> None:
    """Raise BundleError unless there are goldens, each with the probabilities of every output."""
    n_outputs = n_topics + manifest.no_topic
    n_alone = n_topics if TOPIC_PROBABILITIES in manifest.tensors else 0
    if not goldens:
        raise BundleError("goldens.json: expected at least one golden case, got none")
    for number, golden in enumerate(goldens):
        probabilities = golden.probabilities
        if len(probabilities) != n_outputs or not math.isclose(sum(probabilities), 1, abs_tol=1e-3):
            raise BundleError(
                f"goldens.json, entry {number}: expected {n_outputs} probabilities that sum to 1, "
                f"got {len(probabilities)} with sum {sum(probabilities):.4f}"
            )
        if len(golden.topic_probabilities or ()) != n_alone:
            raise BundleError(
                f"goldens.json, entry {number}: expected {n_alone} topic_probabilities, "
                f"got {len(golden.topic_probabilities or ())}"
            )
