"""What a function's code can ask of AWS, by its port bounds, is what its role may do. Needs no running stack."""

from __future__ import annotations

import pytest
from bounds import actions_of, ports, ports_of
from duties import REASONS
from granted import written
from privilege import listed

BY_SERVICES = {action for reason in REASONS for action in reason.actions}
ROLES = {"approve": "ApproveRole", "audit": "AuditRole", "notify": "NotifyRole"}


def may(role: str) -> set[str]:
    """What a role's statements allow the function itself."""
    return {action for statement in written()[role] if statement["Effect"] == "Allow" for action in listed(statement["Action"])} - BY_SERVICES


def can(function: str) -> set[str]:
    """What a function's ports ask for."""
    return set().union(*(actions_of(port) for port in ports_of(function)))


@pytest.mark.parametrize("function", ROLES)
def test_a_function_may_do_what_its_ports_ask_for_and_nothing_else(function: str) -> None:
    assert can(function) - may(ROLES[function]) == set(), "its code would be denied this"
    assert may(ROLES[function]) - can(function) == set(), "no port of its asks for this"
    assert not can(function) & BY_SERVICES, "there must be one reason for a right, not two"


@pytest.mark.parametrize("port", sorted(ports()))
def test_every_port_has_an_adapter_that_asks_for_something(port: str) -> None:
    assert actions_of(port), f"no call is found in the source of {port}'s adapters"


def test_the_audit_only_looks_and_notify_only_tells() -> None:
    """Said outright, because it is promised in the documents."""
    acts = {"Accept", "Reject", "Admit"}
    assert ports_of("notify") == {"Publish"}
    assert not ports_of("audit") & {*acts, "Ledger", "Publish"}
    assert "Publish" not in ports_of("approve")
