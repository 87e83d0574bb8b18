"""The comparison in process: its worker, its made-up examples and its ratios."""

import json
from collections import Counter
from pathlib import Path

from rich.console import Console

from tests.benchmarks import in_process, trained
from tests.benchmarks.in_process import ACCURACY, BATCHES, OWN, SINGLE, ask, working
from tests.conftest import LATEST

TEXTS = ["The bank cut its prime rate to 8 pct from 9 pct.", "Crude oil rose 40 cts a barrel."] * 2


def test_worker_runs_each_mode(tmp_path: Path) -> None:
    texts = tmp_path / "texts.json"
    examples = [("interest", TEXTS[0]), ("crude", TEXTS[1]), ("cocoa", TEXTS[1])]
    texts.write_text(json.dumps({"corpus": TEXTS, "test": examples}))
    with working(OWN, texts) as worker:
        assert ask(worker, SINGLE) > 0
        assert ask(worker, BATCHES) > 0
        assert ask(worker, ACCURACY) == 2 / 3
    assert worker.returncode == 0


def test_made_up_examples_have_every_topic() -> None:
    counts = Counter(topic for topic, _ in trained.made_up_examples())
    codes = [topic["code"] for topic in json.loads((LATEST / "topics.json").read_text())]
    assert counts == dict.fromkeys(codes, trained.TEXTS_OF_A_TOPIC)


def test_examples_of_the_newswires_have_their_titles(data_dir: Path) -> None:
    examples = trained.newswires(data_dir)
    assert {part: len(pairs) for part, pairs in examples.items()} == {"train": 8_982, "test": 2_246}
    topics = Counter(topic for topic, _ in examples["train"])
    assert topics.most_common(1)[0][0] == "earn"
    first_lines = [text.partition("\n")[0] for _, text in examples["test"]]
    assert sum(line.isupper() for line in first_lines) > 2_000


def test_ratios_are_those_of_the_rounds() -> None:
    """The warm-up, the first figure, does not count."""
    ours = {SINGLE: [900.0, 10.0, 40.0, 30.0], BATCHES: [900.0, 1.0, 1.0, 1.0], ACCURACY: [0.94]}
    other = {SINGLE: [1.0, 5.0, 40.0, 10.0], BATCHES: [1.0, 4.0, 4.0, 2.0]}
    console = Console(width=200)
    with console.capture() as shown:
        console.print(in_process.to_table({OWN.name: ours, "other": other}, rounds=3))
    row = next(line for line in shown.get().splitlines() if "other" in line)
    cells = [cell.strip() for cell in row.split("│")]
    assert cells[2:7] == ["10.0", "2.00", "4.0", "0.25", ""]
