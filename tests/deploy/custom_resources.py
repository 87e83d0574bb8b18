"""Fields of the custom resources, for which there is no schema to install.

The packages that know them bring a client library or a whole model server along, so the fields that
the manifests use are named here, as the Prometheus operator and KServe 0.21 have them. What KServe
takes from Kubernetes, a pod's spec, is held to Kubernetes' own schema.
"""

from typing import Any, Final

from tests.deploy.manifests import Object

SERVICE_MONITOR: Final = {"endpoints", "namespaceSelector", "sampleLimit", "selector"}
ENDPOINT: Final = {"interval", "path", "port", "scrapeTimeout"}
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
    return None


def _check_service_monitor(item: Object) -> Object:
    spec = item["spec"]
    assert spec.keys() <= SERVICE_MONITOR
    assert isinstance(spec.get("sampleLimit", 0), int)
    for endpoint in spec["endpoints"]:
        authorization = endpoint.get("authorization", {"credentials": {}})
        assert authorization.keys() == {"credentials"}
        assert authorization["credentials"].keys() in (set(), CREDENTIALS)
        plain = {name: value for name, value in endpoint.items() if name != "authorization"}
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
