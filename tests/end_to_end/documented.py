"""The shell commands of the documents, and a folder in which they can be run as they stand.

The folder has the code, a copy of the models, and environments that are this one. Programs in front
of the others on the path lead ``localhost:8000`` to the port of the test, and ``example.org`` to a
file; nothing in a command is changed, but that ``make serve`` is put into the background.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.conftest import LATEST, ROOT
from tests.hostile_bundles import renumber
from tests.training.data_check.texts import made_up_rows
from training.data_check.report import row_to_json

GUIDES: Final = tuple(
    ROOT / "docs" / "how-to" / f"{name}.md"
    for name in (
        *("api-keys", "batch-inference", "call-the-api", "command-line", "hugging-face"),
        *("iptc-subjects", "open-inference-clients"),
    )
)
"""How-to guides that are run in order, in one shell, with their output, by test_guides.py."""
DOCUMENTS: Final = (
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CONTRIBUTING.md",
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if path.parent.name != "tutorials" and path not in GUIDES
    ),
    *sorted((ROOT / "deploy").rglob("*.md")),
)
STORY: Final = "OPEC ministers agreed to cut output. Crude oil rose 40 cts to 18.50 dlrs a barrel."
TIMEOUT_SECONDS: Final = 600
OF_MAKE: Final = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
"""Variables with which make, in tests that are run by make, would say where it is."""
PROGRAMS: Final = {
    "curl": """
for word in "$@"; do [ "$word" = https://example.org/article.txt ] && exec cat article.txt; done
[[ "$*" = *http_code* ]] || set -- --fail-with-body "$@"
exec "$CURL" "${@/localhost:8000/127.0.0.1:$NEWSWIRE_PORT}"
""",
    "newswire": 'exec "$PYTHON" -m service.cli "$@"\n',
}
"""By their names, in bash."""
READY: Final = """
wait_until_ready() {
  for _ in $(seq 300); do
    curl -s localhost:8000/health/ready >/dev/null && return
    sleep 0.1
  done
  echo "the service is not ready" >&2; exit 1
}
stop_serving() {
  if [ -n "${serving-}" ]; then kill "$serving"; wait "$serving" || true; fi
}
"""


class Block(NamedTuple):
    """Commands that stand together in a document, without their prompts."""

    document: str
    commands: tuple[str, ...]


def find_blocks() -> list[Block]:
    """Return every block of commands in the documents."""
    return [
        Block(str(path.relative_to(ROOT)), tuple(commands))
        for path in DOCUMENTS
        for text in re.findall(
            r"^```(?:console|sh|bash|shell)\n(.*?)^```", path.read_text(), re.M | re.S
        )
        if (commands := [part.rstrip("\n") for part in re.split(r"^\$ ", text, flags=re.M) if part])
    ]


class Sandbox:
    """A folder in which commands are run.

    Parameters
    ----------
    folder : Path
    variables : str
        Of the environment.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        for name in ("service", "training", "deploy", "Makefile", "pyproject.toml", "requirements"):
            (folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "models" / "reuters", folder / "models" / "reuters")
        for number in range(3):
            candidate = folder / "models" / "candidates" / str(number)
            shutil.copytree(LATEST, candidate)
            renumber(candidate)
        for name in ("service", "training", "batch"):
            self._program(folder / ".venv" / name / "bin" / "python", 'exec "$PYTHON" "$@"\n')
            (folder / ".venv" / name / ".installed").touch()
        for name, text in PROGRAMS.items():
            self._program(folder / "bin" / name, text)
        self._write_texts()
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in OF_MAKE},
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "CURL": shutil.which("curl") or "curl",
            "PYTHON": sys.executable,
            **variables,
        }

    def _program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/usr/bin/env bash\n{text}")
        path.chmod(0o755)

    def _write_texts(self) -> None:
        """Write the files that the documents' commands name."""
        line = f'{{"text": "{STORY}"}}\n'
        for name, text in {
            "story.txt": STORY,
            "article.txt": STORY,
            "articles/a.txt": STORY,
            "articles/b.txt": STORY,
            "archive.jsonl": line * 3,
            "archive/part.jsonl": line * 3,
            "desk.jsonl": "".join(json.dumps(row_to_json(row)) + "\n" for row in made_up_rows(40)),
        }.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text)

    def run(self, *commands: str, **variables: str) -> str:
        """Run commands in one shell; return what they print, or fail with their complaint.

        A command that ends in ``make serve`` goes to the background, until it is ready, and takes
        the place of one that runs.
        """
        script = "set -euo pipefail\n" + READY
        for command in commands:
            serves = re.search(r"\bmake serve\s*$", command)
            if serves:
                command = f"stop_serving\n{command} &\nserving=$!\nwait_until_ready"
            script += f"{command}\n"
        with (
            (self.folder / "stdout").open("w") as stdout,
            (self.folder / "stderr").open("w") as stderr,
        ):
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                env=self._environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            status = process.wait(TIMEOUT_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        shown = (self.folder / "stdout").read_text()
        assert status == 0, shown + (self.folder / "stderr").read_text()
        return shown
