"""The first day of forty endpoint services, whose five hundred connections people accepted over the years: `init`, `adopt`, the first audit,
then one service after the other in active mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from harness.accounts import PROVIDER, REGION, UNLISTED, root_arn
from harness.actions import Service, audit, await_record, await_state, create_endpoint, records, report, state, sweep, tag, warden
from harness.stack import NAME, Stack
from iam.deployed_policies import denied_calls
from stand_in.test_load import CONNECTIONS, SERVICES, large_world

FINDINGS, USAGE = 1, 2
MONITORING = "999900001111"  # has an endpoint for each service
ACCOUNTS = 61
FIRST, SECOND = (f"vpce-svc-{n:017x}" for n in range(2))


def world() -> dict[str, Any]:
    """The large world with an account on all services, equal and missing names, an open service, and requests that no adoption is about."""
    made = large_world()
    for service in made["services"]:
        service["connections"][0]["account"] = MONITORING
        service["permissions"].append(root_arn(MONITORING))
    for service in made["services"][:3]:
        service["connections"] += [{"account": UNLISTED, "state": state} for state in ("pendingAcceptance", "rejected", "deleted")]
    made["services"][1]["tags"] = {"Name": "Service 0"}
    made["services"][2] |= {"tags": {}, "acceptanceRequired": False}
    return made


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the provider's own set."""
    return tmp_path_factory.mktemp("adopt") / "policies"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, policies: Path) -> Iterator[Stack]:
    """A platform of its own with these services. The first test deploys the stack, with the set that it writes."""
    file = tmp_path_factory.mktemp("world") / "world.json"
    file.write_text(json.dumps(world()))
    with Stack("adopt", policies=policies, world=file) as running:
        yield running
        assert denied_calls(running) == set(), "the tests on this stack made calls that a role denies"


def files(folder: Path) -> dict[str, str]:
    """The texts of a directory's files."""
    return {file.name: file.read_text() for file in folder.iterdir()}


def rows_of(output: str) -> list[dict[str, Any]]:
    """The rows of `--output json`, beside notes."""
    rows: list[dict[str, Any]] = json.JSONDecoder().raw_decode(output[output.index("[") :])[0]
    return rows


def critical(found: list[dict[str, Any]]) -> list[str]:
    """The critical findings, by kind."""
    return [finding["kind"] if "kind" in finding else finding["finding"] for finding in found if finding["severity"] == "critical"]


def test_first_audit_after_policies_has_nothing_critical(stack: Stack, policies: Path) -> None:
    """The order of the installation: a set, the adoption, then the deployment. There is no ledger yet."""
    warden(stack, "init", str(policies), ledger="")
    fresh = files(policies)
    rows = rows_of(warden(stack, "--policies", str(policies), "adopt", "--output", "json", ledger="", status=FINDINGS))
    assert sum(int(row["connections"]) for row in rows) == CONNECTIONS
    assert len({row["account"] for row in rows}) == ACCOUNTS and min(row["since"] for row in rows) == "2016-01-15"
    everywhere = [row for row in rows if row["account"] == MONITORING]
    assert sum(int(row["connections"]) for row in everywhere) == SERVICES
    assert files(policies) == fresh, "by default, nothing is written"

    written = warden(stack, "adopt", "--write", str(policies), ledger="")
    assert f"{CONNECTIONS} connections of {ACCOUNTS} accounts on {SERVICES} services to adopt" in written and "not adopted" not in written
    made = files(policies)
    assert made["policies.cedar"] == fresh["policies.cedar"] and {*made} == {*fresh, "adopted.cedar"}
    assert made["adopted.cedar"].count("permit (") <= SERVICES, "as few policies as a person would write"
    groups = json.loads(made["groups.json"])
    assert "blocked" in groups and all(name.startswith("adopted-") for name in groups if name != "blocked")
    own = ("--policies", str(policies))
    assert "policies are valid" in warden(stack, *own, "policy", "check", ledger="")
    warden(stack, *own, "policy", "fmt", "--check", ledger="")
    assert ", 0 failed." in warden(stack, *own, "policy", "test", ledger="")
    again = warden(stack, "adopt", "--write", str(policies), ledger="")
    assert "Nothing is left to adopt" in again and files(policies) == made

    stack.deploy()
    summary = audit(stack)
    found = json.loads(report(stack, summary, "report.json"))
    assert found["totals"]["connected"] == CONNECTIONS and critical(found["findings"]) == []
    # An empty set shows that the audit would have found them.
    before = policies.with_name("empty")
    warden(stack, "init", str(before), ledger="")
    unadopted = warden(stack, "--policies", str(before), "audit", "--output", "json", status=FINDINGS)
    assert critical(rows_of(unadopted)).count("unjustified") == CONNECTIONS


