"""The policies of the deployed stack's roles, and the calls made with them: read from the emulator and the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cfnlint.decode import cfn_yaml
from harness.accounts import PROVIDER, REGION
from harness.stack import NAME, Stack
from iam.evaluation import BY_CODE, SERVICE_TAG, VIA_SERVICE, Call, Policies, Statement, allowed, listed
from iam.service_calls import INTERFACES, Reason, service_calls
from tasks.paths import TEMPLATE

ORGANIZATIONS = {"DescribeAccount"}  # the stand-in's calls that are not EC2's
NO_VALUE = {"Ref": "AWS::NoValue"}
ON_A_SERVICE = {"AcceptVpcEndpointConnections", "RejectVpcEndpointConnections"}  # EC2's reads support no resource-level permissions


@dataclass(frozen=True)
class Recorded:
    """A call with temporary credentials."""

    session: str
    action: str
    resource: str
    context: dict[str, list[str]]


def roles(stack: Stack) -> dict[str, str]:
    """The roles' names in the template, by ARN."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=NAME)
    found = [each for page in pages for each in page["StackResourceSummaries"] if each["ResourceType"] == "AWS::IAM::Role"]
    return {f"arn:aws:iam::{PROVIDER}:role/{each['PhysicalResourceId']}": each["LogicalResourceId"] for each in found}


def deployed_policies(stack: Stack) -> Policies:
    """The statements of each role as deployed."""
    iam = stack.client("iam")
    policies: Policies = {}
    for arn, role in roles(stack).items():
        name = arn.rpartition("/")[2]
        assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], f"{role} has a managed policy, which this check does not read"
        documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]]
        policies[role] = [statement for document in documents for statement in listed(document["Statement"])]
    return policies


def template_policies() -> Policies:
    """The statements of each role in the template, under any parameters."""
    resources: dict[str, Any] = cfn_yaml.load(str(TEMPLATE))["Resources"]
    kinds = {kind: {name: each["Properties"] for name, each in resources.items() if each["Type"] == f"AWS::IAM::{kind}"} for kind in ("Role", "Policy")}
    policies = {role: [statement for policy in each["Policies"] for statement in policy["PolicyDocument"]["Statement"]] for role, each in kinds["Role"].items()}
    for policy in kinds["Policy"].values():
        for role in policy["Roles"]:
            policies[role["Ref"]].extend(policy["PolicyDocument"]["Statement"])
    return {role: [each for statement in statements for each in under_any_parameters(statement)] for role, statements in policies.items()}


def under_any_parameters(statement: dict[str, Any]) -> Iterator[Statement]:
    """The forms of a statement: `Fn::If` chooses it as a whole, or its condition."""
    if "Fn::If" in statement:
        yield from (form for each in statement["Fn::If"][1:] if each != NO_VALUE for form in under_any_parameters(each))
    elif "Fn::If" in statement.get("Condition", {}):
        for condition in statement["Condition"]["Fn::If"][1:]:
            yield {key: value for key, value in statement.items() if key != "Condition"} | ({} if condition == NO_VALUE else {"Condition": condition})
    else:
        yield statement


def union(one: Policies, other: Policies) -> Policies:
    """The statements of both. Some depend on parameters and cannot be deployed together."""
    return {role: one.get(role, []) + [each for each in other.get(role, []) if each not in one.get(role, [])] for role in {**one, **other}}


def recorded_calls(stack: Stack) -> Iterator[Recorded]:
    """Each call with temporary credentials since the stack was created."""
    for line in stack.calls.read_text().splitlines():
        yield Recorded(**json.loads(line))
    tags = service_tags(stack)
    for call in stack.local("calls"):
        if call["session"]:
            action = f"{'organizations' if call['action'] in ORGANIZATIONS else 'ec2'}:{call['action']}"
            resource = f"arn:aws:ec2:{REGION}:{PROVIDER}:vpc-endpoint-service/{call['service']}" if call["action"] in ON_A_SERVICE else "*"
            yield Recorded(call["session"], action, resource, tags.get(call["service"], {}) if call["action"] in ON_A_SERVICE else {})


def service_tags(stack: Stack) -> dict[str, dict[str, list[str]]]:
    """The condition key of the tag that bounds a role, by service. Services keep their tags in the tests."""
    found = stack.client("ec2").get_paginator("describe_vpc_endpoint_service_configurations").paginate().build_full_result()["ServiceConfigurations"]
    keys = {each["ServiceId"]: {f"ec2:ResourceTag/{tag['Key']}": [tag["Value"]] for tag in each.get("Tags", [])} for each in found}
    return {service: {SERVICE_TAG: tags[SERVICE_TAG]} for service, tags in keys.items() if SERVICE_TAG in tags}


def function_calls(stack: Stack) -> set[Call]:
    """The calls of the stack's functions, with the context key by which AWS marks calls of a function's code."""
    names, code = roles(stack), functions(stack)

    def call(by: Recorded) -> Call:
        context = {key: tuple(values) for key, values in by.context.items()} | {BY_CODE: (code[by.session],)}
        return Call(names[by.session], by.action, by.resource, frozenset(context.items()))

    return {call(each) for each in recorded_calls(stack) if each.session in names}


def functions(stack: Stack) -> dict[str, str]:
    """The functions' ARNs, by the ARNs of their roles."""
    found = stack.client("lambda").list_functions()["Functions"]
    by_role = {function["Role"]: function["FunctionArn"] for function in found}
    assert len(by_role) == len(found), "two functions share a role, so neither this check nor IAM can tell them apart"
    return by_role


def calls_by_services(stack: Stack) -> dict[Reason, set[Call]]:
    """The calls that AWS's services make with the roles, by reason."""
    names = roles(stack)
    calls: dict[Reason, set[Call]] = {}
    for reason, role, resource in service_calls(stack):
        via = frozenset({(VIA_SERVICE, (f"{reason.via}.{REGION}.amazonaws.com",))} if reason.via else ())
        calls.setdefault(reason, set()).update(Call(names[role], action, resource, via) for action in reason.actions)
    return calls


def forbidden_to_code(stack: Stack) -> set[Call]:
    """The calls that Lambda makes with a function's role, and that the function's own code must not make."""
    names = roles(stack)
    return {Call(names[role], action, "*", frozenset({(BY_CODE, (function,))})) for role, function in functions(stack).items() for action in INTERFACES.actions}


def denied_calls(stack: Stack) -> set[str]:
    """The functions' calls that their roles deny. Leaves out actions that depend on parameters, which test_least_privilege.py deploys."""
    policies = deployed_policies(stack)

    def actions(of: Policies) -> set[tuple[str, str]]:
        return {(role, action) for role, statements in of.items() for statement in statements for action in listed(statement["Action"])}

    optional = actions(template_policies()) - actions(policies)
    return {f"{call.role}: {call}" for call in function_calls(stack) if not allowed(policies, call) and (call.role, call.action) not in optional}
