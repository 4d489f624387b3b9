"""A function's role allows exactly the actions that the function's ports can request. Needs no running stack."""

from __future__ import annotations

import pytest
from iam.deployed_policies import template_policies
from iam.evaluation import listed
from iam.port_actions import actions_of, ports, ports_of
from iam.service_calls import REASONS

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


@pytest.mark.parametrize("port", sorted(ports()))
def test_every_port_has_an_adapter(port: str) -> None:
    assert actions_of(port), f"the source of {port}'s adapters has no call"


def test_audit_reads_and_notify_publishes_only() -> None:
    """The documents promise this, so it has a test of its own."""
    acts = {"Accept", "Reject", "Admit"}
    assert ports_of("notify") == {"Publish"}
    assert not ports_of("audit") & {*acts, "ServiceLedger", "PersonLedger", "RequestQueue", "Publish"}
    assert not ports_of("approve") & {"PersonLedger", "Publish"}
