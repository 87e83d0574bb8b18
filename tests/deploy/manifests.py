"""The manifests of ``deploy/kubernetes`` as kustomize builds them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.conftest import ROOT

KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
TARGETS: Final = ("base", "overlays/production", "overlays/kserve")
"""Targets of ``kubectl apply -k``."""

Object = Mapping[str, Any]


def find_tool(name: str, environment: str = "dev") -> str:
    """Return the path of a program that requirements/ENVIRONMENT.txt brings; CI must have it."""
    own = {"dev": Path(sys.executable).parent}.get(
        environment, ROOT / ".venv" / environment / "bin"
    )
    path = shutil.which(name, path=os.pathsep.join([str(own), os.environ.get("PATH", "")]))
    if path:
        return path
    reason = f"{name} is not here: requirements/{environment}.txt brings it (make test)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def build(target: str) -> list[Object]:
    """Return the objects of a target, as ``kubectl apply -k`` would send them."""
    command = [find_tool("kubectl"), "kustomize", str(KUBERNETES / target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "kustomize warns"
    return list(yaml.safe_load_all(done.stdout))


def describe(item: Object) -> str:
    """Name an object: its kind and name."""
    return f"{item['kind']} {item['metadata']['name']}"


def only(objects: list[Object], kind: str, name: str = "newswire-topics") -> Any:
    """Return the one object of a kind and name."""
    (found,) = (item for item in objects if describe(item) == f"{kind} {name}")
    return found


def pod_templates(objects: list[Object]) -> Iterator[tuple[str, Any, Any]]:
    """Yield description, metadata and spec of the pods of each object."""
    for item in objects:
        match item["kind"]:
            case "Deployment":
                template = item["spec"]["template"]
            case "CronJob":
                template = item["spec"]["jobTemplate"]["spec"]["template"]
            case "InferenceService":  # KServe takes the fields of a pod among its own
                predictor = item["spec"]["predictor"]
                template = {"metadata": {"labels": predictor["labels"]}, "spec": predictor}
            case _:
                continue
        yield describe(item), template["metadata"], template["spec"]


def containers(spec: Any) -> list[Any]:
    """Return every container of a pod."""
    kinds = ("containers", "initContainers", "ephemeralContainers")
    return [container for kind in kinds for container in spec.get(kind, [])]


def mebibytes(quantity: str) -> int:
    """Read a quantity of memory."""
    number, unit = int(quantity[:-2]), quantity[-2:]
    return number * {"Mi": 1, "Gi": 1024}[unit]
