"""SECURITY.md: its promises about the code, and the names in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "SECURITY.md").read_text()
CODE = sorted((ROOT / "service").rglob("*.py"))
RUN_WHAT_THEY_READ = {
    *("pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"),
    *("code", "codeop", "ctypes", "runpy", "subprocess", "pty"),
}
COMPILES = ROOT / "service" / "model" / "compile_encoder.py"
ALLOWED = {
    ROOT / "service" / "reload" / "validator.py": {"subprocess"},  # Python, with the service's code
    ROOT / "service" / "model" / "compiled_encoder.py": {"ctypes"},  # the encoder in C
    COMPILES: {"subprocess"},  # not in the service
}
EVALUATE = {"eval", "exec", "compile", "__import__", "system", "popen", "allow_pickle", "shell"}


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def calls(tree: ast.AST) -> Iterator[str]:
    """Names of what is called, and of the arguments that are named."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name):
                    yield name
                case ast.Attribute(attr=name, value=value):
                    if not (isinstance(value, ast.Name) and value.id == "re"):  # re.compile
                        yield name
            yield from (keyword.arg for keyword in node.keywords if keyword.arg)


def test_there_is_code_to_look_at() -> None:
    assert len(CODE) > 40


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_is_read_and_run(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert RUN_WHAT_THEY_READ.intersection(imports(tree)) == ALLOWED.get(path, set())
    assert not EVALUATE.intersection(calls(tree))


def test_the_service_does_not_compile() -> None:
    """It asks where the library is and whether it fits, and leaves the rest to `make`."""
    names = {
        alias.name
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "service.model.compile_encoder"
        for alias in node.names
    }
    assert names == {"checksum", "checksum_path", "library_path", "this_platform"}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib.numpy_pickle import load",
        "def f():\n    import marshal as m",
        "eval('1')",
        "builtins.exec(x)",
        "np.load(path, allow_pickle=True)",
        "os.system('ls')",
        "Popen('ls', shell=True)",
    ],
)
def test_code_that_would_be_is_seen(code: str) -> None:
    tree = ast.parse(code)
    assert RUN_WHAT_THEY_READ.intersection(imports(tree)) or EVALUATE.intersection(calls(tree))


def test_each_of_ten_requests_succeeds() -> None:
    table = PAGE.split("## OWASP")[1].split("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| API")]
    assert [row[1].split()[0] for row in rows] == [f"API{number}" for number in range(1, 11)]
    for row in rows:
        assert len(row[2].split()) > 5, row[1]


def test_named_files_exist() -> None:
    named = re.findall(r"`((?:tests|requirements)/[\w/.]*)`", PAGE)
    assert len(named) > 15
    for path in named:
        assert (ROOT / path).exists(), path
    for target in re.findall(r"`make ([\w-]+)`", PAGE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()
