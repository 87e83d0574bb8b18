"""Explains answers in place of a service that cannot yet, by asking it without each word."""

import json
import re
from typing import Any

from playwright.sync_api import BrowserContext, Route

from tests.end_to_end.running_service import RunningService

WORD = re.compile(r"[^\s!\"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]+")


def let_it_explain(context: BrowserContext, service: RunningService) -> None:
    """Answer requests with ``explain`` for the service, if it does not know the field."""
    asked = service.client.post("/classify", json={"text": "oil", "explain": True})
    if asked.is_success:
        return

    def answer(route: Route) -> None:
        try:
            request = json.loads(route.request.post_data or "")
        except ValueError:
            request = {}
        if not request.pop("explain", False):
            route.fallback()
            return
        response = service.client.post("/classify", json=request)
        content = response.json()
        if response.is_success:
            content["explanation"] = _explain(service, request, content)
        route.fulfill(status=response.status_code, json=content)

    context.route("**/classify", answer)


def _explain(
    service: RunningService, request: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    def ask(items: list[dict[str, str]]) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = []
        for start in range(0, len(items), 256):
            batch = {"items": items[start : start + 256], "top_k": 46}
            answers += service.client.post("/classify/batch", json=batch).json()["answers"]
        return answers

    def score(answer: dict[str, Any]) -> float:
        return next(float(t["score"]) for t in answer["topics"] if t["topic"] == topic)

    topic = answer["topic"]
    sent: dict[str, str] = {name: request[name] for name in ("title", "text") if name in request}
    found = [(name, match) for name, value in sent.items() for match in WORD.finditer(value)]
    without = [
        sent | {name: f"{sent[name][: match.start()]} . {sent[name][match.end() :]}"}
        for name, match in found
    ]
    words = [
        {
            "word": match[0],
            "field": name,
            "start": match.start(),
            "end": match.end(),
            "known": alone["known_words"] == 1,
            "score_change": score(answer) - score(rest),
        }
        for (name, match), alone, rest in zip(
            found, ask([{"text": match[0]} for _, match in found]), ask(without), strict=True
        )
    ]
    return {"topic": topic, "words": words}
