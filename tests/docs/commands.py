"""The commands of ``newswire``, of the training job and of the batch job."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

import typer
from typer.main import get_command

from deploy.batch.__main__ import cli as batch_cli
from service.cli.commands import cli as newswire_cli
from tests.docs.markdown import block, code, first_paragraph, rst, slug, table, wrap
from training.__main__ import cli as training_cli

NEWSWIRE: Final = "newswire"
TRAINING: Final = "python -m training"
BATCH: Final = "python -m deploy.batch"
CLIS: Final[dict[str, typer.Typer]] = {
    NEWSWIRE: newswire_cli,
    TRAINING: training_cli,
    BATCH: batch_cli,
}
KINDS: Final = {
    "int": "integer",
    "int range": "integer",
    "float": "number",
    "float range": "number",
    "str": "text",
    "path": "path",
}


def commands(program: str) -> Iterator[tuple[str, Any]]:
    """Yield each command of a program by its full name; a program may be one command."""
    command: Any = get_command(CLIS[program])
    if not hasattr(command, "commands"):
        yield program, command
        return
    for name, item in command.commands.items():
        if not item.hidden:
            yield f"{program} {name}", item


def options(program: str) -> Iterator[tuple[str, str]]:
    """Yield the full name of a command and an option, for each of a program."""
    for name, command in commands(program):
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                for option in parameter.opts:
                    yield name, option


def table_of_commands(program: str) -> str:
    """Return every command of a program with the first sentence of its help."""
    rows = (
        (f"[{code(name)}](#{slug(_heading(program, name))})", first_paragraph(command.help))
        for name, command in commands(program)
    )
    return block(table(("command", "description"), rows))


def newswire() -> str:
    """Return a section for each command of ``newswire``."""
    return _sections(NEWSWIRE)


def training() -> str:
    """Return a section for each command of the training job."""
    return _sections(TRAINING)


def batch() -> str:
    """Return the section of the batch job, without a heading."""
    ((name, command),) = commands(BATCH)
    return block(*_section(name, command))


def _sections(program: str) -> str:
    parts: list[str] = []
    for name, command in commands(program):
        parts += [f"### {_heading(program, name)}", *_section(name, command)]
    return block(*parts)


def _heading(program: str, name: str) -> str:
    """Return the heading of a command; GitHub and the site make different anchors of ``-m``."""
    return name.removeprefix(f"{program} ") if " -m " in program else name


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [item for item in command.params if item.param_type_name == "argument"]
    given = [
        item for item in command.params if item.param_type_name == "option" and not item.hidden
    ]
    usage = " ".join([name, "[OPTIONS]", *map(_metavar, arguments)])
    yield f"```text\n{usage}\n```"
    yield from (wrap(" ".join(rst(part).split())) for part in (command.help or "").split("\n\n"))
    if arguments:
        rows = ((code(_metavar(item)), item.help or "") for item in arguments)
        yield table(("argument", "description"), rows)
    if not given:
        return
    context = command.context_class(command, info_name=name)
    yield table(
        ("option", "value", "default", "description"),
        (
            (
                code(", ".join(item.opts)),
                _value(item, context),
                _default(item),
                rst(_help(item)),
            )
            for item in given
        ),
    )


def _metavar(argument: Any) -> str:
    name: str = argument.metavar or argument.name.upper()
    return f"{name}..." if argument.nargs == -1 and not name.endswith("...") else name


def _value(option: Any, context: Any) -> str:
    """Return what an option takes, from the help that its command prints."""
    form = option.get_help_record(context)[0].partition("<")[2].removesuffix(">")
    if not form:
        return ""
    repeated = form.startswith("list[")
    form = form.removeprefix("list[").removesuffix("]") if repeated else form
    kind = KINDS[form] if form in KINDS else " or ".join(map(code, form.split("|")))
    if option.min is not None and option.max is not None:
        kind += f", {option.min:,} to {option.max:,}"
    elif option.min is not None:
        kind += f", at least {option.min:,}"
    return f"{kind}; repeatable" if repeated else kind


def _default(option: Any) -> str:
    if isinstance(option.show_default, str):
        return option.show_default
    value = option.default
    if isinstance(value, Callable):  # type: ignore[arg-type]
        raise TypeError(f"{option.opts[0]}: expected show_default for a default that is computed")
    if isinstance(value, Enum):
        value = value.value
    return "" if value is None or value is False or value == "" else code(value)


def _help(option: Any) -> str:
    text = option.help or ""
    return f"{text} Environment: {code(option.envvar)}." if option.envvar else text
