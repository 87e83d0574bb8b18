"""Columns named by folders, as Hive and Spark write them: ``year=1987/month=03/a.parquet``."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

NULL: Final = "__HIVE_DEFAULT_PARTITION__"


def folder_values(root: str, path: str) -> dict[str, str | None]:
    """Return the columns that the folders between ``root`` and the file at ``path`` name.

    Values are text with ``%`` escapes decoded: ``03`` stays ``03``.
    """
    folders = path.removeprefix(root).split("/")[:-1]
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return {unquote(name): None if value == NULL else unquote(value) for name, value in pairs}


def folder_columns(root: str, paths: Iterable[str]) -> list[str]:
    """Return the columns that the folders of any file name, in order of appearance."""
    return list(dict.fromkeys(name for path in paths for name in folder_values(root, path)))
