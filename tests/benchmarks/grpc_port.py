"""``make bench ARGS=grpc``: the CPU of a request over gRPC beside those over HTTP.

One process serves both ports. The same different texts go to each, eight requests at a time, by one
client; the order changes from round to round. Ratios are those of one round.
"""

import json
from asyncio import Queue, QueueEmpty, StreamReader, StreamWriter, gather, open_connection, run
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from statistics import median, quantiles
from time import perf_counter
from typing import Annotated, Any, Final, NamedTuple

import grpc
import typer
from rich.table import Table

from service.api.grpc import open_inference_pb2 as pb
from service.api.grpc.routes import INFERENCE_SERVICE
from service.api.open_inference.datatypes import pack_elements
from service.api.open_inference.inputs import HEADER_LENGTH
from tests.benchmarks.comparison import console, describe_machine
from tests.benchmarks.corpus import BATCH_SIZE, joined, released_corpus
from tests.benchmarks.harness import Server, running
from tests.benchmarks.targets import Target
from tests.ports import free_port

CONCURRENCY: Final = 8
MODEL: Final = "reuters"
INFER: Final = f"/v2/models/{MODEL}/infer"
OUTPUTS: Final = ("topic", "score", "abstained", "known_words")
"""What ``POST /classify`` returns, too."""
JSON: Final = "application/json"
BINARY: Final = "application/octet-stream"


class Case(NamedTuple):
    """A way to ask."""

    name: str
    path: str | None
    """Of HTTP; None for gRPC."""
    encode: Callable[[Sequence[str]], tuple[bytes, Mapping[str, str]]]
    """From texts to a body, and the headers that it has."""


class Figures(NamedTuple):
    """Of one case in one round."""

    cpu_microseconds: float
    """A text."""
    milliseconds: float
    """Median latency of a request."""


def classify_body(texts: Sequence[str]) -> tuple[bytes, Mapping[str, str]]:
    """Return the body of ``POST /classify``, or of ``/classify/batch``."""
    items = [{"text": text} for text in texts]
    content = items[0] if len(items) == 1 else {"items": items}
    return json.dumps(content).encode(), {"content-type": JSON}


def json_body(texts: Sequence[str]) -> tuple[bytes, Mapping[str, str]]:
    """Return the body of an inference in JSON."""
    tensor = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}
    body = {"inputs": [tensor], "outputs": [{"name": name} for name in OUTPUTS]}
    return json.dumps(body).encode(), {"content-type": JSON}


def binary_body(texts: Sequence[str]) -> tuple[bytes, Mapping[str, str]]:
    """Return the body of an inference with binary tensors."""
    data = pack_elements(text.encode() for text in texts)
    tensor = {
        "name": "text",
        "shape": [len(texts)],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(data)},
    }
    outputs = [{"name": name, "parameters": {"binary_data": True}} for name in OUTPUTS]
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    return head + data, {"content-type": BINARY, HEADER_LENGTH: str(len(head))}


def grpc_message(texts: Sequence[str]) -> tuple[bytes, Mapping[str, str]]:
    """Return a ``ModelInferRequest``, as tritonclient writes it."""
    message = pb.ModelInferRequest(model_name=MODEL)
    message.inputs.add(name="text", datatype="BYTES", shape=[len(texts)])
    message.raw_input_contents.append(pack_elements(text.encode() for text in texts))
    for name in OUTPUTS:
        message.outputs.add(name=name)
    return message.SerializeToString(), {}


def cases(n_texts: int) -> list[Case]:
    """Return the ways to ask for so many texts at once; the first is what others compare with."""
    classify = "/classify" if n_texts == 1 else "/classify/batch"
    return [
        Case(f"`POST {classify}`", classify, classify_body),
        Case("`POST /v2/.../infer`, JSON", INFER, json_body),
        Case("`POST /v2/.../infer`, binary", INFER, binary_body),
        Case("gRPC `ModelInfer`", None, grpc_message),
    ]


