"""The command ``newswire compare``: two models on the same texts, before one replaces the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service.cli.comparison import Comparison, model_rows, summary_rows
from service.cli.inputs import STDIN, Entry, check_inputs, read_lines
from service.cli.output import to_json, write_lines, write_rows
from service.cli.results import keep_line
from service.console import (
    JsonOption,
    MinConfidenceOption,
    PlainConsole,
    PrefixOption,
    progress_bar,
)
from service.labels import to_labels
from service.model import Classification, load_classifier
from service.rows import (
    CommandError,
    PredictionOptions,
    classify_rows,
    find_repeated_file,
)

PREDICTIONS: Final = "predictions"
"""Key that is added to a line of ``--out``, after the prefix."""
LABEL_KEYS: Final = ("topics", "topic", "labels", "label")
"""Keys of the labels of a text: the first one that is present and not null counts."""
MAX_ERRORS: Final = 3  # named in the error message
MAX_MOVES: Final = 10  # rows of the table; JSON has all moves
BUNDLE_HELP: Final = "A bundle, or a folder of numbered ones."


def compare(
    *,
    a: Annotated[Path, typer.Argument(metavar="A", help=BUNDLE_HELP)],
    b: Annotated[Path, typer.Argument(metavar="B", help=BUNDLE_HELP)],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="JSON lines with a key text, title or both; labels are in a key topics, topic, "
            "labels or label. - is standard input.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the lines on which A and B differ to this file.")
    ] = None,
    as_json: JsonOption = False,
    min_confidence: MinConfidenceOption = None,
    prefix: PrefixOption = "",
) -> None:
    """Compare two models on JSON lines: agreement, moves between topics, abstentions, accuracy.

    Topics are compared by their codes. Texts with labels, which are codes or names of topics, also
    give the accuracy of each model and the p-value of McNemar's exact test. A line that cannot be
    compared is left out, and the exit status is 1.
    """
    total = check_inputs(files)
    if out is not None:
        _check_output(out, files)
    models = load_classifier(a), load_classifier(b)
    options = PredictionOptions(top_k=1, min_confidence=min_confidence)
    comparison = Comparison(*models)
    errors: list[str] = []
    n_errors = 0
    console = PlainConsole(stderr=True)
    key = prefix + PREDICTIONS
    with (
        _partial_file(out) as write,
        progress_bar(console, "0 texts", total=total, visible=console.is_terminal) as advance,
    ):
        for batch in read_lines(files, [key]):
            rows = [entry.content for entry in batch]
            found_a, found_b = (classify_rows(model, rows, options) for model in models)
            for entry, of_a, of_b in zip(batch, found_a, found_b, strict=True):
                try:
                    predictions = _compare(comparison, entry, of_a, of_b)
                except CommandError as error:
                    n_errors += 1
                    if len(errors) < MAX_ERRORS:
                        errors.append(f"{entry.place}: {error}")
                    continue
                if predictions:
                    write(keep_line(entry, {key: predictions}))
            advance(sum(entry.size for entry in batch), f"{comparison.counts.total():,} texts")
        if not comparison.counts:
            found = "; ".join(errors) or "no line"
            raise CommandError(f"{', '.join(files)}: expected at least one text, got {found}")
    _show(comparison.to_json_object(), as_json=as_json)
    if n_errors:
        n_lines = comparison.counts.total() + n_errors
        listed = "; ".join(errors)
        raise CommandError(f"{n_errors:,} of {n_lines:,} lines could not be compared: {listed}")


def _check_output(out: Path, files: Sequence[str]) -> None:
    if not out.parent.is_dir() or (out.exists() and not out.is_file()):
        raise CommandError(
            f"--out: expected a new or a regular file in a folder that exists, got {out}"
        )
    for file in files:
        if file != STDIN and find_repeated_file([Path(file), out]):
            raise CommandError(f"--out: expected another file than the input, got {out}")


@contextmanager
def _partial_file(out: Path | None) -> Iterator[Callable[[str], object]]:
    """Write lines beside ``out`` and rename the file into place at the end; None drops them."""
    if out is None:
        yield lambda line: None
        return
    partial = out.with_name(f".{out.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            yield lambda line: stream.write(f"{line}\n")
        partial.replace(out)
    except OSError as error:
        raise CommandError(f"--out: {out} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)  # renamed away, unless something went wrong


def _compare(
    comparison: Comparison, entry: Entry, a: Classification | str, b: Classification | str
) -> dict[str, Any] | None:
    """Count the predictions for a text; return them if they differ.

    Raises CommandError if the line has no text or no valid labels, or a model failed.
    """
    if isinstance(a, str):
        raise CommandError(a)
    if isinstance(b, str):
        raise CommandError(b)
    if comparison.count(a, b, find_labels(entry.values)):
        return None
    return {
        name: {"topic": topic.code, "score": score, "abstained": found.abstained}
        for name, found in (("a", a), ("b", b))
        for topic, score in found.topics
    }


def find_labels(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the labels of a text, empty if none of the topics fits; None without a key.

    Raises CommandError if they are invalid, as in `to_labels`.
    """
    key = next((key for key in LABEL_KEYS if value.get(key) is not None), None)
    if key is None:
        return None
    try:
        return to_labels(value[key], key)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        write_lines([to_json(figures)])
        return
    write_rows(summary_rows(figures))
    write_lines([""])
    write_rows(model_rows(figures), ["measure", "a", "b"])
    if moves := figures["moves"]:
        write_lines([""])
        write_rows(([*map(str, move.values())] for move in moves[:MAX_MOVES]), list(moves[0]))
