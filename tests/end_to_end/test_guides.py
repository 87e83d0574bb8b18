"""Every how-to guide of `GUIDES` is run word for word, and shows what its commands print."""

from pathlib import Path

import pytest

from tests.end_to_end.documented import GUIDES
from tests.end_to_end.guides import Block, find_step_difference, read_code, read_steps, run_guide
from tests.end_to_end.tutorial import Step


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_commands_print_what_the_guide_shows(path: Path, tmp_path: Path) -> None:
    steps = read_steps(path.read_text())
    assert steps
    outputs = run_guide(steps, tmp_path)
    different = {
        step.command: difference
        for step, output in zip(steps, outputs, strict=True)
        if (difference := find_step_difference(step, output))
    }
    assert different == {}, "python -m tests.end_to_end.guides writes the page anew"


def test_steps_of_a_page() -> None:
    page = "```console\n$ a\n1\n$ b\n```\n\n```json\n{}\n```\n\n```console\n$ c\n2\n```\n\nD\n"
    assert read_steps(page) == [Step("a", "1\n"), Step("b", "{}\n"), Step("c", "2\n")]
    assert read_code("```python\na\n```\n\n```text\n1\n```\n", "python", "text") == [
        Block("a\n", "1\n")
    ]


def test_json_is_compared_to_the_digits_that_are_shown() -> None:
    shown = Step("a", '{"score": 0.998, "words": ["A"], "id": 16}\n')
    assert find_step_difference(shown, '{"score":0.9978,"words":["A"],"id":16}') is None
    assert find_step_difference(shown, '{"score":0.9958,"words":["A"],"id":16}')
    assert find_step_difference(shown, '{"score":0.9978,"words":["B"],"id":16}')
    assert find_step_difference(shown, '{"score":0.9978,"words":["A"]}')
    digits = Step("a", '{"score": 0.9985638260841}\n')
    assert find_step_difference(digits, '{"score": 0.9985639}') is None
    assert find_step_difference(digits, '{"score": 0.99859}')
