"""``python -m deploy.batch INPUT OUTPUT``: plan, see what an earlier run did, classify the rest."""

from service.process import ROOT, prepare_process

if __name__ == "__main__":
    prepare_process(extra="bulk", packages=("pyarrow", "ray", "rich", "typer"))

import sys
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from deploy.batch.errors import BulkError
from deploy.batch.job import run
from deploy.batch.locations import Place
from deploy.batch.plan import make_plan
from deploy.batch.prediction import Question
from deploy.batch.progress import follow
from deploy.batch.run_manifest import begin_or_continue, clear_partial, make_record
from deploy.batch.worker import Job
from service.console import PlainConsole, run_commands
from service.model import DEFAULT_TOP_K, build_classifier, find_bundle, load_bundle

console = PlainConsole()
cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def classify(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A file .parquet, .jsonl or .jsonl.gz, or a folder of them."
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(metavar="OUTPUT", help="A folder, new or of a run that is to be continued."),
    ],
    text_column: Annotated[
        str | None,
        typer.Option(help="Column of the text; by default 'text', where there is one."),
    ] = None,
    title_column: Annotated[
        str | None,
        typer.Option(help="Column of the title; by default 'title', where there is one."),
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help=f"Topics per text; by default {DEFAULT_TOP_K}, or all."),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Abstain below this score, not the model's own."),
    ] = None,
    prefix: Annotated[
        str, typer.Option(help="What the names of the answer's columns begin with.")
    ] = "",
    model_dir: Annotated[
        Path, typer.Option(help="A bundle, or a folder of them, of which the highest answers.")
    ] = Path("models/reuters"),
    batch_size: Annotated[
        int, typer.Option(min=1, help="Rows that are classified together.")
    ] = 2_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many; by default one for each processor.")
    ] = None,
) -> None:
    """Classify Parquet or JSON lines, on this machine or on the cluster RAY_ADDRESS names.

    INPUT and OUTPUT are paths, or URLs such as s3://bucket/folder. A run that was stopped is
    continued by the same command.
    """
    bundle = load_bundle(find_bundle(model_dir))
    classifier = build_classifier(bundle)
    n_topics = len(classifier.topics)
    top_k = top_k or classifier.default_top_k
    if top_k > n_topics:
        raise BulkError(f"--top-k: expected 1 to {n_topics}, got {top_k}")
    places = Place.find(source), Place.find(target)
    if places[0].contains(places[1]):
        raise BulkError(f"{target}: expected a folder outside of the input, {source}")

    plan = make_plan(places[0], text=text_column, title=title_column, prefix=prefix)
    options = {
        "text_column": plan.columns.text,
        "title_column": plan.columns.title,
        "top_k": top_k,
        "min_confidence": min_confidence,
        "prefix": prefix,
    }
    with places[1].lock():
        finished = begin_or_continue(places[1], make_record(plan, bundle.manifest, options))
        left = [piece for piece in plan.pieces if piece.name not in finished]
        if finished:
            console.print(
                f"Continuing: {len(finished):,} of {len(plan.pieces):,} parts are finished",
                highlight=False,
            )
        job = Job(
            replace(plan, files=[], pieces=[]),
            absolute(source),
            absolute(target),
            Question(top_k, min_confidence),
            batch_size,
        )
        total = sum(piece.size for piece in plan.pieces)
        done = total - sum(piece.size for piece in left)
        with chdir(ROOT):  # Ray has its workers import from the folder in which it is started
            follow(run(job, left, bundle, workers), console, total=total, done=done)
        clear_partial(places[1])


def absolute(name: str) -> str:
    """Return a path that is the same from every folder; a URL is."""
    return name if "://" in name else str(Path(name).absolute())


def main() -> int:
    """Run the command; what goes wrong is one line on standard error. Return the exit status."""
    return run_commands(cli, "python -m deploy.batch")


if __name__ == "__main__":
    sys.exit(main())
