import json
from dataclasses import asdict

from fastapi.testclient import TestClient

from service.model import TopicClassifier


def test_every_topic_is_explained(client: TestClient, classifier: TopicClassifier) -> None:
    topics = client.get("/topics").json()["topics"]
    assert [topic["id"] for topic in topics] == list(range(46))
    assert topics[3] == {
        "id": 3,
        "topic": "earn",
        "name": "Earnings",
        "group": "Companies",
        "description": "Company results, forecasts and dividends.",
        "training_newswires": 3159,
        "all_topics_threshold": classifier.manifest.all_topics_thresholds.get("earn"),
        "subjects": [asdict(subject) for subject in classifier.topics[3].subjects],
    }
    assert all(topic["description"] and topic["group"] for topic in topics)
    assert sum(topic["training_newswires"] for topic in topics) == 8982


def test_the_model_is_its_manifest(client: TestClient, classifier: TopicClassifier) -> None:
    response = client.get("/model")
    assert response.status_code == 200
    assert response.json() == json.loads(json.dumps(asdict(classifier.manifest)))
