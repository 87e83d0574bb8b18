"""The command ``promote``."""

from pathlib import Path
from typing import Annotated, Final

import typer

from service.model import find_bundle, load_bundle
from service.model.repository import numbered_bundles
from training.console import print_line, stdout_console
from training.data.dataset import DataError
from training.data.loading import load_data
from training.data.options import GivenOptions, options_of_bundles, with_data_options

CANDIDATES: Final = Path("models/candidates")  # of bundles without an --out
MODELS: Final = Path("models")


@with_data_options
def promote(
    *,
    given: GivenOptions,
    candidate: Annotated[Path, typer.Argument(help="The bundle to release.")],
    to: Annotated[
        Path | None,
        typer.Option(
            help="Folder of released bundles, the highest number is served; "
            "models/NAME of the bundle's name if left out.",
        ),
    ] = None,
    new_topics: Annotated[
        bool,
        typer.Option("--new-topics", help="Release it though other topics are served there."),
    ] = False,
) -> None:
    """Check a bundle and release it under the next number; exit status 1 if a check fails.

    The data set is that of the bundle, whose files are looked for in the working folder.
    """
    name = load_bundle(find_bundle(candidate)).manifest.name
    if to is None and (Path(name).name != name or name in ("..", CANDIDATES.name)):
        raise DataError(f"expected --to FOLDER, as {name!r} is no name of a folder")
    released = to or MODELS / name
    has_bundles = released.is_dir() and numbered_bundles(released) and not new_topics
    compared = [candidate, released] if has_bundles else [candidate]
    options = given.over(options_of_bundles(compared))
    dataset = load_data(options, print_line)

    # imported late, so that errors of the data do not wait for scikit-learn
    from training.release.promotion import promote as promote_bundle
    from training.release.promotion import run_checks
    from training.report.tables import checks_table

    checks = run_checks(candidate, released, dataset, new_topics=new_topics)
    stdout_console().print(checks_table(checks))
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
    print_line(f"Released as {promote_bundle(candidate, released)}")
