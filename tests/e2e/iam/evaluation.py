"""The check of least privilege: roles may make their calls and no others. Pure: takes policies and calls, returns sentences.

ministack's `iam_evaluator` evaluates IAM's order, wildcards and operators. It treats an unknown element as one that does not match, which in
a `Deny` would allow the call. Here, an element that it does not know or that the template does not use is therefore a problem in itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate, fnmatch_iam_cs, parse_policy_document

Statement = dict[str, Any]
Policies = dict[str, list[Statement]]  # by role

ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}
# The conditions whose values the recorded calls have.
LEADING_KEYS, SOURCE, BY_CODE = "dynamodb:LeadingKeys", "events:source", "lambda:SourceFunctionArn"
VIA_SERVICE, SERVICE_TAG = "kms:ViaService", "ec2:ResourceTag/warden"
CONDITIONS = {
    ("ForAllValues:StringLike", LEADING_KEYS),
    ("ForAllValues:StringEquals", SOURCE),
    ("ArnLike", BY_CODE),
    ("StringLike", VIA_SERVICE),
    ("StringEquals", SERVICE_TAG),
}
MULTIVALUED = {LEADING_KEYS, SOURCE}


@dataclass(frozen=True)
class Call:
    """A call to AWS with a role."""

    role: str
    action: str
    resource: str
    context: frozenset[tuple[str, tuple[str, ...]]] = field(default_factory=frozenset)

    def by(self, role: str) -> Call:
        """The same call with another role, without the mark of the function's code."""
        return Call(role, self.action, self.resource, frozenset(each for each in self.context if each[0] != BY_CODE))

    def __str__(self) -> str:
        context = "".join(f" with {key} {', '.join(values)}" for key, values in sorted(self.context))
        return f"{self.action} on {self.resource}{context}"


@dataclass(frozen=True)
class Wide:
    """A resource or a condition's value with a wildcard, and the reason why it is not narrower."""

    role: str
    sid: str
    pattern: str
    reason: str


def listed(value: Any) -> list[Any]:
    """The value as a list. IAM accepts one value instead of a list."""
    return value if isinstance(value, list) else [value]


def problems(policies: Policies, calls: set[Call], forbidden: set[Call], wide: Iterable[Wide]) -> Iterator[str]:
    """All problems, the most important first."""
    yield from (problem for role, statements in policies.items() for each in statements for problem in unreadable(role, each))
    yield from (f"{call.role} is denied a call that it makes: {call}" for call in calls if not allowed(policies, call))
    yield from (f"{call.role} is allowed a forbidden call: {call}" for call in forbidden if allowed(policies, call))
    yield from too_wide(policies, {(each.role, each.sid, each.pattern) for each in wide})
    yield from (f"no call needs {part}" for part in unused(policies, calls))
    yield from redundant(policies, forbidden)


def unreadable(role: str, statement: Statement) -> Iterator[str]:
    """The elements of a statement that this check cannot evaluate."""
    where = f"{role}, {statement.get('Sid')}"
    if not statement.get("Sid"):
        yield f"{role} has a statement without a name"
    if set(statement) - ELEMENTS or statement.get("Effect") not in ("Allow", "Deny"):
        yield f"{where}: {sorted(set(statement) - ELEMENTS) or statement.get('Effect')} is not known here"
    if any("*" in action or "?" in action for action in listed(statement.get("Action", []))):
        yield f"{where}: actions are named one by one"
    for operator, keys in statement.get("Condition", {}).items():
        yield from (f"{where}: {operator} on {key} is not known here" for key in keys if (operator, key) not in CONDITIONS)
    if "${" in str(statement):
        yield f"{where}: variables are not known here"


def allowed(policies: Policies, call: Call) -> bool:
    """Returns true if a role's statements allow a call."""
    context = {key: list(values) for key, values in call.context}
    # On AWS, `ForAllValues` matches a request without the key. Here such a statement does not count.
    counting = [each for each in policies.get(call.role, []) if each["Effect"] == "Deny" or keys_of(each) <= set(context)]
    request = EvalContext(
        principal_arn=call.role,
        principal_type="AssumedRole",
        principal_account="",
        action=call.action,
        resource_arn=call.resource,
        region="",
        service_context={key.lower(): values if key in MULTIVALUED else values[0] for key, values in context.items()},
    )
    return bool(evaluate(request, [parse_policy_document({"Statement": counting})]).decision == "Allow")


def keys_of(statement: Statement) -> set[str]:
    """The condition keys of a statement."""
    return {key for keys in statement.get("Condition", {}).values() for key in keys}