def main(
    rounds: Annotated[int, typer.Option(min=2)] = 6,
    passes: Annotated[int, typer.Option(min=1, help="Over all texts, in a round.")] = 2,
) -> None:
    """Compare the CPU of a request over gRPC with those over HTTP."""
    grpc_port = free_port()
    settings = {
        "NEWSWIRE_PORT": "{port}",
        "NEWSWIRE_GRPC_PORT": str(grpc_port),
        "NEWSWIRE_MAX_CONCURRENT_REQUESTS": "64",
    }
    target = Target("ours", ["python", "-m", "service"], settings)
    with running(target) as server:
        for n_texts in (1, BATCH_SIZE):
            results = run(_measure(server, grpc_port, n_texts, rounds, passes))
            title = f"{n_texts} texts a request" if n_texts > 1 else "1 text a request"
            console.print(to_table(f"{title}, {describe_machine()}", results))


def to_table(title: str, results: Mapping[str, Sequence[Figures]]) -> Table:
    """Show the medians over the rounds, and the ratio to the first case, with its quartiles."""
    table = Table(title=title)
    for column in ("", "µs of CPU a text", "times the first (quartiles)", "p50 ms"):
        table.add_column(column, justify="right" if column else "left")
    (_, first), *_ = results.items()
    for name, figures in results.items():
        pairs = zip(figures, first, strict=True)
        ratios = [own.cpu_microseconds / other.cpu_microseconds for own, other in pairs]
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        table.add_row(
            name,
            f"{median(each.cpu_microseconds for each in figures):.0f}",
            f"{middle:.2f} ({low:.2f} to {high:.2f})",
            f"{median(each.milliseconds for each in figures):.2f}",
        )
    return table


async def _measure(
    server: Server, grpc_port: int, n_texts: int, rounds: int, passes: int
) -> dict[str, list[Figures]]:
    texts = [joined(text) for text in released_corpus()]
    batches = [texts[at : at + n_texts] for at in range(0, len(texts), n_texts)]
    chosen = cases(n_texts)
    results: dict[str, list[Figures]] = {case.name: [] for case in chosen}
    for number in range(rounds + 1):  # the first warms up
        for case in chosen[:: -1 if number % 2 else 1]:
            requests = [case.encode(batch) for batch in batches] * passes
            async with AsyncExitStack() as stack:
                senders = [
                    await _sender(case, server, grpc_port, stack) for _ in range(CONCURRENCY)
                ]
                server.wait_until_idle()
                began = server.cpu_seconds()
                latencies = await _send_all(senders, requests)
                seconds = server.cpu_seconds() - began
            if number:
                cpu = seconds / (passes * len(texts)) * 1e6
                results[case.name].append(Figures(cpu, median(latencies) * 1e3))
    return results


async def _send_all(senders: Sequence[Any], requests: Sequence[Any]) -> list[float]:
    """Send requests, one at a time by each sender; return their latencies in seconds."""
    queue: Queue[Any] = Queue()
    for request in requests:
        queue.put_nowait(request)
    latencies: list[float] = []

    async def work(send: Any) -> None:
        while True:
            try:
                request = queue.get_nowait()
            except QueueEmpty:
                return
            began = perf_counter()
            await send(*request)
            latencies.append(perf_counter() - began)

    await gather(*map(work, senders))
    return latencies


async def _sender(case: Case, server: Server, grpc_port: int, stack: AsyncExitStack) -> Any:
    """Return what sends a request on a connection of its own."""
    if case.path is None:
        own = [("grpc.use_local_subchannel_pool", 1)]
        channel = await stack.enter_async_context(
            grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}", options=own)
        )
        method = channel.unary_unary(f"/{INFERENCE_SERVICE}/ModelInfer")

        async def send(message: bytes, _: Mapping[str, str]) -> None:
            await method(message)

        return send
    host, port = server.url.split("/")[2].split(":")
    reader, writer = await open_connection(host, int(port))
    stack.callback(writer.close)

    async def post(body: bytes, headers: Mapping[str, str]) -> None:
        await _post(reader, writer, str(case.path), body, headers)

    return post


async def _post(
    reader: StreamReader, writer: StreamWriter, path: str, body: bytes, headers: Mapping[str, str]
) -> None:
    lines = {"host": "localhost", **headers, "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    response = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert response.startswith(b"http/1.1 200"), response
    length = next(
        line.partition(b":")[2]
        for line in response.split(b"\r\n")
        if line.startswith(b"content-length")
    )
    await reader.readexactly(int(length))
