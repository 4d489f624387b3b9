"""A CloudWatch simulator for the deployed stacks: makes datapoints from their activity, and evaluates the deployed alarms.

Only its clock is simulated. Activity counts in the current period of five minutes. `advance` moves the clock; meanwhile only the queues are
reported. The sources of datapoints:

- the functions' metrics and the metric filters: the lines in the log groups (`log_metrics.py`)
- `AWS/SQS`: the queues, which SQS reports every minute. The age of the oldest message leaves out messages that were received three times
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html); here, all that are not
  visible, so an alarm on the age must be set off by messages that are not received
- `AWS/Lambda`: the emulator's own count, which has Errors of synchronous invocations only, and no IteratorAge
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from typing import Any

from alarms.alarm import ALARM, UNKNOWN, Alarm, Metric
from alarms.log_metrics import Datapoint, embedded, filtered
from harness.cloudformation import Deployment
from harness.stack import Stack

PERIOD = 300  # seconds: the shortest period of our alarms
HOUR = 12 * PERIOD
# CloudWatch does not document how many more periods than it evaluates it reads, only an example with two. Each alarm is evaluated with
# several, and a scenario must have the same result with all of them.
EXTRA_PERIODS = (1, 2, 4)


class CloudWatch:
    """The metrics, and the state of each alarm."""

    def __init__(self, stack: Stack, *deployments: Deployment) -> None:
        self._stack = stack
        made = {name: each for deployment in deployments for name, each in deployment.resources().items()}
        ids = {kind: {name: str(each["PhysicalResourceId"]) for name, each in made.items() if each["ResourceType"] == kind} for kind in ("AWS::SQS::Queue", "AWS::CloudWatch::Alarm")}
        self.queues = ids["AWS::SQS::Queue"]
        describe = stack.client("cloudwatch").describe_alarms
        self.alarm_ids = ids["AWS::CloudWatch::Alarm"]
        self.alarms = {name: Alarm.of(describe(AlarmNames=[physical])["MetricAlarms"][0]) for name, physical in self.alarm_ids.items()}
        self.lines: list[str] = []
        self._now = 0
        self._points: dict[Metric, list[tuple[int, float]]] = defaultdict(list)
        self._states = {(name, extra): UNKNOWN for name in self.alarms for extra in EXTRA_PERIODS}
        self._streams: set[str] = set()
        self._counts: dict[Metric, tuple[float, float]] = {}
        self._filled_since: dict[str, int] = {}

    @property
    def now(self) -> int:
        """The seconds since the start."""
        return self._now

    def series(self, metric: Metric, period: int) -> list[list[float]]:
        """The values of a metric in each period since the start, oldest first."""
        periods: list[list[float]] = [[] for _ in range(0, self._now, period)]
        for at, value in self._points.get(metric, ()):
            periods[at // period].append(value)
        return periods

    def alarming(self) -> set[str]:
        """The alarms in ALARM. A `?` marks those for which the number of extra periods matters."""
        on = {name: [self._states[name, extra] == ALARM for extra in EXTRA_PERIODS] for name in self.alarms}
        return {name if all(states) else f"{name}?" for name, states in on.items() if any(states)}

    def depth(self, name: str) -> int:
        """The number of messages in a queue."""
        attributes = self._stack.client("sqs").get_queue_attributes(QueueUrl=self.queues[name], AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    def filled(self) -> set[str]:
        """The queues that hold messages."""
        return {name for name in self.queues if self.depth(name)}

    def purge(self) -> None:
        """Empties the queues, as most of the runbook's entries end."""
        for url in self.queues.values():
            self._stack.client("sqs").purge_queue(QueueUrl=url)

    def advance(self, seconds: int = PERIOD) -> None:
        """Reads the activity so far, and moves the clock."""
        self.read()
        depths = {name: self.depth(name) for name in self.queues}
        for _ in range(seconds // PERIOD):
            self._report_queues(depths)
            self._now += PERIOD
            for name, alarm in self.alarms.items():
                for extra in EXTRA_PERIODS:
                    self._states[name, extra] = alarm.evaluate(self._periods(alarm, extra), self._states[name, extra])

    def read(self) -> None:
        """Reads new log lines and counts."""
        logs = self._stack.client("logs")
        for function in self._stack.client("lambda").list_functions()["Functions"]:
            group = function["LoggingConfig"]["LogGroup"]
            events = logs.filter_log_events(logGroupName=group)["events"]
            self.add_lines(group, [event["message"] for event in events if event["logStreamName"] not in self._streams])
            self._streams |= {event["logStreamName"] for event in events}  # the emulator makes one for each invocation
            for name in ("Errors", "Throttles"):
                self._count(("AWS/Lambda", name, frozenset({("FunctionName", function["FunctionName"])})))

    def add_lines(self, group: str, lines: list[str]) -> None:
        """Adds lines to a log group."""
        filters = self._stack.client("logs").describe_metric_filters(logGroupName=group)["metricFilters"] if lines else []
        self.lines += lines
        for line in lines:
            self.put(*embedded(line), *(point for each in filters for point in filtered(each, line)))

    def put(self, *points: Datapoint) -> None:
        """Adds datapoints in the current period."""
        for metric, value in points:
            self._points[metric].append((self._now, value))

    def total(self, namespace: str, name: str, **dimensions: str) -> float:
        """The sum of a metric so far."""
        self.read()
        return sum(value for _, value in self._points[namespace, name, frozenset(dimensions.items())])

    def _report_queues(self, depths: dict[str, int]) -> None:
        for name, depth in depths.items():
            since = self._filled_since.setdefault(name, self._now) if depth else self._filled_since.pop(name, None)
            dimensions = frozenset({("QueueName", self.queues[name].rpartition("/")[2])})
            self.put((("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions), depth))
            self.put((("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions), self._now - since if depth and since is not None else 0))

    def _count(self, metric: Metric) -> None:
        """Adds what the emulator's count of a metric has gained."""
        namespace, name, dimensions = metric
        now = datetime.now(timezone.utc)
        found: list[dict[str, Any]] = self._stack.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
            StartTime=now - timedelta(hours=12),
            EndTime=now + timedelta(minutes=1),
            Period=HOUR,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        total, samples = (sum(each[of] for each in found) for of in ("Sum", "SampleCount"))
        before, samples_before = self._counts.get(metric, (0.0, 0.0))
        if samples > samples_before:  # without an invocation there is no datapoint
            self.put((metric, total - before))
        self._counts[metric] = (total, samples)

    def _periods(self, alarm: Alarm, extra: int) -> list[list[float]]:
        """The values in each period of an alarm's evaluation range, oldest first."""
        points, count = self._points.get(alarm.metric, []), alarm.evaluation_periods + extra
        edges = [bisect.bisect_left(points, (self._now - alarm.period * back,)) for back in range(count, -1, -1)]
        return [[value for _, value in points[start:end]] for start, end in zip(edges, edges[1:], strict=False)]
