"""Bodies that are made to be expensive are rejected before they are."""

import json
import subprocess
import sys
from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.api.errors import RequestError
from service.api.limits import RequestLimits
from service.api.open_inference.bodies import parse_infer_request
from service.api.parsing import (
    check_batch_item,
    parse_batch_request,
    parse_classify_request,
    parse_plain_text,
)
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

TEXT = "OPEC ministers agreed to cut crude oil output."
N_NAMES = 200_000
MAX_GROWTH_BYTES = 20_000_000

MEASURE = """
import re, sys
from pathlib import Path
from service.api.limits import RequestLimits
from service.api.parsing import check_batch_item, parse_batch_request, parse_classify_request
from service.api.errors import RequestError
from service.api.open_inference.bodies import parse_infer_request

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search("VmHWM: *([0-9]+) kB", status.replace(chr(9), " "))[1]) * 1024

def parse(body, limits):
    if sys.argv[1] == "/classify":
        parse_classify_request(body, limits)
    if sys.argv[1].startswith("/v2"):
        parse_infer_request(body, None, limits)
    for item in parse_batch_request(body, limits).items:
        check_batch_item(item, limits, 0)

limits = RequestLimits(
    max_text_bytes=10**6, max_text_words=10**6, max_batch_size=256, max_explained_words=9,
    max_top_k=46,
)
body = sys.stdin.buffer.read()
before = peak()
try:
    parse(body, limits)
except RequestError:
    print(peak() - before)
"""

NAMES = json.dumps({str(number): 0 for number in range(N_NAMES)}).encode()
BODIES = {
    "names": NAMES,
    "names beside a text": b'{"text": "oil", ' + NAMES[1:],
    "names that end in a backslash": json.dumps(
        {f"{number}\\": 0 for number in range(N_NAMES)}
    ).encode(),
    "items of names": json.dumps({"items": [{"a": 0}] * N_NAMES}).encode(),
    "an item of names": b'{"items": [' + NAMES + b"]}",
    "items of nothing": b'{"items": [' + b"[]," * 1_000_000 + b"[]]}",
    "items of numbers": b'{"items": [' + b"1," * 2_000_000 + b"1]}",
    "a text of lists": b'{"text": [' + b"[],\n" * 1_000_000 + b"[]]}",
}
TENSORS = {
    "data of nothing": b"[" + b"[]," * 1_000_000 + b"[]]",
    "data of texts": b"[" + b'"",' * 1_000_000 + b'""]',
    "data of numbers": b"[" + b"1," * 2_000_000 + b"1]",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("path", ["/classify", "/classify/batch"])
@pytest.mark.parametrize("kind", BODIES)
def test_many_names_cost_no_memory(client: TestClient, path: str, kind: str) -> None:
    assert refused_growth(client, path, BODIES[kind], 422) < MAX_GROWTH_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("kind", TENSORS)
def test_tensors_of_many_values_cost_no_memory(client: TestClient, kind: str) -> None:
    tensor = b'{"name": "text", "shape": [1], "datatype": "BYTES", "data": ' + TENSORS[kind] + b"}"
    body = b'{"inputs": [' + tensor + b"]}"
    growth = refused_growth(client, "/v2/models/reuters/infer", body, 400)
    assert growth < MAX_GROWTH_BYTES


def refused_growth(client: TestClient, path: str, body: bytes, status: int) -> int:
    """How much memory a body takes at the most that is rejected with a status."""
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert len(answer.content) < 1_000
    command = [sys.executable, "-c", MEASURE, path]
    done = subprocess.run(command, input=body, capture_output=True, cwd=ROOT, check=True)
    return int(done.stdout)


LIMITS = RequestLimits(
    max_text_bytes=10**6,
    max_text_words=10**6,
    max_batch_size=256,
    max_explained_words=9,
    max_top_k=46,
)
SHORT_NAMES = b",".join(b'"%x":0' % number for number in range(5_000))[:16_000].rpartition(b",")[0]
MAX_SECONDS = 0.002
"""A text of that size takes 0.1 ms, and the errors of each name took 12 ms."""


def parse_items(body: bytes) -> None:
    for number, item in enumerate(parse_batch_request(body, LIMITS).items):
        check_batch_item(item, LIMITS, number)


SHORT_BODIES: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "names": (lambda body: parse_classify_request(body, LIMITS), b"{%b}" % SHORT_NAMES),
    "names, 2 kB": (
        lambda body: parse_classify_request(body, LIMITS),
        b"{%b}" % SHORT_NAMES[:2_000].rpartition(b",")[0],
    ),
    "names of a batch": (parse_items, b'{"items":[],%b}' % SHORT_NAMES),
    "names of an item": (parse_items, b'{"items":[{%b}]}' % SHORT_NAMES),
    "fewer names of an item": (
        parse_items,
        b'{"items":[{%b}]}' % SHORT_NAMES[:6_000].rpartition(b",")[0],
    ),
    "names in the query": (
        lambda body: parse_plain_text(b"Oil", LIMITS, query=body),
        SHORT_NAMES.replace(b",", b"&").replace(b'":0', b"=0").replace(b'"', b""),
    ),
    "names of a request for tensors": (
        lambda body: parse_infer_request(body, None, LIMITS),
        b'{"inputs":[],"parameters":{%b},%b}'
        % (SHORT_NAMES[:8_000].rpartition(b",")[0], SHORT_NAMES),
    ),
}


@pytest.mark.parametrize("kind", SHORT_BODIES)
def test_short_bodies_of_names_take_no_time(kind: str) -> None:
    """They are answered on the event loop, where everybody waits for them."""
    parse, body = SHORT_BODIES[kind]
    seconds = []
    for _ in range(20):
        began = thread_time()
        with pytest.raises(RequestError):
            parse(body)
        seconds.append(thread_time() - began)
    assert min(seconds) < MAX_SECONDS


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/classify", {"text": f'"{TEXT}" \\ ' * 2_000, "title": '"A" \\"' * 100}),
        ("/classify/batch", {"items": [{"text": f'"{TEXT}"', "title": '"'}] * 256, "top_k": 1}),
        ("/classify", {"text": f"{TEXT} [{{:," * 6_000, "title": "[" * 20_000, "top_k": 46}),
        (
            "/classify/batch",
            {"items": [{"text": f"{TEXT},,,{{[:" * 20, "title": None}] * 256, "explain": False},
        ),
    ],
)
def test_quotes_in_texts_are_no_names(client: TestClient, path: str, request_: Any) -> None:
    assert client.post(path, json=request_).status_code == 200


@pytest.mark.parametrize("path", ["/classify", "/classify/batch", "/v2/models/reuters/infer"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "Deflate"])
def test_compressed_bodies_are_refused(client: TestClient, path: str, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = client.post(path, content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415
    assert "Expected a body that is not compressed." in answer.text
    headers["content-encoding"] = "identity"
    assert client.post(path, content=b"{", headers=headers).status_code == 400
    several = [*headers.items(), ("content-encoding", encoding)]
    assert client.post(path, content=b"{", headers=several).status_code == 415
