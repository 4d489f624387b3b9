"""CloudWatch's part, played over the deployed stacks: what they really did becomes datapoints, and the deployed alarms look at them.

Only the clock is not real. What happens is put down in the span of five minutes that it is now; `rest` lets spans pass, in
which nothing happens but that queues are looked at. Where a datapoint comes from:

- what the functions count, and what metric filters count: from the lines in the log groups (`filters.py`)
- `AWS/SQS`: from the queues, which SQS reports on every minute
- `AWS/Lambda`: from what the emulator itself counts. It counts Errors of synchronous invocations only, and no IteratorAge
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import Any

from alarms import ALARM, UNKNOWN, Alarm, Metric
from deployment import Deployment
from filters import Point, embedded, filtered
from stack import Stack

SPAN = 300  # seconds: the shortest period of our alarms
HOUR = 12 * SPAN
# How many more periods than it evaluates CloudWatch looks at is not documented, only that it does (its example: two more).
# So each alarm is judged under several answers, and a journey must come out the same under all of them.
MORE = (1, 2, 4)


class Watch:
    """Everything there is to see, and every alarm's state."""

    def __init__(self, stack: Stack, *deployments: Deployment) -> None:
        self._stack = stack
        self._made = {name: str(each["PhysicalResourceId"]) for deployment in deployments for name, each in deployment.resources().items()}
        kinds = {name: each["ResourceType"] for deployment in deployments for name, each in deployment.resources().items()}
        self.queues = {name: self._made[name] for name, kind in kinds.items() if kind == "AWS::SQS::Queue"}
        self.alarms = {name: Alarm.of(self._described(name)) for name, kind in kinds.items() if kind == "AWS::CloudWatch::Alarm"}
        self.lines: list[str] = []
        self._now = 0
        self._points: dict[Metric, list[tuple[int, float]]] = defaultdict(list)
        self._states = {(name, more): UNKNOWN for name in self.alarms for more in MORE}
        self._streams: set[str] = set()
        self._seen: dict[Metric, tuple[float, float]] = {}
        self._since: dict[str, int] = {}

    def firing(self) -> set[str]:
        """The alarms that are on; those about which CloudWatch could say one thing or the other stand there with a `?`."""
        on = {name: [self._states[name, more] == ALARM for more in MORE] for name in self.alarms}
        return {name if all(states) else f"{name}?" for name, states in on.items() if any(states)}

    def depth(self, name: str) -> int:
        """How much lies in a queue."""
        attributes = self._stack.client("sqs").get_queue_attributes(QueueUrl=self.queues[name], AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    def filled(self) -> set[str]:
        """The queues in which something lies."""
        return {name for name in self.queues if self.depth(name)}

    def empty(self) -> None:
        """As the runbook ends most of its entries."""
        for url in self.queues.values():
            self._stack.client("sqs").purge_queue(QueueUrl=url)

    def rest(self, seconds: int = SPAN) -> None:
        """What has happened is taken in, and so much time passes."""
        self.look()
        depths = {name: self.depth(name) for name in self.queues}
        for _ in range(seconds // SPAN):
            self._report_queues(depths)
            self._now += SPAN
            for name, alarm in self.alarms.items():
                for more in MORE:
                    self._states[name, more] = alarm.judge(self._periods(alarm, more), self._states[name, more])

    def look(self) -> None:
        """Takes in what has happened."""
        logs = self._stack.client("logs")
        for function in self._stack.client("lambda").list_functions()["Functions"]:
            group = function["LoggingConfig"]["LogGroup"]
            events = logs.filter_log_events(logGroupName=group)["events"]
            self.hear(group, [event["message"] for event in events if event["logStreamName"] not in self._streams])
            self._streams |= {event["logStreamName"] for event in events}  # the emulator makes one for each invocation
            for name in ("Errors", "Throttles"):
                self._count(("AWS/Lambda", name, frozenset({("FunctionName", function["FunctionName"])})))

    def hear(self, group: str, lines: list[str]) -> None:
        """Lines of a function that CloudWatch Logs would have in its group."""
        filters = self._stack.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"] if lines else []
        self.lines += lines
        for line in lines:
            self.put(*embedded(line), *(point for each in filters for point in filtered(each, line)))

    def put(self, *points: Point) -> None:
        """Datapoints of now."""
        for metric, value in points:
            self._points[metric].append((self._now, value))

    def reported(self, namespace: str, name: str, **dimensions: str) -> float:
        """The sum of all that a metric has reported so far."""
        self.look()
        return sum(value for _, value in self._points[namespace, name, frozenset(dimensions.items())])

    def _described(self, name: str) -> dict[str, Any]:
        (described,) = self._stack.client("cloudwatch").describe_alarms(AlarmNames=[self._made[name]])["MetricAlarms"]
        return dict(described)

    def _report_queues(self, depths: dict[str, int]) -> None:
        for name, depth in depths.items():
            since = self._since.setdefault(name, self._now) if depth else self._since.pop(name, None)
            dimensions = frozenset({("QueueName", self.queues[name].rpartition("/")[2])})
            self.put((("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions), depth))
            self.put((("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions), self._now - since if depth and since is not None else 0))

    def _count(self, metric: Metric) -> None:
        """What a counter of AWS's own has gained."""
        namespace, name, dimensions = metric
        now = datetime.now(timezone.utc)
        found = self._stack.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
            StartTime=now - timedelta(hours=12),
            EndTime=now + timedelta(minutes=1),
            Period=HOUR,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        total, samples = (sum(each[of] for each in found) for of in ("Sum", "SampleCount"))
        before, samples_before = self._seen.get(metric, (0.0, 0.0))
        if samples > samples_before:  # without an invocation there is no datapoint
            self.put((metric, total - before))
        self._seen[metric] = (total, samples)

    def _periods(self, alarm: Alarm, more: int) -> list[list[float]]:
        """What was reported in each period of an evaluation range, oldest first."""
        points, count = self._points.get(alarm.metric, []), alarm.evaluated + more
        edges = [bisect.bisect_left(points, (self._now - alarm.period * back,)) for back in range(count, -1, -1)]
        return [[value for _, value in points[start:end]] for start, end in zip(edges, edges[1:], strict=False)]
