"""The commands of ``newswire``: classify, explain, model, compare and serve."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service import __version__
from service.cli.compare import compare
from service.cli.explanation import explanation_cells, highlight, to_json_object
from service.cli.inputs import check_inputs, read_lines, read_text, read_texts
from service.cli.output import to_json, write_lines, write_rows
from service.cli.results import ALL_TOPICS, RESULT_KEYS, show_results, to_json_line, to_ninjs
from service.console import (
    AllTopicsOption,
    JsonOption,
    MinConfidenceOption,
    ModelDirOption,
    PlainConsole,
    PrefixOption,
    TopKOption,
    print_error,
    progress_bar,
)
from service.model import Manifest, TopicClassifier, WordEffect, load_classifier
from service.model.manifest import to_json_object as to_record
from service.rows import CommandError, classify_rows, resolve_options

TOPIC_FIELDS: Final = ("id", "code", "name", "group", "training_newswires", "description")
THRESHOLD: Final = "all_topics_threshold"
cli = typer.Typer(
    help="Classify news texts by topic.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.callback(invoke_without_command=True)
def about(
    *,
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Show the version, or fail without a command."""
    if version:
        write_lines([f"newswire {__version__}"])
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("expected a command")


@cli.command()
def classify(
    *,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files of text; - is standard input.")
    ],
    model_dir: ModelDirOption,
    json_lines: JsonOption = False,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="Each line is a JSON object with a key text, title or both; the results are added "
            "to its keys.",
        ),
    ] = False,
    top_k: TopKOption = None,
    min_confidence: MinConfidenceOption = None,
    all_topics: AllTopicsOption = False,
    ninjs: Annotated[
        bool,
        typer.Option(
            "--ninjs",
            help="Write a document of IPTC ninjs 2.1 for each text, with its subjects, as a line.",
        ),
    ] = False,
    prefix: PrefixOption = "",
) -> None:
    """Classify files of text, or of JSON lines, of any length.

    Writes a table on a terminal, else tab-separated values, or JSON lines. A text that cannot be
    classified has an error in its place, and the exit status is 1.
    """
    if ninjs and (json_lines or prefix):
        raise CommandError(
            "--ninjs: expected neither --json nor --prefix, which ninjs does not have"
        )
    total = check_inputs(files)
    classifier = load_classifier(model_dir)
    options = resolve_options(
        top_k, min_confidence, classifier, all_topics=all_topics, subjects=ninjs
    )
    keys = (*RESULT_KEYS, ALL_TOPICS) if all_topics else RESULT_KEYS
    names = () if ninjs else [prefix + name for name in keys]
    as_json = (jsonl or json_lines) and not ninjs
    console = PlainConsole(stderr=True)
    visible = console.is_terminal and not sys.stdout.isatty()
    n_texts, n_failed = 0, 0
    with progress_bar(console, "0 texts", total=total, visible=visible) as advance:
        for batch in read_lines(files, names) if jsonl else read_texts(files):
            found = classify_rows(classifier, [entry.content for entry in batch], options)
            results = list(zip(batch, found, strict=True))
            classified = [(entry, item) for entry, item in results if not isinstance(item, str)]
            if as_json:
                write_lines(to_json_line(*result, prefix) for result in results)
            elif ninjs:
                write_lines(to_json(to_ninjs(*result)) for result in classified)
            else:
                show_results(classified, header=n_texts == 0, all_topics=all_topics)
            for entry, item in results:
                if isinstance(item, str) and not as_json:
                    print_error(f"{entry.place}: {item}")
            n_texts += len(results)
            n_failed += len(results) - len(classified)
            advance(sum(entry.size for entry in batch), f"{n_texts:,} texts")
    if n_failed:
        raise CommandError(
            f"{n_failed:,} of {n_texts:,} {'lines' if jsonl else 'texts'} could not be classified"
        )


@cli.command()
def explain(
    *,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A file of text; - is standard input.")
    ],
    model_dir: ModelDirOption,
    title: Annotated[
        str | None, typer.Option(help="Title of the text; the file may then be empty.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how much each word raised or lowered the score of the predicted topic.

    Writes colours on a terminal, else tab-separated values, or JSON.
    """
    check_inputs([file])
    text = read_text(file, title)
    explanation = load_classifier(model_dir).explain(text)
    if as_json:
        write_lines([to_json(to_json_object(explanation))])
    elif sys.stdout.isatty():
        PlainConsole().print(highlight(text, explanation))
    else:
        write_rows(map(explanation_cells, explanation.words), WordEffect._fields)


@cli.command()
def model(
    *,
    model_dir: ModelDirOption,
    topics: Annotated[bool, typer.Option("--topics", help="Show the topics of the model.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the manifest of the model: thresholds and scores; or its topics."""
    classifier = load_classifier(model_dir)
    if topics:
        _show_topics(classifier, as_json=as_json)
    elif as_json:
        write_lines([to_json(asdict(classifier.manifest))])
    else:
        write_rows(_manifest_rows(classifier.manifest, len(classifier.topics)))


def _show_topics(classifier: TopicClassifier, *, as_json: bool) -> None:
    """Write the topics, each with its threshold of all_topics if the model has them."""
    records = [to_record(topic) for topic in classifier.topics]
    names = list(TOPIC_FIELDS)
    if thresholds := classifier.manifest.all_topics_thresholds:
        names.append(THRESHOLD)
        for record in records:
            record[THRESHOLD] = thresholds[record["code"]]
    if as_json:
        write_lines(map(to_json, records))
        return
    rows = (
        [f"{record[name]:.3f}" if name == THRESHOLD else str(record[name]) for name in names]
        for record in records
    )
    write_rows(rows, ["topic" if name == "code" else name for name in names])


def _manifest_rows(manifest: Manifest, n_topics: int) -> Iterator[tuple[str, str]]:
    for name in ("name", "version", "created", "command"):
        yield name, getattr(manifest, name)
    yield "topics", str(n_topics)
    yield "min_confidence", f"{manifest.min_confidence:.3f}"
    for code, threshold in manifest.topic_min_confidence.items():
        yield f"min_confidence.{code}", f"{threshold:.3f}"
    yield "min_known_words_ratio", f"{manifest.min_known_words_ratio:.3f}"
    yield "no_topic", "yes" if manifest.no_topic else "no"
    yield "all_topics", "yes" if manifest.all_topics_thresholds else "no"
    if manifest.all_topics_thresholds:
        yield "all_topics_precision", f"{manifest.all_topics_precision:.3f}"
    for view, scores in manifest.scores.items():
        for name, score in scores.items():
            yield f"{view}.{name}", f"{score:.3f}"


cli.command()(compare)


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="TCP port.")] = None,
    model_dir: Annotated[
        Path | None, typer.Option(help="A bundle, or a folder of numbered ones.")
    ] = None,
) -> None:
    """Start the service, as python -m service does; options override NEWSWIRE_ variables."""
    from service.__main__ import main as run_service  # imports FastAPI

    options = {"host": host, "port": port, "model_dir": model_dir}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    raise typer.Exit(run_service(**given))
