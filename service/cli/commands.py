"""``newswire``: classify texts, explain an answer, show the model, start the service."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from service import __version__
from service.cli.errors import CommandError
from service.cli.explanation import HEADER, explanation_cells, highlight, to_json_object
from service.cli.inputs import check_readable, read_lines, read_text, read_texts, total_size
from service.cli.model_info import model_cells, model_table, topic_cells, topic_table
from service.cli.output import show_answers, tsv, with_bar, write_lines
from service.cli.prediction import (
    Question,
    answer_entries,
    names_of_answer,
    to_json,
    to_json_line,
)
from service.console import PlainConsole, run_commands
from service.model import DEFAULT_TOP_K, load_classifier

MODELS: Final = Path("models/reuters")
cli = typer.Typer(
    help="Which topics is this news text about?",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def released_models() -> Path:
    """Return the folder of the models: of here, or else of the checkout that this code is in."""
    beside = Path(__file__).parents[2] / MODELS
    return beside if not MODELS.exists() and beside.exists() else MODELS


FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files of text; - is standard input.")
]
FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help="A file of text; - is standard input.")
]
ModelDirOption = Annotated[
    Path,
    typer.Option(
        envvar="NEWSWIRE_MODEL_DIR",
        default_factory=released_models,
        show_default="models/reuters",
        help="A bundle, or a folder of numbered ones, of which the highest answers.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON.")]


@cli.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--version", help="Show the version and end.")
    ] = False,
) -> None:
    """Say what is there, or which version."""
    if version:
        write_lines([f"newswire {__version__}"])
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("expected a command")


@cli.command()
def classify(
    files: FilesArgument,
    model_dir: ModelDirOption,
    json_lines: JsonOption = False,  # noqa: FBT002
    jsonl: Annotated[  # noqa: FBT002
        bool,
        typer.Option(
            "--jsonl",
            help="Each line of the input is a JSON object with a key text, title or both, and any "
            "others; it is written with the answer's keys added.",
        ),
    ] = False,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help=f"Topics per text; by default {DEFAULT_TOP_K}, or all."),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Abstain below this score, not the model's own."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(help="With --jsonl: what the names of the answer's keys begin with.")
    ] = "",
) -> None:
    """Classify files of text, or of JSON lines, of any length.

    A table on a terminal, else tab-separated values, or JSON lines. What cannot be classified has
    an error in its place, and makes the exit status 1.
    """
    check_readable(files)
    classifier = load_classifier(model_dir)
    top_k = top_k or classifier.default_top_k
    if top_k > len(classifier.topics):
        raise CommandError(f"--top-k: expected 1 to {len(classifier.topics)}, got {top_k}")
    batches = read_lines(files, names_of_answer(prefix)) if jsonl else read_texts(files)
    n_texts, n_failed = 0, 0
    for batch in with_bar(batches, total_size(files)):
        answers = answer_entries(classifier, batch.entries, Question(top_k, min_confidence))
        if jsonl or json_lines:
            write_lines(to_json_line(answered, prefix) for answered in answers)
        else:
            show_answers(answers, header=n_texts == 0)
        n_texts += len(answers)
        n_failed += sum(isinstance(answered.answer, str) for answered in answers)
    if n_failed:
        raise CommandError(
            f"{n_failed:,} of {n_texts:,} {'lines' if jsonl else 'texts'} could not be classified"
        )


@cli.command()
def explain(
    file: FileArgument,
    model_dir: ModelDirOption,
    title: Annotated[
        str | None, typer.Option(help="The title of the text; the file may be empty then.")
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show which words of a text spoke for its topic, and which against.

    In colours on a terminal, else tab-separated values, or JSON.
    """
    check_readable([file])
    text = read_text(file, title)
    explanation = load_classifier(model_dir).explain(text)
    if as_json:
        write_lines([to_json(to_json_object(explanation))])
    elif sys.stdout.isatty():
        PlainConsole().print(highlight(text, explanation))
    else:
        write_lines(map(tsv, [HEADER, *map(explanation_cells, explanation.words)]))


@cli.command()
def model(
    model_dir: ModelDirOption,
    topics: Annotated[  # noqa: FBT002
        bool, typer.Option("--topics", help="Show the topics that it tells apart.")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Show which model answers, when it abstains, and what it scored; or its topics."""
    classifier = load_classifier(model_dir)
    if as_json:
        records = classifier.topics if topics else [classifier.manifest]
        write_lines(to_json(asdict(record)) for record in records)
    elif sys.stdout.isatty():
        show = topic_table if topics else model_table
        PlainConsole().print(show(classifier))
    else:
        cells = topic_cells if topics else model_cells
        write_lines(map(tsv, cells(classifier)))


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="TCP port.")] = None,
    model_dir: Annotated[
        Path | None, typer.Option(help="A bundle, or a folder of numbered ones.")
    ] = None,
) -> None:
    """Start the service, as python -m service does; options go before NEWSWIRE_ variables."""
    from service.__main__ import main as run_service  # FastAPI, which nothing else here needs

    options = {"host": host, "port": port, "model_dir": model_dir}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    raise typer.Exit(run_service(**given))


def main() -> int:
    """Run a command. Gives the exit status."""
    return run_commands(cli, "newswire")
