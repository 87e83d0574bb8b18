"""Detects changes of the uvicorn internals that `service.server` overrides or calls."""

import hashlib
import inspect
import tomllib
from importlib.metadata import version

import pytest
from uvicorn import Server
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from tests.conftest import ROOT

REVIEWED_VERSION = "0.54"
REVIEWED = {
    HttpToolsProtocol: "18fdf324b11bf160e38739eed01a48516b460be9e88f1e20e4546e7363fd9232",
    RequestResponseCycle: "e67d470d435dcc1ce6de9773841524a4439a06afd3a7243e458dc7f7c952b310",
    FlowControl: "126debcdaa894c83ed9491b41cb3b99c97469f00520f2483d2a5d1f53de91fa4",
    Server: "06e799f7c58f8be6e5de889f21bd2270c12d51852058fff898fa669510d81dc1",
    ServerState: "f2260fbf1015474626a79b73b09e82693b847968752783d75d63a29cddc5bc6b",
}
"""SHA-256 of the source of each class, as reviewed together with `service.server`."""


def test_uvicorn_is_pinned_to_the_reviewed_minor() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"uvicorn~={REVIEWED_VERSION}.0" in project["dependencies"]
    assert version("uvicorn").startswith(f"{REVIEWED_VERSION}.")


@pytest.mark.parametrize(
    ("internal", "digest"), REVIEWED.items(), ids=[c.__name__ for c in REVIEWED]
)
def test_source_is_the_reviewed_one(internal: type, digest: str) -> None:
    source = inspect.getsource(internal)
    assert hashlib.sha256(source.encode()).hexdigest() == digest, (
        f"{internal.__qualname__} of uvicorn changed: compare it with the overrides in "
        "service/server, then update this hash"
    )
