"""The audit on the deployed template: planted drift is found and told once, and its end is told once."""

from __future__ import annotations

import csv
import json

import jsonschema
from harness.accounts import ALLOWED, UNLISTED
from harness.actions import audit, await_state, create_endpoint, create_service, findings, plant_drift, report, undo_drift
from harness.inbox import Inbox
from harness.stack import Stack
from tasks.paths import ROOT


def test_drift_is_told_once_and_resolved(stack: Stack, inbox: Inbox) -> None:
    audit(stack)  # tells the findings of earlier tests, whose number could push this service out of a message
    service = create_service(stack, [ALLOWED, UNLISTED])
    connected, by_hand = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    await_state(stack, service, connected, "available")
    inbox.await_message(by_hand, "referred")
    audit(stack)
    before = len(inbox.await_digests(service.id, 1))

    plant_drift(stack, service, ALLOWED, by_hand)
    planted = {f"missing-permission {ALLOWED}", f"unjustified {by_hand}", "acceptance-disabled"}
    first = audit(stack)
    assert planted <= findings(stack, first, service)
    message = inbox.await_digests(service.id, before + 1)[-1]
    assert message["severity"] == "critical"
    for kind in ("Acceptance is switched off", "Connected, and no policy allows it", "Allowed by policy, without permission"):
        assert message["text"].count(kind) == 1, message["text"]

    again = audit(stack)
    assert (again["opened"], again["worsened"], again["resolved"]) == (0, 0, 0)
    assert planted <= findings(stack, again, service)

    undo_drift(stack, service, ALLOWED, by_hand)
    last = audit(stack)
    assert not planted & findings(stack, last, service)
    assert last["resolved"] == len(planted)
    digests = inbox.await_digests(service.id, before + 2)
    assert len(digests) == before + 2, "the second audit sent no message"
    assert {finding["kind"] for finding in digests[-1]["resolved"]} == {"missing-permission", "unjustified", "acceptance-disabled"}
    assert all(finding["open_seconds"] >= 0 for finding in digests[-1]["resolved"])


def test_report_follows_its_schema(stack: Stack) -> None:
    service = create_service(stack, [ALLOWED])
    await_state(stack, service, create_endpoint(stack, ALLOWED, service), "available")
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
