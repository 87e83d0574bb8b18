"""The public Python API: what ``service.model`` exports, from signatures and docstrings."""

import ast
import enum
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import service.model
from service.model.manifest import Subject
from service.model.ranking import RankedGroup, RankedTopic
from service.model.subjects import NewsSubject
from tests.docs.markdown import block, code, prose, rst, table, wrap
from tests.docs.records import fields, table_of

FURTHER: Final = {item.__name__: item for item in (RankedTopic, RankedGroup, NewsSubject, Subject)}
"""Records that the exported functions return, but that need no import."""
SECTION: Final = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)
MAX_LINE: Final = 96
CONSTANTS: Final = {"DEFAULT_TOP_K": "Topics per text, where a model has as many."}


def names() -> list[str]:
    """Return the exported names."""
    return list(service.model.__all__)


def sections(*wanted: str) -> str:
    """Return a section for each of some names."""
    return block(*(part for name in wanted for part in _section(name)))


def _section(name: str) -> Iterator[str]:
    item: Any = FURTHER.get(name) or getattr(service.model, name)
    yield f"### {name}"
    if name in CONSTANTS:
        yield f"{code(f'{name} = {item!r}')}: {CONSTANTS[name]}"
    elif inspect.isclass(item):
        yield from _class(item)
    else:
        yield from _function(item, item.__name__)


def _class(item: type) -> Iterator[str]:
    if issubclass(item, enum.Enum):
        yield from _docstring(item)
        rows = ((code(f"{item.__name__}.{each.name}"), code(each.value)) for each in item)
        yield table(("member", "value"), rows)
        return
    if issubclass(item, Exception):
        base = item.__mro__[1]
        yield f"```python\nclass {item.__name__}({base.__name__})\n```"
        yield from _docstring(item)
        return
    is_record = bool(fields(item))
    if not is_record:
        yield from _signature(item.__init__, f"class {item.__name__}")
    yield from _docstring(item)
    if is_record:
        yield table_of(item)
    for name, member in vars(item).items():
        if name.startswith("_") or not callable(getattr(member, "fget", member)):
            continue
        if isinstance(member, property):
            yield f"**{code(f'{item.__name__}.{name}')}** (property): {prose(member.__doc__)}"
        elif inspect.isfunction(member):
            yield from _function(member, f"{item.__name__}.{name}")


def _function(item: Any, name: str) -> Iterator[str]:
    yield from _signature(item, name)
    yield from _docstring(item)


def _signature(item: Any, name: str) -> Iterator[str]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(item))).body
    assert isinstance(node, ast.FunctionDef)
    arguments = node.args
    if arguments.args and arguments.args[0].arg == "self":
        del arguments.args[0]
    returns = "" if node.returns is None or name.startswith("class ") else ast.unparse(node.returns)
    returns = f" -> {returns}" if returns else ""
    listed = re.sub(r"(: [^,=]*?)=(?=\S)", r"\1 = ", ast.unparse(arguments))
    line = f"{name}({listed}){returns}"
    if len(line) > MAX_LINE:
        parts = "".join(f"    {part},\n" for part in _split(listed))
        line = f"{name}(\n{parts}){returns}"
    yield f"```python\n{line}\n```"


def _split(arguments: str) -> list[str]:
    """Split at the commas that are in no brackets."""
    parts, depth = [""], 0
    for character in arguments:
        depth += (character in "[(") - (character in "])")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _docstring(item: Any) -> Iterator[str]:
    """Yield the docstring of numpy's style as Markdown."""
    text = inspect.getdoc(item) or ""
    body, *rest = SECTION.split(text)
    yield from _paragraphs(body)
    for title, content in zip(rest[::2], rest[1::2], strict=True):
        if title == "Examples":
            yield f"```python\n{content.strip()}\n```"
        elif title == "Notes":
            yield from _paragraphs(content)
        else:
            yield f"*{title}*"
            yield "\n".join(_entries(content))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield wrap(" ".join(rst(paragraph).split()))


def _entries(content: str) -> Iterator[str]:
    """Yield an item for each entry of a section, such as a parameter."""
    for entry in re.split(r"\n(?=\S)", content.strip()):
        first, _, description = entry.partition("\n")
        name, colon, kind = first.partition(" : ")
        head = f"{code(name)} ({rst(kind)})" if colon else ", ".join(map(code, first.split(", ")))
        if " of " in first and not colon:  # a type in words
            head = rst(first)
        text = prose(description)
        yield wrap(f"{head}: {text}" if text else head, item=True)
