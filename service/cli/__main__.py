"""``newswire``: prepare the process, then run a command."""

import sys

from service.process import prepare_process


def main() -> int:
    """Run a command and return the exit status."""
    prepare_process(
        ignore_hangup=sys.argv[1:2] == ["serve"], extra="cli", packages=("rich", "typer")
    )
    from service.cli.commands import main as run  # typer, onnxruntime

    return run()


if __name__ == "__main__":
    sys.exit(main())
