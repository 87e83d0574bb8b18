"""The command, as it is typed: a process of its own, with pipes and terminals."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service import __version__
from service.cli.commands import cli
from service.model import NewsText, TopicClassifier
from tests.conftest import LATEST, RELEASED, ROOT
from tests.end_to_end.running_service import RunningService

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "service.cli"]
CRUDE = "OPEC ministers agreed to cut crude oil production; prices rose a dlr a barrel."
GOLD = "Gold prices rise"
EARN = "Net profit rose to 12 mln dlrs, or 80 cts a share, in the fourth quarter."
BLANK = "expected a text or a title that is not only white space, got "
ENVIRONMENT = os.environ | {"COLUMNS": "200", "TERM": "xterm-256color"}
MAX_GROWTH = 0.1
"""By how much of itself the peak of memory may grow from a tenth of the lines to all."""


def run(*arguments: str, typed: bytes = b"", **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        input=typed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    output, errors = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in errors
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def run_on_terminal(*arguments: str, output: int | None = None) -> tuple[int, str]:
    """Run with standard error, and output if it goes nowhere else, on a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=slave if output is None else output,
        stderr=slave,
    ) as process:
        os.close(slave)
        shown = b"".join(read_to_the_end(master))
        os.close(master)
        return process.wait(timeout=60), shown.decode()


