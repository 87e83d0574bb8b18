"""The manifests: of the forms that Kubernetes takes, and true of the service that they run."""

import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml
from fastapi.testclient import TestClient
from typer.main import get_command

from service import __version__
from service.settings import PREFIX, ServiceSettings
from tests.conftest import ROOT
from tests.deploy import custom_resources
from tests.deploy.manifests import (
    KUBERNETES,
    TARGETS,
    Object,
    build,
    containers,
    describe,
    mebibytes,
    only,
    pod_templates,
)
from tests.deploy.pod_security import violations
from training.__main__ import cli

OLDEST: Final = "1.30"
"""The first that sleeps before a stop without being told to."""
VERSIONS: Final = (OLDEST, "1.34", "1.37")
KSERVES_PROTOCOL: Final = {"name": "PROTOCOL", "value": "v2"}
"""A variable that KServe itself reads, of a custom predictor."""
MAX_MEMORY_MEBIBYTES: Final = 130
"""Bound on the memory of the service."""
HOW_TO: Final = ROOT / "docs" / "how-to"
STATE_KEEP_ALIVE: Final = ("how-to/kubernetes.md", "explanation/overload.md")
"""Documents with the keep-alive of the manifests."""
LONGEST_IDLE_SECONDS: Final = 3_600
"""For how long Envoy keeps an idle connection to what is behind it; other proxies do for less."""
PRODUCTION: Final = "overlays/production"


@pytest.fixture(scope="module", params=TARGETS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    return build(request.param)


@pytest.fixture(scope="module")
def production() -> list[Object]:
    return build(PRODUCTION)


@pytest.fixture(scope="module")
def kserve() -> list[Object]:
    return build("overlays/kserve")


def check_schema(item: Object, version: str) -> None:
    kubernetes_validate.validate(custom_resources.check(item) or item, version, strict=True)


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and selector.items() <= labels.items()


def labels_of_pods(objects: list[Object]) -> list[dict[str, str]]:
    return [metadata["labels"] for _, metadata, _ in pod_templates(objects)]


def service_pods(objects: list[Object]) -> list[tuple[str, Any, Any]]:
    return [
        (name, metadata, spec)
        for name, metadata, spec in pod_templates(objects)
        if metadata["labels"]["app.kubernetes.io/component"] == "service"
    ]


# form


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(objects: list[Object], version: str) -> None:
    for item in objects:
        check_schema(item, version)


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("Deployment", lambda spec: spec.update(replica=2)),
        ("Deployment", lambda spec: spec["template"]["spec"]["containers"][0].pop("name")),
        ("Service", lambda spec: spec["ports"][0].update(port="eighty")),
        ("HorizontalPodAutoscaler", lambda spec: spec.pop("maxReplicas")),
        ("PodDisruptionBudget", lambda spec: spec.update(maxUnavailable=[1])),
        ("NetworkPolicy", lambda spec: spec.update(policyType=["Ingress"])),
        ("ServiceMonitor", lambda spec: spec["endpoints"][0].update(pth="/metrics")),
        ("ServiceMonitor", lambda spec: spec["selector"].update(labels={})),
    ],
)
def test_invalid_objects_are_found(
    production: list[Object], kind: str, damage: Callable[[Any], object]
) -> None:
    item = deepcopy(only(production, kind))
    damage(item["spec"])
    with pytest.raises((kubernetes_validate.ValidationError, AssertionError)):
        check_schema(item, OLDEST)


@pytest.mark.parametrize("field", ["containerPort", "minReplica"])
def test_invalid_inference_service_is_found(kserve: list[Object], field: str) -> None:
    item = deepcopy(only(kserve, "InferenceService"))
    item["spec"]["predictor"][field] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        check_schema(item, OLDEST)


def test_the_base_needs_no_custom_resource() -> None:
    groups = {item["apiVersion"].split("/")[0] for item in build("base")}
    assert groups <= {"v1", "apps", "autoscaling", "policy", "networking.k8s.io"}


def test_objects_are_unique(objects: list[Object]) -> None:
    names = [describe(item) for item in objects]
    assert len(names) == len(set(names))


def test_one_namespace_for_all(objects: list[Object]) -> None:
    (namespace,) = (item["metadata"] for item in objects if item["kind"] == "Namespace")
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    others = {item["metadata"].get("namespace") for item in objects if item["kind"] != "Namespace"}
    assert others == {namespace["name"]}


# references


