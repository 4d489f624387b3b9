"""What the deployed stack's roles may do, and what is done in their name: read back from the emulator and the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts import PROVIDER, REGION
from cfnlint.decode import cfn_yaml
from duties import INTERFACES, Reason, duties
from places import TEMPLATE
from privilege import BY_CODE, Call, Policies, listed
from stack import NAME, Stack

ORGANIZATIONS = {"DescribeAccount"}  # the stand-in's other API; everything else that it answers is EC2
ON_A_SERVICE = {"AcceptVpcEndpointConnections", "RejectVpcEndpointConnections"}  # EC2's reads know no resource


@dataclass(frozen=True)
class Witnessed:
    """A call with temporary credentials, and whose those were."""

    session: str
    action: str
    resource: str
    context: dict[str, list[str]]


def roles(stack: Stack) -> dict[str, str]:
    """The stack's roles: their names in the template, by ARN."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=NAME)
    found = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == "AWS::IAM::Role"]
    return {f"arn:aws:iam::{PROVIDER}:role/{each['PhysicalResourceId']}": each["LogicalResourceId"] for each in found}


def granted(stack: Stack) -> Policies:
    """Every statement of every role."""
    iam = stack.client("iam")
    policies: Policies = {}
    for arn, role in roles(stack).items():
        name = arn.rpartition("/")[2]
        assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], f"{role} has a policy that nobody looks at"
        documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]]
        policies[role] = [statement for document in documents for statement in listed(document["Statement"])]
    return policies


def written() -> Policies:
    """Every statement of every role as the template has it, whatever parameters it depends on."""
    resources: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))["Resources"]
    kinds = {kind: {name: each["Properties"] for name, each in resources.items() if each["Type"] == f"AWS::IAM::{kind}"} for kind in ("Role", "Policy")}
    policies = {role: [statement for policy in each["Policies"] for statement in policy["PolicyDocument"]["Statement"]] for role, each in kinds["Role"].items()}
    for policy in kinds["Policy"].values():
        for role in policy["Roles"]:
            policies[role["Ref"]].extend(policy["PolicyDocument"]["Statement"])
    return policies


def joined(one: Policies, other: Policies) -> Policies:
    """Both, where some statements depend on parameters and cannot be deployed together."""
    return {role: one.get(role, []) + [each for each in other.get(role, []) if each not in one.get(role, [])] for role in {**one, **other}}


def witnessed(stack: Stack) -> Iterator[Witnessed]:
    """Every call with temporary credentials, since the stack stands."""
    for line in stack.calls.read_text().splitlines():
        yield Witnessed(**json.loads(line))
    for call in stack.local("calls"):
        if call["session"]:
            action = f"{'organizations' if call['action'] in ORGANIZATIONS else 'ec2'}:{call['action']}"
            resource = f"arn:aws:ec2:{REGION}:{PROVIDER}:vpc-endpoint-service/{call['service']}" if call["action"] in ON_A_SERVICE else "*"
            yield Witnessed(call["session"], action, resource, {})


def calls(stack: Stack) -> set[Call]:
    """Those in the name of the stack's roles. Made by their functions' code, as AWS would tell."""
    names, code = roles(stack), functions(stack)

    def call(by: Witnessed) -> Call:
        context = {key: tuple(values) for key, values in by.context.items()} | {BY_CODE: (code[by.session],)}
        return Call(names[by.session], by.action, by.resource, frozenset(context.items()))

    return {call(each) for each in witnessed(stack) if each.session in names}


def functions(stack: Stack) -> dict[str, str]:
    """The functions' ARNs, by the ARNs of their roles."""
    found = stack.client("lambda").list_functions()["Functions"]
    by_role = {function["Role"]: function["FunctionArn"] for function in found}
    assert len(by_role) == len(found), "two functions in one role cannot be told apart, neither here nor by IAM"
    return by_role


def done_by_services(stack: Stack) -> dict[Reason, set[Call]]:
    """What services do in the roles' names, by the reason for it."""
    names = roles(stack)
    done: dict[Reason, set[Call]] = {}
    for reason, role, resource in duties(stack):
        done.setdefault(reason, set()).update(Call(names[role], action, resource) for action in reason.actions)
    return done


def forbidden_to_code(stack: Stack) -> set[Call]:
    """What a service does with a function's role, and the function's own code must not."""
    names = roles(stack)
    return {Call(names[role], action, "*", frozenset({(BY_CODE, (function,))})) for role, function in functions(stack).items() for action in INTERFACES.actions}
