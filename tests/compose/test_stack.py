"""``docker compose up``, from nothing."""

import json
import time

import httpx2
import pytest

from service.model import load_bundle
from tests.compose.images import base_image
from tests.compose.stack import Stack, docker, health, inspect
from tests.conftest import LATEST, ROOT
from tests.deploy.expressions import (
    alert_expressions,
    panel_expressions,
    rule_expressions,
)
from tests.waiting import wait_until

TEXT = {"text": "OPEC ministers agreed to cut crude oil production."}
MAX_IMAGE_BYTES = 175_000_000
SETTLE_SECONDS = 75
"""Five scrapes and evaluations: some rules stand on others."""

LIST_FILES = """
import json, os, sys
from importlib.metadata import distributions
found = {"uid": os.getuid(), "packages": [d.name.lower() for d in distributions()], "files": []}
for root in (*sys.path[1:], "/app", "/root", "/tmp", "/var/cache"):
    for folder, folders, names in os.walk(root):
        found["files"] += [os.path.join(folder, name) for name in (*folders, *names)]
try:
    open("/app/written", "w")
    found["written"] = True
except OSError:
    found["written"] = False
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def container(stack: Stack) -> str:
    (name,) = stack.containers("service")
    return name


@pytest.fixture(scope="module")
def observed(stack: Stack) -> Stack:
    """The stack after some traffic, and when Prometheus has seen it."""
    url = stack.url("NEWSWIRE_PORT")
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        for request in (TEXT, {"text": "zxcv qwer tyui"}, {"text": ""}):
            httpx2.post(f"{url}/classify", json=request)
        httpx2.post(f"{url}/classify/batch", json={"items": [TEXT] * 5})
        time.sleep(0.2)
    return stack


def test_it_classifies(stack: Stack, container: str) -> None:
    answer = httpx2.post(f"{stack.url('NEWSWIRE_PORT')}/classify", json=TEXT).json()
    assert answer["topic"] == "crude"
    assert answer["model"]["version"] == LATEST.name
    assert health(container) == "healthy"
    for line in docker("logs", container).splitlines():
        assert json.loads(line)["level"] == "INFO"


def test_ports_are_of_loopback(stack: Stack) -> None:
    for service in ("service", "prometheus"):
        (name,) = stack.containers(service)
        published = [
            place["HostIp"]
            for places in inspect(name)["NetworkSettings"]["Ports"].values()
            for place in places or []
        ]
        assert published == ["127.0.0.1"]


@pytest.mark.parametrize("service", ["service", "prometheus"])
def test_container_has_few_privileges(stack: Stack, service: str) -> None:
    (name,) = stack.containers(service)
    host = inspect(name)["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] == 10**9
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert not host["Privileged"]


def test_the_image_holds_the_service_alone(container: str) -> None:
    found = json.loads(docker("exec", container, "python", "-c", LIST_FILES))
    assert found["uid"] == 10001
    assert not found["written"]
    assert {"fastapi", "onnxruntime", "uvicorn"} <= set(found["packages"])
    unwanted = {"tensorflow", "keras", "onnx", "tf2onnx", "scikit-learn", "pytest", "setuptools"}
    assert not unwanted & set(found["packages"])
    names = {path.rsplit("/", 1)[-1] for path in found["files"] if "/site-packages/" in path}
    assert "tests" not in names
    assert not {"gcc", "cc", ".cache"} & {path.rsplit("/", 1)[-1] for path in found["files"]}
    assert not [path for path in found["files"] if path.startswith("/app/") and "/test" in path]
    assert [path for path in found["files"] if path.startswith("/app/service/__pycache__/")]


def test_the_image_is_small_and_labelled(container: str) -> None:
    image = inspect(inspect(container)["Image"])
    base = inspect(base_image(ROOT / "deploy" / "service.Dockerfile"))
    assert image["Size"] - base["Size"] <= MAX_IMAGE_BYTES
    config = image["Config"]
    assert config["Cmd"] == ["python", "-m", "service"]
    assert config["Entrypoint"] is None
    assert config["User"] == "10001:10001"
    assert "ORT_DISABLE_TELEMETRY=1" in config["Env"]
    for label in ("title", "description", "licenses", "version", "revision"):
        assert config["Labels"][f"org.opencontainers.image.{label}"]


def test_stop_grace_period(container: str) -> None:
    assert inspect(container)["Config"]["StopTimeout"] > 8


def test_prometheus_finds_the_service(observed: Stack) -> None:
    assert list(observed.targets().values()) == ["up"]


def test_every_rule_is_evaluated(observed: Stack) -> None:
    rules = [rule for group in observed.prometheus("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(rule_expressions()) + len(alert_expressions())
    assert {rule["health"] for rule in rules} == {"ok"}


def test_no_alert_fires(observed: Stack) -> None:
    firing = [
        alert["labels"]
        for alert in observed.prometheus("alerts")["alerts"]
        if alert["state"] == "firing"
    ]
    assert firing == []


@pytest.mark.parametrize(
    ("name", "expression"),
    [*panel_expressions(), *rule_expressions()],
    ids=lambda value: value[:60],
)
def test_every_expression_has_a_result(observed: Stack, name: str, expression: str) -> None:
    result = observed.prometheus("query", query=expression)["result"]
    knows_no_topic = load_bundle(LATEST).manifest.no_topic
    assert result or (not knows_no_topic and 'distribution="no_topic_ratio"' in expression), name


@pytest.mark.parametrize(("name", "expression"), alert_expressions(), ids=lambda value: value[:60])
def test_every_alert_can_be_evaluated(observed: Stack, name: str, expression: str) -> None:
    observed.prometheus("query", query=expression)


def test_killed_process_is_restarted(stack: Stack, container: str) -> None:
    url = f"{stack.url('NEWSWIRE_PORT')}/classify"
    before = inspect(container)["State"]["Pid"]
    image = inspect(container)["Image"]
    kill = f"import os, signal; os.kill({before}, signal.SIGKILL)"
    docker("run", "--rm", "--pid=host", "--user=0", image, "python", "-c", kill)

    def answers() -> bool:
        try:
            return httpx2.post(url, json=TEXT).status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(answers, "the service answers again", 120, 0.25)
    after = inspect(container)
    assert after["State"]["Pid"] != before
    assert after["RestartCount"] == 1


def test_grafana_shows_the_dashboard(stack: Stack, grafana_is_there: bool) -> None:  # noqa: FBT001
    if not grafana_is_there:
        pytest.skip("Grafana's image cannot be had here")
    url = stack.url("GRAFANA_PORT")

    def is_up() -> bool:
        try:
            return httpx2.get(f"{url}/api/health").status_code == 200
        except httpx2.TransportError:
            return False

    wait_until(is_up, "Grafana is up", 120, 0.25)
    found = httpx2.get(f"{url}/api/search").json()
    assert [item["type"] for item in found] == ["dash-db"]
    assert httpx2.get(f"{url}/api/datasources/uid/prometheus").status_code in {200, 403}


def test_graceful_stop(stack: Stack, container: str) -> None:
    stack.compose("stop", "service")
    state = inspect(container)["State"]
    assert state["ExitCode"] == 0
    assert not state["OOMKilled"]
