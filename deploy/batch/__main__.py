"""``python -m deploy.batch INPUT OUTPUT``: plan, skip what is finished, classify the rest."""

from service.process import ROOT, prepare_process

if __name__ == "__main__":
    prepare_process(extra="batch", packages=("pyarrow", "ray", "rich", "typer"))

import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import chdir
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from deploy.batch.job import run
from deploy.batch.locations import Location
from deploy.batch.plan import PARTIAL_FOLDER, make_plan, make_run_manifest, open_or_resume
from deploy.batch.worker import Job
from service.console import (
    AllTopicsOption,
    MinConfidenceOption,
    ModelDirOption,
    PlainConsole,
    PrefixOption,
    SubjectsOption,
    TopKOption,
    progress_bar,
    run_commands,
)
from service.model import build_classifier, find_bundle, load_bundle
from service.rows import CommandError, resolve_options

LINE_SECONDS: Final = 10  # between lines of progress without a terminal

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
        str, typer.Argument(metavar="OUTPUT", help="A folder: new, or of a run to be resumed.")
    ],
    model_dir: ModelDirOption,
    text_column: Annotated[
        str | None, typer.Option(help="Column of the text; by default 'text', if it exists.")
    ] = None,
    title_column: Annotated[
        str | None, typer.Option(help="Column of the title; by default 'title', if it exists.")
    ] = None,
    top_k: TopKOption = None,
    min_confidence: MinConfidenceOption = None,
    all_topics: AllTopicsOption = False,  # noqa: FBT002
    subjects: SubjectsOption = False,  # noqa: FBT002
    prefix: PrefixOption = "",
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
    classifier = build_classifier(bundle)
    options = resolve_options(
        top_k, min_confidence, classifier, all_topics=all_topics, subjects=subjects
    )
    data, output = Location.resolve(source), Location.resolve(target)
    if data.contains(output):
        raise CommandError(f"{target}: expected a folder outside of the input, {source}")

    plan = make_plan(data, options, text=text_column, title=title_column, prefix=prefix)
    with output.lock():
        present = open_or_resume(output, make_run_manifest(plan, bundle.manifest, options))
        left = [partition for partition in plan.partitions if partition.name not in present]
        n_all = len(plan.partitions)
        if n_finished := n_all - len(left):
            console.print(f"Resuming: {n_finished:,} of {n_all:,} partitions are finished")
        job = Job(bundle, plan._replace(files=[], partitions=[]), output, options, batch_size)
        total = sum(partition.size for partition in plan.partitions)
        done = total - sum(partition.size for partition in left)
        with chdir(ROOT):  # Ray's workers import from the folder in which it is started
            report_progress(run(job, left, workers), console, total=total, done=done)
        output.files.delete_dir(output.within(PARTIAL_FOLDER).path)


def report_progress(
    outcomes: Iterable[dict[str, Any]], console: Console, *, total: int, done: int
) -> None:
    """Print the progress of a run, in bytes; raise CommandError at its end if partitions failed."""
    started = shown = time.monotonic()
    counts: Counter[str] = Counter(rows=0, abstained=0, errors=0)
    failures: list[str] = []
    bar = console.is_terminal
    total = max(total, 1)
    with progress_bar(console, "starting", total=total, done=done, visible=bar) as advance:
        for outcome in outcomes:
            counts.update({name: outcome[name] for name in counts})
            if outcome["failure"] is not None:
                failures.append(outcome["failure"])
            done += outcome["size"]
            now = time.monotonic()
            summary = _summary(counts, now - started)
            advance(outcome["size"], summary)
            if not bar and now - shown >= LINE_SECONDS:
                shown = now
                console.print(f"{done / total:4.0%}  {summary}", soft_wrap=True)
    console.print(_summary(counts, time.monotonic() - started), soft_wrap=True)
    if failures:
        raise CommandError(
            f"{len(failures)} partitions failed, run the same command again to retry them; "
            f"the first: {failures[0]}"
        )


def _summary(counts: Counter[str], seconds: float) -> str:
    return (
        f"{counts['rows']:,} rows, {counts['rows'] / max(seconds, 1e-9):,.0f} texts/s, "
        f"{counts['abstained']:,} abstained, {counts['errors']:,} errors, {seconds:.1f} s"
    )


def main() -> int:
    """Run the command and return its exit status; an error is one line on standard error."""
    return run_commands(cli, "python -m deploy.batch")


if __name__ == "__main__":
    sys.exit(main())
