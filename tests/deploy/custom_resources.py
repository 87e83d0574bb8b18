"""Fields of the custom resources, for which there is no schema to install.

The packages that know them bring a client library or a whole model server along, so the fields that
the manifests use are named here, as the Prometheus operator, KServe 0.21 and the Gateway API 1.4
have them. What KServe takes from Kubernetes, a pod's spec, is held to Kubernetes' own schema.
"""

from typing import Any, Final

from tests.deploy.manifests import Object

SERVICE_MONITOR: Final = {"endpoints", "namespaceSelector", "sampleLimit", "selector"}
ENDPOINT: Final = {"interval", "path", "port", "scrapeTimeout"}
RELABELING: Final = {"replacement", "targetLabel"}
ALERT: Final = {"alert", "annotations", "expr", "for", "keep_firing_for", "labels"}
RECORDING: Final = {"expr", "labels", "record"}
HTTP_ROUTE: Final = {"hostnames", "parentRefs", "rules"}
PARENT: Final = {"group", "kind", "name", "namespace", "port", "sectionName"}
BACKEND: Final = {"name", "port", "weight"}
CREDENTIALS: Final = {"key", "name"}
"""Of an endpoint's ``authorization``: where the key stands in a secret."""
INFERENCE_SERVICE: Final = {"predictor"}
PREDICTOR: Final = {
    "containerConcurrency": int,
    "deploymentStrategy": dict,
    "labels": dict,
    "maxReplicas": int,
    "minReplicas": int,
    "scaleMetric": str,
    "scaleTarget": int,
    "timeout": int,
}
"""KServe's own fields of a predictor; the others are those of a pod."""


def check(item: Object) -> Object | None:
    """Check an object; give what can be held to Kubernetes' schema, None if it is not custom."""
    match item["apiVersion"], item["kind"]:
        case "monitoring.coreos.com/v1", "ServiceMonitor":
            return _check_service_monitor(item)
        case "serving.kserve.io/v1beta1", "InferenceService":
            return _check_inference_service(item)
        case "monitoring.coreos.com/v1", "PrometheusRule":
            return _check_prometheus_rule(item)
        case "gateway.networking.k8s.io/v1", "HTTPRoute":
            return _check_http_route(item)
    return None


def _with_metadata_alone(item: Object) -> Object:
    """Return an object of a kind that Kubernetes has a schema of, with the same metadata."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": item["metadata"]}


def _check_prometheus_rule(item: Object) -> Object:
    assert item["spec"].keys() == {"groups"}
    for group in item["spec"]["groups"]:
        assert group.keys() <= {"interval", "name", "rules"}
        assert isinstance(group["name"], str)
        for rule in group["rules"]:
            assert rule.keys() <= (ALERT if "alert" in rule else RECORDING), rule
            assert isinstance(rule["expr"], str)
    return _with_metadata_alone(item)


def _check_http_route(item: Object) -> Object:
    spec = item["spec"]
    assert {"parentRefs", "rules"} <= spec.keys() <= HTTP_ROUTE
    for parent in spec["parentRefs"]:
        assert {"name"} <= parent.keys() <= PARENT
    for rule in spec["rules"]:
        assert rule.keys() == {"backendRefs", "matches"}
        for match in rule["matches"]:
            assert match == {"path": {"type": "PathPrefix", "value": match["path"]["value"]}}
        for backend in rule["backendRefs"]:
            assert backend.keys() == BACKEND
            assert 1 <= backend["port"] <= 65_535
            assert 0 <= backend["weight"] <= 1_000_000
    return _with_metadata_alone(item)


def _check_service_monitor(item: Object) -> Object:
    spec = item["spec"]
    assert spec.keys() <= SERVICE_MONITOR
    assert isinstance(spec.get("sampleLimit", 0), int)
    for endpoint in spec["endpoints"]:
        authorization = endpoint.get("authorization", {"credentials": {}})
        assert authorization.keys() == {"credentials"}
        assert authorization["credentials"].keys() in (set(), CREDENTIALS)
        for relabeling in endpoint.get("relabelings", []):
            assert relabeling.keys() == RELABELING
        structured = {"authorization", "relabelings"}
        plain = {name: value for name, value in endpoint.items() if name not in structured}
        assert plain.keys() <= ENDPOINT
        for value in (*plain.values(), *authorization["credentials"].values()):
            assert isinstance(value, str)
    # metadata and selector are Kubernetes' own, so they are checked as those of another kind
    service_like = {"selector": spec["selector"], "maxUnavailable": 1}
    return {**item, "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "spec": service_like}


def _check_inference_service(item: Object) -> Object:
    assert item["spec"].keys() <= INFERENCE_SERVICE
    predictor: dict[str, Any] = item["spec"]["predictor"]
    own = {name: value for name, value in predictor.items() if name in PREDICTOR}
    for name, value in own.items():
        assert isinstance(value, PREDICTOR[name]), name
    pod = {name: value for name, value in predictor.items() if name not in own}
    labels = own["labels"]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
        "strategy": own["deploymentStrategy"],
    }
    return {**item, "apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
