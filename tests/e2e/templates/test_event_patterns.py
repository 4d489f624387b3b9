"""The event patterns of the templates, matched against every sample event. Needs no running stack."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from tasks.paths import ROOT, TEMPLATE

EVENTS = ROOT / "shared" / "tests" / "events"
RULES = ("OnDefaultBus", "OnForwardedEvents", "Forward")
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/privatelink-warden"

# The rules that match each file. The forwarder drops endpoints of AWS's own services; on the provider's side the code drops them.
MATCHES: dict[str, set[str]] = {
    "cloudtrail-create-vpc-endpoint.json": {"OnDefaultBus", "OnForwardedEvents", "Forward"},
    "cloudtrail-create-aws-service-endpoint.json": {"OnDefaultBus", "OnForwardedEvents"},
    "cloudtrail-create-gateway-endpoint.json": {"OnDefaultBus", "OnForwardedEvents"},
    "cloudtrail-create-attachment.json": {"OnDefaultBus", "OnForwardedEvents", "Forward"},
    "cloudtrail-create-denied.json": set(),
    "scheduled-sweep.json": set(),
    # Never on a bus: SNS sends them to the queue.
    "sns-connect-json-body.json": set(),
    "sns-connect-text-body.json": set(),
    "sns-no-ids.json": set(),
}


@pytest.fixture(scope="module")
def patterns() -> dict[str, dict[str, Any]]:
    """Every event pattern of the two templates, by the rule's logical id."""
    templates = (cfn_yaml.load(str(path))["Resources"] for path in (TEMPLATE, ROOT / "infra" / "forwarder.yaml"))
    return {name: substituted(each["Properties"]["EventPattern"]) for resources in templates for name, each in resources.items() if each["Type"] == "AWS::Events::Rule"}


