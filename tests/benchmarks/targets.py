"""The servers of the benchmark: how each is started, and the request that it gets."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVERS: Final = "tests.benchmarks.servers"

ARTICLE: Final = (
    "Oil ministers of the exporters' group agreed on Tuesday to cut crude output by a million "
    "barrels a day from next month, and crude prices rose more than two dollars a barrel in early "
    "trading in London. The ministers said that demand was lower than they had expected, and that "
    "stocks of refined products were high. Traders doubted that all members would keep to their "
    "quotas, as several of them had produced more than was agreed in the last quarter. The "
    "group's secretary general told reporters that the market would be in balance by the summer. "
    "Refiners in Europe said margins on gasoline and heating oil had fallen. Analysts expect the "
    "price of a barrel to stay between eighteen and twenty dollars for the rest of the year, if "
    "the agreement holds. The next meeting is in Geneva in June, it was decided."
)
"""An article of the project's own, of about 800 characters and 140 words."""
CLASSIFY: Final = json.dumps({"text": ARTICLE}).encode()


@dataclass(frozen=True, slots=True)
class Target:
    """A server that takes part.

    Attributes
    ----------
    name : str
        Begins its row.
    command : sequence of str
        What starts it; ``{port}`` is where it listens.
    environment : mapping of str to str
        Variables, with ``{port}`` too.
    python : Path
        Interpreter that takes the place of ``python`` in the command.
    path, body : str, bytes
        What is posted.
    texts : int
        How many texts a request has.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)
    path: str = "/classify"
    body: bytes = CLASSIFY
    texts: int = 1


def _batch(n_texts: int) -> bytes:
    """Return a batch of texts of many lengths."""
    words = ARTICLE.split()
    items = [{"text": " ".join(words[number % 97 :])} for number in range(n_texts)]
    return json.dumps({"items": items}).encode()


NO_OP: Final = Target("no-op", ["python", "-m", f"{SERVERS}.no_op", "{port}"])
FLOOR: Final = Target("floor", ["python", "-m", f"{SERVERS}.floor", "{port}"])
OURS: Final = Target("ours", ["python", "-m", "service"], {"NEWSWIRE_PORT": "{port}"})
TWO_WORKERS: Final = Target(
    "ours, 2 workers", ["python", "-m", f"{SERVERS}.workers", "{port}", "2"]
)
BATCHES: Final = Target(
    "ours, batches of 256",
    OURS.command,
    OURS.environment,
    path="/classify/batch",
    body=_batch(256),
    texts=256,
)
FAMILY: Final = (NO_OP, FLOOR, OURS, TWO_WORKERS, BATCHES)
