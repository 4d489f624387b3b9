"""Checks that a resource exists, by a call to its own service.

An emulator may report CREATE_COMPLETE for a resource that it skipped, so CloudFormation's answer is not enough.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

ABSENT = ("NotFound", "NoSuch", "NonExistent", "404")


@dataclass(frozen=True)
class Made:
    """A resource: its type, its id in its service, and its properties with references resolved."""

    kind: str
    id: str
    properties: dict[str, Any]


def resolved(value: Any, ids: dict[str, str]) -> Any:
    """Replaces each `Ref` to a resource or a parameter by its value. Other functions stay, because no check needs them."""
    if isinstance(value, dict):
        if list(value) == ["Ref"]:
            return ids.get(value["Ref"], value)
        return {key: resolved(each, ids) for key, each in value.items()}
    return [resolved(each, ids) for each in value] if isinstance(value, list) else value


def exists(client: Callable[[str], Any], made: Made) -> bool:
    """Returns true if the resource's service knows it. A type without a check is an error."""
    try:
        return bool(CHECKS[made.kind](client, made))
    except ClientError as error:
        if any(word in error.response["Error"]["Code"] for word in ABSENT):
            return False
        raise


def _sids(document: Any) -> set[str]:
    parsed = json.loads(document) if isinstance(document, str) else document
    return {str(statement["Sid"]) for statement in parsed["Statement"]}


def _declared(made: Made) -> set[str]:
    return _sids(made.properties["PolicyDocument"])


def _topic_policy(client: Callable[[str], Any], made: Made) -> bool:
    (topic,) = made.properties["Topics"]
    return _declared(made) <= _sids(client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])


def _queue_policy(client: Callable[[str], Any], made: Made) -> bool:
    (queue,) = made.properties["Queues"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"]).get("Attributes", {})
    return "Policy" in attributes and _declared(made) <= _sids(attributes["Policy"])


def _bucket_policy(client: Callable[[str], Any], made: Made) -> bool:
    return _declared(made) <= _sids(client("s3").get_bucket_policy(Bucket=made.properties["Bucket"])["Policy"])


def _rule(client: Callable[[str], Any], made: Made) -> bool:
    """Checks the targets, too: a rule without targets delivers nothing."""
    bus = {"EventBusName": made.properties["EventBusName"]} if "EventBusName" in made.properties else {}
    client("events").describe_rule(Name=made.id, **bus)
    declared = {target["Id"] for target in made.properties["Targets"]}
    return declared == {target["Id"] for target in client("events").list_targets_by_rule(Rule=made.id, **bus)["Targets"]}


def _permission(client: Callable[[str], Any], made: Made) -> bool:
    statements = json.loads(client("lambda").get_policy(FunctionName=made.properties["FunctionName"])["Policy"])["Statement"]
    return made.id in {statement["Sid"] for statement in statements}


def _metric_filter(client: Callable[[str], Any], made: Made) -> bool:
    group = made.properties["LogGroupName"]
    return bool(client("logs").describe_metric_filters(logGroupName=group, filterNamePrefix=made.id)["metricFilters"])


def _log_group(client: Callable[[str], Any], made: Made) -> bool:
    return made.id in {group["logGroupName"] for group in client("logs").describe_log_groups(logGroupNamePrefix=made.id)["logGroups"]}


def _route(client: Callable[[str], Any], made: Made) -> bool:
    table, _, destination = made.id.partition("|")
    (found,) = client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return destination in {route.get("DestinationCidrBlock") for route in found["Routes"]}


CHECKS: dict[str, Callable[[Callable[[str], Any], Made], Any]] = {
    "AWS::CloudWatch::Alarm": lambda client, made: client("cloudwatch").describe_alarms(AlarmNames=[made.id])["MetricAlarms"],
    "AWS::CloudWatch::Dashboard": lambda client, made: client("cloudwatch").get_dashboard(DashboardName=made.id)["DashboardBody"],
    "AWS::DynamoDB::Table": lambda client, made: client("dynamodb").describe_table(TableName=made.id),
    "AWS::EC2::Route": _route,
    "AWS::EC2::SecurityGroup": lambda client, made: client("ec2").describe_security_groups(GroupIds=[made.id])["SecurityGroups"],
    "AWS::EC2::VPCEndpoint": lambda client, made: client("ec2").describe_vpc_endpoints(VpcEndpointIds=[made.id])["VpcEndpoints"],
    "AWS::ElasticLoadBalancingV2::Listener": lambda client, made: client("elbv2").describe_listeners(ListenerArns=[made.id])["Listeners"],
    "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda client, made: client("elbv2").describe_load_balancers(LoadBalancerArns=[made.id])["LoadBalancers"],
    "AWS::ElasticLoadBalancingV2::TargetGroup": lambda client, made: client("elbv2").describe_target_groups(TargetGroupArns=[made.id])["TargetGroups"],
    "AWS::Events::EventBus": lambda client, made: client("events").describe_event_bus(Name=made.id),
    "AWS::Events::Rule": _rule,
    # test_least_privilege.py compares the statements.
    "AWS::IAM::Policy": lambda client, made: all(client("iam").get_role_policy(RoleName=role, PolicyName=made.properties["PolicyName"]) for role in made.properties["Roles"]),
    "AWS::IAM::Role": lambda client, made: client("iam").get_role(RoleName=made.id),
    "AWS::KMS::Key": lambda client, made: client("kms").describe_key(KeyId=made.id)["KeyMetadata"]["KeyState"] == "Enabled",
    "AWS::Lambda::EventInvokeConfig": lambda client, made: client("lambda").get_function_event_invoke_config(
        FunctionName=made.properties["FunctionName"], Qualifier=made.properties["Qualifier"]
    ),
    "AWS::Lambda::EventSourceMapping": lambda client, made: client("lambda").get_event_source_mapping(UUID=made.id),
    "AWS::Lambda::Function": lambda client, made: client("lambda").get_function(FunctionName=made.id),
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::MetricFilter": _metric_filter,
    "AWS::S3::Bucket": lambda client, made: client("s3").head_bucket(Bucket=made.id),
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Subscription": lambda client, made: client("sns").get_subscription_attributes(SubscriptionArn=made.id),
    "AWS::SNS::Topic": lambda client, made: client("sns").get_topic_attributes(TopicArn=made.id),
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::Queue": lambda client, made: client("sqs").get_queue_attributes(QueueUrl=made.id, AttributeNames=["QueueArn"])["Attributes"],
    "AWS::SQS::QueuePolicy": _queue_policy,
    "AWS::Scheduler::Schedule": lambda client, made: client("scheduler").get_schedule(Name=made.id),
}
