"""Every PromQL expression that is deployed: of dashboard, recording rules and alerts."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from tests.conftest import ROOT

DEPLOY: Final = ROOT / "deploy"
DASHBOARD: Final = DEPLOY / "grafana" / "dashboards" / "newswire.json"
PROMETHEUS: Final = DEPLOY / "prometheus"

VARIABLES: Final = {"__rate_interval": "1m", "instance": ".*"}
"""Values of Grafana's variables: four scrapes, and all instances."""

NO_NAMES: Final = (
    r'"(?:\\.|[^"\\])*"',  # a text; before all else, for what is in it
    r"#.*",
    r"\{[^}]*\}",
    r"\[[^]]*\]",
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)",
)
"""Parts of an expression without names of series; other words without a bracket are names."""

KEYWORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "NaN", "Inf"})


def load_dashboard() -> dict[str, Any]:
    """Return the dashboard of its file."""
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return dashboard


def load_panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, without headings of rows."""
    return [panel for panel in load_dashboard()["panels"] if panel["type"] != "row"]


def load_rules() -> Iterator[dict[str, Any]]:
    """Return every recording rule and alert."""
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def panel_expressions() -> list[tuple[str, str]]:
    """Yield title and expression of each query, with values for Grafana's variables."""
    return [
        (panel["title"], substitute(target["expr"]))
        for panel in load_panels()
        for target in panel["targets"]
    ]


def rule_expressions() -> list[tuple[str, str]]:
    """Yield name and expression of each recording rule."""
    return [(rule["record"], rule["expr"]) for rule in load_rules() if "record" in rule]


def alert_expressions() -> list[tuple[str, str]]:
    """Yield name and expression of each alert."""
    return [(rule["alert"], rule["expr"]) for rule in load_rules() if "alert" in rule]


def substitute(expression: str) -> str:
    """Put what Grafana would put for its variables."""
    return re.sub(r"\$(\w+)", lambda match: VARIABLES[match[1]], expression)


def metric_names(expression: str) -> set[str]:
    """Return the names of the series that an expression reads."""
    for pattern in NO_NAMES:
        expression = re.sub(pattern, " ", expression)
    return set(re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*\b(?!\s*\()", expression)) - KEYWORDS
