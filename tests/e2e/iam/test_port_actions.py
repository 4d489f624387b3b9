"""A function's role allows exactly the actions that the function's ports can request. Needs no running stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from iam.deployed_policies import template_policies
from iam.evaluation import listed
from iam.port_actions import actions_of, ports, ports_of
from iam.service_calls import REASONS
from tasks.paths import ROOT

BY_SERVICES = {action for reason in REASONS for action in reason.actions}
ROLES = {"approve": "ApproveRole", "audit": "AuditRole", "notify": "NotifyRole"}


def allowed_actions(role: str) -> set[str]:
    """The actions that a role allows."""
    return {action for statement in template_policies()[role] if statement["Effect"] == "Allow" for action in listed(statement["Action"])}


def requested_actions(function: str) -> set[str]:
    """The actions that a function's ports request."""
    return set().union(*(actions_of(port) for port in ports_of(function)))


@pytest.mark.parametrize("function", ROLES)
def test_role_allows_exactly_its_ports_actions(function: str) -> None:
    assert requested_actions(function) - allowed_actions(ROLES[function]) == set(), "the function would be denied these"
    assert allowed_actions(ROLES[function]) - requested_actions(function) - BY_SERVICES == set(), "no port requests these"


def endpoint_actions(role: str) -> set[str]:
    """The actions that the policies of the VPC's endpoints allow a role. They name roles by the beginning of their name."""
    resources = cfn_yaml.load(str(ROOT / "infra" / "network.yaml"))["Resources"]
    found = {action for each in statements_in(resources) if f"-{role}-*" in str(each.get("Condition")) for action in listed(each["Action"])}
    assert found, f"no endpoint's policy names {role}"
    return found


def statements_in(value: Any) -> Iterator[dict[str, Any]]:
    """All statements that allow something."""
    if isinstance(value, dict) and value.get("Effect") == "Allow":
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from statements_in(each)


@pytest.mark.parametrize("function", ROLES)
def test_endpoint_policies_allow_the_ports_actions(function: str) -> None:
    assert requested_actions(function) - endpoint_actions(ROLES[function]) == set(), "in a VPC, the function would be denied these"


@pytest.mark.parametrize("port", sorted(ports()))
def test_every_port_has_an_adapter(port: str) -> None:
    assert actions_of(port), f"the source of {port}'s adapters has no call"


def test_audit_reads_and_notify_tells_only() -> None:
    """The documents promise this, so it has a test of its own."""
    acts, tells = {"Accept", "Reject", "PermissionEditor"}, {"Emit", "Publish", "ToldLedger", "UntoldQueue"}
    assert {*acts, *tells, "ServiceLedger", "PersonLedger", "RequestQueue"} <= ports()
    assert ports_of("notify") == tells
    assert not ports_of("audit") & {*acts, *tells, "ServiceLedger", "PersonLedger", "RequestQueue"}
    assert not ports_of("approve") & {*tells, "PersonLedger", "PermissionEditor"}
