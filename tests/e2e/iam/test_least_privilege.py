"""Least privilege: the roles allow every recorded call and nothing else, and the check notices each mutation.

On a stack of its own, deployed twice, so that every statement is in force once. The other stacks check their calls at their end (conftest.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import audit, await_record, await_state, create_endpoint, create_service, invoke, plant_drift, send, sweep, tag, undo_drift
from harness.inbox import Inbox
from harness.policy_store import UNIT, URI, enrol, guide, publish
from harness.processes import until
from harness.stack import NAME, Stack
from iam.deployed_policies import calls_by_services, deployed_policies, forbidden_to_code, function_calls, recorded_calls, roles, template_policies, union
from iam.evaluation import LEADING_KEYS, SERVICE_TAG, VIA_SERVICE, Call, Policies, Wide, allowed, in_another_name, listed, of_others, problems
from iam.policy_mutations import widened_policies
from iam.service_calls import REASONS, Reason

READER = "arn:aws:iam::999900009999:role/reads-the-organization"
POLICY_KEY = f"arn:aws:kms:{REGION}:{PROVIDER}:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
KEY = f"arn:aws:kms:{REGION}:{PROVIDER}:key/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f90a"
IN_A_VPC = {"SubnetIds": "subnet-0a1b2c3d4e5f60718", "SecurityGroupIds": "sg-0a1b2c3d4e5f60718"}


@dataclass
class Evidence:
    """The roles' policies under any parameters, and the calls made with them."""

    policies: Policies
    bounded: Policies  # with `ServiceTagValue`
    calls: set[Call]
    by_services: dict[Reason, set[Call]]
    forbidden: set[Call]
    wide: list[Wide]
    with_other_roles: set[str]

    def problems(self, policies: Policies) -> Iterator[str]:
        """The problems of other policies, given the same calls."""
        return problems(policies, self.calls.union(*self.by_services.values()), self.forbidden, self.wide)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with the policy guide's set in S3, keys and direct access to the organization."""
    with Stack("privilege") as running:
        publish(running, [*guide(tmp_path_factory.mktemp("privilege") / "set").iterdir()])
        enrol(running, ALLOWED, UNIT)
        running.deploy(PolicyUri=URI, PolicyKeyArn=POLICY_KEY, KmsKeyArn=KEY, OrganizationAccess="direct")
        yield running


@pytest.fixture(scope="module")
def evidence(stack: Stack, inbox: Inbox) -> Evidence:
    """Makes every kind of call, then again with a role for the organization, in a VPC and for tagged services."""
    make_every_call(stack, inbox)
    policies, services = deployed_policies(stack), calls_by_services(stack)
    stack.deploy(PolicyUri=URI, OrganizationAccess=READER, ServiceTagValue="yes", **IN_A_VPC)
    accept_by_unit(stack, tagged=True)
    reject_by_policy(stack, tagged=True)
    audit(stack)
    bounded = deployed_policies(stack)
    policies = union(policies, bounded)
    for reason, more in calls_by_services(stack).items():
        services.setdefault(reason, set()).update(more)
    made, wide = function_calls(stack), reasons_for_wildcards(stack)
    needed = made.union(*services.values())
    forbidden = forbidden_to_code(stack) | in_another_name(made) | of_others(needed, policies, wide) | without_services(needed)
    return Evidence(policies, bounded, made, services, forbidden, wide, {each.action for each in recorded_calls(stack) if each.session not in roles(stack)})


def make_every_call(stack: Stack, inbox: Inbox) -> None:
    """An acceptance, a rejection, messages to owners, a notification without ids, unreadable messages and records, a hold, and drift."""
    service = create_service(stack, [ALLOWED, UNLISTED], name="account-example")
    accepted, by_hand = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    await_state(stack, service, accepted, "available")
    reject_by_policy(stack)
    await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available")  # its message waits for the service's next turn
    inbox.await_message(by_hand, "referred")
    send_to_a_team(stack)
    notify_without_ids(stack)
    accept_by_unit(stack)
    sweep(stack)
    send(stack, "not readable")
    set_a_record_aside(stack)
    wait_for_a_hold(stack, inbox)
    plant_drift(stack, service, ALLOWED, by_hand)
    await_record(stack, service, by_hand, "found")  # by EC2's notification of the acceptance
    assert audit(stack)["opened"]
    undo_drift(stack, service, ALLOWED, by_hand)
    assert audit(stack)["resolved"]


