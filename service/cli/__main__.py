"""``newswire``: prepare the process, then run a command."""

import sys

from service.process import prepare_process


def main() -> int:
    """Run a command and return its exit status; an error is one line on standard error."""
    prepare_process(ignore_hangup=sys.argv[1:2] == ["serve"], packages=("rich", "typer"))
    from service.cli.commands import cli  # typer, onnxruntime
    from service.console import run_commands

    return run_commands(cli, "newswire")


if __name__ == "__main__":
    sys.exit(main())