def substituted(value: Any) -> Any:
    """The pattern as CloudFormation writes it, for a stack whose `WardenBusArn` is BUS."""
    if isinstance(value, list):
        return [substituted(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        text, variables = value["Fn::Sub"]
        return text.replace("${Region}", substituted(variables["Region"]))
    if "Fn::Select" in value:
        index, parts = value["Fn::Select"]
        assert parts == {"Fn::Split": [":", {"Ref": "WardenBusArn"}]}
        return BUS.split(":")[int(index)]
    return {key: substituted(each) for key, each in value.items()}


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Returns true if EventBridge would match the event. Knows `$or`, `exists`, `wildcard` and literal strings; any other operator is an error."""
    pattern = dict(pattern)
    alternatives = pattern.pop("$or", None)
    if alternatives is not None and not any(matches(each, event) for each in alternatives):
        return False
    return all(_field(wanted, event.get(name) if isinstance(event, dict) else None, isinstance(event, dict) and name in event) for name, wanted in pattern.items())


def _field(wanted: Any, value: Any, there: bool) -> bool:
    if isinstance(wanted, dict):
        return matches(wanted, value)
    assert isinstance(wanted, list) and wanted, f"EventBridge wants a list of alternatives, not {wanted!r}"
    return any(_alternative(alternative, value, there) for alternative in wanted)


def _alternative(wanted: Any, value: Any, there: bool) -> bool:
    if isinstance(wanted, str):
        return any(each == wanted for each in _values(value))
    assert isinstance(wanted, dict) and len(wanted) == 1, f"unknown alternative {wanted!r}"
    ((operator, operand),) = wanted.items()
    if operator == "exists":
        assert isinstance(operand, bool) and not isinstance(value, dict), "`exists` is for leaves"
        return there is operand
    assert operator == "wildcard" and isinstance(operand, str), f"unknown operator {operator!r}"
    expression = ".*".join(map(re.escape, operand.split("*")))
    return any(isinstance(each, str) and re.fullmatch(expression, each) is not None for each in _values(value))


def _values(value: Any) -> list[Any]:
    """An array matches if any of its elements does."""
    return value if isinstance(value, list) else [value]


def sample(name: str = "cloudtrail-create-vpc-endpoint.json") -> dict[str, Any]:
    return dict(json.loads((EVENTS / name).read_text()))


def changed(path: str, value: Any) -> dict[str, Any]:
    """The event that every rule matches, with one field changed, or removed by None."""
    event = copy.deepcopy(sample())
    *way, last = path.split("/")
    at = event
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return event


def test_all_rules_and_samples_are_listed(patterns: dict[str, Any]) -> None:
    assert set(patterns) == set(RULES)
    assert {file.name for file in EVENTS.glob("*.json")} == set(MATCHES), "MATCHES must list each sample"


@pytest.mark.parametrize("name", MATCHES)
@pytest.mark.parametrize("rule", RULES)
def test_rule_matches_exactly_its_samples(patterns: dict[str, Any], rule: str, name: str) -> None:
    assert matches(patterns[rule], sample(name)) is (rule in MATCHES[name])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source", "acme.ec2"),  # as a caller of PutEvents can send it
        ("source", "aws.ec2.acme"),
        ("source", None),
        ("detail-type", "AWS API Call"),
        ("detail/eventSource", "vpce.amazonaws.com"),
        ("detail/eventName", "ModifyVpcEndpoint"),
        ("detail/eventName", "CreateVpcEndpointServiceConfiguration"),  # begins with the name in the pattern
        ("detail/errorCode", "Client.DryRunOperation"),
        ("detail/errorCode", ""),
        ("detail", None),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_every_pattern_field_is_required(patterns: dict[str, Any], rule: str, path: str, value: Any) -> None:
    assert not matches(patterns[rule], changed(path, value))


@pytest.mark.parametrize(
    ("service", "forwarded"),
    [
        ("com.amazonaws.vpce.us-east-1.vpce-svc-03d5ebb7d9579a2b3", True),
        # The warden of another Region answers for it, and has a bus of its own.
        ("com.amazonaws.vpce.eu-west-1.vpce-svc-03d5ebb7d9579a2b3", False),
        ("com.amazonaws.us-east-1.s3", False),
        ("eu.amazonaws.eusc-de-east-1.ecr.api", False),
        ("gov.ic.c2s.us-iso-east-1.ec2", False),
        ("aws.api.us-east-1.kendra-ranking", False),
        ("com.amazonaws.vpcelike.us-east-1.vpce-svc-03d5ebb7d9579a2b3", False),
        (None, False),
    ],
)
def test_only_endpoint_service_requests_are_forwarded(patterns: dict[str, Any], service: str | None, forwarded: bool) -> None:
    event = changed("detail/requestParameters/CreateVpcEndpointRequest/ServiceName", service)
    assert matches(patterns["Forward"], event) is forwarded
    assert matches(patterns["OnDefaultBus"], event) and matches(patterns["OnForwardedEvents"], event), "these patterns do not read the request"


def test_every_partitions_names_are_forwarded(patterns: dict[str, Any]) -> None:
    source = (ROOT / "shared" / "src" / "model" / "partition.rs").read_text()
    lists = re.findall(r"=> &\[([^\]]+)\]", source)
    beginnings = {prefix for listed in lists for prefix in re.findall(r'"([a-z0-9.-]+)"', listed)}
    assert len(beginnings) == 7
    for beginning in beginnings:
        event = changed("detail/requestParameters/CreateVpcEndpointRequest/ServiceName", f"{beginning}.vpce.us-east-1.vpce-svc-03d5ebb7d9579a2b3")
        assert matches(patterns["Forward"], event), beginning


def test_endpoint_of_another_region_is_forwarded(patterns: dict[str, Any]) -> None:
    event = changed("region", "eu-west-1")
    event["detail"]["awsRegion"] = "eu-west-1"
    assert all(matches(patterns[rule], event) for rule in RULES)


def test_attachment_of_another_region_is_not_forwarded(patterns: dict[str, Any]) -> None:
    event = sample("cloudtrail-create-attachment.json")
    event["detail"]["awsRegion"] = "eu-west-1"
    assert not matches(patterns["Forward"], event)


def test_forwarded_events_match_the_receiving_rule(patterns: dict[str, Any]) -> None:
    """Each field of the receiving pattern has the same value in the sending one."""
    sent, received = patterns["Forward"], patterns["OnForwardedEvents"]
    assert {key: sent[key] for key in ("source", "detail-type")} == {key: received[key] for key in ("source", "detail-type")}
    names = [name for alternative in sent["detail"]["$or"] for name in alternative["eventName"]]
    assert {key: names if key == "eventName" else sent["detail"][key] for key in received["detail"]} == dict(received["detail"])
