"""The command line against the deployed stack: a day's commands, and their errors. test_cli_output.py holds the whole output."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from harness.accounts import ALLOWED, PROVIDER, UNLISTED
from harness.actions import await_record, await_state, create_endpoint, create_service, state, sweep
from harness.actions import warden as run
from harness.fault_injection import fail
from harness.inbox import Inbox
from harness.stack import Stack
from tasks.paths import POLICIES

DIFFERENCES, USAGE, ERROR = range(1, 4)
EXCESS = "222233334444"  # an allowed principal that no policy and no grant names
Warden = Callable[..., str]


@pytest.fixture
def warden(stack: Stack) -> Warden:
    """The command line with the packaged policies."""
    return functools.partial(run, stack, "--policies", str(POLICIES))


def test_commands_of_a_day(stack: Stack, inbox: Inbox, warden: Warden, tmp_path: Path) -> None:
    """policy check → plan → approve → history → audit → replay."""
    began = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert "policies are valid" in warden("policy", "check")
    assert ", 0 failed." in warden("policy", "test")
    service = create_service(stack, [ALLOWED, UNLISTED, EXCESS])
    await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available")
    endpoint = create_endpoint(stack, UNLISTED, service)
    inbox.await_message(endpoint, "referred")

    planned = json.loads(warden("plan", "--scope", service.id, "--output", "json"))
    assert [(row["endpoint"], row["would"], row["because"]) for row in planned] == [(endpoint, "refer", "no policy allows it")]
    whole = json.loads(warden("explain", endpoint, "--output", "json"))
    assert (whole["would"], whole["facts"]["connection"]["owner"], [record["verdict"] for record in whole["history"]]) == ("refer", UNLISTED, ["referred"])
    conditions = list(csv.DictReader(warden("explain", endpoint, "--output", "csv").splitlines()))
    assert any(row["policy"] == "redis-consumers" and row["in scope"] == "false" for row in conditions), conditions

    assert "give --yes to confirm" in warden("approve", endpoint, "--reason", "pilot", status=USAGE)
    assert f"{endpoint} is accepted." in warden("approve", endpoint, "--reason", "pilot", "--until", "30d", "--yes")
    await_state(stack, service, endpoint, "available")
    record = await_record(stack, service, endpoint, "accepted", 200)
    grant = json.loads(record["record"]["S"])["grant"]
    assert grant["reason"] == "pilot" and PROVIDER in grant["by"]

    rows = list(csv.DictReader(warden("history", endpoint, "--output", "csv").splitlines()))
    assert [row["verdict"] for row in rows] == ["referred", "granted", "accepted"]
    assert all("pilot" in row["by"] for row in rows[1:]) and rows[0]["by"] == "no policy allows it"
    assert all(datetime.fromisoformat(row["at"]).tzinfo for row in rows) and datetime.fromisoformat(rows[1]["until"]) > datetime.now(timezone.utc)
    grants = json.loads(warden("explain", endpoint, "--output", "json"))["grants"]
    assert [(grant["reason"], grant["to"]) for grant in grants] == [("pilot", {"subject": endpoint})]
    assert endpoint in warden("history", UNLISTED) and endpoint not in warden("history", ALLOWED)

    found = warden("audit", "--scope", service.id, "--format", "table,html,json,csv,ocsf", "--out", str(tmp_path), status=DIFFERENCES)
    assert "excess-permission" in found and "unjustified" not in found
    assert EXCESS in found and UNLISTED not in found, "a permission with a grant is no excess"
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json", "findings.csv", "connections.csv", "findings.ocsf.jsonl"}
    justified = {c["endpoint"]: c["justification"]["by"] for c in json.loads((tmp_path / "report.json").read_text())["connections"]}
    assert justified[endpoint] == "grant"

    assert "makes the same decisions" in warden("replay", "--since", began)


def test_reject_and_revoke(stack: Stack, inbox: Inbox, warden: Warden) -> None:
    service = create_service(stack, [UNLISTED])
    first, second = create_endpoint(stack, UNLISTED, service), create_endpoint(stack, UNLISTED, service)
    inbox.await_message(first, "referred")
    missing = warden("reject", first, "--reason", "not this year", "--yes", ledger="nosuch", status=ERROR)
    assert "check --ledger" in missing and state(stack, service, first) == "pendingAcceptance", "nothing is half done"
    assert f"{first} is rejected." in warden("reject", first, "--reason", "not this year", "--yes")
    await_state(stack, service, first, "rejected")
    assert "not this year" in inbox.await_message(first, "rejected").body["why"], "the message names the reason"
    assert "not this year" in warden("history", first)
    assert f"{first} is already rejected." in warden("reject", first, "--reason", "not this year", "--yes")

    third = create_endpoint(stack, UNLISTED, service)
    warden("approve", second, "--reason", "pilot", "--account", "--yes")
    sweep(stack)
    for endpoint in (second, third):
        await_state(stack, service, endpoint, "available", 30)
    assert "revoke" in warden("reject", second, "--reason", "over", "--yes", status=USAGE)
    assert "accepts its next endpoint; --account ends it too" in warden("revoke", second, "--reason", "over", status=USAGE)
    question = warden("revoke", second, "--reason", "over", "--account", status=USAGE)
    assert "Live traffic stops" in question and second in question and third in question
    output = warden("revoke", second, "--reason", "over", "--account", "--yes")
    assert "ended" in output
    for endpoint in (second, third):
        assert f"{endpoint} is disconnected." in output
        await_state(stack, service, endpoint, "rejected")
        assert "over" in warden("history", endpoint)
    assert "approved its whole account: pilot (ended" in warden("explain", second)
    assert "must create a new endpoint" in warden("explain", second)
    # The account's grant has ended: its next request stays pending.
    inbox.await_message(create_endpoint(stack, UNLISTED, service), "referred")


@pytest.mark.parametrize("one_service", [True, False], ids=["one service", "all services"])
def test_pause_stops_acts_until_resume(stack: Stack, inbox: Inbox, warden: Warden, one_service: bool) -> None:
    service = create_service(stack, [ALLOWED])
    scope = ("--service", service.id) if one_service else ()
    warden("pause", *scope, "--reason", "a move")
    try:
        held = create_endpoint(stack, ALLOWED, service)
        assert "a move" in inbox.await_message(held, "referred").body["why"]
        assert "a move" in warden("approve", held, "--reason", "now", "--yes", status=DIFFERENCES), "a person's decision waits, too"
        assert "a move" in warden("plan", "--scope", service.id)
        sweep(stack)
        assert state(stack, service, held) == "pendingAcceptance"
    finally:
        warden("resume", *scope, "--reason", "moved")
    sweep(stack)
    await_state(stack, service, held, "available")


def test_revoke_names_a_policy_that_still_accepts(stack: Stack, warden: Warden) -> None:
    service = create_service(stack, [ALLOWED])
    endpoint = create_endpoint(stack, ALLOWED, service)
    await_state(stack, service, endpoint, "available")
    await_record(stack, service, endpoint, "accepted")
    output = warden("explain", endpoint)
    assert "To disconnect it, use `warden revoke`" in output and "write a `forbid`" not in output
    output = warden("revoke", endpoint, "--reason", "misused", "--yes")
    assert "`redis-consumers` accepts the account's next endpoint" in output and f"{endpoint} is disconnected." in output


def test_empty_scope_is_an_error(stack: Stack, warden: Warden, tmp_path: Path) -> None:
    """A wrong Region or a misspelt scope is not reported as a clean result."""
    service = create_service(stack, [ALLOWED])
    for where in (("--region", "eu-west-1"), ("--scope", "tag:Name=rediss")):
        for command in (("plan",), ("audit", "--format", "json", "--out", str(tmp_path)), ("principals",)):
            output = warden(*command, *where, status=USAGE)
            assert where[1] in output and "check --region" in output, (command, output)
    assert not list(tmp_path.iterdir())
    endpoint = create_endpoint(stack, ALLOWED, service)
    assert "in eu-west-1" in warden("explain", endpoint, "--region", "eu-west-1", status=USAGE)


def test_errors_say_how_to_fix_them(stack: Stack, warden: Warden) -> None:
    assert "check the id" in warden("explain", "vpce-0ffffffffffffffff", status=USAGE)
    assert "LedgerName" in warden("history", ledger="", status=USAGE)
    assert "AWS was not reached" in warden("plan", url="http://127.0.0.1:9", status=ERROR)
    for code, advice in (("UnauthorizedOperation", "lacks this permission"), ("RequestExpired", "sign in again"), ("AuthFailure", "check --profile")):
        fail(stack, "DescribeVpcEndpointServiceConfigurations", {"code": code, "status": "400"}, 1)
        assert advice in warden("plan", status=ERROR), code
    topic = stack.outputs["ConnectionsTopicArn"]
    rows = {row["check"]: row for row in json.loads(warden("doctor", "--topic", f"{topic}x", "--output", "json", "--stack", "other", status=DIFFERENCES))}
    assert "check --topic" in rows["notification topic"]["fix"]
    assert not any(f"{topic}x" in row["fix"] for row in rows.values()), "no command names the missing topic"
    assert "this time is in the past" in warden("approve", "vpce-0123456789abcdef0", "--reason", "x", "--until", "2020-01-01T00:00:00Z", status=USAGE)
