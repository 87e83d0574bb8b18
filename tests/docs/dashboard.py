"""Draw the Grafana dashboard with the metrics of a run: ``python -m tests.docs.dashboard``.

Grafana is not needed: two instances of the service answer different texts, Prometheus scrapes them
with the project's rules, and matplotlib draws what the expressions of the dashboard's JSON find.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

import httpx2
import yaml
from PIL import Image

from tests.benchmarks.corpus import released_corpus, to_object
from tests.conftest import ROOT
from tests.deploy.expressions import PROMETHEUS, load_dashboard, substitute
from tests.docs.panels import Panel, Series, draw_dashboard, legend_name
from tests.end_to_end.running_service import RunningService
from tests.ports import free_port
from tests.waiting import wait_until

PICTURE: Final = ROOT / "docs" / "pictures" / "dashboard.png"
TEXTS: Final = ROOT / "tests" / "end_to_end" / "held_out_texts.jsonl"
"""Written for the project."""
CAPTION: Final = (
    "newswire-topics: a run of {minutes:g} minutes, "
    "drawn from the dashboard's JSON by the project, not by Grafana"
)
SECONDS: Final = 210
SCRAPE_SECONDS: Final = 5
"""More often than deploy/prometheus, since the run is short."""
INSTANCES: Final = 2
REQUESTS_PER_SECOND: Final = (15, 45)
"""Lowest and highest rate; in between it rises and falls."""
WAVE_SECONDS: Final = 90
SEED: Final = 22
COLORS: Final = 128
PIXELS_PER_INCH: Final = 100

Request = tuple[str, Any]
"""Path, and the JSON to send."""


def generate_requests() -> Iterator[Request]:
    """Yield requests without end: single texts, batches, explanations, and a few invalid ones."""
    random = Random(SEED)  # noqa: S311 - texts, not secrets
    rows = [json.loads(line) for line in TEXTS.read_text().splitlines()]
    with_topic, without = (
        [
            {"title": row["title"], "text": row["text"]}
            for row in rows
            if bool(row["accept"]) is has_topic
        ]
        for has_topic in (True, False)
    )
    made_up = [to_object(text) for text in released_corpus()]
    while True:
        (texts,) = random.choices((with_topic, without, made_up), weights=(75, 12, 13))
        text: dict[str, Any] = dict(random.choice(texts))
        match random.choices(range(5), weights=(80, 8, 5, 4, 3))[0]:
            case 0:
                yield "/classify", text
            case 1:
                yield "/classify/batch", {"items": random.choices(texts, k=random.randint(2, 32))}
            case 2:
                yield "/classify", text | {"explain": True}
            case 3:
                yield "/predict", {"inputs": text["text"] or text["title"]}
            case _:
                yield "/classify", random.choice([{"text": " "}, {"text": "Oil.", "top_k": 0}])


def send_requests(clients: Sequence[httpx2.Client], seconds: float) -> None:
    """Send requests to the clients in turn, at a rate that rises and falls."""
    requests = generate_requests()
    low, high = REQUESTS_PER_SECOND
    start = time.monotonic()
    number = 0
    while (passed := time.monotonic() - start) < seconds:
        path, content = next(requests)
        clients[number % len(clients)].post(path, json=content)
        number += 1
        wave = (1 - math.cos(2 * math.pi * passed / WAVE_SECONDS)) / 2
        time.sleep(1 / (low + (high - low) * wave))


def prometheus_config(ports: Sequence[int]) -> dict[str, Any]:
    """Return the project's configuration, with instances on loopback."""
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    seconds = f"{SCRAPE_SECONDS}s"
    config["global"] |= {"scrape_interval": seconds, "evaluation_interval": seconds}
    config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    config["scrape_configs"] = [
        {
            "job_name": "newswire",
            "static_configs": [
                {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": f"service-{number}:8000"}}
                for number, port in enumerate(ports, 1)
            ],
        }
    ]
    return config


@contextmanager
def run_prometheus(program: str, config: dict[str, Any]) -> Iterator[httpx2.Client]:
    """Run Prometheus on loopback, and yield a client of its API."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "prometheus.yml")
        path.write_text(yaml.safe_dump(config))
        port = free_port()
        options = [
            f"--config.file={path}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        process = subprocess.Popen([program, *options])
        try:
            with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
                wait_until(lambda: _is_ready(client), "Prometheus is ready")
                yield client
        finally:
            process.terminate()
            process.wait(timeout=30)


def _is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def find_series(client: httpx2.Client, panel: Panel, start: float, end: float) -> list[Series]:
    """Return what the expressions of a panel find, at the end or over the whole run."""
    found = []
    for target in panel["targets"]:
        expression = substitute(target["expr"])
        if target["instant"]:
            path, parameters = "/api/v1/query", {"query": expression, "time": str(end)}
        else:
            path = "/api/v1/query_range"
            times = {"start": str(start), "end": str(end), "step": str(SCRAPE_SECONDS)}
            parameters = {"query": expression} | times
        response = client.get(path, params=parameters)
        response.raise_for_status()
        for row in response.json()["data"]["result"]:
            samples = row["values"] if "values" in row else [row["value"]]
            times_of, values = zip(*samples, strict=True)
            labels = row["metric"]
            name = legend_name(target["legendFormat"], labels)
            found.append(Series(target["refId"], name, labels, times_of, tuple(map(float, values))))
    return found


def observe(program: str, seconds: float) -> dict[int, list[Series]]:
    """Run services, Prometheus and clients; return what each panel finds, by its id."""
    with ExitStack() as stack:
        services = [stack.enter_context(RunningService()) for _ in range(INSTANCES)]
        config = prometheus_config([service.port for service in services])
        client = stack.enter_context(run_prometheus(program, config))
        start = time.time()
        sender = Thread(target=send_requests, args=([each.client for each in services], seconds))
        sender.start()
        sender.join()
        time.sleep(2 * SCRAPE_SECONDS)
        end = time.time()
        panels = [panel for panel in load_dashboard()["panels"] if panel["type"] != "row"]
        return {panel["id"]: find_series(client, panel, start, end) for panel in panels}


def main() -> None:
    """Run everything, and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs.dashboard", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of the run")
    parser.add_argument("--out", type=Path, default=PICTURE)
    options = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        sys.exit("Prometheus is not installed: install the package prometheus.")
    found = observe(program, options.seconds)
    title = CAPTION.format(minutes=options.seconds / 60)
    figure = draw_dashboard(load_dashboard()["panels"], found, title)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=PIXELS_PER_INCH, metadata={"Software": None})
    with Image.open(options.out) as image:
        image.convert("RGB").quantize(COLORS).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
