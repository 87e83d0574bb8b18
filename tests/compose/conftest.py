"""Tests that need a container engine. They run by ``make test-compose``, not by ``make test``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.images import is_there, public_images
from tests.compose.stack import Stack, what_is_missing

GRAFANA = next(image for image in public_images() if image.startswith("grafana/"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.compose)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    if missing := what_is_missing():
        pytest.exit(f"the compose tests cannot run: {missing}", returncode=3)


@pytest.fixture(scope="session")
def grafana_is_there(engine: None) -> bool:
    return is_there(GRAFANA)


@pytest.fixture(scope="session")
def stack(engine: None, grafana_is_there: bool) -> Iterator[Stack]:  # noqa: FBT001 - a fixture
    """The stack of ``docker compose up``; without Grafana if its image is not available."""
    services = ["service", "prometheus", *(["grafana"] if grafana_is_there else [])]
    with Stack(*services, options=["--build"]) as stack:
        yield stack
