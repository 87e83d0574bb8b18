import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families


@pytest.mark.parametrize("probe", ["live", "ready"])
def test_probes(client: TestClient, probe: str) -> None:
    response = client.get(f"/health/{probe}")
    assert response.status_code == 200
    assert response.json() == {"status": probe}


def test_metrics_can_be_parsed(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    names = {family.name for family in text_string_to_metric_families(response.text)}
    assert "newswire_http_requests" in names


def test_openmetrics_on_request(client: TestClient) -> None:
    response = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


@pytest.mark.parametrize("media_type", ["application/openmetrics-text", "text/plain"])
@pytest.mark.parametrize("version", ['"1.0.0"', "latest", "1.x", ".", "1.0.0;escaping=none"])
def test_any_version_in_the_accept_header_gets_metrics(
    client: TestClient, media_type: str, version: str
) -> None:
    response = client.get("/metrics", headers={"accept": f"{media_type};version={version}"})
    assert response.status_code == 200
    assert "newswire_http_requests_total" in response.text
