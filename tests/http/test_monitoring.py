"""The Grafana dashboard and the alert rules use only metrics and labels that /metrics has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import CounterMetricFamily

from solorun.api.metrics import Metrics
from tests.fakes.application import OpenServed

MONITORING = Path(__file__).parents[2] / "docs" / "operations" / "monitoring"
SCRAPED = {"job", "instance"}
"""The labels that Prometheus adds."""

_SELECTOR = re.compile(r"\b(solorun_\w+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")


def dashboard_queries() -> Iterator[str]:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    yield from (one["expr"] for one in dashboard["annotations"]["list"])
    yield from (one["definition"] for one in dashboard["templating"]["list"] if one["type"] == "query")


def alert_rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


QUERIES = [*dashboard_queries(), *(rule["expr"] for rule in alert_rules())]


async def test_every_query_uses_metrics_and_labels_that_exist(open_served: OpenServed) -> None:
    async with open_served() as served:
        families = list(Metrics(served.app.state, sessions=0, workers=()).collect())
    # From a private name, because the text has no labels of a counter without samples.
    known = {
        f"{family.name}_total" if isinstance(family, CounterMetricFamily) else family.name: _labels_of(family)
        for family in families
    }

    unknown = [
        (query, metric, labels - known.get(metric, set()) - SCRAPED)
        for query in QUERIES
        for metric, labels in selectors(query)
        if metric not in known or labels - known[metric] - SCRAPED
    ]

    assert unknown == []
    assert known.keys() - {metric for query in QUERIES for metric, _ in selectors(query)} == set()


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["alert"])
def test_an_alert_has_a_severity_and_a_summary(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"]


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in dashboard["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def check_rules(path: Path) -> str:
    """What promtool says about a file of rules."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    checked = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False)
    return checked.stdout + checked.stderr


def test_prometheus_accepts_the_alert_rules() -> None:
    assert f"SUCCESS: {len(alert_rules())} rules found" in check_rules(MONITORING / "alerts.yml")


def test_prometheus_accepts_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    # Grafana has a function of its own for the values of a variable.
    queries = [query.replace("$__rate_interval", "5m") for query in dashboard_queries() if "label_values" not in query]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    assert f"SUCCESS: {len(queries)} rules found" in check_rules(tmp_path / "queries.yml")


def _labels_of(family: Any) -> set[str]:
    return set(family._labelnames)


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric of a query, with the labels that select and group its series."""
    grouping = {label.strip() for group in _GROUPING.findall(query) for label in group.split(",")}
    for metric, selector in _SELECTOR.findall(query):
        yield metric, set(_LABEL.findall(selector)) | grouping


async def test_the_documentation_lists_every_metric(open_served: OpenServed) -> None:
    async with open_served() as served:
        names = [
            f"{family.name}_total" if isinstance(family, CounterMetricFamily) else family.name
            for family in Metrics(served.app.state, sessions=0, workers=()).collect()
        ]

    page = (MONITORING.parent / "observe.md").read_text("utf-8")
    assert set(re.findall(r"`(solorun_\w+)`", page)) == set(names)
