"""What CloudWatch would say of an alarm, as its user guide says it: for the settings that our alarms use. Any other is an error.

The emulator keeps alarms, but its own reckoning leaves out dimensions, datapoints to alarm and what missing data means.
Source of the rules: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Metric = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions: together they are the metric's identity

OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
MISSING = ("notBreaching", "breaching", "ignore")
# What a description may hold beside what is read below: none of it has a say in the state.
NO_SAY = {"AlarmName", "AlarmArn", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions"}
NO_SAY |= {"AlarmConfigurationUpdatedTimestamp", "StateValue", "StateReason", "StateUpdatedTimestamp", "StateTransitionedTimestamp", "StateReasonData"}
READ = {"Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"}


@dataclass(frozen=True)
class Alarm:
    """An alarm as CloudWatch describes it."""

    metric: Metric
    statistic: Callable[[Sequence[float]], float]
    breaches: Callable[[float, float], bool]
    threshold: float
    period: int
    evaluated: int
    needed: int
    missing: str

    @classmethod
    def of(cls, described: dict[str, Any]) -> Alarm:
        """From `describe_alarms`."""
        unknown = {key for key, value in described.items() if value not in (None, "", [])} - READ - NO_SAY
        if unknown:
            raise NotImplementedError(f"{described['AlarmName']}: nobody here knows what {sorted(unknown)} would mean")
        if described["TreatMissingData"] not in MISSING:
            raise NotImplementedError(f"{described['AlarmName']}: {described['TreatMissingData']}")
        dimensions = frozenset((each["Name"], each["Value"]) for each in described.get("Dimensions", []))
        return cls(
            (described["Namespace"], described["MetricName"], dimensions),
            STATISTICS[described["Statistic"]],
            COMPARISONS[described["ComparisonOperator"]],
            float(described["Threshold"]),
            int(described["Period"]),
            int(described["EvaluationPeriods"]),
            # Not set, it is as many as are evaluated.
            int(described.get("DatapointsToAlarm", described["EvaluationPeriods"])),
            described["TreatMissingData"],
        )

    def judge(self, periods: Sequence[Sequence[float]], before: str) -> str:
        """The state, after what was reported in each period of the evaluation range, oldest first.

        CloudWatch looks at more periods than it evaluates. It takes the newest ones that have data; only where these are
        too few are missing ones filled in, and only as many as it needs.
        """
        real = [self.statistic(values) for values in periods if values][-self.evaluated :]
        breaching = sum(self.breaches(value, self.threshold) for value in real)
        filled = self.evaluated - len(real)
        if breaching >= self.needed:
            return ALARM
        if self.missing == "breaching":
            return ALARM if breaching + filled >= self.needed else OK
        if self.missing == "ignore" and filled and breaching == len(real):
            return before  # nothing real says that all is well
        return OK
