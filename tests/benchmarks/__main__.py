"""``make bench ARGS="NAME OPTIONS"``; NAME is one of `COMMANDS`, by default server."""

import sys
from collections.abc import Callable
from typing import Any, Final

import typer

from tests.benchmarks import (
    comparison,
    grpc_port,
    health,
    in_process,
    memory,
    micro,
    ratio,
    tracing,
)

COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "server": comparison.compare_with_framework,
    "ratio": ratio.main,
    "peers": comparison.compare_with_peers,
    "inprocess": in_process.main,
    "micro": micro.main,
    "memory": memory.main,
    "health": health.main,
    "tracing": tracing.main,
    "grpc": grpc_port.main,
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