def send_to_a_team(stack: Stack) -> None:
    topic = stack.client("sns").create_topic(Name=f"{NAME}-team")["TopicArn"]
    team = Inbox.subscribe(stack, topic, "team-inbox")
    service = create_service(stack, [UNLISTED], name="account-example")
    tag(stack, service, "warden:owner-topic", topic)
    team.await_message(create_endpoint(stack, UNLISTED, service), "referred")


def set_a_record_aside(stack: Stack) -> None:
    """A record that notify cannot tell."""
    entry = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1", "NewImage": {"kind": {"S": "decision"}}}}
    assert invoke(stack, stack.outputs["NotifyFunction"], {"Records": [entry]}) is None
    until("notify to set the record aside", 30, lambda: any("NotifyRole" in by.session and by.action == "sqs:SendMessage" for by in recorded_calls(stack)))


def notify_without_ids(stack: Stack) -> None:
    """Sends a notification without ids, so that approve looks for the services that may have sent it."""
    stack.local("notification-body", post=True, form="bare")
    try:
        create_endpoint(stack, ALLOWED, create_service(stack, [ALLOWED], name="account-example"))
        action = "DescribeVpcEndpointConnectionNotifications"
        until("approve to look for the sender", 30, lambda: any(call["action"] == action and "ApproveRole" in (call["session"] or "") for call in stack.local("calls")))
    finally:
        stack.local("notification-body", post=True, form="json")


def wait_for_a_hold(stack: Stack, inbox: Inbox) -> None:
    """A request while a person holds the stack."""
    key = {"pk": {"S": "decisions/all"}, "sk": {"S": "hold"}}
    hold = json.dumps({"by": "arn:aws:iam::123456789012:user/ana", "reason": "an exercise", "at": "2026-01-01T00:00:00Z"})
    stack.client("dynamodb").put_item(TableName=stack.outputs["LedgerName"], Item=key | {"kind": {"S": "hold"}, "hold": {"S": hold}})
    service = create_service(stack, [ALLOWED], name="account-example")
    inbox.await_message(create_endpoint(stack, ALLOWED, service), "referred")
    stack.client("dynamodb").delete_item(TableName=stack.outputs["LedgerName"], Key=key)
    sweep(stack)


def reject_by_policy(stack: Stack, tagged: bool = False) -> None:
    service = create_service(stack, [UNLISTED], name="rejection-example")
    if tagged:
        tag(stack, service, "warden", "yes")
    await_state(stack, service, create_endpoint(stack, UNLISTED, service), "rejected")


def accept_by_unit(stack: Stack, tagged: bool = False) -> None:
    """An acceptance for which approve asks the organization."""
    service = create_service(stack, [ALLOWED], name="unit-example")
    if tagged:
        tag(stack, service, "warden", "yes")
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_state(stack, service, endpoint, "available")
    await_record(stack, service, endpoint, "accepted")


def without_services(calls: set[Call]) -> set[Call]:
    """The calls that a service makes to KMS for a role, made by the role itself."""
    return {Call(call.role, call.action, call.resource) for call in calls if VIA_SERVICE in dict(call.context)}


def reasons_for_wildcards(stack: Stack) -> list[Wide]:
    """Every wildcard with its reason."""
    local = f"{REGION}:{PROVIDER}"
    groups = {roles(stack)[each["Role"]]: each["LoggingConfig"]["LogGroup"] for each in stack.client("lambda").list_functions()["Functions"]}
    judges = ("ApproveRole", "AuditRole")
    through = [(role, "DecryptTheLedger", "dynamodb") for role in groups] + [("AuditRole", "EncryptReports", "s3"), ("NotifyRole", "EncryptMessages", "sns")]
    return [
        *(Wide(role, sid, f"{service}.{REGION}.amazonaws.*", "how the value ends in other partitions is not documented") for role, sid, service in through),
        *(Wide(role, "ReadTheTruth", "*", "these reads support no resource-level permissions") for role in judges),
        *(Wide(role, "ReadPolicySet", f"{URI.replace('s3://', 'arn:aws:s3:::')}*", "a set's files may have any names") for role in judges),
        *(Wide(role, "AskOrganizations", "*", "any account may create an endpoint") for role in judges),
        *(Wide(role, "Log", f"arn:aws:logs:{local}:log-group:{group}:*", "Lambda names the streams") for role, group in groups.items()),
        *(Wide(role, "UseNetworkInterfaces", "*", "Lambda checks the permission before the interface exists") for role in groups),
        Wide("ApproveRole", "Answer", f"arn:aws:ec2:{local}:vpc-endpoint-service/*", "the provider creates services at any time; ServiceScope limits approve"),
        *(Wide("ApproveRole", "ReadServices", f"{part}/*", "each service and each request has a partition") for part in ("service", "request", "decisions")),
        *(Wide("ApproveRole", "Record", f"{part}/*", "each service and each request has a partition") for part in ("service", "request")),
        Wide("ApproveRole", "KeepState", "service/*", "each service has a partition"),
        *(Wide("AuditRole", "ReadConnections", f"{part}/*", "each service and each request has a partition") for part in ("service", "request")),
        Wide("AuditRole", "ReadFindingsAndDecisions", "decisions/*", "each service has a partition"),
        Wide("AuditRole", "ReadNotesStatesAndTheHold", "service/*", "each service has a partition"),
        Wide("AuditRole", "WriteFindings", "digest/*", "each run's digests have a partition"),
        Wide("AuditRole", "KeepReports", f"arn:aws:s3:::{stack.outputs['ReportsBucket']}/audits/*", "each run has a folder"),
        Wide("NotifyRole", "Tell", f"arn:aws:sns:{local}:{NAME}-*", "a service's tag may name a topic under the prefix"),
        Wide("NotifyRole", "MarkWhatIsTold", "told/*", "the marks of each request and of each digest have a partition"),
        Wide("NotifyRole", "FindTheStream", "*", "ListStreams supports no resource-level permissions"),
    ]


