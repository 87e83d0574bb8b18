"""``python -m tests.compose.images``: the public images that are built upon or run."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.conftest import ROOT


def base_image(dockerfile: Path) -> str:
    """Return the base image of the last stage of a Dockerfile."""
    text = dockerfile.read_text()
    values = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, flags=re.MULTILINE))
    bases: list[str] = re.findall(r"^FROM (\S+)", text, flags=re.MULTILINE)
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], bases[-1])


def public_images() -> list[str]:
    """Return the base images of the Dockerfiles, and the images of compose."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"].values()
    run = {service["image"] for service in services if "build" not in service}
    built = {service["build"]["dockerfile"] for service in services if "build" in service}
    return sorted(run | {base_image(ROOT / path) for path in built})


def is_there(image: str) -> bool:
    """Return whether the engine has an image, or can pull it."""
    for command in (["image", "inspect"], ["pull", "--quiet"]):
        if not subprocess.run(["docker", *command, image], capture_output=True).returncode:
            return True
    return False


if __name__ == "__main__":
    print("\n".join(public_images()))  # noqa: T201
