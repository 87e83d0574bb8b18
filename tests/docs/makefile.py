"""The targets of the Makefile."""

import re
from typing import Final

from tests.conftest import ROOT
from tests.docs.markdown import block, code, table

HELP: Final = re.compile(r"^([a-z-]+):.*## (.*)$", re.MULTILINE)
MAINTAINERS: Final = re.compile(r"((?:^# .*\n)+)([a-z-]+):", re.MULTILINE)
FOR_MAINTAINERS: Final = "# Not in the list of `make help`"


def targets() -> dict[str, str]:
    """Return the targets of ``make help`` with their descriptions."""
    return dict(HELP.findall((ROOT / "Makefile").read_text()))


def maintainers_targets() -> dict[str, str]:
    """Return the other targets that have a name, with the comments before them."""
    _, _, rest = (ROOT / "Makefile").read_text().partition(FOR_MAINTAINERS)
    return {
        name: " ".join(line.removeprefix("# ") for line in comment.splitlines())
        for comment, name in MAINTAINERS.findall(rest)
    }


def table_of_targets() -> str:
    """Return what ``make help`` lists."""
    rows = ((code(f"make {name}"), text) for name, text in targets().items())
    return block(table(("target", "description"), rows))


def table_of_maintainers_targets() -> str:
    """Return the targets that ``make help`` does not list."""
    rows = ((code(f"make {name}"), text) for name, text in maintainers_targets().items())
    return block(table(("target", "description"), rows))
