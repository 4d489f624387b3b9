"""The command line against the deployed stack: what a person does in a day, and what it says when something is wrong."""

from __future__ import annotations

import csv
import json
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from accounts import A, B, PROVIDER, REGION
from inbox import Inbox
from places import POLICIES, TARGET
from scenario import Service, ask, await_record, await_state, offer, state, sweep
from stack import Stack, quiet_environment

FINE, DIFFERENCES, USAGE, TROUBLE = range(4)


@pytest.fixture
def warden(stack: Stack):  # type: ignore[no-untyped-def]
    """Runs the command line as the provider; returns its output once its status is as expected."""

    def run(*arguments: str, status: int = FINE, ledger: bool | str = True, url: str | None = None) -> str:
        environment = quiet_environment() | {"AWS_ACCESS_KEY_ID": PROVIDER, "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": REGION}
        command = [str(TARGET / "debug" / "warden"), "--endpoint-url", url or stack.url, "--policies", str(POLICIES)]
        if ledger:
            command += ["--ledger", ledger if isinstance(ledger, str) else stack.outputs["LedgerName"]]
        done = subprocess.run([*command, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


def scope(service: Service) -> tuple[str, str]:
    return ("--scope", service.id)


def test_a_day_at_the_command_line(stack: Stack, inbox: Inbox, warden, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """policy check → plan → approve → history → audit → replay."""
    began = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert "policies are sound" in warden("policy", "check")
    assert "0 wrong" in warden("policy", "test")
    service = offer(stack, [A, B])
    await_state(stack, service, ask(stack, A, service), "available", 20)
    endpoint = ask(stack, B, service)
    inbox.await_mail(endpoint, "referred")

    planned = json.loads(warden("plan", *scope(service), "--output", "json"))
    assert [(row["endpoint"], row["would"], row["because"]) for row in planned] == [(endpoint, "refer", "no policy allows it")]
    said = warden("explain", endpoint)
    for words in (B, "refer, no policy allows it", "it speaks of another account\n", "referred  no policy allows it", "`warden approve` this one"):
        assert words in said, said

    whole = json.loads(warden("explain", endpoint, "--output", "json"))
    assert (whole["would"], whole["facts"]["connection"]["owner"], [record["verdict"] for record in whole["history"]]) == ("refer", B, ["referred"])
    conditions = list(csv.DictReader(warden("explain", endpoint, "--output", "csv").splitlines()))
    assert any(row["policy"] == "redis-consumers" and row["in scope"] == "false" for row in conditions), conditions

    assert "say --yes" in warden("approve", endpoint, "--reason", "pilot", status=USAGE)
    approved = warden("approve", endpoint, "--reason", "pilot", "--until", "30d", "--yes")
    assert f"{endpoint} is accepted." in approved
    await_state(stack, service, endpoint, "available", 20)
    record = await_record(stack, service, endpoint, "accepted", 200)
    grant = json.loads(record["record"]["S"])["grant"]
    assert grant["reason"] == "pilot" and PROVIDER in grant["by"]

    rows = list(csv.DictReader(warden("history", endpoint, "--output", "csv").splitlines()))
    assert [row["verdict"] for row in rows] == ["referred", "granted", "accepted"]
    assert all("pilot" in row["by"] for row in rows[1:]) and rows[0]["by"] == "no policy allows it"
    assert all(datetime.fromisoformat(row["at"]).tzinfo for row in rows) and datetime.fromisoformat(rows[1]["until"]) > datetime.now(timezone.utc)
    assert "let in this endpoint: pilot (holds until" in warden("explain", endpoint)
    grants = json.loads(warden("explain", endpoint, "--output", "json"))["grants"]
    assert [(grant["reason"], grant["to"]) for grant in grants] == [("pilot", {"endpoint": endpoint})]
    assert endpoint in warden("history", B) and endpoint not in warden("history", A)

    found = warden("audit", *scope(service), "--format", "table,html,json,csv,ocsf", "--out", str(tmp_path), status=DIFFERENCES)
    assert "wide-permission" in found and "unjustified" not in found
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.json", "findings.csv", "connections.csv", "findings.ocsf.jsonl"}
    justified = {c["endpoint"]: c["justification"]["by"] for c in json.loads((tmp_path / "report.json").read_text())["connections"]}
    assert justified[endpoint] == "grant"

    assert "would make all of them again" in warden("replay", "--since", began)


def test_a_policy_is_changed_with_its_effect_seen_first(stack: Stack, warden, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    service = offer(stack, [A, B])
    connected, waiting = ask(stack, A, service), ask(stack, B, service)
    await_state(stack, service, connected, "available", 20)
    (tmp_path / "b.cedar").write_text(
        f'@id("b-only") permit(principal == PrivateLink::Account::"{B}", action == PrivateLink::Action::"Accept", resource);\n'
    )
    same = warden("plan", *scope(service), "--policy", str(POLICIES))
    assert "would change nothing" in same
    changed = json.loads(warden("plan", *scope(service), "--policy", str(tmp_path), "--output", "json", status=DIFFERENCES))
    assert {(row["endpoint"], row["now"], row["then"]) for row in changed} == {(waiting, "refer", "accept"), (connected, "justified", "unjustified")}


def test_reject_and_revoke(stack: Stack, inbox: Inbox, warden) -> None:  # type: ignore[no-untyped-def]
    service = offer(stack, [B])
    first, second = ask(stack, B, service), ask(stack, B, service)
    inbox.await_mail(first, "referred")
    missing = warden("reject", first, "--reason", "not this year", "--yes", ledger="nosuch", status=TROUBLE)
    assert "check --ledger" in missing and state(stack, service, first) == "pendingAcceptance", "nothing is half done"
    assert f"{first} is rejected." in warden("reject", first, "--reason", "not this year", "--yes")
    await_state(stack, service, first, "rejected", 20)
    assert "not this year" in inbox.await_mail(first, "rejected").body["why"], "its owner reads who turned it away, and why"
    assert "not this year" in warden("history", first)
    assert "rejected already" in warden("reject", first, "--reason", "not this year", "--yes")

    third = ask(stack, B, service)
    warden("approve", second, "--reason", "pilot", "--account", "--yes")
    sweep(stack)
    for endpoint in (second, third):
        await_state(stack, service, endpoint, "available", 30)
    assert "revoke" in warden("reject", second, "--reason", "over", "--yes", status=USAGE)
    assert "its next endpoint is let in. --account ends that, too" in warden("revoke", second, "--reason", "over", status=USAGE)
    asked = warden("revoke", second, "--reason", "over", "--account", status=USAGE)
    assert "Live traffic stops" in asked and second in asked and third in asked
    said = warden("revoke", second, "--reason", "over", "--account", "--yes")
    assert "ended" in said
    for endpoint in (second, third):
        assert f"{endpoint} is cut off." in said
        await_state(stack, service, endpoint, "rejected", 20)
        assert "over" in warden("history", endpoint)
    assert "let in its whole account: pilot (ended" in warden("explain", second)
    assert "must create a new endpoint" in warden("explain", second)
    # The account's grant has ended: its next request waits.
    fourth = ask(stack, B, service)
    inbox.await_mail(fourth, "referred")


def test_revoking_what_a_rule_lets_in_says_that_the_rule_stays(stack: Stack, warden) -> None:  # type: ignore[no-untyped-def]
    service = offer(stack, [A])
    endpoint = ask(stack, A, service)
    await_state(stack, service, endpoint, "available", 20)
    await_record(stack, service, endpoint, "accepted")
    said = warden("explain", endpoint)
    assert "To cut it off: `warden revoke`" in said and "write a `forbid`" not in said
    said = warden("revoke", endpoint, "--reason", "misused", "--yes")
    assert "`redis-consumers` lets the account's next endpoint in" in said and f"{endpoint} is cut off." in said


def test_where_nothing_is_in_scope_nothing_is_called_fine(stack: Stack, warden, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A wrong Region, or a misspelt scope."""
    service = offer(stack, [A])
    for where in (("--region", "eu-west-1"), ("--scope", "tag:Name=rediss")):
        for command in (("plan",), ("audit", "--format", "json", "--out", str(tmp_path)), ("principals",)):
            said = warden(*command, *where, status=USAGE)
            assert where[1] in said and "check --region" in said, (command, said)
    assert not list(tmp_path.iterdir())
    endpoint = ask(stack, A, service)
    assert "in eu-west-1" in warden("explain", endpoint, "--region", "eu-west-1", status=USAGE)


def test_an_account_that_was_granted_is_let_in_by_the_warden_itself(stack: Stack, warden) -> None:  # type: ignore[no-untyped-def]
    service = offer(stack, [B])
    first = ask(stack, B, service)
    warden("approve", first, "--reason", "partner", "--account", "--yes")
    second = ask(stack, B, service)
    await_state(stack, service, second, "available", 30)
    sweep(stack)
    assert json.loads(await_record(stack, service, second, "accepted")["record"]["S"])["grant"]["reason"] == "partner"


def test_what_goes_wrong_is_said_with_what_to_do(stack: Stack, warden) -> None:  # type: ignore[no-untyped-def]
    assert "check the id" in warden("explain", "vpce-0ffffffffffffffff", status=USAGE)
    assert "LedgerName" in warden("history", ledger=False, status=USAGE)
    assert "AWS was not reached" in warden("plan", url="http://127.0.0.1:9", status=TROUBLE)
    for code, advice in (("UnauthorizedOperation", "lacks this permission"), ("RequestExpired", "sign in again"), ("AuthFailure", "check --profile")):
        stack.local("faults", post=True, action="DescribeVpcEndpointServiceConfigurations", code=code, status="400", next="1")
        assert advice in warden("plan", status=TROUBLE), code
    topic = stack.outputs["ConnectionsTopicArn"]
    rows = {row["check"]: row for row in json.loads(warden("doctor", "--topic", f"{topic}x", "--output", "json", "--stack", "other", status=DIFFERENCES))}
    assert "check --topic" in rows["the notifications' topic"]["do"]
    assert not any(f"{topic}x" in row["do"] for row in rows.values()), "no command points anything at a topic that is not there"
    assert "that is over already" in warden("approve", "vpce-0123456789abcdef0", "--reason", "x", "--until", "2020-01-01T00:00:00Z", status=USAGE)
