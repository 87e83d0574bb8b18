"""The topics of labelled files: codes of their labels, names and descriptions, rare ones."""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from service.model import Topic
from service.model.manifest import Subject
from service.model.record_checks import (
    MAX_LINE_LENGTH,
    check_names_of_subjects,
    is_code,
    is_line,
    read_subjects,
)
from training.data.columns import LabelledRow
from training.data.dataset import DataError

MIN_TEXTS: Final = 5  # a topic with fewer cannot be learnt and measured
MIN_TOPICS: Final = 2
MAX_TOPICS: Final = 1_000
MAX_SHOWN: Final = 5  # topics in an error message
MAX_FILE_BYTES: Final = 16 * 2**20
MAX_SHOWN_LABEL: Final = 80  # characters


class Description(NamedTuple):
    """Texts that describe a topic to people, and its subjects."""

    name: str
    group: str
    description: str
    subjects: tuple[Subject, ...] = ()


class TopicList:
    """Codes of the labels in files.

    A label that is the code or the name of a described topic has its code. Another label is its own
    code, with '-' in place of invalid characters: ``Sci/Tech`` has the code ``Sci-Tech``.

    Raises BundleError if the descriptions have several names for one subject.
    """

    def __init__(self, descriptions: Mapping[str, Description]) -> None:
        check_names_of_subjects(
            (subject for item in descriptions.values() for subject in item.subjects), "topics"
        )
        self._descriptions = dict(descriptions)
        self._codes = {item.name: code for code, item in descriptions.items()}
        self._codes |= {code: code for code in descriptions}
        self._labels: dict[str, str] = {}  # by code, of topics without a description

    def codes_of(self, row: LabelledRow) -> tuple[str, ...]:
        """Return the codes of a row's topics, each once; raise `DataError` as `code_of` does."""
        try:
            return tuple(dict.fromkeys(map(self.code_of, row.topics)))
        except DataError as error:
            raise DataError(f"{row.file}, line {row.line}: {error}") from error

    def code_of(self, label: str) -> str:
        """Return the code of a label; raise `DataError` if it has none, or another label has it."""
        if label not in self._codes:
            self._codes[label] = self._make_code(label)
        return self._codes[label]

    def _make_code(self, label: str) -> str:
        code = unicodedata.normalize("NFC", label)
        if not is_code(code):
            words = "".join(char if char == "." or is_code(char) else " " for char in code).split()
            code = "-".join(words).strip("-.")
        if not is_code(code) or not is_line(label):
            raise DataError(
                "topics: expected names with 1 to 64 letters and digits, got "
                f"{label[:MAX_SHOWN_LABEL]!r}: give it a code with --topics topics.json"
            )
        if code not in self._descriptions and self._labels.setdefault(code, label) != label:
            raise DataError(
                f"topics: {self._labels[code]!r} and {label!r} have the same code, {code!r}: use "
                "one name, or give each a code with --topics topics.json"
            )
        return code

    def topics(self, codes: Iterable[str], counts: Sequence[int]) -> list[Topic]:
        """Return the topics of some codes, with the number of training texts of each."""
        topics = []
        for index, (code, count) in enumerate(zip(codes, counts, strict=True)):
            label = self._labels.get(code, code)
            described = self._descriptions.get(code, Description(label, label, label))
            topics.append(Topic(index, code, **described._asdict(), training_newswires=count))
        return topics


def read_descriptions(path: Path) -> dict[str, Description]:
    """Read ``topics.json``: a list of objects with ``code``, and any other field of a description.

    The name is the code if left out, group and description are the name; ``subjects`` are concepts
    of a vocabulary, as in a bundle. Raises `DataError`, or BundleError for subjects.
    """
    try:
        with path.open("rb") as file:
            entries = json.loads(file.read(MAX_FILE_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON in UTF-8, it cannot be read: {error}") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: expected a list of objects with 'code' and 'name', got another")
    descriptions: dict[str, Description] = {}
    for number, entry in enumerate(entries, 1):
        code = entry.get("code") if isinstance(entry, dict) else None
        if not isinstance(code, str) or not is_code(code):
            raise DataError(
                f"{path}, entry {number}: expected an object with a 'code' of 1 to 64 "
                f"letters, digits, '_', '-' and '.', got {str(entry)[:MAX_SHOWN_LABEL]}"
            )
        given = {field: value for field, value in entry.items() if value not in (None, "")}
        name = given.get("name", code)
        described = Description(name, given.get("group", name), given.get("description", name))
        for field, value in zip(("name", "group", "description"), described, strict=False):
            if not (isinstance(value, str) and is_line(value)):
                raise DataError(
                    f"{path}, entry {number}: {field}: expected 1 to {MAX_LINE_LENGTH} printable "
                    f"characters, got {str(value)[:MAX_SHOWN_LABEL]!r}"
                )
        if code in descriptions:
            raise DataError(f"{path}, entry {number}: expected each code once, {code!r} repeats")
        subjects = read_subjects(given.get("subjects", []), f"{path}, entry {number}")
        descriptions[code] = described._replace(subjects=subjects)
    return descriptions


def rare_topics(
    topics: Iterable[tuple[str, ...]],
    known: Iterable[str],
    *,
    drop: bool,
    min_texts: int = MIN_TEXTS,
) -> frozenset[str]:
    """Return the topics to leave out: those of fewer than ``min_texts`` texts, except known ones.

    Raises `DataError` if there are some and ``drop`` is false.
    """
    counts = Counter(chain.from_iterable(topics))
    for code in known:
        del counts[code]
    rare = {code: n for code, n in counts.items() if n < min_texts}
    if rare and not drop:
        shown = [f"{code} ({n})" for code, n in sorted(rare.items(), key=lambda item: item[::-1])]
        more = f" and {len(shown) - MAX_SHOWN:,} more" if len(shown) > MAX_SHOWN else ""
        raise DataError(
            f"expected at least {min_texts} texts of each topic, got fewer of {len(rare):,} among "
            f"{len(counts):,} topics: {', '.join(shown[:MAX_SHOWN])}{more}; add texts, correct the "
            "column of topics, or leave these topics out with --drop-rare"
        )
    return frozenset(rare)


def check_number_of_topics(codes: Sequence[str]) -> None:
    """Raise `DataError` unless there are `MIN_TOPICS` to `MAX_TOPICS`."""
    if not MIN_TOPICS <= len(codes) <= MAX_TOPICS:
        shown = f": {', '.join(codes)}" if 0 < len(codes) < MAX_SHOWN else ""
        raise DataError(
            f"expected {MIN_TOPICS} to {MAX_TOPICS:,} topics, got {len(codes):,}{shown}"
        )
