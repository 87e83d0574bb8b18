"""``python -m deploy.batch INPUT OUTPUT``: plan, skip what is finished, classify the rest."""

from service.process import ROOT, prepare_process

if __name__ == "__main__":
    prepare_process(extra="batch", packages=("pyarrow", "ray", "rich", "typer"))

import sys
from contextlib import chdir
from pathlib import Path
from typing import Annotated

import typer

from deploy.batch.job import run
from deploy.batch.locations import Location
from deploy.batch.plan import make_plan
from deploy.batch.progress import report_progress
from deploy.batch.run_manifest import PARTIAL_FOLDER, make_run_manifest, open_or_resume
from deploy.batch.worker import Job
from service.console import (
    MODEL_DIR_HELP,
    MinConfidenceOption,
    PlainConsole,
    PrefixOption,
    TopKOption,
    run_commands,
)
from service.model import build_classifier, find_bundle, load_bundle
from service.rows import CommandError, check_options

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
        typer.Argument(metavar="OUTPUT", help="A folder: new, or of a run to be resumed."),
    ],
    text_column: Annotated[
        str | None, typer.Option(help="Column of the text; by default 'text', if it exists.")
    ] = None,
    title_column: Annotated[
        str | None, typer.Option(help="Column of the title; by default 'title', if it exists.")
    ] = None,
    top_k: TopKOption = None,
    min_confidence: MinConfidenceOption = None,
    prefix: PrefixOption = "",
    model_dir: Annotated[Path, typer.Option(help=MODEL_DIR_HELP)] = Path("models/reuters"),
    batch_size: Annotated[int, typer.Option(min=1, help="Rows per prediction.")] = 2_000,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; by default one per processor.")
    ] = None,
) -> None:
    """Classify Parquet or JSON lines, on this machine or on the cluster RAY_ADDRESS names.

    INPUT and OUTPUT are paths, or URLs such as s3://bucket/folder. The same command resumes a run
    that was stopped.
    """
    bundle = load_bundle(find_bundle(model_dir))
    options = check_options(top_k, min_confidence, build_classifier(bundle))
    data, output = Location.resolve(source), Location.resolve(target)
    if data.contains(output):
        raise CommandError(f"{target}: expected a folder outside of the input, {source}")

    plan = make_plan(data, text=text_column, title=title_column, prefix=prefix)
    with output.lock():
        present = open_or_resume(output, make_run_manifest(plan, bundle.manifest, options))
        left = [partition for partition in plan.partitions if partition.name not in present]
        n_all, n_finished = len(plan.partitions), len(plan.partitions) - len(left)
        if n_finished:
            console.print(f"Resuming: {n_finished:,} of {n_all:,} partitions are finished")
        job = Job(bundle, plan._replace(files=[], partitions=[]), output, options, batch_size)
        total = sum(partition.size for partition in plan.partitions)
        done = total - sum(partition.size for partition in left)
        with chdir(ROOT):  # Ray's workers import from the folder in which it is started
            report_progress(run(job, left, workers), console, total=total, done=done)
        output.within(PARTIAL_FOLDER).remove()


def main() -> int:
    """Run the command and return its exit status; an error is one line on standard error."""
    return run_commands(cli, "python -m deploy.batch")


if __name__ == "__main__":
    sys.exit(main())
