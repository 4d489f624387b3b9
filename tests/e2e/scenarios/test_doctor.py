"""`warden doctor` on the deployed stack, by its name alone: each part that it looks at is broken once, and named with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from harness.accounts import ALLOWED
from harness.actions import Service, audit, create_service, tag, warden
from harness.processes import until
from harness.stack import NAME, Stack

# Other tests on the same stack may leave problems, or make what was missing.
CHECKED, USAGE = (0, 1), 2
Checks = dict[str, dict[str, str]]


def doctor(stack: Stack, *arguments: str, status: tuple[int, ...] = CHECKED) -> Checks:
    """The checks by name."""
    return {row["check"]: row for row in json.loads(warden(stack, "doctor", "--output", "json", *arguments, ledger="", status=status))}


def named(stack: Stack, logical: str) -> str:
    """The physical name of a resource of the stack."""
    found: str = stack.client("cloudformation").describe_stack_resource(StackName=NAME, LogicalResourceId=logical)["StackResourceDetail"]["PhysicalResourceId"]
    return found.rpartition("|")[2]


@contextmanager
def disabled_rule(stack: Stack) -> Iterator[None]:
    rule, events = named(stack, "OnDefaultBus"), stack.client("events")
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)


@contextmanager
def disabled_event_source(stack: Stack) -> Iterator[None]:
    functions = stack.client("lambda")
    (mapping,) = functions.list_event_source_mappings(FunctionName=stack.outputs["NotifyFunction"])["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def open_queue(stack: Stack) -> Iterator[None]:
    sqs, queue = stack.client("sqs"), stack.outputs["RequestsUrl"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"])
    allowed = policy | {"Statement": [each for each in policy["Statement"] if each["Effect"] == "Allow"]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(allowed)})
    yield
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})


@contextmanager
def dead_letter(stack: Stack) -> Iterator[None]:
    sqs, queue = stack.client("sqs"), stack.outputs["DeadLettersUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    yield
    sqs.purge_queue(QueueUrl=queue)


@contextmanager
def alarm(stack: Stack) -> Iterator[None]:
    set_state = stack.client("cloudwatch").set_alarm_state
    set_state(AlarmName=named(stack, "ApproveErrors"), StateValue="ALARM", StateReason="a test")
    yield
    set_state(AlarmName=named(stack, "ApproveErrors"), StateValue="OK", StateReason="the test is over")


@contextmanager
def open_bus(stack: Stack) -> Iterator[None]:
    events = stack.client("events")
    events.put_permission(EventBusName=NAME, StatementId="test", Action="events:PutEvents", Principal="*")
    yield
    events.remove_permission(EventBusName=NAME, StatementId="test")


@contextmanager
def unsubscribed_owner(stack: Stack) -> Iterator[None]:
    topic = stack.client("sns").create_topic(Name=f"{NAME}-team-a")["TopicArn"]
    service = create_service(stack, [ALLOWED])
    tag(stack, service, "warden:owner-topic", topic)
    yield
    stack.client("ec2").delete_vpc_endpoint_service_configurations(ServiceIds=[service.id])
    stack.client("sns").delete_topic(TopicArn=topic)


@pytest.mark.parametrize(
    ("fault", "check", "detail", "fix"),
    [
        (disabled_rule, "rule on default", "disabled", "aws events enable-rule"),
        (disabled_event_source, "notify: event source", "disabled", "aws lambda update-event-source-mapping"),
        (open_queue, "queue policy", "nothing denies them", "deploy the stack again"),
        (dead_letter, "queue DeadLetters", "1 message", "docs/operations.md, `DeadLetters`"),
        (alarm, "alarm ApproveErrors", "in ALARM", "docs/operations.md, `ApproveErrors`"),
        (open_bus, "bus policy", "each AWS account", "without a condition"),
        (unsubscribed_owner, f"owner's topic {NAME}-team-a", "no subscriber", "aws sns subscribe"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_broken_part_is_named_with_its_fix(stack: Stack, fault: Callable[[Stack], AbstractContextManager[None]], check: str, detail: str, fix: str) -> None:
    with fault(stack):
        found = until(f"the check `{check}` to fail", 10, lambda: row if (row := doctor(stack, "--stack", NAME).get(check, {})).get("status") == "problem" else None)
        assert detail in found["detail"] and fix in found["fix"], found
    after = doctor(stack, "--stack", NAME).get(check, {"status": "ok"})
    assert after["status"] == "ok", after


def test_whole_stack_is_read_by_its_name(stack: Stack) -> None:
    audit(stack)
    checks = doctor(stack, "--stack", NAME)
    roles = ("approve", "audit", "notify")
    read = [f"{role}: function" for role in roles]
    read += ["approve: event source", "notify: event source", "queue policy", "bus policy", "rule on default", f"rule on {NAME}"]
    read += ["queue AuditFailures", "queue UntoldRecords", "sweep schedule", "audit schedule", "ledger", "topic policy"]
    assert {name: checks[name] for name in read if checks.get(name, {}).get("status") != "ok"} == {}
    assert not [row for row in checks.values() if row["status"] == "unknown"]
    # The emulator counts an invocation only if it is synchronous. A datapoint of the current second is not read yet.
    until("the datapoint of the audit", 10, lambda: doctor(stack, "--stack", NAME)["audit: last day"]["status"] == "ok")
    assert checks["approve: last day"]["status"] in ("ok", "not checked")


def test_default_name_is_that_of_the_documents(stack: Stack) -> None:
    row = doctor(stack)["stack"]
    assert row["status"] == "problem" and "`privatelink-warden`" in row["detail"] and "--stack" in row["fix"]


def test_fix_asks_once_for_each_kind(stack: Stack) -> None:
    ec2 = stack.client("ec2")
    missing, complete = create_service(stack, [ALLOWED], notify=False, name="first"), create_service(stack, [ALLOWED], name="second")
    open_service = create_service(stack, [ALLOWED], notify=False, name="third")
    ec2.modify_vpc_endpoint_service_configuration(ServiceId=open_service.id, AcceptanceRequired=False)
    scope = ("--stack", NAME, "--scope", ",".join(service.id for service in (missing, complete, open_service)))

    question = warden(stack, "doctor", *scope, "--fix", "notifications", ledger="", status=USAGE)
    assert "Create 2 connection notifications?" in question and "give --yes" in question
    assert missing.id in question and open_service.id in question and complete.id not in question
    assert notified(stack, missing) == [], "nothing is made without an answer"
    done = warden(stack, "doctor", *scope, "--fix", "notifications", "--yes", ledger="", status=CHECKED)
    assert f"first ({missing.id}): connection notification created" in done
    for service in (missing, open_service):
        assert notified(stack, service) == [(stack.outputs["ConnectionsTopicArn"], ["Connect"])]
    again = warden(stack, "doctor", *scope, "--fix", "notifications", "--yes", ledger="", status=CHECKED)
    assert "Each service has a connection notification" in again

    question = warden(stack, "doctor", *scope, "--fix", "acceptance", ledger="", status=USAGE)
    assert "warning: connections stay, but each new request waits" in question and "Require acceptance for 1 service?" in question
    done = warden(stack, "doctor", *scope, "--fix", "acceptance", "--yes", ledger="", status=CHECKED)
    assert f"third ({open_service.id}): acceptance required" in done
    assert ec2.describe_vpc_endpoint_service_configurations(ServiceIds=[open_service.id])["ServiceConfigurations"][0]["AcceptanceRequired"]


def notified(stack: Stack, service: Service) -> list[tuple[str, list[str]]]:
    """The topics that a service notifies, and the events."""
    filters = [{"Name": "service-id", "Values": [service.id]}]
    found = stack.client("ec2").describe_vpc_endpoint_connection_notifications(Filters=filters)["ConnectionNotificationSet"]
    return [(one["ConnectionNotificationArn"], one["ConnectionEvents"]) for one in found]


def test_trail_must_log_management_events(stack: Stack) -> None:
    trails, name = stack.client("cloudtrail"), "doctor"
    for trail in trails.describe_trails()["trailList"]:
        trails.delete_trail(Name=trail["TrailARN"])
    trails.create_trail(Name=name, S3BucketName=stack.outputs["ReportsBucket"])
    trails.start_logging(Name=name)
    try:
        assert doctor(stack, "--stack", NAME)["trail"]["status"] == "ok"
        trails.put_event_selectors(TrailName=name, EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}])
        row = doctor(stack, "--stack", NAME)["trail"]
        assert row["status"] == "problem" and "put-event-selectors" in row["fix"]
    finally:
        trails.delete_trail(Name=name)
