"""Events for programs on the deployed template: a rule with a queue gets them, they follow their schema, and the examples' rules take them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
from cfnlint.decode import cfn_yaml
from harness.accounts import ALLOWED, PROVIDER, REGION, UNLISTED
from harness.actions import audit, await_record, await_state, create_endpoint, create_service, invoke, plant_drift, undo_drift
from harness.inbox import Inbox
from harness.processes import until
from harness.stack import Stack
from tasks.paths import ROOT

EXAMPLES = {"pagerduty": ("Trigger", "Resolve"), "slack": ("Tell",)}
HOSTILE = 'redis "},<!channel> \\ '


@dataclass
class Target:
    """A queue that a rule of the default bus sends to. Keeps everything that it has read."""

    stack: Stack
    url: str
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, stack: Stack, name: str, pattern: dict[str, Any], **settings: Any) -> Target:
        """A new rule with this pattern, and a queue as its target with these settings."""
        sqs, events = stack.client("sqs"), stack.client("events")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        assert events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn} | settings])["FailedEntryCount"] == 0
        return cls(stack, url)

    def read(self) -> list[dict[str, Any]]:
        """Everything that has arrived."""
        sqs = self.stack.client("sqs")
        while received := sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            for each in received:
                self.bodies.append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return self.bodies

    def details(self, word: str, **wanted: str) -> list[dict[str, Any]]:
        """The details of the events that hold a word and these members."""
        found = [event["detail"] for event in self.read() if word in json.dumps(event)]
        return [detail for detail in found if wanted.items() <= detail.items()]

    def await_detail(self, word: str, **wanted: str) -> dict[str, Any]:
        """Waits for the first of them."""
        return until(f"an event about {word} with {wanted}", 30, lambda: next(iter(self.details(word, **wanted)), None))


@pytest.fixture(scope="module")
def target(stack: Stack) -> Target:
    """Everything that the warden emits."""
    return Target.of(stack, "siem", {"source": ["privatelink-warden"]})


@pytest.fixture(scope="module")
def examples(stack: Stack) -> dict[str, Target]:
    """The rules of the examples, each with its pattern and its transformer, and a queue in place of the API destination."""
    targets = {}
    for example, rules in EXAMPLES.items():
        resources = cfn_yaml.load(str(ROOT / "infra" / "examples" / f"{example}.yaml"))["Resources"]
        assert {name for name, each in resources.items() if each["Type"] == "AWS::Events::Rule"} == set(rules)
        for rule in rules:
            properties = json.loads(json.dumps(resources[rule]["Properties"]).replace('{"Ref": "AWS::AccountId"}', f'"{PROVIDER}"'))
            (at,) = properties["Targets"]
            targets[rule] = Target.of(stack, f"{example}-{rule}", properties["EventPattern"], InputTransformer=at["InputTransformer"])
    return targets


def test_decisions_and_findings_reach_a_rule(stack: Stack, inbox: Inbox, target: Target, examples: dict[str, Target]) -> None:
    service = create_service(stack, [ALLOWED, UNLISTED])
    accepted, referred = create_endpoint(stack, ALLOWED, service), create_endpoint(stack, UNLISTED, service)
    await_state(stack, service, accepted, "available")
    closed, opened = target.await_detail(accepted, decision="accepted"), target.await_detail(referred, decision="referred")
    assert (closed["status"], opened["status"], opened["actions"]) == ("closed", "open", ["approve", "reject"])
    inbox.await_message(referred, "referred")

    audit(stack)
    plant_drift(stack, service, ALLOWED, referred)
    audit(stack)
    drift = target.await_detail(referred, kind="unjustified", change="opened")
    undo_drift(stack, service, ALLOWED, referred)
    audit(stack)
    end = target.await_detail(referred, kind="unjustified", change="resolved")
    assert drift["correlation_id"] == end["correlation_id"] and drift["id"] != end["id"]

    incidents = until("the incidents", 20, lambda: keys if {opened["correlation_id"], drift["correlation_id"]} <= (keys := dedup_keys(examples["Trigger"])) else None)
    assert closed["correlation_id"] not in incidents
    assert {closed["correlation_id"], end["correlation_id"]} <= until("the ends", 20, lambda: dedup_keys(examples["Resolve"]))
    assert {opened["title"], drift["title"]} <= {body["blocks"][0]["text"]["text"] for body in examples["Tell"].read()}
    assert_schema(target.read())


def dedup_keys(target: Target) -> set[str]:
    return {body["dedup_key"] for body in target.read()}


def assert_schema(events: list[dict[str, Any]]) -> None:
    """Each event follows the schema, which has no member that no event has."""
    schema = json.loads((ROOT / "docs" / "event.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for event in events:
        validator.validate(event)
        assert (event["account"], event["region"]) == (PROVIDER, REGION)
    assert {"Connection Decision", "Audit Finding"} <= {event["detail-type"] for event in events}


def test_hostile_name_breaks_no_example(stack: Stack, target: Target, examples: dict[str, Target]) -> None:
    """EventBridge puts values into a template as they are: a quotation mark would end the JSON, and the event would be lost."""
    service = create_service(stack, [UNLISTED], name=HOSTILE)
    detail = target.await_detail(create_endpoint(stack, UNLISTED, service), decision="referred")
    assert "redis '},<!channel>" in detail["summary"]
    until("the incident", 20, lambda: detail["correlation_id"] in dedup_keys(examples["Trigger"]))
    body = until("the line", 20, lambda: next((each for each in examples["Tell"].read() if detail["id"] in json.dumps(each)), None))
    # Slack parses links and mentions in `mrkdwn` and in the member `text` of a message only.
    assert set(body) == {"blocks"} and "mrkdwn" not in json.dumps(body)


def test_repeated_delivery_emits_nothing(stack: Stack, target: Target) -> None:
    service = create_service(stack, [UNLISTED])
    endpoint = create_endpoint(stack, UNLISTED, service)
    detail = target.await_detail(endpoint, decision="referred")
    item = await_record(stack, service, endpoint, "referred")
    mark = {"pk": {"S": f"told/{item['pk']['S']}"}, "sk": item["sk"]}
    ledger, table = stack.client("dynamodb"), stack.outputs["LedgerName"]
    until("the mark", 20, lambda: ledger.get_item(TableName=table, Key=mark).get("Item"))
    change = {"Keys": {key: item[key] for key in ("pk", "sk")}, "NewImage": item, "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"}
    event = {"Records": [{"eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": REGION, "dynamodb": change}]}
    invoke(stack, stack.outputs["NotifyFunction"], event)
    assert len(target.details(endpoint)) == 1
    # Without the mark, the same event comes again.
    ledger.delete_item(TableName=table, Key=mark)
    invoke(stack, stack.outputs["NotifyFunction"], event)
    twice = until("the second event", 20, lambda: found if len(found := target.details(endpoint)) == 2 else None)
    assert [each["id"] for each in twice] == [detail["id"]] * 2
