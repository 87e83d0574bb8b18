"""Columns that folders name, as Hive and Spark write them: ``year=1987/month=03/a.parquet``."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

NULL: Final = "__HIVE_DEFAULT_PARTITION__"


def partition_values(root: str, path: str) -> dict[str, str | None]:
    """Return the columns that the folders between ``root`` and the file at ``path`` name.

    Values are text as it stands in the name, with ``%`` escapes decoded: ``03`` stays ``03``.
    """
    folders = path.removeprefix(root).split("/")[:-1]
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return {unquote(name): None if value == NULL else unquote(value) for name, value in pairs}


def partition_names(root: str, paths: Iterable[str]) -> list[str]:
    """Return the name of each column that the folders of some file name, by first appearance."""
    return list(dict.fromkeys(name for path in paths for name in partition_values(root, path)))
