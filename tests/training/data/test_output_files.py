from collections.abc import Iterator
from pathlib import Path

import pytest

from training.data.dataset import DataError
from training.data.output_files import check_outputs, write_files


def test_all_files_are_written(tmp_path: Path) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    paths[0].write_text("before")
    check_outputs(paths, [tmp_path / "c.jsonl"])
    assert paths[0].read_text() == "before"
    write_files({paths[0]: ["1\n", "é\n"], paths[1]: []})
    assert [path.read_text() for path in paths] == ["1\né\n", ""]
    assert sorted(tmp_path.iterdir()) == paths


def test_inputs_and_other_outputs_are_not_replaced(tmp_path: Path) -> None:
    path, link = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.touch()
    link.symlink_to(path)
    for outputs, inputs in (([link], [path]), ([path, link], []), ([tmp_path / "x"] * 2, [])):
        with pytest.raises(DataError, match="expected another name than that of each other file"):
            check_outputs(outputs, inputs)


@pytest.mark.parametrize("path", ["absent/report.json", ".", "/dev/null"])
def test_places_of_no_file(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="expected the name of a file in a folder that exists"):
        check_outputs([Path(path)])


def test_folder_that_cannot_be_written() -> None:
    path = Path("/proc/report.json")
    with pytest.raises(DataError, match=r"^/proc/report\.json: cannot be written: No such file"):
        check_outputs([path])
    with pytest.raises(DataError, match=r"^/proc/report\.json: cannot be written: No such file"):
        write_files({path: ["1\n"]})


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "1\n"
        raise DataError

    with pytest.raises(DataError):
        write_files({tmp_path / "a.jsonl": ["1\n"], tmp_path / "b.jsonl": lines()})
    assert list(tmp_path.iterdir()) == []
