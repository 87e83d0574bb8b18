"""The records of a bundle: manifest, topics and golden cases."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    "subjects",
}

MAX_LINE_LENGTH: Final = 500
MAX_CODE_LENGTH: Final = 64

MATCHES: Final = ("exact", "close", "broad")
"""How a concept matches a topic, in SKOS: each text of the topic is about the concept, too."""
MAX_SUBJECTS: Final = 8
"""Of a topic."""
SUBJECTS_FORMAT_VERSION: Final = 3
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+")

Record = TypeVar("Record", "Manifest", "Topic", "Subject", "Golden", DriftBaseline)


@dataclass(frozen=True, slots=True)
class Subject:
    """A concept of a vocabulary, such as IPTC Media Topics, that a topic stands for."""

    uri: str
    name: str
    match: str  # one of `MATCHES`


@dataclass(frozen=True, slots=True)
class Topic:
    """A class of the network."""

    id: int  # class index: its position in the network's output
    code: str  # of the corpus, such as money-fx
    name: str
    group: str
    description: str
    training_newswires: int  # newswires of the training split with this topic
    subjects: tuple[Subject, ...] = ()


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
    """Return the JSON object that `from_json_object` reads.

    Without optional fields of None, and without subjects if there are none.
    """
    return {
        JSON_KEYS.get(name, name): list(value) if isinstance(value, tuple) else value
        for name, value in asdict(record).items()
        if name not in OPTIONAL_FIELDS or not (value is None or value == ())
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
    if kind is Topic and "subjects" in value:
        value = {**value, "subjects": read_subjects(value["subjects"], where)}
    for name, hint in get_type_hints(kind).items():
        key = keys[name]
        if key in value and not _conforms(value[key], hint):
            expected = hint.__name__ if isinstance(hint, type) and not get_args(hint) else hint
            given = type(value[key]).__name__
            raise BundleError(f"{where}: {key}: expected {expected}, got {given}")
    return kind(**{name: value[key] for name, key in keys.items() if key in value})


def read_subjects(value: object, where: str) -> tuple[Subject, ...]:
    """Return the subjects of a topic from parsed JSON; error messages begin with ``where``.

    Raises BundleError unless they are a list of at most `MAX_SUBJECTS` objects with a URI, which is
    in the list once, a printable name and one of `MATCHES`.
    """
    if not isinstance(value, list) or len(value) > MAX_SUBJECTS:
        came = f"{len(value)}" if isinstance(value, list) else type(value).__name__
        raise BundleError(
            f"{where}: subjects: expected a list of at most {MAX_SUBJECTS} objects, got {came}"
        )
    subjects = tuple(
        from_json_object(Subject, item, f"{where}: subjects[{index}]")
        for index, item in enumerate(value)
    )
    for subject in subjects:
        if not (URI.fullmatch(subject.uri) and _is_line(subject.uri)):
            raise BundleError(
                f"{where}: subjects: uri: expected a URI of at most {MAX_LINE_LENGTH} characters, "
                f"got {subject.uri[:MAX_LINE_LENGTH]!r}"
            )
        if not _is_line(subject.name) or subject.match not in MATCHES:
            raise BundleError(
                f"{where}: subjects: {subject.uri}: expected a name of 1 to {MAX_LINE_LENGTH} "
                f"printable characters and a match of {', '.join(MATCHES)}"
            )
    if len({subject.uri for subject in subjects}) < len(subjects):
        raise BundleError(f"{where}: subjects: expected each uri once, some repeat")
    return subjects


def check_names_of_subjects(subjects: Iterable[Subject], where: str) -> None:
    """Raise BundleError if a URI has several names."""
    names: dict[str, str] = {}
    for subject in subjects:
        if names.setdefault(subject.uri, subject.name) != subject.name:
            raise BundleError(
                f"{where}: subjects: {subject.uri}: expected one name, got "
                f"{names[subject.uri]!r} and {subject.name!r}"
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
    if manifest.format_version < SUBJECTS_FORMAT_VERSION and any(t.subjects for t in topics):
        raise BundleError(
            f"topics.json: expected format_version {SUBJECTS_FORMAT_VERSION} with the field "
            f"subjects, got {manifest.format_version}"
        )
    check_names_of_subjects((item for topic in topics for item in topic.subjects), "topics.json")
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
