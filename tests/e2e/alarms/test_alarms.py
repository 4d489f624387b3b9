"""Every alarm and every queue of failed messages: a scenario that sets it off and ends it, or the reason why there is none."""

from __future__ import annotations

import pytest
from cfnlint.decode import cfn_yaml
from alarms.alarm import ALARM, OK, Alarm
from alarms.alarm_scenarios import SCENARIOS, Scenario
from alarms.cloudwatch import PERIOD
from alarms.conftest import Watched
from alarms.log_metrics import filtered
from tasks.paths import TEMPLATES

# The queues that no scenario fills, because the emulator has no dead letters of rules, with the alarm on each.
# A test puts a message there, and the alarm goes off. test_template.py and test_least_privilege.py check that AWS could put one there.
UNFILLED = {"Unforwarded": "NotForwarded"}
# The alarms whose metric the emulator does not report (IteratorAge). A test adds the datapoints that AWS documents.
UNREPORTED = {"NotifyLags"}


def in_templates(kind: str) -> set[str]:
    """The logical ids of a type in all templates but the examples."""
    deployed = [template for template in TEMPLATES if template.parent.name != "examples"]
    return {name for template in deployed for name, each in cfn_yaml.load(str(template))["Resources"].items() if each["Type"] == kind}


def test_new_stack_only_misses_an_audit(watched: Watched) -> None:
    assert watched.initial == {"AuditMissed"}


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if not scenario.slow], ids=lambda scenario: scenario.run.__name__)
def test_scenario_sets_off_exactly_its_alarms(quiet: Watched, scenario: Scenario) -> None:
    quiet.run(scenario)


@pytest.mark.parametrize("queue", UNFILLED)
def test_message_in_unfilled_queue_alarms(quiet: Watched, queue: str) -> None:
    quiet.stack.client("sqs").send_message(QueueUrl=quiet.cloudwatch.queues[queue], MessageBody="{}")
    quiet.cloudwatch.advance()
    assert quiet.cloudwatch.alarming() == {UNFILLED[queue]}


def test_late_notify_alarms(quiet: Watched) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html: IteratorAge, by FunctionName, in milliseconds."""
    metric = ("AWS/Lambda", "IteratorAge", frozenset({("FunctionName", quiet.stack.outputs["NotifyFunction"])}))
    for age in (899_000, 901_000, 901_000):
        assert not quiet.cloudwatch.alarming()
        quiet.cloudwatch.put((metric, age))
        quiet.cloudwatch.advance()
    assert quiet.cloudwatch.alarming() == {"NotifyLags"}


def test_every_alarm_and_queue_is_covered(watched: Watched) -> None:
    """Each has a scenario or a reason, not both, and was deployed."""
    alarms, filled = (set().union(*parts) for parts in zip(*((each.alarms, each.fills) for each in SCENARIOS), strict=True))
    assert sorted([*alarms, *UNFILLED.values(), *UNREPORTED]) == sorted(in_templates("AWS::CloudWatch::Alarm")) == sorted(watched.cloudwatch.alarms)
    assert sorted([*filled, *UNFILLED]) == sorted(in_templates("AWS::SQS::Queue")) == sorted(watched.cloudwatch.queues)


# ---- the evaluation of alarms, by the examples of CloudWatch's user guide ----------------------------------------------

RETAINED = "as before"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: five periods are read, three are evaluated.
# `0` is within the threshold, `X` is not, `-` is missing. Then the states with IGNORE, BREACHING, NOT BREACHING.
EXAMPLES = [
    (3, "0 - X - X", OK, OK, OK),
    (3, "0 - - - -", OK, OK, OK),
    (3, "- - - - -", RETAINED, ALARM, OK),
    (3, "0 X X - X", ALARM, ALARM, ALARM),
    (3, "- - X - -", RETAINED, ALARM, OK),
    (2, "0 - X - X", ALARM, ALARM, ALARM),
    (2, "0 0 X 0 X", ALARM, ALARM, ALARM),
    (2, "0 - X - -", OK, ALARM, OK),
    (2, "- - - - 0", OK, ALARM, OK),
    (2, "- - - X -", RETAINED, ALARM, OK),
]
DESCRIBED = {
    "AlarmName": "example",
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Dimensions": [{"Name": "QueueName", "Value": "q"}],
    "Statistic": "Maximum",
    "Period": PERIOD,
    "EvaluationPeriods": 3,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}


@pytest.mark.parametrize(("needed", "periods", "ignore", "breaching", "not_breaching"), EXAMPLES)
def test_alarms_follow_the_guides_examples(needed: int, periods: str, ignore: str, breaching: str, not_breaching: str) -> None:
    values: list[list[float]] = [{"0": [0.0], "X": [0.0, 1.0], "-": []}[each] for each in periods.split()]
    for missing, expected in (("ignore", ignore), ("breaching", breaching), ("notBreaching", not_breaching)):
        alarm = Alarm.of(DESCRIBED | {"DatapointsToAlarm": needed, "TreatMissingData": missing})
        assert alarm.evaluate(values, RETAINED) == expected, missing


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ('{"error_type": "CannotStart"}', 1),
        ('{"error_type": "CannotStartX"}', 0),
        ('{"message": "CannotStart"}', 0),
        ('{"message": "UnreadableEvent: it is\\nnothing"}', 1),
        ('{"message": "an UnreadableEvent: "}', 0),
        ('{"message": 1}', 0),
        ("UnreadableEvent: plain", 0),
        ("[]", 0),
    ],
)
def test_filters_count_matching_lines(line: str, counted: int) -> None:
    transformation = {"metricNamespace": "n", "metricName": "m", "metricValue": "1"}
    described = {"filterName": "f", "filterPattern": '{ ($.error_type = "CannotStart") || ($.message = "UnreadableEvent:*") }', "metricTransformations": [transformation]}
    assert list(filtered(described, line)) == [(("n", "m", frozenset()), 1.0)] * counted
