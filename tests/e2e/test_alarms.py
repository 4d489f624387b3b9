"""Every alarm and every queue of what failed: a journey that makes it go off and ends it again, or the reason why there is none.

On a stack of its own, whose settings and functions the journeys break.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import pytest
from accounts import A, PROVIDER, REGION
from alarms import ALARM, OK, Alarm
from cfnlint.decode import cfn_yaml
from deployment import Deployment
from filters import filtered, terms
from harm import LONG_SECONDS, publish_policies
from journey import JOURNEYS, Journey
from places import ROOT, RUN, TEMPLATES
from processes import stop_on_signals, until
from ruleset import URI
from scenario import ask, audit, creation_event, offer, put_event, sweep
from stack import PARAMETERS, Stack, forget_the_users_aws
from watch import HOUR, SPAN, Watch

NO_DEAD_LETTERS = "the emulator has no dead letters of "
# Queues that no journey fills, and the alarm on each. What there is: the alarm goes off for a message that the test puts there
# (below); the arrow to the queue is held by test_template.py (every dead letter queue has its alarm) and test_privilege.py
# (whoever hands over, may). And a test that the emulator leaves them empty, so that this list shrinks once it does not.
UNFILLED = {
    "UndeliveredEvents": ("EventsUndelivered", NO_DEAD_LETTERS + "rules and subscriptions"),
    "UnstartedSweeps": ("SweepsUnstarted", NO_DEAD_LETTERS + "schedules"),
    "UnstartedAudits": ("AuditsUnstarted", NO_DEAD_LETTERS + "schedules"),
    "Unforwarded": ("NotForwarded", NO_DEAD_LETTERS + "rules"),
}
# Alarms whose metric nothing here reports: the test plays the datapoint that AWS documents.
UNREPORTED = {"NotifyLags": "the emulator reads streams and reports no IteratorAge"}


@dataclass(frozen=True)
class Watched:
    """The stack, who watches it, and what was to be seen when it was new."""

    stack: Stack
    watch: Watch
    at_first: set[str]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The warden with its set in S3, and a forwarder to a bus that is gone. No schedule comes by itself."""
    forget_the_users_aws()
    stop_on_signals()
    with Stack("alarms") as stack:
        publish_policies(stack, tmp_path_factory.mktemp("alarms") / "set")
        stack.deploy(PARAMETERS | {"PolicyUri": URI, "SweepSchedule": "rate(1 day)"})
        forwarder = Deployment("forwarder", stack.client)
        forwarder.put((ROOT / "infra" / "forwarder.yaml").read_text(), {"WardenBusArn": f"arn:aws:events:{REGION}:{PROVIDER}:event-bus/gone"})
        watch = Watch(stack, stack.deployment, forwarder)
        watch.rest()
        at_first = watch.firing()
        yield Watched(stack, watch, at_first)


@pytest.fixture
def quiet(watched: Watched) -> Iterator[Watched]:
    """All is well before, and again after what the test mended."""
    be_well(watched)
    yield watched
    be_well(watched)


def be_well(watched: Watched) -> None:
    """As the runbook ends: a sweep, an audit, empty queues, and some time."""
    sweep(watched.stack)
    audit(watched.stack)
    watched.watch.empty()
    watched.watch.rest(HOUR)
    assert watched.watch.firing() == set()


def in_templates(kind: str) -> set[str]:
    """The logical ids of a kind in all templates."""
    return {name for template in TEMPLATES for name, each in cfn_yaml.load(str(template))["Resources"].items() if each["Type"] == kind}


def test_of_a_stack_just_made_only_the_audit_is_missed(watched: Watched) -> None:
    assert watched.at_first == {"AuditMissed"}


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.name)
def test_exactly_these_go_off(quiet: Watched, journey: Journey) -> None:
    fired: set[str] = set()
    filled: set[str] = set()
    with contextlib.closing(journey.go(quiet.stack, quiet.watch)) as steps:  # mended whatever happens
        for expected in steps:
            assert quiet.watch.firing() == expected
            fired |= expected
            filled |= quiet.watch.filled()
    assert (fired, filled) == (journey.fires, journey.fills)


@pytest.mark.parametrize("queue", UNFILLED)
def test_a_message_in_a_queue_that_nothing_here_fills_sets_off_its_alarm(quiet: Watched, queue: str) -> None:
    alarm, _ = UNFILLED[queue]
    quiet.stack.client("sqs").send_message(QueueUrl=quiet.watch.queues[queue], MessageBody="{}")
    quiet.watch.rest()
    assert quiet.watch.firing() == {alarm}