def test_selectors_match_pods(objects: list[Object]) -> None:
    pods = labels_of_pods(objects)
    services = [item["metadata"]["labels"] for item in objects if item["kind"] == "Service"]
    for item in objects:
        spec = item.get("spec", {})
        match item["kind"]:
            case "Deployment":
                selector, chosen = spec["selector"]["matchLabels"], pods
                assert selects(selector, spec["template"]["metadata"]["labels"])
            case "Service":
                selector, chosen = spec["selector"], pods
            case "PodDisruptionBudget":
                selector, chosen = spec["selector"]["matchLabels"], pods
            case "NetworkPolicy":
                selector, chosen = spec["podSelector"]["matchLabels"], pods
            case "ServiceMonitor":
                selector, chosen = spec["selector"]["matchLabels"], services
            case _:
                continue
        assert sum(selects(selector, labels) for labels in chosen) == 1, describe(item)


def test_pods_are_spread_by_their_own_labels(objects: list[Object]) -> None:
    for name, metadata, spec in service_pods(objects):
        keys = [rule["topologyKey"] for rule in spec["topologySpreadConstraints"]]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], name
        for rule in spec["topologySpreadConstraints"]:
            assert selects(rule["labelSelector"]["matchLabels"], metadata["labels"]), name


def test_production_spreads_over_zones_strictly(production: list[Object]) -> None:
    ((_, _, spec),) = service_pods(production)
    zone, host = spec["topologySpreadConstraints"]
    assert zone["whenUnsatisfiable"] == "DoNotSchedule"
    assert host["whenUnsatisfiable"] == "ScheduleAnyway"


def test_every_pod_is_under_a_network_policy(objects: list[Object]) -> None:
    policies = [item["spec"] for item in objects if item["kind"] == "NetworkPolicy"]
    for labels in labels_of_pods(objects):
        (policy,) = (p for p in policies if selects(p["podSelector"]["matchLabels"], labels))
        assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_network_policy_has_one_ingress_port_and_no_egress(objects: list[Object]) -> None:
    policy = only(objects, "NetworkPolicy")["spec"]
    assert policy["egress"] == []
    ports = {
        port["containerPort"] for _, _, spec in service_pods(objects) for port in ports_of(spec)
    }
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [*ports]


def ports_of(spec: Any) -> list[Any]:
    return [port for container in containers(spec) for port in container["ports"]]


def test_service_accounts_exist_and_have_no_token(objects: list[Object]) -> None:
    accounts = {i["metadata"]["name"]: i for i in objects if i["kind"] == "ServiceAccount"}
    for name, _, spec in pod_templates(objects):
        assert spec["automountServiceAccountToken"] is False, name
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False


def test_volumes_and_claims_exist(objects: list[Object]) -> None:
    claims = {i["metadata"]["name"] for i in objects if i["kind"] == "PersistentVolumeClaim"}
    used = set()
    for name, _, spec in pod_templates(objects):
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        mounted = {m["name"] for c in containers(spec) for m in c.get("volumeMounts", [])}
        assert mounted == volumes.keys(), name
        kinds = [volume.get("persistentVolumeClaim") for volume in volumes.values()]
        used |= {claim["claimName"] for claim in kinds if claim}
    assert used == claims


def test_autoscaler_target_exists(production: list[Object]) -> None:
    for objects in (production, build("base")):
        spec = only(objects, "HorizontalPodAutoscaler")["spec"]
        target = spec["scaleTargetRef"]
        deployment = only(objects, target["kind"], target["name"])
        assert deployment["apiVersion"] == target["apiVersion"]
        assert "replicas" not in deployment["spec"], "applying would undo what the autoscaler did"
        assert 2 <= spec["minReplicas"] <= spec["maxReplicas"]
        for container in containers(deployment["spec"]["template"]["spec"]):
            assert container["resources"]["requests"]["cpu"], (
                "utilisation is a share of the request"
            )


def test_a_node_can_be_drained(objects: list[Object]) -> None:
    budget = only(objects, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] >= 1
    assert "minAvailable" not in budget


def test_the_images_of_production_are_this_version(production: list[Object]) -> None:
    for name, _, spec in pod_templates(production):
        for container in containers(spec):
            _, _, tag = container["image"].rpartition(":")
            assert tag == __version__, f"{name}: overlays/production/kustomization.yaml names {tag}"


# security


def test_pods_pass_the_restricted_standard(objects: list[Object]) -> None:
    for name, _, spec in pod_templates(objects):
        assert violations(spec) == [], name
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001


