"""Where answers go: whole lines to standard output, what went wrong to standard error."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from service.cli.inputs import Batch
from service.cli.prediction import Answered
from service.console import PlainConsole, print_error, printable
from service.model import Classification

STDOUT_DESCRIPTOR: Final = 1
EXIT_BROKEN_PIPE: Final = 141
"""As a shell says of who was ended by SIGPIPE."""
HEADER: Final = ("file", "topic", "score", "topics", "known_words", "abstained", "no_topic")
SURELY: Final = "green"
ABSTAINED: Final = "yellow"


def write_lines(lines: Iterable[str]) -> None:
    """Write whole lines to standard output; who interrupts is heard after the last of them.

    Raises
    ------
    SystemExit
        If nobody reads any more, as in ``newswire ... | head``.
    """
    rest = memoryview("".join(f"{line}\n" for line in lines).encode())
    with no_interruption():
        try:
            while rest:
                rest = rest[os.write(STDOUT_DESCRIPTOR, rest) :]  # nothing stays in a buffer
        except BrokenPipeError:
            sys.exit(EXIT_BROKEN_PIPE)


@contextmanager
def no_interruption() -> Iterator[None]:
    """Put off Ctrl-C; the second one does not wait, for a reader may never take what is written."""
    heard: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(signum)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if heard:
        raise KeyboardInterrupt


def show_answers(answers: Sequence[Answered], *, header: bool) -> None:
    """Show answers: a table on a terminal, else tab-separated values; errors go elsewhere."""
    given = [(item, item.answer) for item in answers if not isinstance(item.answer, str)]
    if sys.stdout.isatty() and given:
        PlainConsole().print(answer_table(given))
    elif not sys.stdout.isatty():
        head = [tsv(HEADER)] if header else []
        write_lines([*head, *(tsv(answer_cells(item, answer)) for item, answer in given)])
    for item in answers:
        if isinstance(item.answer, str):
            print_error(f"{item.entry.file}: {item.answer}")


def tsv(cells: Iterable[str]) -> str:
    """Return a row of tab-separated values.

    What would break it is a blank in them, and a control character its escape. A cell that begins
    with ``=`` is left as it is: who opens the file in a spreadsheet has it read as text.
    """
    return "\t".join(printable(" ".join(cell.split())) for cell in cells)


def answer_cells(answered: Answered, answer: Classification) -> tuple[str, ...]:
    """Give the cells that ``HEADER`` names."""
    (topic, score), *_ = answer.topics
    return (
        answered.entry.file,
        topic.code,
        f"{score:.6f}",
        " ".join(f"{ranked.topic.code}:{ranked.score:.6f}" for ranked in answer.topics),
        f"{answer.known_words_ratio:.6f}",
        answer.abstained or "",
        "" if answer.no_topic is None else f"{answer.no_topic:.6f}",
    )


def answer_table(answers: Sequence[tuple[Answered, Classification]]) -> Table:
    """Show answers to people: green is what may be relied upon."""
    table = Table("file", "topic", "score", "next", "known words", "abstained", box=None)
    knows_no_topic = any(answer.no_topic is not None for _, answer in answers)
    if knows_no_topic:
        table.add_column("no topic")
    for answered, answer in answers:
        (topic, score), *others = answer.topics
        no_topic = [f"{answer.no_topic:.3f}"] if knows_no_topic else []
        table.add_row(
            answered.entry.file,
            Text(printable(topic.name), style=ABSTAINED if answer.abstained else SURELY),
            f"{score:.3f}",
            ", ".join(f"{ranked.topic.name} {ranked.score:.3f}" for ranked in others),
            f"{answer.known_words_ratio:.0%}",
            (answer.abstained or "").replace("_", " "),
            *no_topic,
        )
    return table


def with_bar(batches: Iterable[Batch], total: int | None) -> Iterator[Batch]:
    """Show on standard error how far it is, if that is a terminal and the answers go elsewhere."""
    console = PlainConsole(stderr=True)
    if not console.is_terminal or sys.stdout.isatty():
        yield from batches
        return
    with Progress(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[texts]:,} texts"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=total, texts=0)
        texts = 0
        for batch in batches:
            yield batch
            texts += len(batch.entries)
            progress.update(task, advance=batch.size, texts=texts)
