"""``make bench ARGS="NAME OPTIONS"``: server (the default), peers, micro, memory or health."""

import sys
from collections.abc import Callable
from typing import Any, Final

import typer

from tests.benchmarks import comparison, health, memory, micro

COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "server": comparison.compare_with_framework,
    "peers": comparison.compare_with_peers,
    "micro": micro.main,
    "memory": memory.main,
    "health": health.main,
}


def main() -> None:
    """Run the benchmark that the first argument names."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("--") and arguments[0] != "--help"):
        arguments.insert(0, "server")
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for name, command in COMMANDS.items():
        cli.command(name)(command)
    cli(arguments, prog_name="make bench")


if __name__ == "__main__":
    main()