def test_the_owners_hear_late(quiet: Watched) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html: IteratorAge, by FunctionName, in milliseconds."""
    metric = ("AWS/Lambda", "IteratorAge", frozenset({("FunctionName", quiet.stack.outputs["NotifyFunction"])}))
    for age in (899_000, 901_000, 901_000):
        assert not quiet.watch.firing()
        quiet.watch.put((metric, age))
        quiet.watch.rest()
    assert quiet.watch.firing() == {"NotifyLags"}


def test_every_alarm_and_every_queue_has_a_journey_or_a_reason(watched: Watched) -> None:
    """And not both; and all of them were deployed."""
    fired, filled = (set().union(*parts) for parts in zip(*((each.fires, each.fills) for each in JOURNEYS), strict=True))
    by_hand = {alarm for alarm, _ in UNFILLED.values()}
    assert sorted([*fired, *by_hand, *UNREPORTED]) == sorted(in_templates("AWS::CloudWatch::Alarm")) == sorted(watched.watch.alarms)
    assert sorted([*filled, *UNFILLED]) == sorted(in_templates("AWS::SQS::Queue")) == sorted(watched.watch.queues)


def test_what_nothing_here_does_is_not_done_after_all(watched: Watched) -> None:
    """Both functions are gone, and everything that starts them tries. Runs last: nothing works afterwards."""
    stack = watched.stack
    sweep(stack)
    watched.watch.empty()
    service = offer(stack, [A])
    stack.local("drop-notifications", post=True, next="1")
    asked = ask(stack, A, service)
    for function in ("Approve", "Audit"):
        stack.client("lambda").delete_function(FunctionName=stack.outputs[f"{function}Function"])
    stack.client("sns").publish(TopicArn=stack.outputs["ConnectionsTopicArn"], Message=json.dumps({"vpcEndpointId": asked}))
    for bus in ("warden", "default"):
        put_event(stack, creation_event(service, asked, A), bus)
    start_now(stack, "warden-sweep")
    start_now(stack, "warden-audit")
    # Two rules and two schedules, the topic, the forwarder.
    for tried, times in (("EventBridge → Lambda: function ", 4), ("SNS fanout: Lambda function ", 1), ("EventBridge -> Event bus: event bus ", 1)):
        until(f"`{tried}`", LONG_SECONDS, lambda: failed(f"{tried}\\S+ not found") >= times or None, every=1)
    assert not watched.watch.filled()
    reported = {each["MetricName"] for each in stack.client("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]}
    assert "Errors" in reported and "IteratorAge" not in reported


def failed(what: str) -> int:
    """How often the emulator's log says so."""
    return len(re.findall(what, (RUN / "alarms" / "ministack.log").read_text()))


def start_now(stack: Stack, schedule: str) -> None:
    """Has a schedule come due: one of the same target, for the emulator starts none anew that is not at its time."""
    scheduler, now = stack.client("scheduler"), datetime.now(timezone.utc)
    found = scheduler.get_schedule(Name=schedule)
    assert "DeadLetterConfig" in found["Target"]
    scheduler.create_schedule(Name=f"{schedule}-now", ScheduleExpression=f"at({now:%Y-%m-%dT%H:%M:%S})", Target=found["Target"], FlexibleTimeWindow=found["FlexibleTimeWindow"])


# ---- whether the evaluator is right: CloudWatch's own examples ---------------------------------------------------------

RETAINED = "as before"
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: five periods are looked at, three
# evaluated. `0` is within the threshold, `X` is not, `-` is missing. Then what comes of it under IGNORE, BREACHING, NOT BREACHING.
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
    "Period": SPAN,
    "EvaluationPeriods": 3,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}


@pytest.mark.parametrize(("needed", "periods", "ignore", "breaching", "not_breaching"), EXAMPLES)
def test_alarms_are_judged_as_cloudwatchs_guide_says(needed: int, periods: str, ignore: str, breaching: str, not_breaching: str) -> None:
    values: list[list[float]] = [{"0": [0.0], "X": [0.0, 1.0], "-": []}[each] for each in periods.split()]
    for missing, expected in (("ignore", ignore), ("breaching", breaching), ("notBreaching", not_breaching)):
        alarm = Alarm.of(DESCRIBED | {"DatapointsToAlarm": needed, "TreatMissingData": missing})
        assert alarm.judge(values, RETAINED) == expected, missing


@pytest.mark.parametrize(
    "unknown",
    [{"Statistic": "Average"}, {"ExtendedStatistic": "p90"}, {"ComparisonOperator": "LessThanLowerThreshold"}, {"TreatMissingData": "missing"}, {"Metrics": [{}]}, {"Unit": "Count"}],
)
def test_what_is_not_known_of_an_alarm_is_refused(unknown: dict[str, Any]) -> None:
    with pytest.raises((NotImplementedError, KeyError)):
        Alarm.of(DESCRIBED | unknown)


@pytest.mark.parametrize("pattern", ["ERROR", "{ $.a.b = * }", '{ $.a != "x" }', '{ ($.a = "x") && ($.b = "y") }', "{ $.a = 1 }", "{ $.a NOT EXISTS }", "{ $.a = %x% }"])
def test_what_is_not_known_of_a_filter_is_refused(pattern: str) -> None:
    with pytest.raises(NotImplementedError):
        terms(pattern)


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
def test_filters_count_the_lines_that_they_name(line: str, counted: int) -> None:
    transformation = {"metricNamespace": "n", "metricName": "m", "metricValue": "1"}
    described = {"filterName": "f", "filterPattern": '{ ($.error_type = "CannotStart") || ($.message = "UnreadableEvent:*") }', "metricTransformations": [transformation]}
    assert list(filtered(described, line)) == [(("n", "m", frozenset()), 1.0)] * counted
