"""Least privilege: every call that the session saw is allowed, whatever is allowed is needed, and each statement was tried.

Runs last (see conftest.py), over the calls of all tests before it; alone, over the journeys that it makes itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from accounts import A, B, PROVIDER, REGION
from duties import REASONS, Reason
from granted import calls, done_by_services, forbidden_to_code, functions, granted, joined, roles, witnessed, written
from inbox import Inbox
from privilege import LEADING_KEYS, Call, Policies, Wide, allowed, of_others, problems, removals
from processes import until
from ruleset import UNIT, URI, enrol, guide, publish
from scenario import Service, ask, audit, await_record, await_state, mend_drift, offer, plant_drift, sweep
from stack import NAME, Stack
from widened import widenings

READER = "arn:aws:iam::999900009999:role/reads-the-organization"
IN_A_VPC = {"SubnetIds": "subnet-0a1b2c3d4e5f60718", "SecurityGroupIds": "sg-0a1b2c3d4e5f60718"}


REMOVALS = [what for what, _, _ in removals(written())]
WIDENINGS = [what for what, _ in widenings(written())]


@dataclass
class Seen:
    """What the roles may do under any parameters, and what is known of what they do."""

    policies: Policies
    calls: set[Call]
    by_services: dict[Reason, set[Call]]
    forbidden: set[Call]
    wide: list[Wide]
    by_strangers: set[str]

    def problems(self, policies: Policies) -> Iterator[str]:
        """What there is to say of other policies, given the same deeds."""
        return problems(policies, self.calls.union(*self.by_services.values()), self.forbidden, self.wide)


@pytest.fixture(scope="module")
def seen(stack: Stack, inbox: Inbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Either way to ask the organization, a set in S3, in a VPC and not, and what people live through under each."""
    publish(stack, guide(tmp_path_factory.mktemp("privilege") / "set"))
    enrol(stack, A, UNIT)
    stack.deploy(PolicyUri=URI, OrganizationAccess="direct")
    live_through_everything(stack, inbox)
    policies, services = granted(stack), done_by_services(stack)
    stack.deploy(PolicyUri=URI, OrganizationAccess=READER, **IN_A_VPC)
    belong_to_the_organization(stack)
    audit(stack)
    policies = joined(policies, granted(stack))
    for reason, more in done_by_services(stack).items():
        services.setdefault(reason, set()).update(more)
    done, wide = calls(stack), reasons_to_be_wide(stack)
    forbidden = forbidden_to_code(stack) | of_others(done.union(*services.values()), policies, wide)
    yield Seen(policies, done, services, forbidden, wide, {each.action for each in witnessed(stack) if each.session not in roles(stack)})
    stack.deploy()


def live_through_everything(stack: Stack, inbox: Inbox) -> None:
    """Accepted, rejected, left to its owner and to an owner's own topic; a notification that says nothing; drift, and its end."""
    service, closed = offer(stack, [A, B], name="account-example"), offer(stack, [B], name="rejection-example")
    accepted, by_hand, rejected = ask(stack, A, service), ask(stack, B, service), ask(stack, B, closed)
    await_state(stack, service, accepted, "available", 30)
    await_state(stack, closed, rejected, "rejected", 30)
    inbox.await_mail(by_hand, "referred")
    belong_to_a_team(stack)
    hear_of_nothing_in_particular(stack)
    belong_to_the_organization(stack)
    sweep(stack)
    plant_drift(stack, service, A, by_hand)
    assert audit(stack)["opened"]
    mend_drift(stack, service, A, by_hand)
    assert audit(stack)["resolved"]


def belong_to_a_team(stack: Stack) -> None:
    team = Inbox.subscribe(stack, stack.client("sns").create_topic(Name=f"{NAME}-team")["TopicArn"], "team-inbox")
    service = offer(stack, [B], name="account-example")
    stack.client("ec2").create_tags(Resources=[service.id], Tags=[{"Key": "warden:owner-topic", "Value": f"arn:aws:sns:{REGION}:{PROVIDER}:{NAME}-team"}])
    team.await_mail(ask(stack, B, service), "referred")


def hear_of_nothing_in_particular(stack: Stack) -> None:
    """A notification without ids: approve asks which services it may be about."""
    stack.local("notification-body", post=True, form="bare")
    try:
        ask(stack, A, offer(stack, [A], name="account-example"))
        asked = "ec2:DescribeVpcEndpointConnectionNotifications"
        until("approve to ask whose topic it is", 30, lambda: any((call.role, call.action) == ("ApproveRole", asked) for call in calls(stack)) or None)
    finally:
        stack.local("notification-body", post=True, form="json")


