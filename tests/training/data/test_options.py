from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from service.model import load_bundle
from tests.conftest import LATEST
from training.data.dataset import SPLIT_SEED, DataError
from training.data.options import (
    DataOptions,
    GivenOptions,
    check_options,
    options_of_command,
    with_data_options,
)
from training.release.export import repeatable_command


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"data": ("reuters",)},
            "expected keras, reuters21578, modapte or a file of JSON lines .*got reut",
        ),
        (
            {"data": ("a.txt",)},
            "expected keras, reuters21578, modapte or a file of JSON lines .*got a.txt",
        ),
        ({"data": ("keras", "reuters21578")}, "expected one built-in set, got keras and reuters"),
        ({"data": ("keras", "a.jsonl")}, "--data keras: the set has word ids without texts"),
        ({"data": ("keras",), "test": Path("a.csv")}, "--data keras: the set has word ids"),
        ({"data": ("a.csv", "a.csv")}, "expected each set and file once, got a.csv again"),
        ({"data": ("a.csv",), "test": Path("a.csv")}, "expected each set and file once"),
        ({"topics": Path("topics.json")}, "--topics: expected a file of labelled texts in --data"),
        ({"name": "a\nb"}, "--name: expected 1 to 500 printable characters"),
        ({"name": " "}, "--name: expected 1 to 500 printable characters"),
    ],
)
def test_contradictory_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_options(DataOptions(**options))


def test_one_file_by_two_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link, hard = tmp_path / "a.csv", tmp_path / "link.csv", tmp_path / "hard.csv"
    path.touch()
    link.symlink_to(path)
    hard.hardlink_to(path)
    monkeypatch.chdir(tmp_path)
    for other in ("a.csv", "./a.csv", str(link), str(hard)):
        for options in ({"data": (str(path), other)}, {"data": (str(path),), "test": Path(other)}):
            with pytest.raises(
                DataError, match=f"expected each set and file once, got {Path(other)}"
            ):
                check_options(DataOptions(**options))
    (tmp_path / "b.csv").touch()
    check_options(DataOptions(data=(str(path), "b.csv", "absent.csv")))


@pytest.mark.parametrize(
    "options",
    [
        DataOptions(),
        DataOptions(data=("keras",), split_seed=None, max_bad_rows=0.0),
        DataOptions(data=("reuters21578", "desk news.jsonl"), name="My desk", split_seed=7),
        DataOptions(data=("-desk.jsonl",), name="-x"),
        DataOptions(
            data=("desk.csv", "more.tsv.gz"),
            name="desk",
            topics=Path("topics.json"),
            test=Path("held.parquet"),
            columns={"text": "the body", "date": ""},
            max_bad_rows=0.25,
            drop_rare=True,
        ),
    ],
)
def test_options_are_in_the_command_of_a_bundle(options: DataOptions) -> None:
    named = {"recipe": "linear", **options.arguments(), "seed": 3}
    command = repeatable_command(named, options.split_seed, Path("models/1"))
    assert options_of_command(command) == replace(options, split_seed=SPLIT_SEED)


def test_command_has_no_folders() -> None:
    options = DataOptions(data=("/home/a/desk.csv",), test=Path("/home/b.csv"))
    assert options.arguments() == {"data": ["desk.csv"], "test": "b.csv"}


def test_commands_of_earlier_bundles() -> None:
    assert options_of_command(load_bundle(LATEST).manifest.command) == DataOptions()
    assert options_of_command("a test") == DataOptions()


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
