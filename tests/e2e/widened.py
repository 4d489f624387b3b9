"""Policies that allow more than a template meant to, one step wider each: what a test of least privilege must see."""

from __future__ import annotations

from collections.abc import Iterator

from privilege import Policies, Statement, listed, with_condition


def widenings(policies: Policies) -> Iterator[tuple[str, Policies]]:
    """Each statement widened in every way, and each role given one more."""
    for role, statements in policies.items():
        for at, statement in enumerate(statements):
            for how, more in widened(statement):
                yield f"{role}, {statement['Sid']}: {how}", policies | {role: [*statements[:at], *more, *statements[at + 1 :]]}
        another: Statement = {"Sid": "More", "Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
        yield f"{role}: one more statement", policies | {role: [*statements, another]}


def widened(statement: Statement) -> Iterator[tuple[str, list[Statement]]]:
    """What may stand in a statement's place."""
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
            for how, wider in (("one more value", [*listed(values), "another"]), ("any value", ["*"])):
                yield f"{how} of {key}", [with_condition(statement, operator, key, wider)]