def test_first_audit_after_grants_has_nothing_critical(stack: Stack, policies: Path) -> None:
    empty = ("--policies", str(policies.with_name("empty")))
    adopt = (*empty, "adopt", "--grants", "--until", "180d")
    assert "give --policies" in warden(stack, "adopt", "--grants", "--until", "180d", status=USAGE)
    assert "--until" in warden(stack, *empty, "adopt", "--grants", status=USAGE)
    assert "give --yes to confirm" in warden(stack, *adopt, status=USAGE)
    assert json.loads(warden(stack, "grants", "--output", "json")) == [], "nothing is written without an answer"

    output = warden(stack, *adopt, "--yes")
    assert f"{CONNECTIONS} grants are written." in output
    rows = json.loads(warden(stack, "grants", "--output", "json"))
    today = datetime.now(timezone.utc)
    assert len(rows) == CONNECTIONS and {row["state"] for row in rows} == {"valid"}
    assert all(PROVIDER in row["by"] and row["by"].partition(": ")[2].startswith("adopted on 20") for row in rows)
    assert {(datetime.fromisoformat(row["until"]) - today).days for row in rows} <= {179, 180}
    found = warden(stack, *empty, "audit", "--output", "json", status=FINDINGS)
    assert critical(rows_of(found)) == []
    assert "Nothing is left to adopt" in warden(stack, *adopt, "--yes")

    # A grant that a person ended is not renewed: that would undo a decision.
    ended = rows[0]["grant"]
    warden(stack, "revoke", ended, "--grants-only", "--reason", "not ours", "--yes")
    output = warden(stack, *adopt, "--yes", status=FINDINGS)
    assert f"not adopted: {ended.partition('/')[2]}" in output and "not ours" in output


def test_one_service_at_a_time(stack: Stack, policies: Path) -> None:
    observed, active = (Service(id, f"com.amazonaws.vpce.{REGION}.{id}") for id in (FIRST, SECOND))
    tag(stack, observed, "warden:mode", "observe")
    waits, connected = (create_endpoint(stack, MONITORING, service) for service in (observed, active))
    sweep(stack)
    await_state(stack, active, connected, "available")
    await_record(stack, observed, waits, "observed-accept")
    assert state(stack, observed, waits) == "pendingAcceptance" and "accepted" not in records(stack, observed, waits)

    options = ("--stack", NAME, "--scope", f"{FIRST},{SECOND}", "--policies", str(policies))
    output = warden(stack, *options, "plan")
    assert "note: in observe mode by their tag `warden:mode`" in output and "service-0" in output
    rows = warden(stack, *options, "plan", "--output", "csv")
    assert any(waits in row and row.endswith(",observe") for row in rows.splitlines())
    checks = warden(stack, *options, "doctor", "--output", "csv", status=FINDINGS)
    assert "service-0: mode,ok,observe (tag `warden:mode`)" in checks and "Service 0: mode,ok,active" in checks
    modes = {service["id"]: service["mode"] for service in json.loads(report(stack, audit(stack), "report.json"))["services"]}
    assert (modes[FIRST], modes[SECOND]) == ("observe", "active")

    stack.client("ec2").delete_tags(Resources=[FIRST], Tags=[{"Key": "warden:mode"}])
    sweep(stack)
    await_state(stack, observed, waits, "available")