def read_to_the_end(master: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(master, 65_536)
        except OSError:  # the other side is closed
            return
        if not chunk:
            return
        yield chunk


@pytest.fixture
def text_files(tmp_path: Path) -> list[str]:
    for name, text in (("crude.txt", CRUDE), ("earn.txt", EARN)):
        (tmp_path / name).write_text(text)
    return [str(tmp_path / "crude.txt"), str(tmp_path / "earn.txt")]


def test_tab_separated_values(text_files: list[str]) -> None:
    shown = run("classify", *text_files, "--top-k", "2")
    header, *rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert header == ["file", "topic", "score", "topics", "known_words", "abstained", "no_topic"]
    assert all(0 <= float(row[6]) < 0.1 for row in rows)
    assert [row[:2] for row in rows] == [[text_files[0], "crude"], [text_files[1], "earn"]]
    assert re.fullmatch(r"crude:0\.\d{6} [\w-]+:0\.\d{6}", rows[0][3])


def test_table_on_a_terminal(text_files: list[str]) -> None:
    status, shown = run_on_terminal("classify", *text_files)
    assert status == 0
    assert "known words" in shown
    assert "\x1b[32mCrude oil" in shown
    assert "no topic" in shown


@pytest.mark.parametrize("command", ["classify", "explain"])
def test_one_end_of_file_ends_a_typed_text(command: str) -> None:
    master, slave = pty.openpty()
    os.write(master, f"{CRUDE}\n\x04".encode())  # Ctrl-D
    with subprocess.Popen(
        [*COMMAND, command, "--json", "-"], cwd=ROOT, stdin=slave, stdout=subprocess.PIPE
    ) as process:
        try:
            output, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            os.close(master)
            os.close(slave)
    assert json.loads(output)["topic"] == "crude"


def test_json_output(text_files: list[str]) -> None:
    shown = run("classify", "--json", *text_files, "-", typed=b" ")
    first, second, third = map(json.loads, shown.stdout.splitlines())
    assert (first["file"], first["topic"]) == (text_files[0], "crude")
    assert second["abstained"] is None
    assert third == {"file": "-", "error": {"message": f"{BLANK}only white space"}}
    assert shown.returncode == 1
    assert shown.stderr == "error: 1 of 3 texts could not be classified\n"


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")
    Path(path).write_text(CRUDE)
    assert run("classify", path).stdout.splitlines()[1].startswith(f"{tmp_path}/?.txt\tcrude\t")
    assert json.loads(run("classify", "--json", path).stdout)["file"] == path
    assert run("classify", path + "x").stderr.endswith("/?.txtx: there is no such file\n")
    for arguments in (["classify", path], ["explain", path, "--title", "OPEC \udcff"]):
        status, shown = run_on_terminal(*arguments)
        assert status == 0
        assert "Traceback" not in shown


def test_control_characters_in_names_are_escaped(tmp_path: Path) -> None:
    """On a terminal and off it, in tables, tab-separated values, JSON and errors."""
    name = ":gear: [red]a[red] \x1b]0;t\x07\x1b[2J\x9b2J\x7f.txt"
    shown = ":gear: [red]a[red] \\u001b]0;t\\u0007\\u001b[2J\\u009b2J\\u007f.txt"
    path = tmp_path / name
    path.write_text(CRUDE + " \x1b[2J\x9bword")
    empty = tmp_path / ("b" + name)
    empty.write_text("")
    done = run("classify", str(path), str(empty))
    assert done.stdout.splitlines()[1].startswith(f"{tmp_path}/{shown}\tcrude\t")
    assert f"error: {tmp_path}/b{shown}: expected" in done.stderr
    written = run("classify", "--json", str(path)).stdout
    assert written[:-1].isprintable()
    assert json.loads(written)["file"] == str(path)
    for arguments in (["classify", str(path), str(empty)], ["explain", str(path)]):
        _, terminal = run_on_terminal(*arguments)
        assert not re.sub(r"\x1b\[[\d;]*m|\r?\n", "", terminal).encode().count(b"\x1b")
        assert not set(terminal) & {"\x9b", "\x07", "\x7f", "⚙"}
    _, terminal = run_on_terminal("classify", "--json", str(path))
    assert terminal.strip().isprintable()


def test_control_characters_of_a_json_line_are_written_as_escapes() -> None:
    line = '{"id": "\x9b\x7f",\r "text": "' + CRUDE + '"}'
    done = run("classify", "--jsonl", "-", typed=line.encode())
    assert done.stdout[:-1].isprintable()
    assert json.loads(done.stdout)["id"] == "\x9b\x7f"


def test_cells_that_look_like_formulas_are_unchanged(tmp_path: Path) -> None:
    """Documented: a spreadsheet is to read the file as text."""
    (tmp_path / "=1+1.txt").write_text(CRUDE)
    done = subprocess.run(
        [*COMMAND, "classify", "=1+1.txt", "--model-dir", str(RELEASED)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1].startswith("=1+1.txt\tcrude\t")


def test_unreadable_file_is_one_error(tmp_path: Path, text_files: list[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    shown = run("classify", str(tmp_path / "binary"), *text_files)
    assert shown.returncode == 1
    assert len(shown.stdout.splitlines()) == 3
    assert shown.stderr.splitlines() == [
        f"error: {tmp_path / 'binary'}: expected UTF-8",
        "error: 1 of 3 texts could not be classified",
    ]


def test_jsonl_results_are_line_by_line() -> None:
    lines = [
        json.dumps({"id": 1, "text": CRUDE, "title": "OPEC meets"}),
        "",
        '{"id": 3}',
        '{"id": 4, "text": "' + EARN + '", "score": 1.10}',
    ]
    shown = run("classify", "--jsonl", "-", "--top-k", "1", typed="\n".join(lines).encode())
    written = shown.stdout.splitlines()
    answers = [json.loads(line) for line in written]
    assert [answer.get("topic") for answer in answers] == ["crude", None, "earn"]
    assert [answer.get("id") for answer in answers] == [1, 3, 4]
    assert answers[1]["error"] == {
        "file": "-",
        "line": 3,
        "message": f"text, title: {BLANK}nothing",
    }
    assert written[2].startswith(lines[3][:-1])
    assert shown.returncode == 1
    assert shown.stderr == "error: 1 of 3 lines could not be classified\n"


def test_blank_lines_only() -> None:
    shown = run("classify", "--jsonl", "-", typed=b"\n \r\n\n")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")


def test_title_alone_is_classified() -> None:
    lines: list[dict[str, str | None]] = [
        {"title": GOLD},
        {"text": None, "title": GOLD},
        {"text": "\n", "title": GOLD},
    ]
    typed = "\n".join(map(json.dumps, [*lines, {"text": GOLD}])).encode()
    shown = run("classify", "--jsonl", "-", typed=typed)
    assert (shown.returncode, shown.stderr) == (0, "")
    *titles, line = map(json.loads, shown.stdout.splitlines())
    assert line["topic"] == "gold"
    for answer, asked in zip(titles, lines, strict=True):
        assert answer.items() >= asked.items()
        assert [topic["topic"] for topic in answer["topics"]] == [
            topic["topic"] for topic in line["topics"]
        ]
        scores = [topic["score"] for topic in line["topics"]]
        assert [topic["score"] for topic in answer["topics"]] == pytest.approx(scores, abs=1e-6)


def test_title_alone_is_explained() -> None:
    shown = run("explain", "-", "--title", GOLD, "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["topic"] == "gold"
    assert {word["field"] for word in json.loads(shown.stdout)["words"]} == {"title"}


def test_prefix_of_result_keys() -> None:
    typed = json.dumps({"text": CRUDE, "topic": "mine"}).encode()
    shown = run("classify", "--jsonl", "-", "--prefix", "model_", typed=typed)
    answer = json.loads(shown.stdout)
    assert (answer["topic"], answer["model_topic"]) == ("mine", "crude")


def test_live_pipe_gets_results_line_by_line() -> None:
    with subprocess.Popen(
        [*COMMAND, "classify", "--jsonl", "-"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text, topic in ((CRUDE, "crude"), (EARN, "earn")):
            process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["topic"] == topic
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_input() -> None:
    n_lines = 60_000
    line = json.dumps({"text": CRUDE, "other": "x" * 200}).encode() + b"\n"
    peaks = {}
    with subprocess.Popen(
        [*COMMAND, "classify", "--jsonl", "-", "--top-k", "1"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # standard input stays open, so that the process is there until it has been measured
        feeder = threading.Thread(target=lambda: process.stdin.write(line * n_lines))  # type: ignore[union-attr]
        feeder.start()
        for number in range(1, n_lines):
            process.stdout.readline()
            if number in {n_lines // 10, n_lines - 1}:
                peaks[number] = peak_memory(process.pid)
        feeder.join()
        process.communicate()
    first, last = peaks.values()
    assert last <= first * (1 + MAX_GROWTH), peaks


def peak_memory(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))  # type: ignore[union-attr]


def many_lines(tmp_path: Path, n_lines: int) -> str:
    path = tmp_path / "many.jsonl"
    path.write_text((json.dumps({"text": CRUDE}) + "\n") * n_lines)
    return str(path)


def test_progress_bar_on_standard_error_only(tmp_path: Path) -> None:
    path = many_lines(tmp_path, 5_000)
    with (tmp_path / "out.jsonl").open("wb") as out:
        status, shown = run_on_terminal("classify", "--jsonl", path, output=out.fileno())
    assert status == 0
    assert "texts" in shown
    assert "100%" in shown
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len(lines) == 5_000
    assert all(json.loads(line)["topic"] == "crude" for line in lines[::500])


def test_closed_pipe_exits_quietly(tmp_path: Path) -> None:
    path = many_lines(tmp_path, 5_000)
    with subprocess.Popen(
        [*COMMAND, "classify", "--jsonl", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_ctrl_c_exits_after_a_whole_line(tmp_path: Path) -> None:
    path = many_lines(tmp_path, 100_000)
    with subprocess.Popen(
        [*COMMAND, "classify", "--jsonl", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == b""
    lines = (first + output).splitlines(keepends=True)
    assert len(lines) < 100_000
    assert lines[-1].endswith(b"\n")
    assert json.loads(lines[-1])["topic"] == "crude"


def test_ctrl_c_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As in the background of a script."""
    path = many_lines(tmp_path, 5_000)
    with subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND, "classify", "--jsonl", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the pipe fills, and the command waits
        process.send_signal(signal.SIGINT)
        output = process.stdout.read()
    assert process.returncode == 0
    assert output.count(b"\n") == 4_999


def test_second_ctrl_c_does_not_wait_for_the_reader(tmp_path: Path) -> None:
    path = many_lines(tmp_path, 5_000)
    with subprocess.Popen(
        [*COMMAND, "classify", "--jsonl", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the pipe fills, and the command waits
        for _ in range(20):
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                break
        # the signal itself, if it comes when Python is about to end; a shell calls that 130, too
        assert process.wait(timeout=60) in {130, -signal.SIGINT}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a command; see newswire --help"),
        (["clasify"], "No such command 'clasify'.*; see newswire --help"),
        (["classify"], "Missing argument 'FILE...'; see newswire classify --help"),
        (["compare", "x"], "Missing argument 'B'; see newswire compare --help"),
        (["classify", "-", "--top-k", "0"], "Invalid value for '--top-k': .*"),
        (["classify", "-", "--min-confidence", "nan"], "Invalid value for '--min-confidence': .*"),
        (["classify", "--nope"], "No such option: --nope.*; see newswire classify --help"),
        (["serve", "--port", "0"], "Invalid value for '--port': .*"),
        (["serve", "--host", ""], "NEWSWIRE_HOST: String should have at least 1 character, got ''"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], message: str) -> None:
    shown = run(*arguments)
    assert shown.returncode == 2
    assert shown.stdout == ""
    assert re.fullmatch(f"error: {message}\n", shown.stderr)


NO_FILE_BUT_A_TEXT = "there is no such file; a text goes to standard input, with - as the file"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify", "absent.txt"], "absent.txt: there is no such file"),
        (["classify", "Oil prices rose. " * 9], rf".*rose\. : {NO_FILE_BUT_A_TEXT}"),
        (["classify", "Oil prices rose. " * 99], rf".*rose\. : {NO_FILE_BUT_A_TEXT}"),
        (["classify", "--jsonl", "absent.jsonl"], "absent.jsonl: there is no such file"),
        (["classify", "-", "--top-k", "47"], "--top-k: expected 1 to 46, got 47"),
        (["classify", "-", "--model-dir", "tests"], ".*/tests: expected manifest.json, or .*"),
        (["explain", "-"], f"-: {BLANK}nothing"),
        (["explain", "absent.txt"], "absent.txt: there is no such file"),
        (["model", "--model-dir", "/none"], "/none: expected a model bundle or .*"),
    ],
)
def test_errors_are_one_line_and_status_1(arguments: list[str], message: str) -> None:
    shown = run(*arguments)
    assert shown.returncode == 1
    assert shown.stdout == ""
    assert re.fullmatch(f"error: {message}\n", shown.stderr)


def test_explanation_formats(text_files: list[str], classifier: TopicClassifier) -> None:
    expected = classifier.explain(NewsText(CRUDE, "OPEC meets"))
    arguments = ["explain", text_files[0], "--title", "OPEC meets"]
    header, *rows = [line.split("\t") for line in run(*arguments).stdout.splitlines()]
    assert header == ["word", "field", "start", "end", "known", "score_change"]
    assert [row[0] for row in rows] == [effect.word for effect in expected.words]
    shown = json.loads(run(*arguments, "--json").stdout)
    assert (shown["topic"], shown["name"]) == ("crude", "Crude oil")
    assert [word["start"] for word in shown["words"]] == [word.start for word in expected.words]
    status, terminal = run_on_terminal(*arguments)
    assert status == 0
    word = max(expected.words, key=lambda effect: effect.score_change).word
    assert f"\x1b[1;32m{word}" in terminal


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_a_full_disk_is_one_line(text_files: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "classify", *text_files],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert re.fullmatch("error: .*No space left on device\n", done.stderr)


def test_model_formats() -> None:
    rows = dict(line.split("\t") for line in run("model").stdout.splitlines())
    assert (rows["name"], rows["version"]) == ("reuters", LATEST.name)
    assert float(rows["article.accuracy"]) > 0.9
    manifest = json.loads(run("model", "--json").stdout)
    later: dict[str, Any] = {"no_topic": False, "topic_min_confidence": {}}
    later |= {"all_topics_thresholds": {}, "all_topics_precision": 0.0}
    written = json.loads((LATEST / "manifest.json").read_text())
    assert manifest == later | {"tokenizer": written.pop("tokeniser")} | written
    status, shown = run_on_terminal("model")
    assert status == 0
    assert "article: accuracy" in shown


def test_no_topic_formats(tmp_path: Path, no_topic_folder: Path) -> None:
    model = ("--model-dir", str(no_topic_folder))
    for word in ("oil", "rose"):
        (tmp_path / word).write_text(word)
    files = [str(tmp_path / word) for word in ("oil", "rose")]
    header, oil, rose = [
        line.split("\t") for line in run("classify", *files, *model).stdout.splitlines()
    ]
    assert (header[-2:], oil[-2], rose[-2]) == (["abstained", "no_topic"], "", "no_topic")
    assert float(oil[-1]) < 0.1
    assert float(rose[-1]) > 0.8
    written = run("classify", "--json", files[1], *model).stdout
    assert json.loads(written)["no_topic"] == pytest.approx(float(rose[-1]), abs=1e-6)
    jsonl = run("classify", "--jsonl", "-", *model, typed=b'{"text": "rose"}').stdout
    assert json.loads(jsonl)["abstained"] == "no_topic"
    status, shown = run_on_terminal("classify", *files, *model)
    assert status == 0
    assert re.search(r"abstained.*no topic", shown.splitlines()[0])
    assert re.search(r"no topic +0\.870", shown)
    assert run("explain", files[0], *model).stdout.splitlines()[1].startswith("oil\ttext\t0\t3\t")
    described = run("model", *model).stdout
    assert "no_topic\tyes\n" in described
    assert "min_confidence.crude\t0.600\n" in described


def test_topics_formats() -> None:
    lines = run("model", "--topics").stdout.splitlines()
    assert len(lines) == 1 + 46
    topics = [json.loads(line) for line in run("model", "--topics", "--json").stdout.splitlines()]
    for topic in topics:
        topic.pop("all_topics_threshold", None)
    assert topics == json.loads((LATEST / "topics.json").read_text())
    assert "Crude oil" in run_on_terminal("model", "--topics")[1]


def test_the_model_is_named_by_option_or_variable() -> None:
    older = str(RELEASED / "1")
    assert "version\t1\n" in run("model", "--model-dir", older).stdout
    assert "version\t1\n" in run("model", NEWSWIRE_MODEL_DIR=older).stdout


def test_the_released_models_are_found_from_elsewhere(tmp_path: Path) -> None:
    shown = subprocess.run(
        [*COMMAND, "model"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"version\t{LATEST.name}\n" in shown.stdout


def test_serve_options_override_variables() -> None:
    options = ["--host", "127.0.0.1", "--model-dir", str(RELEASED / "1")]
    with RunningService(
        [*COMMAND, "serve", *options], NEWSWIRE_MODEL_DIR="/none", NEWSWIRE_HOST="256.0.0.0"
    ) as service:
        assert service.client.get("/model").json()["version"] == "1"
        assert service.stop() == 0


def test_serve_listens_on_the_port_that_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        shown = run("serve", "--port", str(port), NEWSWIRE_PORT="1")
    assert shown.returncode == 2
    assert f"NEWSWIRE_PORT: 127.0.0.1:{port}: Address already in use" in shown.stderr


def test_serve_fails_as_the_service_does() -> None:
    shown = run("serve", "--model-dir", "/none")
    assert shown.returncode == 2
    assert "expected a model bundle or a folder of them, not found" in shown.stderr


def test_version() -> None:
    assert run("--version").stdout == f"newswire {__version__}\n"


def test_help_of_every_command() -> None:
    for command in ("classify", "explain", "model", "serve"):
        shown = CliRunner().invoke(cli, [command, "--help"])
        assert shown.exit_code == 0
        assert f" {command} [OPTIONS]" in shown.stdout
