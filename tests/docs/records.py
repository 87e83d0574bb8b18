"""Fields of dataclasses and named tuples, with the comments and docstrings beside them."""

import ast
import inspect
from typing import NamedTuple

from tests.docs.markdown import code, prose, table


class Field(NamedTuple):
    """A field as its class declares it."""

    name: str
    annotation: str
    default: str
    description: str


def fields(record: type) -> list[Field]:
    """Return the fields of a class: a docstring below or a comment behind describes one."""
    source = inspect.getsource(record)
    lines = source.splitlines()
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    found = []
    for item, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        if "ClassVar" in (annotation := ast.unparse(item.annotation)):
            continue
        comment = lines[(item.end_lineno or 0) - 1][item.end_col_offset or 0 :].partition("#")[2]
        docstring = ""
        if (
            isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            docstring = prose(below.value.value)
        default = "" if item.value is None else _default(item.value)
        description = " ".join(filter(None, (_sentence(comment), docstring)))
        found.append(Field(item.target.id, annotation, default, description))
    return found


def _default(value: ast.expr) -> str:
    text = ast.unparse(value)
    return "{}" if text == "field(default_factory=dict)" else text


def _sentence(comment: str) -> str:
    text = prose(comment)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def table_of(record: type, names: dict[str, str] | None = None) -> str:
    """Return the fields of a class as a table; ``names`` has those that differ in a file."""
    return table(
        ("field", "type", "default", "description"),
        (
            (
                code((names or {}).get(item.name, item.name)),
                " or ".join(map(code, item.annotation.split(" | "))),
                code(item.default),
                item.description,
            )
            for item in fields(record)
        ),
    )
