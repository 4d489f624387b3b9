"""The metrics that CloudWatch Logs makes from log lines: by the embedded metric format and by metric filters.

The emulator keeps lines and filters, and makes no metrics. Of the filter patterns only what ours use is known: strings of a JSON object,
compared by `=`, joined by `||`, with `*` as a wildcard. Any other pattern is an error. Sources:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from alarms.alarm import Metric

TERM = re.compile(r'\(?\$\.(\w+) = (?:"([^"|]*)"|(\*))\)?')
Datapoint = tuple[Metric, float]


def embedded(line: str) -> Iterator[Datapoint]:
    """The values of a line in the embedded metric format, for each set of dimensions."""
    found = _object(line)
    for declared in found.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in declared["Dimensions"]:
            dimensions = frozenset((name, str(found[name])) for name in names)
            for metric in declared["Metrics"]:
                values = found[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield (declared["Namespace"], metric["Name"], dimensions), float(value)


def filtered(described: dict[str, Any], line: str) -> Iterator[Datapoint]:
    """The values that a metric filter, as `describe_metric_filters` returns it, makes from a line."""
    found = _object(line)
    if not any(_matches(text, found.get(field)) for field, text in terms(described["filterPattern"])):
        return
    for made in described["metricTransformations"]:
        unknown = {key for key, value in made.items() if value} - {"metricNamespace", "metricName", "metricValue", "dimensions"}
        if unknown:
            raise NotImplementedError(f"{described['filterName']}: {unknown}")
        dimensions = {(name, str(found[selector.removeprefix("$.")])) for name, selector in made.get("dimensions", {}).items()}
        yield (made["metricNamespace"], made["metricName"], frozenset(dimensions)), float(made["metricValue"])


def terms(pattern: str) -> list[tuple[str, str]]:
    """The fields of a pattern, and the texts that they must match."""
    inner = re.fullmatch(r"\{ (.*) \}", pattern.strip())
    found = [TERM.fullmatch(each.strip()) for each in inner.group(1).split("||")] if inner else [None]
    if not all(found):
        raise NotImplementedError(f"the pattern {pattern}")
    return [(term.group(1), term.group(2) or "*") for term in found if term]


def _matches(text: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(".*".join(map(re.escape, text.split("*"))), value, re.DOTALL) is not None


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}  # plain text makes no metric
    return found if isinstance(found, dict) else {}
