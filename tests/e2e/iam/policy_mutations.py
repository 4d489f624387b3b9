"""Mutations of policies that allow one step more. The check of least privilege must reject each."""

from __future__ import annotations

from collections.abc import Iterator

from iam.evaluation import Policies, Statement, listed, with_condition


def widened_policies(policies: Policies) -> Iterator[tuple[str, Policies]]:
    """Each statement widened in each way, and each role with one statement more."""
    for role, statements in policies.items():
        for at, statement in enumerate(statements):
            for mutation, replacement in widened(statement):
                yield f"{role}, {statement['Sid']}: {mutation}", policies | {role: [*statements[:at], *replacement, *statements[at + 1 :]]}
        another: Statement = {"Sid": "More", "Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
        yield f"{role}: one more statement", policies | {role: [*statements, another]}


def widened(statement: Statement) -> Iterator[tuple[str, list[Statement]]]:
    """The statements that may replace a statement."""
    yield "twice", [statement, statement]
    if statement["Effect"] == "Deny":
        return
    actions = listed(statement["Action"])
    service = actions[0].partition(":")[0]
    yield "one more action", [{**statement, "Action": [*actions, f"{service}:DoMore"]}]
    yield "all actions", [{**statement, "Action": f"{service}:*"}]
    yield "all but one action", [{**{key: value for key, value in statement.items() if key != "Action"}, "NotAction": f"{service}:DoMore"}]
    if statement["Resource"] != "*":
        yield "any resource", [{**statement, "Resource": "*"}]
        yield "one more resource", [{**statement, "Resource": [*listed(statement["Resource"]), "arn:aws:sqs:us-east-1:123456789012:another"]}]
    if "Condition" in statement:
        yield "no condition", [{key: value for key, value in statement.items() if key != "Condition"}]
        yield "another operator", [{**statement, "Condition": {f"{operator}IfExists": keys for operator, keys in statement["Condition"].items()}}]
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            for mutation, wider in (("one more value", [*listed(values), "another"]), ("any value", ["*"])):
                yield f"{mutation} of {key}", [with_condition(statement, operator, key, wider)]