def too_wide(policies: Policies, written: set[tuple[str, str, str]]) -> Iterator[str]:
    """The wildcards in resources and conditions without a written reason, and the reasons without a wildcard."""
    found = {
        (role, each.get("Sid", ""), value)
        for role, statements in policies.items()
        for each in statements
        for value in [*listed(each["Resource"]), *values_of(each)]
        if each["Effect"] == "Allow" and ("*" in value or "?" in value)
    }
    yield from (f"{role}, {sid}: {value} has a wildcard without a reason" for role, sid, value in sorted(found - written))
    yield from (f"{role}, {sid}: the reason for {value} is stale" for role, sid, value in sorted(written - found))


def values_of(statement: Statement) -> list[str]:
    """All values of a statement's conditions."""
    return [value for keys in statement.get("Condition", {}).values() for values in keys.values() for value in listed(values)]


def unused(policies: Policies, calls: set[Call]) -> Iterator[str]:
    """The permissions that no call uses: an action on a resource under a value of a condition."""
    for role, statements in policies.items():
        for statement in (each for each in statements if each["Effect"] == "Allow"):
            for action in listed(statement["Action"]):
                made = [single for call in calls if (call.role, call.action) == (role, action) for single in singles(call)]
                for part in parts({**statement, "Action": action}):
                    if not any(allowed({role: [part]}, call) for call in made):
                        context = "".join(f" with {key} {value}" for keys in part.get("Condition", {}).values() for key, value in keys.items())
                        yield f"{role}, {statement['Sid']}: {action} on {part['Resource']}{context}"


def redundant(policies: Policies, forbidden: set[Call]) -> Iterator[str]:
    """The statements that occur twice, and the `Deny` statements that deny no forbidden call."""
    for role, statements in policies.items():
        for at, statement in enumerate(statements):
            others = [*statements[:at], *statements[at + 1 :]]
            if statement in others:
                yield f"{role}, {statement.get('Sid')} occurs twice"
            if statement["Effect"] == "Deny" and not any(allowed({role: others}, call) for call in forbidden if call.role == role):
                yield f"{role}, {statement.get('Sid')} denies no forbidden call"


def parts(statement: Statement) -> Iterator[Statement]:
    """The statement split: each resource under each value of its conditions."""
    for resource in listed(statement["Resource"]):
        split: list[Statement] = [{**statement, "Resource": resource}]
        for operator, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                split = [with_condition(each, operator, key, value) for each in split for value in listed(values)]
        yield from split


def with_condition(statement: Statement, operator: str, key: str, value: Any) -> Statement:
    """The statement with another value of a condition."""
    more = copy.deepcopy(statement)
    more["Condition"][operator][key] = value
    return more


def of_others(calls: set[Call], roles: Iterable[str], wide: Iterable[Wide]) -> set[Call]:
    """The calls that a role must not be allowed because only other roles made them, or none did: an example of each kind."""
    patterns = [each.pattern for each in wide if each.pattern != "*"]

    def one_of(value: str) -> str:
        """The written wildcard that matches a value: all its values are of one kind."""
        return next((pattern for pattern in patterns if fnmatch_iam_cs(value, pattern)), value)

    def kind(call: Call) -> tuple[Any, ...]:
        return call.action, one_of(call.resource), frozenset((key, tuple(map(one_of, values))) for key, values in call.by("").context)

    seen = {single for call in calls for single in singles(call)}
    made = {(call.role, kind(call)) for call in seen}
    examples = {kind(call): call for call in seen | crossed(seen)}
    return {call.by(role) for role in roles for each, call in examples.items() if (role, each) not in made}


def in_another_name(calls: set[Call]) -> set[Call]:
    """The calls that put events, with another source."""
    put = {call for call in calls if any(key == SOURCE for key, _ in call.context)}
    return {Call(call.role, call.action, call.resource, frozenset(each for each in call.context if each[0] != SOURCE) | {(SOURCE, ("another",))}) for call in put}


def singles(call: Call) -> Iterator[Call]:
    """The call for each of its partition keys alone. A transaction has several."""
    keys = [value for key, values in call.context if key == LEADING_KEYS for value in values]
    rest = frozenset(each for each in call.context if each[0] != LEADING_KEYS)
    yield from (Call(call.role, call.action, call.resource, rest | {(LEADING_KEYS, (key,))}) for key in keys)
    if not keys:
        yield call


def crossed(calls: set[Call]) -> set[Call]:
    """Each action that was made on a table, with each partition key that was used there."""
    keyed = {call.by("") for call in calls if any(key == LEADING_KEYS for key, _ in call.context)}
    actions = {(call.resource, call.action) for call in keyed}
    contexts = {(call.resource, call.context) for call in keyed}
    return {Call("", action, table, context) for table, action in actions for where, context in contexts if where == table}
