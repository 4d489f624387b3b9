"""The metrics that CloudWatch Logs makes of a function's lines: embedded ones, and those of metric filters.

The emulator keeps lines and filters, and makes no metrics of them. Of the filters' patterns only what ours use is known: a
JSON object's strings, compared with `=`, joined by `||`, with `*` for anything. Any other pattern is an error. Sources:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from alarms import Metric

TERM = re.compile(r'\(?\$\.(\w+) = (?:"([^"|]*)"|(\*))\)?')
Point = tuple[Metric, float]


def embedded(line: str) -> Iterator[Point]:
    """The values that a line of the embedded metric format reports, under each set of its dimensions."""
    found = _object(line)
    for declared in found.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in declared["Dimensions"]:
            dimensions = frozenset((name, str(found[name])) for name in names)
            for metric in declared["Metrics"]:
                values = found[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield (declared["Namespace"], metric["Name"], dimensions), float(value)


def filtered(described: dict[str, Any], line: str) -> Iterator[Point]:
    """What a metric filter, as `describe_metric_filters` has it, counts at a line."""
    if not any(_holds(term, _object(line)) for term in terms(described["filterPattern"])):
        return
    for made in described["metricTransformations"]:
        unknown = {key for key, value in made.items() if value} - {"metricNamespace", "metricName", "metricValue", "dimensions"}
        if unknown:
            raise NotImplementedError(f"{described['filterName']}: {unknown}")
        dimensions = {(name, str(_object(line)[selector.removeprefix("$.")])) for name, selector in made.get("dimensions", {}).items()}
        yield (made["metricNamespace"], made["metricName"], frozenset(dimensions)), float(made["metricValue"])


def terms(pattern: str) -> list[tuple[str, str]]:
    """The fields that a pattern looks at, and the texts it would find there."""
    inner = re.fullmatch(r"\{ (.*) \}", pattern.strip())
    found = [TERM.fullmatch(each.strip()) for each in inner.group(1).split("||")] if inner else [None]
    if not all(found):
        raise NotImplementedError(f"the pattern {pattern}")
    return [(term.group(1), term.group(2) or "*") for term in found if term]


def _holds(term: tuple[str, str], found: dict[str, Any]) -> bool:
    field, text = term
    value = found.get(field)
    return isinstance(value, str) and re.fullmatch(".*".join(map(re.escape, text.split("*"))), value, re.DOTALL) is not None


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}  # plain text is nothing to either
    return found if isinstance(found, dict) else {}