def test_roles_allow_exactly_the_needed_calls(evidence: Evidence) -> None:
    assert "\n".join(evidence.problems(evidence.policies)) == ""


def test_every_statement_was_deployed(evidence: Evidence) -> None:
    def actions(policies: Policies) -> list[tuple[str, str, list[str]]]:
        return sorted((role, each["Sid"], sorted(listed(each["Action"]))) for role, statements in policies.items() for each in statements)

    assert actions(evidence.policies) == actions(template_policies())


def test_transform_adds_no_role(stack: Stack) -> None:
    """A role of SAM's would have no permissions boundary."""
    assert set(roles(stack).values()) == set(template_policies())


def test_calls_by_services_are_not_recorded(evidence: Evidence) -> None:
    """A written reason is for a call that cannot be recorded, each reason has a call, and code that makes such a call is recorded."""
    recorded = {(call.role, call.action) for call in evidence.calls}
    for reason in REASONS:
        assert evidence.by_services.get(reason), f"stale: {reason.text}"
        by_code = recorded & {(call.role, call.action) for call in evidence.by_services[reason]}
        assert bool(by_code) == reason.by_code_too, f"{'needless' if by_code else 'not made by code'}: {reason.text}"


def test_no_function_may_write_a_persons_decision(evidence: Evidence) -> None:
    """No recorded call writes one, so the policies are asked directly."""
    (ledger,) = {call.resource for call in evidence.calls if call.action == "dynamodb:PutItem"}
    for role in evidence.policies:
        for key in ("decisions/vpce-svc-0123456789abcdef0", "decisions/vpce-svc-0123456789abcdef0/history", "decisions/all", "decisions"):
            for action in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"):
                assert not allowed(evidence.policies, Call(role, f"dynamodb:{action}", ledger, frozenset({(LEADING_KEYS, (key,))})))


def test_bound_denies_services_without_the_tag(evidence: Evidence) -> None:
    made = {call: dict(call.context).get(SERVICE_TAG) for call in evidence.calls if call.action in ("ec2:AcceptVpcEndpointConnections", "ec2:RejectVpcEndpointConnections")}
    assert {(call.action, tag) for call, tag in made.items()} == {(action, tag) for action in {call.action for call in made} for tag in (None, ("yes",))}
    assert {tag for call, tag in made.items() if allowed(evidence.bounded, call)} == {("yes",)}
    assert {tag for call, tag in made.items() if not allowed(evidence.bounded, call)} == {None}
    for call in made:
        other = frozenset({each for each in call.context if each[0] != SERVICE_TAG} | {(SERVICE_TAG, ("no",))})
        assert not allowed(evidence.bounded, Call(call.role, call.action, call.resource, other))


def test_organization_role_only_describes_accounts(evidence: Evidence) -> None:
    assert evidence.with_other_roles == {"organizations:DescribeAccount"}


def test_each_widening_is_a_problem(evidence: Evidence) -> None:
    accepted = [mutation for mutation, more in widened_policies(evidence.policies) if next(evidence.problems(more), None) is None]
    assert accepted == []
