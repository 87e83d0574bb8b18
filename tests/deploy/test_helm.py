"""The chart: the same objects as kustomize builds, and what each value changes."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.settings import PREFIX, ServiceSettings
from tests.conftest import LATEST, ROOT
from tests.deploy import custom_resources
from tests.deploy.chart import CHART, NAME, Values, messages, render, render_error, run_helm
from tests.deploy.manifests import KUBERNETES, Object, build, containers, describe, find_tool, only
from tests.deploy.pod_security import violations

PRODUCTION: Final = ROOT / "deploy" / "helm" / "production.yaml"
VERSIONS: Final = ("1.30", "1.34", "1.37")
ELSEWHERE: Final = {
    "api_keys",  # apiKeys, from a secret
    "model_dir",  # bundle
    "model_poll_seconds",  # bundle
    "host",  # of the image
    "port",  # the probes and the network policy name it
    "metrics_host",
    "metrics_port",
    "grpc_port",  # needs an image with the extra grpc, and a port of the Service
}
"""Settings that no value of ``settings`` sets."""
BOUNDS: Final = {"enum", "exclusiveMinimum", "maximum", "minimum", "type"}
SECRET: Final = "newswire-topics-api-keys"  # noqa: S105
ROUTE: Final = {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]}
EVERYTHING: Final[Values] = {
    "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": [{"name": "registry"}]},
    "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
    "apiKeys": {"existingSecret": SECRET},
    "bundle": {"enabled": True, "subPath": "reuters", "storageClassName": "files"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "news", "operator": "Exists"}],
    "networkPolicy": {
        "from": [{"namespaceSelector": {}}],
        "egress": [{"ports": [{"protocol": "TCP", "port": 4318}]}],
    },
    "monitoring": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "route": {
        **ROUTE,
        "hostnames": ["news.example.com"],
        "canary": {"service": "newswire-topics-canary", "weight": 10},
    },
}
"""Values that turn every template on."""


def by_name(objects: list[Object]) -> dict[str, Object]:
    named = {describe(item): item for item in objects}
    assert len(named) == len(objects)
    return named


def without(objects: list[Object], *kinds: str) -> dict[str, Object]:
    return by_name([item for item in objects if item["kind"] not in kinds])


def pod(objects: list[Object], name: str = NAME) -> Any:
    return only(objects, "Deployment", name)["spec"]["template"]["spec"]


def container(objects: list[Object], name: str = NAME) -> Any:
    (found,) = containers(pod(objects, name))
    return found


def environment(objects: list[Object]) -> dict[str, Any]:
    return {item["name"]: item for item in container(objects)["env"]}


# one truth


def test_defaults_are_the_kustomize_base() -> None:
    """But for the namespace, which ``helm install --create-namespace`` makes: a chart cannot."""
    assert by_name(render()) == without(build("base"), "Namespace")


def test_production_values_are_the_kustomize_overlay() -> None:
    """But for the training job, which the chart does not have."""
    objects = render(namespace="newswire-topics-production", files=(PRODUCTION,))
    service = [i for i in build("overlays/production") if i["metadata"]["name"] == NAME]
    assert by_name(objects) == without(service, "Namespace")


def test_api_keys_and_monitor_are_the_kustomize_components(tmp_path: Path) -> None:
    folder = Path(*[".."] * len(tmp_path.parts[1:]), *KUBERNETES.parts[1:])
    kustomization = {
        "resources": [str(folder / "base")],
        "components": [str(folder / "components" / name) for name in ("monitoring", "api-keys")],
        "namespace": NAME,
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    objects = render(
        {
            "apiKeys": {"existingSecret": SECRET},
            "monitoring": {"serviceMonitor": {"enabled": True}},
        }
    )
    assert by_name(objects) == without(build(str(tmp_path)), "Namespace")


def test_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == chart["version"] == __version__
    assert chart["name"] == NAME
    assert yaml.safe_load(PRODUCTION.read_text())["image"]["tag"] == __version__


def test_rules_are_those_of_prometheus() -> None:
    objects = render({"monitoring": {"prometheusRule": {"enabled": True}}})
    rules = {
        item["metadata"]["name"]: item["spec"]
        for item in objects
        if item["kind"] == "PrometheusRule"
    }
    folder = ROOT / "deploy" / "prometheus" / "rules"
    assert rules == {
        f"{NAME}-{path.stem}": yaml.safe_load(path.read_text()) for path in folder.iterdir()
    }


def test_monitor_names_the_job_of_the_rules() -> None:
    (endpoint,) = only(
        render({"monitoring": {"serviceMonitor": {"enabled": True}}}), "ServiceMonitor"
    )["spec"]["endpoints"]
    (relabeling,) = endpoint["relabelings"]
    assert relabeling["targetLabel"] == "job"
    alerts = (CHART / "rules" / "alerts.yml").read_text()
    assert f'absent(up{{job="{relabeling["replacement"]}"}} == 1)' in alerts


# form


def test_lint() -> None:
    for values in ({}, EVERYTHING):
        done = run_helm("lint", "--strict", "--quiet", str(CHART), values=values)
        assert (done.returncode, messages(done)) == (0, ""), done.stdout


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_every_object_is_valid(values: Values, version: str) -> None:
    for item in render(values):
        kubernetes_validate.validate(custom_resources.check(item) or item, version, strict=True)


def test_everything_turns_every_template_on() -> None:
    templates = {path.stem for path in (CHART / "templates").glob("*.yaml")}
    kinds = {item["kind"].lower() for item in render(EVERYTHING)}
    assert {name.replace("-", "").removesuffix("s") for name in templates} == {
        kind.removesuffix("s") for kind in kinds
    }


def test_pods_pass_the_restricted_standard() -> None:
    assert violations(pod(render(EVERYTHING))) == []


def test_packaged_chart_renders_the_same(tmp_path: Path) -> None:
    """The rules are symbolic links in the repository, and files in a package."""
    command = [find_tool("helm", "helm"), "package", str(CHART), "--destination", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    package = tmp_path / f"{NAME}-{__version__}.tgz"
    assert render(EVERYTHING, chart=package) == render(EVERYTHING)


# releases


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("newswire-topics", "newswire-topics"),
        ("newswire-topics-canary", "newswire-topics-canary"),
        ("desk", "desk-newswire-topics"),
    ],
)
def test_objects_have_the_name_of_the_release(release: str, name: str) -> None:
    objects = render(EVERYTHING, release=release, namespace="news")
    assert {item["metadata"]["namespace"] for item in objects} == {"news"}
    assert all(item["metadata"]["name"].startswith(name) for item in objects)
    assert pod(objects, name)["serviceAccountName"] == name


def selectors(objects: list[Object]) -> Iterator[dict[str, str]]:
    for item in objects:
        spec = item.get("spec", {})
        match item["kind"]:
            case "Service":
                yield spec["selector"]
            case "Deployment" | "PodDisruptionBudget":
                yield spec["selector"]["matchLabels"]
            case "NetworkPolicy":
                yield spec["podSelector"]["matchLabels"]


def test_releases_in_one_namespace_select_their_own_pods() -> None:
    stable, canary = render(), render(release="newswire-topics-canary")
    labels = only(canary, "Deployment", "newswire-topics-canary")["spec"]["template"]["metadata"][
        "labels"
    ]
    assert [chosen.items() <= labels.items() for chosen in selectors(canary)] == [True] * 4
    assert [chosen.items() <= labels.items() for chosen in selectors(stable)] == [False] * 4


# values


def test_image() -> None:
    named = {"repository": "registry.example.com/news", "tag": "0.2.0"}
    assert container(render({"image": named}))["image"] == "registry.example.com/news:0.2.0"
    digest = "sha256:" + "a" * 64
    pinned = render({"image": {**named, "digest": digest, "pullSecrets": [{"name": "registry"}]}})
    assert container(pinned)["image"] == f"registry.example.com/news@{digest}"
    assert pod(pinned)["imagePullSecrets"] == [{"name": "registry"}]


def test_settings_are_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "NEWSWIRE_MAX_BUFFERED_BYTES": 48_000_000,
        "NEWSWIRE_ACCESS_LOG": True,
        "NEWSWIRE_LOG_LEVEL": "warning",
        "NEWSWIRE_REQUEST_TIMEOUT_SECONDS": 2.5,
        "NEWSWIRE_CORS_ORIGINS": "https://a.example,https://b.example",
    }
    for item in environment(render({"settings": values})).values():
        monkeypatch.setenv(item["name"], item["value"])
    settings = ServiceSettings()
    assert settings.max_buffered_bytes == 48_000_000
    assert settings.access_log is True
    assert settings.log_level == "warning"
    assert settings.request_timeout_seconds == 2.5
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.keep_alive_seconds == 3_660


@pytest.mark.parametrize(("shutdown", "drain", "grace"), [(8, 0, 20), (60, 0, 72), (8, 2.5, 23)])
def test_pods_get_the_time_to_shut_down(shutdown: int, drain: float, grace: int) -> None:
    settings = {
        "NEWSWIRE_SHUTDOWN_TIMEOUT_SECONDS": shutdown,
        "NEWSWIRE_DRAIN_SECONDS": drain,
    }
    assert pod(render({"settings": settings}))["terminationGracePeriodSeconds"] == grace


def test_extra_environment() -> None:
    extra = {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}
    assert environment(render({"extraEnv": [extra]}))[extra["name"]] == extra


def test_api_keys_come_from_the_secret() -> None:
    values = {"apiKeys": {"existingSecret": "desk", "key": "all", "prometheusKey": "monitor"}}
    objects = render({**values, "monitoring": {"serviceMonitor": {"enabled": True}}})
    reference = environment(objects)[f"{PREFIX}API_KEYS"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "desk", "key": "all"}
    (endpoint,) = only(objects, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"] == {"name": "desk", "key": "monitor"}


def test_bundles_of_an_existing_claim() -> None:
    objects = render(
        {
            "bundle": {
                "enabled": True,
                "existingClaim": "bundles",
                "subPath": "desk",
                "pollSeconds": 30,
            }
        }
    )
    (volume,) = pod(objects)["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "bundles", "readOnly": True}
    (mount,) = container(objects)["volumeMounts"]
    assert mount == {
        "name": volume["name"],
        "mountPath": environment(objects)[f"{PREFIX}MODEL_DIR"]["value"],
        "readOnly": True,
        "subPath": "desk",
    }
    assert environment(objects)[f"{PREFIX}MODEL_POLL_SECONDS"]["value"] == "30"
    assert not [item for item in objects if item["kind"] == "PersistentVolumeClaim"]


def test_bundles_of_a_new_claim() -> None:
    objects = render({"bundle": {"enabled": True, "size": "2Gi", "storageClassName": "files"}})
    (volume,) = pod(objects)["volumes"]
    claim = only(objects, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "files",
        "resources": {"requests": {"storage": "2Gi"}},
    }
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_autoscaling() -> None:
    on = render(
        {
            "autoscaling": {
                "minReplicas": 3,
                "maxReplicas": 5,
                "targetCPUUtilizationPercentage": 50,
            }
        }
    )
    spec = only(on, "HorizontalPodAutoscaler")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 5)
    assert spec["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert "replicas" not in only(on, "Deployment")["spec"]
    off = render({"autoscaling": {"enabled": False}, "replicas": 4})
    assert only(off, "Deployment")["spec"]["replicas"] == 4
    assert "HorizontalPodAutoscaler" not in {item["kind"] for item in off}


def test_disruption_budget() -> None:
    some = render({"podDisruptionBudget": {"maxUnavailable": "25%"}})
    assert only(some, "PodDisruptionBudget")["spec"]["maxUnavailable"] == "25%"
    none = render({"podDisruptionBudget": {"enabled": False}})
    assert "PodDisruptionBudget" not in {item["kind"] for item in none}


def test_resources() -> None:
    resources = {"requests": {"cpu": "2", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}
    assert container(render({"resources": resources}))["resources"] == resources
    unbounded = container(render({"resources": {"limits": None, "requests": None}}))
    assert unbounded["resources"] == {}


def test_where_pods_run() -> None:
    objects = render(
        {
            "topologySpread": {"zone": "DoNotSchedule", "host": ""},
            "nodeSelector": {"pool": "news"},
            "tolerations": [{"key": "news", "operator": "Exists"}],
        }
    )
    (zone,) = pod(objects)["topologySpreadConstraints"]
    assert zone["topologyKey"] == "topology.kubernetes.io/zone"
    assert (zone["whenUnsatisfiable"], zone["nodeTaintsPolicy"]) == ("DoNotSchedule", "Honor")
    assert pod(objects)["nodeSelector"] == {"pool": "news"}
    assert pod(objects)["tolerations"] == [{"key": "news", "operator": "Exists"}]
    nowhere = render({"topologySpread": {"zone": "", "host": ""}})
    assert "topologySpreadConstraints" not in pod(nowhere)


def test_network_policy() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}]
    egress = [{"to": peers, "ports": [{"protocol": "TCP", "port": 4318}]}]
    spec = only(render({"networkPolicy": {"from": peers, "egress": egress}}), "NetworkPolicy")[
        "spec"
    ]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8000}], "from": peers}]
    assert spec["egress"] == egress
    none = render({"networkPolicy": {"enabled": False}})
    assert "NetworkPolicy" not in {item["kind"] for item in none}


def test_labels_of_monitors() -> None:
    labels = {"release": "prometheus"}
    objects = render(
        {
            "monitoring": {
                "serviceMonitor": {"enabled": True, "labels": labels, "interval": "30s"},
                "prometheusRule": {"enabled": True, "labels": labels},
            }
        }
    )
    monitors = [i for i in objects if i["kind"] in {"ServiceMonitor", "PrometheusRule"}]
    assert len(monitors) == 3
    assert all(labels.items() <= item["metadata"]["labels"].items() for item in monitors)
    assert only(objects, "ServiceMonitor")["spec"]["endpoints"][0]["interval"] == "30s"


def test_route() -> None:
    spec = only(render({"route": {**ROUTE, "hostnames": ["news.example.com"]}}), "HTTPRoute")[
        "spec"
    ]
    assert spec["parentRefs"] == ROUTE["parentRefs"]
    assert spec["hostnames"] == ["news.example.com"]
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": NAME, "port": 80, "weight": 100}]


def test_canary_is_the_service_of_another_release() -> None:
    canary = render(release="newswire-topics-canary")
    (service,) = (item for item in canary if item["kind"] == "Service")
    name = service["metadata"]["name"]
    values = {"route": {**ROUTE, "weight": 95, "canary": {"service": name, "weight": 5}}}
    (rule,) = only(render(values), "HTTPRoute")["spec"]["rules"]
    assert rule["backendRefs"] == [
        {"name": NAME, "port": 80, "weight": 95},
        {"name": name, "port": service["spec"]["ports"][0]["port"], "weight": 5},
    ]


# documents

DOCUMENT: Final = ROOT / "docs" / "how-to" / "helm.md"
ONLY_OF_A_CLUSTER: Final = {"--create-namespace", "--install", "--reuse-values"}
"""Options that ``helm template`` does not have."""


def documented(*verbs: str) -> list[list[str]]:
    """Return the commands of the document that begin so, as words."""
    commands = re.findall(r"^\$ (.+)$", DOCUMENT.read_text(), re.MULTILINE)
    return [words for words in map(shlex.split, commands) if words[1] in verbs]


@pytest.mark.parametrize("words", documented("install", "upgrade", "template"), ids=" ".join)
def test_documented_commands_render(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    options = [word for word in words[2:] if word not in ONLY_OF_A_CLUSTER]
    done = run_helm("template", *options)
    assert (done.returncode, messages(done)) == (0, "")
    assert "kind: Deployment" in done.stdout


def test_documented_secret_has_the_items_of_the_values() -> None:
    ((_, _, _, _, name, *options),) = documented("create")
    items = [option.removeprefix("--from-literal=").split("=")[0] for option in options[2:]]
    keys = yaml.safe_load((CHART / "values.yaml").read_text())["apiKeys"]
    assert items == [keys["key"], keys["prometheusKey"]]
    (change,) = (words for words in documented("upgrade") if "apiKeys" in words[-1])
    assert change[-1] == f"apiKeys.existingSecret={name}"


def test_documented_label_is_that_of_the_base() -> None:
    ((_, _, _, namespace, label),) = documented("label")
    key, value = label.split("=")
    assert only(build("base"), "Namespace", namespace)["metadata"]["labels"][key] == value


def test_documented_restart_is_of_the_release() -> None:
    ((_, _, _, name, _, namespace),) = documented("rollout")
    kind, _, deployment = name.partition("/")
    assert only(render(namespace=namespace), kind.capitalize(), deployment)


def test_documented_pod_writes_the_bundles(tmp_path: Path) -> None:
    """Its mounts are where the commands write, and its volume is the one that is served."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    (writer,) = (yaml.safe_load(block) for block in blocks if "kind: Pod" in block)
    kubernetes_validate.validate(writer, VERSIONS[0], strict=True)
    assert violations(writer["spec"]) == []
    assert "labels" not in writer["metadata"]
    (served,) = (words for words in documented("upgrade") if "bundle.enabled" in words[-1])
    values = dict(part.split("=") for part in served[-1].split(","))
    (volume,) = writer["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": values["bundle.existingClaim"]}
    (installed,) = (words for words in documented("install") if words[2] == NAME)
    image = dict(part.removeprefix("image.").split("=") for part in installed[-1].split(","))
    (writing,) = containers(writer["spec"])
    assert writing["image"] == f"{image['repository']}:{image['tag']}"
    assert writing["volumeMounts"] == [{"name": "bundles", "mountPath": "/bundles"}]
    name, namespace = (writer["metadata"][key] for key in ("name", "namespace"))
    ((*_, source, target),) = documented("cp")
    assert target == f"{namespace}/{name}:/bundles/.{Path(source).name}"
    for words in (*documented("exec"), *documented("delete")):
        assert name in words[2:4]
        assert f"--namespace {namespace}" in " ".join(words)
    shutil.copytree(LATEST, tmp_path / target.rsplit("/", 1)[1])
    for words in documented("exec"):
        command = words[words.index("--") + 1 :]
        subprocess.run([word.replace("/bundles", str(tmp_path)) for word in command], check=True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{Path(source).name}.withdrawn"]


# wrong values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"bundle": {"enabld": True}}, "'enabld' not allowed"),
        ({"image": {"digest": "abc"}}, "at '/image/digest': 'abc' does not match pattern"),
        ({"image": {"tag": ""}}, "at '/image/tag'"),
        ({"settings": {"NEWSWIRE_MAX_BATCH": 1}}, "'NEWSWIRE_MAX_BATCH' not allowed"),
        ({"settings": {"NEWSWIRE_API_KEYS": "k"}}, "'NEWSWIRE_API_KEYS' not allowed"),
        ({"settings": {"NEWSWIRE_MAX_BATCH_SIZE": 0}}, "minimum: got 0, want 1"),
        ({"settings": {"NEWSWIRE_LOG_LEVEL": "loud"}}, "at '/settings/NEWSWIRE_LOG_LEVEL'"),
        ({"extraEnv": [{"name": "NEWSWIRE_PORT", "value": "1"}]}, "at '/extraEnv/0/name'"),
        ({"settings": None}, "missing property 'settings'"),
        ({"image": {"tag": None}}, "at '/image': missing property 'tag'"),
        ({"topologySpread": {"zone": "Always"}}, "at '/topologySpread/zone'"),
        ({"podDisruptionBudget": {"maxUnavailable": 0}}, "at '/podDisruptionBudget"),
        ({"route": {"enabled": True}}, "at '/route/parentRefs': minItems: got 0, want 1"),
        ({"route": {"canary": {"weight": 5}}}, "at '/route/canary/service': minLength"),
        (
            {"autoscaling": {"minReplicas": 20}},
            "expected minReplicas of at most maxReplicas, got 20 and 10",
        ),
    ],
)
def test_wrong_values_are_errors(values: Values, expected: str) -> None:
    assert expected in render_error(values)


def test_schema_has_the_settings_with_their_bounds() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    fields = ServiceSettings.model_json_schema()["properties"]
    expected = {
        f"{PREFIX}{name.upper()}": {
            bound: value for bound, value in field.items() if bound in BOUNDS
        }
        for name, field in fields.items()
        if name not in ELSEWHERE
    }
    expected[f"{PREFIX}CORS_ORIGINS"] = {"type": "string"}  # as in the variable, with commas
    assert schema["properties"]["settings"]["properties"] == expected


def test_every_value_is_in_the_schema_and_documented() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values.keys() == schema["properties"].keys() - {"global"}
    text = DOCUMENT.read_text()
    defaults = dict(re.findall(r"^\| `([\w.]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert defaults.keys() == {*leaves(values)}
    for name, default in defaults.items():
        value: Any = values
        for part in name.split("."):
            value = value[part]
        if name not in {"settings", "resources"}:  # in words
            assert yaml.safe_load(default.strip("`")) == value, name


def leaves(values: Any, path: str = "") -> Iterator[str]:
    for name, value in values.items():
        where = f"{path}.{name}".lstrip(".")
        if isinstance(value, dict) and value and where not in {"settings", "resources"}:
            yield from leaves(value, where)
        else:
            yield where