def belong_to_the_organization(stack: Stack) -> Service:
    service = offer(stack, [A], name="unit-example")
    endpoint = ask(stack, A, service)
    await_state(stack, service, endpoint, "available", 30)
    await_record(stack, service, endpoint, "accepted")
    return service


def reasons_to_be_wide(stack: Stack) -> list[Wide]:
    """Every wildcard, and why it is there."""
    local = f"{REGION}:{PROVIDER}"
    groups = {roles(stack)[each["Role"]]: each["LoggingConfig"]["LogGroup"] for each in stack.client("lambda").list_functions()["Functions"]}
    judges = ("ApproveRole", "AuditRole")
    return [
        *(Wide(role, "ReadTheTruth", "*", "these reads know no narrower resource") for role in judges),
        *(Wide(role, "ReadPolicySet", f"{URI.replace('s3://', 'arn:aws:s3:::')}*", "the files of a set have any names") for role in judges),
        *(Wide(role, "AskOrganizations", "*", "which accounts there are is what is asked") for role in judges),
        *(Wide(role, "Log", f"arn:aws:logs:{local}:log-group:{group}:*", "Lambda names the streams") for role, group in groups.items()),
        *(Wide(role, "UseNetworkInterfaces", "*", "Lambda checks for all resources, before there is an interface") for role in groups),
        Wide("ApproveRole", "Answer", f"arn:aws:ec2:{local}:vpc-endpoint-service/*", "services come and go; approve keeps to ServiceScope"),
        Wide("ApproveRole", "Record", "vpce-svc-*", "a decision's partition is SERVICE/ENDPOINT"),
        Wide("ApproveRole", "ReadGrants", "grants/*", "each service's grants have a partition"),
        Wide("AuditRole", "WriteFindings", "digest/*", "each run's digests have a partition"),
        Wide("AuditRole", "KeepReports", f"arn:aws:s3:::{stack.outputs['ReportsBucket']}/audits/*", "every run has a folder of its own"),
        Wide("NotifyRole", "Tell", f"arn:aws:sns:{local}:{NAME}-*", "a service's tag may name a topic under the prefix"),
        Wide("NotifyRole", "FindTheStream", "*", "ListStreams knows no narrower resource"),
    ]


def test_every_call_is_allowed_and_whatever_is_allowed_is_needed(seen: Seen) -> None:
    assert list(seen.problems(seen.policies)) == []


def test_every_statement_of_the_template_was_deployed(seen: Seen) -> None:
    assert sorted(what for what, _, _ in removals(seen.policies)) == sorted(REMOVALS)


def test_every_function_was_seen_at_work(seen: Seen, stack: Stack) -> None:
    assert {call.role for call in seen.calls} == {roles(stack)[role] for role in functions(stack)}


def test_what_services_do_in_a_functions_name_was_not_seen_after_all(seen: Seen) -> None:
    """A written reason is for what nobody can see; and it must be for something."""
    visible = {(call.role, call.action) for call in seen.calls}
    for reason in REASONS:
        assert seen.by_services.get(reason), f"stale: {reason.what}"
        assert not visible & {(call.role, call.action) for call in seen.by_services[reason]}, f"no reason is needed: {reason.what}"


def test_no_function_may_write_a_grant(seen: Seen) -> None:
    """A grant is a named person's word. None of the functions' calls is one, so it is asked outright."""
    (ledger,) = {call.resource for call in seen.calls if call.action == "dynamodb:PutItem"}
    for role in seen.policies:
        for key in ("grants/vpce-svc-0123456789abcdef0", "grants"):
            for action in ("PutItem", "UpdateItem", "BatchWriteItem"):
                assert not allowed(seen.policies, Call(role, f"dynamodb:{action}", ledger, frozenset({(LEADING_KEYS, (key,))})))


def test_with_the_organizations_role_accounts_are_asked_for_and_nothing_else(seen: Seen) -> None:
    assert seen.by_strangers == {"organizations:DescribeAccount"}


@pytest.mark.parametrize("what", REMOVALS)
def test_nothing_can_be_taken_away(seen: Seen, what: str) -> None:
    (less,) = (policies for each, _, policies in removals(seen.policies) if each == what)
    problem = next(seen.problems(less))
    assert "and may not" in problem or "and must not" in problem, problem


@pytest.mark.parametrize("what", WIDENINGS)
def test_nothing_can_be_added(seen: Seen, what: str) -> None:
    (more,) = (policies for each, policies in widenings(seen.policies) if each == what)
    assert next(seen.problems(more), None)
