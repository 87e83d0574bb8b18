"""Checks of the records of a bundle."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from service.model.errors import BundleError
from service.model.manifest import (
    Golden,
    Manifest,
    Subject,
    Topic,
    parse_subjects,
)
from service.model.outputs import TOPIC_PROBABILITIES

READABLE_FORMAT_VERSIONS: Final = (1, 2, 3)
RATIOS: Final = ("min_confidence", "min_known_words_ratio", "all_topics_precision")
"""Fields of the manifest that are 0 to 1."""
MAX_LINE_LENGTH: Final = 500
MAX_CODE_LENGTH: Final = 64

MATCHES: Final = ("exact", "close", "broad")
"""How a concept matches a topic, in SKOS: each text of the topic is about the concept, too."""
MAX_SUBJECTS: Final = 8
"""Maximum number of subjects of a topic."""
SUBJECTS_FORMAT_VERSION: Final = 3
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+")


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
        if not is_line(getattr(manifest, name)):
            raise BundleError(
                f"manifest.json: {name}: expected 1 to {MAX_LINE_LENGTH} printable characters"
            )
    thresholds = {name: getattr(manifest, name) for name in RATIOS}
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
        if not is_code(topic.code) or not all(map(is_line, texts)):
            raise BundleError(
                f"topics.json, entry {topic.id}: expected a code of letters, digits, '-', '_' and "
                f"'.', and a name, group and description of 1 to {MAX_LINE_LENGTH} "
                "printable characters"
            )
        check_subjects(topic.subjects, f"topics.json, entry {topic.id}")


def is_code(text: str) -> bool:
    """Whether a text can be the code of a topic: 1 to 64 letters and digits, ``-``, ``_``, ``.``.

    Letters are those of any script, with their marks. A code does not begin with a full stop.
    """
    return 1 <= len(text) <= MAX_CODE_LENGTH and text[0] != "." and all(map(_is_code_part, text))


def _is_code_part(character: str) -> bool:
    is_mark = unicodedata.category(character).startswith("M")
    return character.isalnum() or is_mark or character in "-_."


def is_line(text: str) -> bool:
    """Whether a text is printable, not blank, and not too long."""
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


def read_subjects(value: object, where: str) -> tuple[Subject, ...]:
    """Return the subjects of a topic from parsed JSON; error messages begin with ``where``.

    Raises BundleError as `parse_subjects` and `check_subjects`.
    """
    subjects = parse_subjects(value, where)
    check_subjects(subjects, where)
    return subjects


def check_subjects(subjects: Sequence[Subject], where: str) -> None:
    """Raise BundleError unless each has a URI of its own, a printable name and a known match."""
    if len(subjects) > MAX_SUBJECTS:
        raise BundleError(
            f"{where}: subjects: expected a list of at most {MAX_SUBJECTS} objects, "
            f"got {len(subjects)}"
        )
    for subject in subjects:
        if not (URI.fullmatch(subject.uri) and is_line(subject.uri)):
            raise BundleError(
                f"{where}: subjects: uri: expected a URI of at most {MAX_LINE_LENGTH} characters, "
                f"got {subject.uri[:MAX_LINE_LENGTH]!r}"
            )
        if not is_line(subject.name) or subject.match not in MATCHES:
            raise BundleError(
                f"{where}: subjects: {subject.uri}: expected a name of 1 to {MAX_LINE_LENGTH} "
                f"printable characters and a match of {', '.join(MATCHES)}"
            )
    if len({subject.uri for subject in subjects}) < len(subjects):
        raise BundleError(f"{where}: subjects: expected each uri once, some repeat")


def check_names_of_subjects(subjects: Iterable[Subject], where: str) -> None:
    """Raise BundleError if a URI has several names."""
    names: dict[str, str] = {}
    for subject in subjects:
        if names.setdefault(subject.uri, subject.name) != subject.name:
            raise BundleError(
                f"{where}: subjects: {subject.uri}: expected one name, got "
                f"{names[subject.uri]!r} and {subject.name!r}"
            )
