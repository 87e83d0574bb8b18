"""``make bench ARGS="NAME OPTIONS"``: server (the default), peers, micro, memory or health."""

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest
import typer

from tests.benchmarks import comparison, health, memory
from tests.benchmarks.targets import ROOT

COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "server": comparison.compare_with_framework,
    "peers": comparison.compare_with_peers,
    "memory": memory.main,
    "health": health.main,
}
MICRO: Final = ("--benchmark-columns=min,median,ops", "--benchmark-sort=name")


def main() -> int:
    """Run the benchmark that the first argument names."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("--") and arguments[0] != "--help"):
        arguments.insert(0, "server")
    if arguments[0] == "micro":
        return int(pytest.main([f"{ROOT}/tests/benchmarks/micro.py", *MICRO, *arguments[1:]]))
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    for name, command in COMMANDS.items():
        cli.command(name)(command)
    cli.command("micro", help="Time the steps of a prediction in process, by number of words.")(
        lambda: None
    )
    cli(arguments, prog_name="make bench")
    return 0


if __name__ == "__main__":
    sys.exit(main())
