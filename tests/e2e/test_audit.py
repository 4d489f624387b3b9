"""The audit on the deployed template: planted drift is found and told once, and mending it resolves it."""

from __future__ import annotations

import csv
import json
from typing import Any

import jsonschema
from accounts import A, B
from inbox import Inbox
from places import ROOT
from processes import until
from scenario import Service, ask, audit, await_state, findings, mend_drift, offer, plant_drift, report
from stack import Stack


def news(inbox: Inbox, service: Service, count: int) -> list[dict[str, Any]]:
    """The audits' messages about a service, once there are so many."""
    return until(f"{count} messages of audits about {service.id}", 30, lambda: [mail.body for mail in inbox.digests(service.id)] if len(inbox.digests(service.id)) >= count else None)


def test_drift_is_found_and_told_once_and_mending_resolves_it(stack: Stack, inbox: Inbox) -> None:
    service = offer(stack, [A, B])
    connected, by_hand = ask(stack, A, service), ask(stack, B, service)
    await_state(stack, service, connected, "available", 30)
    inbox.await_mail(by_hand, "referred")
    audit(stack)  # what is there before is not this test's news
    before = len(inbox.digests(service.id)) or len(news(inbox, service, 1))

    plant_drift(stack, service, A, by_hand)
    planted = {f"cannot-ask {A}", f"unjustified {by_hand}", "open-door"}
    first = audit(stack)
    assert planted <= findings(stack, first, service)
    message = news(inbox, service, before + 1)[-1]
    assert message["severity"] == "critical"
    for kind in ("Acceptance is switched off", "Connected, and no policy allows it", "Is accepted, and may not ask"):
        assert message["text"].count(kind) == 1, message["text"]

    again = audit(stack)
    assert (again["opened"], again["worsened"], again["resolved"]) == (0, 0, 0)
    assert planted <= findings(stack, again, service)

    mend_drift(stack, service, A, by_hand)
    last = audit(stack)
    assert not planted & findings(stack, last, service)
    assert last["resolved"] == len(planted)
    told = news(inbox, service, before + 2)
    assert len(told) == before + 2, "the second run told nothing"
    assert {finding["kind"] for finding in told[-1]["resolved"]} == {"cannot-ask", "unjustified", "open-door"}
    assert all(finding["open_seconds"] >= 0 for finding in told[-1]["resolved"])


def test_the_report_is_what_its_schema_says(stack: Stack) -> None:
    service = offer(stack, [A])
    await_state(stack, service, ask(stack, A, service), "available", 30)
    summary = audit(stack)
    found = json.loads(report(stack, summary, "report.json"))
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
    assert any(connection["service"] == service.id and connection["justification"]["policies"] == ["redis-consumers"] for connection in found["connections"])
    rows = list(csv.DictReader(report(stack, summary, "connections.csv").decode().splitlines()))
    assert len(rows) == len(found["connections"])
    events = [json.loads(line) for line in report(stack, summary, "findings.ocsf.jsonl").decode().splitlines()]
    assert len(events) >= len(found["findings"])
    assert all(event["class_uid"] == 2003 and event["metadata"]["version"] == "1.4.0" for event in events)


def test_two_audits_at_once_tell_everything_once(stack: Stack, inbox: Inbox) -> None:
    import concurrent.futures

    service = offer(stack, [A, B])
    by_hand = ask(stack, B, service)
    stack.client("ec2").accept_vpc_endpoint_connections(ServiceId=service.id, VpcEndpointIds=[by_hand])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(lambda _: audit(stack), range(2)))
    assert sum(summary["opened"] for summary in summaries) == len({*findings(stack, summaries[0], service)})
    assert len(news(inbox, service, 1)) == 1


def test_the_schedule_invokes_the_audit(stack: Stack) -> None:
    target = stack.client("scheduler").get_schedule(Name="warden-audit")["Target"]
    assert target["Arn"].endswith(stack.outputs["AuditFunction"]) and "DeadLetterConfig" in target
