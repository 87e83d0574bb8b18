"""Prometheus' own checks, by the promtool of the image that runs."""

import httpx2
import pytest

from tests.compose.images import public_images
from tests.compose.stack import Stack, docker
from tests.conftest import ROOT

IMAGE = next(image for image in public_images() if image.startswith("prom/"))


def promtool(*words: str, content: str | None = None) -> str:
    mount = f"--volume={ROOT / 'deploy' / 'prometheus'}:/etc/prometheus:ro"
    options = ("--rm", "--interactive", mount, "--workdir=/etc/prometheus")
    return docker("run", *options, "--entrypoint=/bin/promtool", IMAGE, *words, content=content)


def test_the_configuration_is_valid() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("path", sorted((ROOT / "deploy" / "prometheus" / "tests").glob("*.yml")))
def test_rules_pass_their_tests(path: object) -> None:
    assert "SUCCESS" in promtool("test", "rules", f"tests/{getattr(path, 'name', path)}")


def test_the_metrics_are_well_named(stack: Stack) -> None:
    shown = httpx2.get(f"{stack.url('NEWSWIRE_PORT')}/metrics").text
    assert promtool("check", "metrics", content=shown) == ""