@pytest.mark.parametrize(
    ("rule", "damage"),
    [
        ("hostNetwork", lambda spec, _: spec.update(hostNetwork=True)),
        ("volume hostPath", lambda spec, _: spec.update(volumes=[{"name": "x", "hostPath": {}}])),
        ("runAsUser", lambda spec, _: spec["securityContext"].update(runAsUser=0)),
        ("runAsNonRoot", lambda spec, _: spec["securityContext"].pop("runAsNonRoot")),
        ("runAsNonRoot", lambda _, own: own["securityContext"].update(runAsNonRoot=False)),
        ("seccompProfile", lambda spec, _: spec["securityContext"].pop("seccompProfile")),
        ("privileged", lambda _, own: own["securityContext"].update(privileged=True)),
        ("allowPrivilegeEscalation", lambda _, own: own.pop("securityContext")),
        ("capabilities drop", lambda _, own: own["securityContext"].pop("capabilities")),
        (
            "capabilities add",
            lambda _, own: own["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        ),
        ("hostPort", lambda _, own: own["ports"][0].update(hostPort=80)),
        ("host of a probe", lambda _, own: own["livenessProbe"]["httpGet"].update(host="x")),
    ],
)
def test_pod_security_violations_are_found(
    production: list[Object], rule: str, damage: Callable[[Any, Any], object]
) -> None:
    spec = deepcopy(only(production, "Deployment")["spec"]["template"]["spec"])
    damage(spec, spec["containers"][0])
    assert any(found.endswith(rule) for found in violations(spec))


def test_no_service_sets_a_setting(objects: list[Object]) -> None:
    """Kubernetes adds ``{SERVICE}_PORT`` and more for each Service, unless told not to."""
    for name, _, spec in pod_templates(objects):
        assert spec["enableServiceLinks"] is False, name


def test_keys_come_from_a_secret(tmp_path: Path) -> None:
    """The component api-keys, put together with the others as an operator would."""

    def beside(name: str) -> str:
        return os.path.relpath(KUBERNETES / name, tmp_path)

    kustomization = {
        "resources": [beside("base")],
        "components": [beside("components/monitoring"), beside("components/api-keys")],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    objects = build(str(tmp_path))
    for item in objects:
        check_schema(item, OLDEST)
    ((_, _, spec),) = service_pods(objects)
    (container,) = containers(spec)
    variables = {item["name"]: item for item in container["env"]}
    keys = variables[f"{PREFIX}API_KEYS"]
    assert "value" not in keys
    secret = keys["valueFrom"]["secretKeyRef"]
    (endpoint,) = only(objects, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["authorization"]["credentials"]["name"] == secret["name"]
    assert not [item for item in objects if item["kind"] == "Secret"], "no key in the repository"


# truth


def test_probes_use_routes_of_the_service(objects: list[Object], client: TestClient) -> None:
    for _, _, spec in service_pods(objects):
        (container,) = containers(spec)
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        expected = {
            "startupProbe": "/health/ready",
            "readinessProbe": "/health/ready",
            "livenessProbe": "/health/live",
        }
        for probe, path in expected.items():
            request = container[probe]["httpGet"]
            assert request["path"] == path
            assert client.get(path).status_code == 200
            assert ports.get(request["port"], request["port"]) == ServiceSettings().port


def test_services_target_the_port(production: list[Object]) -> None:
    ((_, _, spec),) = service_pods(production)
    ports = {port["name"]: port["containerPort"] for port in ports_of(spec)}
    (port,) = only(production, "Service")["spec"]["ports"]
    assert ports[port["targetPort"]] == ServiceSettings().port
    (endpoint,) = only(production, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["port"] == port["name"]


def test_sample_limit_has_room_for_all_metrics(
    production: list[Object], client: TestClient
) -> None:
    spec = only(production, "ServiceMonitor")["spec"]
    (endpoint,) = spec["endpoints"]
    metrics = client.get(endpoint["path"]).text.splitlines()
    samples = [line for line in metrics if not line.startswith("#")]
    # room for the routes and statuses that no test asks for
    assert 100 < 2 * len(samples) < spec["sampleLimit"]


def test_variables_are_settings(objects: list[Object], monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields}
    for _, _, spec in service_pods(objects):
        for container in containers(spec):
            for variable in container["env"]:
                if variable == KSERVES_PROTOCOL:
                    continue
                assert variable["name"] in names
                monkeypatch.setenv(variable["name"], variable["value"])
        ServiceSettings()  # raises for a value that is not of its form


def test_requests_in_progress_can_finish(objects: list[Object]) -> None:
    for name, _, spec in service_pods(objects):
        (container,) = containers(spec)
        variables = {item["name"]: item["value"] for item in container["env"]}
        shutdown = int(variables[f"{PREFIX}SHUTDOWN_TIMEOUT_SECONDS"])
        drain = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert drain >= 1
        assert spec["terminationGracePeriodSeconds"] > drain + shutdown, name


def test_proxy_closes_idle_connections_first(objects: list[Object]) -> None:
    """Else it sends a request in the moment in which the service closes, and passes a 502 on."""
    for _, _, spec in service_pods(objects):
        (container,) = containers(spec)
        variables = {item["name"]: item["value"] for item in container["env"]}
        kept = int(variables[f"{PREFIX}KEEP_ALIVE_SECONDS"])
        assert kept > LONGEST_IDLE_SECONDS
        for page in STATE_KEEP_ALIVE:
            assert f"`deploy/kubernetes` set {kept:,}" in (ROOT / "docs" / page).read_text()


def test_the_balancer_of_compose_keeps_no_connection_to_a_replica() -> None:
    configuration = (ROOT / "deploy" / "nginx.conf").read_text()
    assert 'proxy_set_header Connection "";' in configuration
    assert not re.search(r"^\s*(upstream|keepalive)\s", configuration, re.MULTILINE)


def test_the_service_has_the_memory_that_it_may_need(objects: list[Object]) -> None:
    for _, _, spec in service_pods(objects):
        (container,) = containers(spec)
        request, limit = (container["resources"][kind] for kind in ("requests", "limits"))
        assert MAX_MEMORY_MEBIBYTES <= mebibytes(request["memory"]) <= mebibytes(limit["memory"])
        assert request["cpu"] == "1"
        assert int(limit.get("cpu", "2")) > 1, "a limit of one core throttles"


def test_kserve_runs_the_same_container_as_the_deployment(kserve: list[Object]) -> None:
    ((_, _, theirs),) = service_pods(kserve)
    ((_, _, ours),) = service_pods(build("base"))
    differing = {"name", "image", "ports", "resources"}
    theirs["containers"][0]["env"].remove(KSERVES_PROTOCOL)
    for name, value in ours["containers"][0].items():
        if name in differing or name.endswith("Probe"):
            continue
        assert theirs["containers"][0][name] == value
    for name in ("securityContext", "terminationGracePeriodSeconds", "serviceAccountName"):
        assert theirs[name] == ours[name]


# training


@pytest.fixture(scope="module")
def cron_job(production: list[Object]) -> Any:
    return only(production, "CronJob", "newswire-topics-training")["spec"]


def test_the_arguments_of_the_training_are_options(cron_job: Any) -> None:
    (container,) = containers(cron_job["jobTemplate"]["spec"]["template"]["spec"])
    name, *options = container["args"]
    command = get_command(cli).commands[name]  # type: ignore[attr-defined]
    context = command.make_context(name, list(options))  # raises for what does not exist
    written = str(context.params["out"])
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert written.startswith(f"{mounts['candidates']}/")
    variables = {variable["name"] for variable in container["env"]}
    assert set(re.findall(r"\$\((\w+)\)", written)) <= variables, "a folder of its own for each run"
    with pytest.raises(Exception, match="No such option"):
        command.make_context(name, ["--no-such-option=1"])


def test_training_job_limits(cron_job: Any) -> None:
    job = cron_job["jobTemplate"]["spec"]
    (container,) = containers(job["template"]["spec"])
    request, limit = (container["resources"][kind] for kind in ("requests", "limits"))
    assert 2 * 1024 < mebibytes(request["memory"]) <= mebibytes(limit["memory"])
    assert job["activeDeadlineSeconds"] > 2 * 13 * 60, "13 minutes on one core, and a retry"
    assert cron_job["concurrencyPolicy"] == "Forbid"


def test_training_job_has_writable_folders(cron_job: Any) -> None:
    (container,) = containers(cron_job["jobTemplate"]["spec"]["template"]["spec"])
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert {variables["HOME"], variables["XDG_CACHE_HOME"], "/tmp"} <= set(mounts)  # noqa: S108


# documents


def test_documented_objects_exist(production: list[Object]) -> None:
    existing = {describe(item).lower() for item in production}
    (namespace,) = {item["metadata"].get("namespace") for item in production} - {None}
    text = "".join((HOW_TO / name).read_text() for name in ("kubernetes.md", "retrain-in-ci.md"))
    commands = re.findall(r"^\$ kubectl (?!apply|cp).*", text, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        assert command.endswith(f"--namespace {namespace}") or "create secret" in command
        for kind, name in re.findall(r"(deployment|service|cronjob)/(\S+)", command):
            assert f"{kind} {name}" in existing


def test_documented_pod_reads_the_candidates(production: list[Object]) -> None:
    page = (HOW_TO / "retrain-in-ci.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (pod,) = (yaml.safe_load(block) for block in blocks if "kind: Pod" in block)
    check_schema(pod, OLDEST)
    spec = pod["spec"]
    assert violations(spec) == []
    only(production, "ServiceAccount", spec["serviceAccountName"])
    (volume,) = spec["volumes"]
    only(production, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    job = only(production, "CronJob", "newswire-topics-training")["spec"]["jobTemplate"]["spec"]
    (container,) = containers(spec)
    (trained,) = containers(job["template"]["spec"])
    assert container["image"] == trained["image"]
    mounts = {mount["name"]: mount["mountPath"] for mount in trained["volumeMounts"]}
    assert container["volumeMounts"][0]["mountPath"] == mounts["candidates"]
