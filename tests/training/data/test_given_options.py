from dataclasses import fields
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from training.data.dataset import DataError
from training.data.given_options import GivenOptions, with_data_options
from training.data.options import DataOptions


def test_what_is_given_replaces_what_is_known() -> None:
    known = DataOptions(
        data=("desk.jsonl",), name="desk", columns={"text": "body"}, max_bad_rows=0.5, split_seed=3
    )
    assert GivenOptions().over(known) == known
    given = GivenOptions(data=["a.csv", "b.csv"], columns=["date=,id=key"], max_bad_rows=0.0)
    assert given.over(known) == DataOptions(
        data=("a.csv", "b.csv"),
        name="desk",
        columns={"date": "", "id": "key"},
        max_bad_rows=0.0,
        split_seed=3,
    )
    with pytest.raises(DataError, match="expected FIELD=COLUMN"):
        GivenOptions(columns=["text"]).over(known)


def test_every_option_is_one_of_the_data() -> None:
    assert {item.name for item in fields(GivenOptions)} == {
        item.name for item in fields(DataOptions)
    } - {"name", "split_seed"}


def test_options_of_a_command() -> None:
    """The command takes them in one parameter, beside its own."""
    cli = typer.Typer()
    taken: list[tuple[Path, GivenOptions]] = []

    @cli.command()
    @with_data_options
    def show(*, given: GivenOptions, file: Annotated[Path, typer.Argument(help="A file.")]) -> None:
        """Show a file."""
        taken.append((file, given))

    line = "x --data a.csv --data b.csv --test c.csv --columns text=body --drop-rare"
    assert CliRunner().invoke(cli, line.split()).exit_code == 0
    assert CliRunner(env={"NEWSWIRE_DATA_DIR": "data"}).invoke(cli, ["y"]).exit_code == 0
    assert taken == [
        (
            Path("x"),
            GivenOptions(
                data=["a.csv", "b.csv"],
                data_dir=taken[0][1].data_dir,  # that of the environment
                test=Path("c.csv"),
                columns=["text=body"],
                drop_rare=True,
            ),
        ),
        (Path("y"), GivenOptions(data_dir=Path("data"))),
    ]
    assert "Show a file." in CliRunner().invoke(cli, ["--help"]).output
    assert CliRunner().invoke(cli, ["x", "--max-bad-rows", "2"]).exit_code == 2
