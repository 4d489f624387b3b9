"""CloudWatch's evaluation of an alarm by its user guide, for the settings that our alarms use. Any other setting is an error.

The emulator keeps alarms, but evaluates them without dimensions, datapoints to alarm and missing data. Sources:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Metric = tuple[str, str, frozenset[tuple[str, str]]]  # namespace, name, dimensions

OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
MISSING = ("notBreaching", "breaching", "ignore")
READ = {"Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData"}
# The other fields of a description, none of which affects the state.
IGNORED = {"AlarmName", "AlarmArn", "AlarmDescription", "ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions"}
IGNORED |= {"AlarmConfigurationUpdatedTimestamp", "StateValue", "StateReason", "StateUpdatedTimestamp", "StateTransitionedTimestamp", "StateReasonData"}


@dataclass(frozen=True)
class Alarm:
    """An alarm as CloudWatch describes it."""

    metric: Metric
    statistic: Callable[[Sequence[float]], float]
    breaches: Callable[[float, float], bool]
    threshold: float
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    missing: str

    @classmethod
    def of(cls, described: dict[str, Any]) -> Alarm:
        """Reads an alarm from `describe_alarms`."""
        unknown = {key for key, value in described.items() if value not in (None, "", [])} - READ - IGNORED
        if unknown or described["TreatMissingData"] not in MISSING:
            raise NotImplementedError(f"{described['AlarmName']}: {sorted(unknown)}, {described['TreatMissingData']}")
        return cls(
            (described["Namespace"], described["MetricName"], frozenset((each["Name"], each["Value"]) for each in described.get("Dimensions", []))),
            STATISTICS[described["Statistic"]],
            COMPARISONS[described["ComparisonOperator"]],
            float(described["Threshold"]),
            int(described["Period"]),
            int(described["EvaluationPeriods"]),
            int(described.get("DatapointsToAlarm", described["EvaluationPeriods"])),
            described["TreatMissingData"],
        )

    def evaluate(self, periods: Sequence[Sequence[float]], before: str) -> str:
        """The state, given the values of each period of the evaluation range, oldest first, and the state before.

        The range has more periods than are evaluated. CloudWatch takes the newest periods with data, and fills in missing ones only if
        these are too few.
        """
        real = [self.statistic(values) for values in periods if values][-self.evaluation_periods :]
        breaching = sum(self.breaches(value, self.threshold) for value in real)
        filled = self.evaluation_periods - len(real)
        if breaching >= self.datapoints_to_alarm:
            return ALARM
        if self.missing == "breaching":
            return ALARM if breaching + filled >= self.datapoints_to_alarm else OK
        if self.missing == "ignore" and filled and breaching == len(real):
            return before  # no datapoint is within the threshold
        return OK
