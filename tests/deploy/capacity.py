"""Works out the tables of docs/explanation/capacity.md.

``python -m tests.deploy.capacity`` prints them; `tests.docs.capacity` writes the first three.

They come from docs/benchmark.json (CPU time and memory), from the manifests of production (what a
pod requests, what the autoscaler aims at), and from the application itself (bytes, samples).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from fastapi.testclient import TestClient

from service.app import create_app
from service.model import load_classifier
from service.observability.metrics import make_registry
from service.settings import ServiceSettings
from tests.benchmarks.targets import BATCHES, OURS, Target
from tests.conftest import RELEASED, ROOT
from tests.deploy.manifests import build, mebibytes, only

LOADS: Final = (1_000, 5_000, 30_000)
"""Texts a second."""
ZONES: Final = 3
MAX_REQUESTS: Final = 256
"""Whose sizes are averaged."""
PRODUCTION: Final = "overlays/production"

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Figures of the production manifests."""

    utilisation: float
    least_replicas: int
    most_replicas: int
    cores: float
    mebibytes: int
    scrape_seconds: int

    @classmethod
    def load(cls) -> "Plan":
        """Read it from the built overlay."""
        objects = build(PRODUCTION)
        scaler = only(objects, "HorizontalPodAutoscaler")["spec"]
        (metric,) = scaler["metrics"]
        pod = only(objects, "Deployment")["spec"]["template"]["spec"]
        requests = pod["containers"][0]["resources"]["requests"]
        (endpoint,) = only(objects, "ServiceMonitor")["spec"]["endpoints"]
        return cls(
            utilisation=metric["resource"]["target"]["averageUtilization"] / 100,
            least_replicas=scaler["minReplicas"],
            most_replicas=scaler["maxReplicas"],
            cores=float(requests["cpu"]),
            mebibytes=mebibytes(requests["memory"]),
            scrape_seconds=int(endpoint["interval"].removesuffix("s")),
        )


@dataclass(frozen=True, slots=True)
class Fleet:
    """The replicas that answer a load.

    Attributes
    ----------
    needed : int
        At the autoscaler's target; no fewer run than its least.
    two_zones : int
        That many so that, spread evenly, what two of three zones keep is as many as needed.
    """

    load: int
    busy_cores: float
    plan: Plan

    @property
    def needed(self) -> int:
        return ceil(self.busy_cores / (self.plan.utilisation * self.plan.cores))

    @property
    def run(self) -> int:
        return max(self.needed, self.plan.least_replicas)

    @property
    def after_the_loss_of_a_zone(self) -> float:
        """Utilisation until new pods are there."""
        return self.busy_cores / ((self.run - ceil(self.run / ZONES)) * self.plan.cores)

    @property
    def two_zones(self) -> int:
        return next(n for n in range(2, 10_000) if n - ceil(n / ZONES) >= self.needed)


def record() -> Mapping[str, Any]:
    """Return the rows of the benchmark."""
    rows: Mapping[str, Any] = json.loads((ROOT / "docs" / "benchmark.json").read_text())["rows"]
    return rows


def fleets(target: Target, plan: Plan) -> list[Fleet]:
    """Return the replicas for each load."""
    cpu_seconds = record()[target.name]["cpu_microseconds"] / 1e6 / target.texts
    return [Fleet(load, load * cpu_seconds, plan) for load in LOADS]


def replica_rows(plan: Plan) -> Iterator[Row]:
    """Return what one replica takes at the target utilisation."""
    for target in (OURS, BATCHES):
        cpu = record()[target.name]["cpu_microseconds"] / target.texts
        texts = plan.utilisation * plan.cores * 1e6 / cpu
        requests = texts / target.texts
        yield _name(target), f"{cpu:,.0f}", f"{texts:,.0f}", f"{requests:,.0f}"


def fleet_rows(plan: Plan) -> Iterator[Row]:
    """Return the replicas that each load needs, and their resources."""
    for target in (OURS, BATCHES):
        used = record()[target.name]["memory_megabytes"] / 1000
        for fleet in fleets(target, plan):
            yield (
                f"{fleet.load:,}, {_name(target)}",
                str(fleet.needed),
                str(fleet.run),
                f"{fleet.run * plan.cores:.0f}",
                f"{fleet.busy_cores:.1f}",
                f"{fleet.run * plan.mebibytes / 1024:.1f}",
                f"{fleet.run * used:.1f}",
            )


def zone_rows(plan: Plan) -> Iterator[Row]:
    """Return the effect of the loss of a zone, and the replicas that compensate it."""
    for target in (OURS, BATCHES):
        for fleet in fleets(target, plan):
            lost = ceil(fleet.run / ZONES)
            yield (
                f"{fleet.load:,}, {_name(target)}",
                f"{fleet.run - lost} of {fleet.run}",
                f"{fleet.after_the_loss_of_a_zone * 100:.0f} %",
                str(fleet.two_zones),
            )


def network_rows(client: TestClient) -> Iterator[Row]:
    """Return the mean bytes of a request and its response, and of the highest load."""
    headers = {"Content-Type": "application/json"}
    for target in (OURS, BATCHES):
        bodies = target.bodies()[:MAX_REQUESTS]
        responses = [client.post(target.path, content=body, headers=headers) for body in bodies]
        assert all(response.status_code == 200 for response in responses)
        contents = (bodies, [response.content for response in responses])
        sizes = [sum(map(len, sent)) / len(bodies) / target.texts for sent in contents]
        rates = [size * 8 * LOADS[-1] / 1e6 for size in sizes]
        yield _name(target), *(f"{figure:,.0f}" for figure in (*sizes, *rates))


def scrape_rows(plan: Plan, client: TestClient) -> Iterator[Row]:
    """Return the samples that Prometheus scrapes for each load, and at most."""
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:  # each once: the series of a route begin with its first request
            client.request(method, path, content=OURS.bodies()[0], headers={"Content-Type": "x/y"})
    lines = client.get("/metrics").text.splitlines(keepends=True)
    lines = [line for line in lines if "_created" not in line]  # the service leaves these out
    samples = sum(not line.startswith("#") for line in lines)
    size = sum(map(len, lines))
    for replicas in (1, *(fleet.run for fleet in fleets(OURS, plan)[1:]), plan.most_replicas):
        yield (
            str(replicas),
            f"{replicas * samples:,}",
            f"{replicas * samples / plan.scrape_seconds:,.0f}",
            f"{replicas * size / 1000:,.0f}",
        )


def new_client() -> TestClient:
    """Yield a client of a service that has had no request yet."""
    app = create_app(ServiceSettings(), load_classifier(RELEASED), make_registry())
    return TestClient(app)


def _name(target: Target) -> str:
    return {1: "one a request"}.get(target.texts, f"batches of {target.texts}")


def main() -> None:
    """Print the rows of every table, in the page's order."""
    plan = Plan.load()
    for rows in (
        replica_rows(plan),
        fleet_rows(plan),
        zone_rows(plan),
        network_rows(new_client()),
        scrape_rows(plan, new_client()),
    ):
        print(*(f"| {' | '.join(row)} |" for row in rows), "", sep="\n")  # noqa: T201


if __name__ == "__main__":
    main()
