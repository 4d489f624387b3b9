"""Rules about the template that no linter has. Needs no running stack."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from iam.deployed_policies import under_any_parameters
from iam.service_calls import INTERFACES
from tasks.paths import ROOT, TEMPLATE

# The dimension of each metric of AWS that an alarm or the dashboard uses.
AWS_METRICS = {
    ("AWS/Lambda", "Errors"): "FunctionName",
    ("AWS/Lambda", "Throttles"): "FunctionName",
    ("AWS/Lambda", "IteratorAge"): "FunctionName",
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): "QueueName",
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): "QueueName",
}
FILTERED = "PrivateLinkWarden/${AWS::StackName}"  # the namespace of the metric filters
INTERFACE_ACTIONS = set(INTERFACES.actions)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources."""
    return dict(cfn_yaml.load(str(TEMPLATE))["Resources"])


def test_both_rules_have_the_same_pattern(resources: dict[str, Any]) -> None:
    """CloudFormation supports no YAML aliases, so the pattern occurs twice."""
    assert resources["OnDefaultBus"]["Properties"]["EventPattern"] == resources["OnForwardedEvents"]["Properties"]["EventPattern"]


def test_optional_permissions_depend_on_parameters(resources: dict[str, Any]) -> None:
    optional = of_type(resources, "AWS::IAM::Policy")
    assert {resource["Condition"]: actions_in(resource["Properties"]["PolicyDocument"]) for resource in optional.values()} == {
        "ReadsPolicyFromS3": {"s3:GetObject"},
        "DecryptsPolicySet": {"kms:Decrypt"},
        "AsksOrganizations": {"organizations:DescribeAccount"},
        "AsksOrganizationsByRole": {"sts:AssumeRole"},
        "InVpc": INTERFACE_ACTIONS,
        "EmitsEvents": {"events:PutEvents"},
    }
    judges = [{"Ref": "ApproveRole"}, {"Ref": "AuditRole"}]
    notify = [{"Ref": "NotifyRole"}]
    for name, resource in optional.items():
        roles = {"UseNetworkInterfaces": judges + notify, "EmitEvents": notify}.get(name, judges)
        assert resource["Properties"]["Roles"] == roles, "approve and audit read the same facts, and all functions are in the same network"
    assert optional["DecryptPolicySet"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] == {"Ref": "PolicyKeyArn"}
    assert optional["AskOrganizationsByRole"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"] == {"Ref": "OrganizationAccess"}


def test_every_delivery_has_a_dead_letter_queue(resources: dict[str, Any]) -> None:
    targets = [target for name in ("OnDefaultBus", "OnForwardedEvents") for target in resources[name]["Properties"]["Targets"]]
    for target in [*targets, resources["Sweep"]["Properties"]["Target"]]:
        assert arns_in(target["Arn"]) == {"Requests"} and arns_in(target["DeadLetterConfig"]) == {"DeadLetters"}
    for name in ("Notified", "Requests"):
        assert arns_in(resources[name]["Properties"]["RedrivePolicy"]) == {"DeadLetters"}, name
    audit, notify = (resources[name]["Properties"] for name in ("Audit", "Notify"))
    assert "Arn" in audit["Events"]["Daily"]["Properties"]["DeadLetterConfig"]
    assert audit["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    assert notify["Events"]["Recorded"]["Properties"]["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def actions_of(role: dict[str, Any]) -> set[str]:
    """The actions that a role's inline policies allow."""
    return {action for policy in role["Properties"]["Policies"] for action in actions_in(policy["PolicyDocument"])}


def actions_in(document: dict[str, Any]) -> set[str]:
    """The actions that a policy document allows, under any parameters."""
    listed = [each["Action"] for statement in document["Statement"] for each in under_any_parameters(statement) if each["Effect"] == "Allow"]
    return {action for actions in listed for action in ([actions] if isinstance(actions, str) else actions)}


def test_reports_expire_and_require_tls(resources: dict[str, Any]) -> None:
    """checkov checks the rest: no public access, and versions."""
    assert resources["Reports"]["Properties"]["LifecycleConfiguration"]["Rules"][0]["Status"] == "Enabled"
    statement = resources["ReportsPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_organization_role_serves_the_warden_alone(resources: dict[str, Any]) -> None:
    template = cfn_yaml.load(str(ROOT / "infra" / "organization-role.yaml"))
    (role,) = template["Resources"].values()
    (trusted,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert (trusted["Principal"], trusted["Action"]) == ({"AWS": {"Ref": "WardenRoleArns"}}, "sts:AssumeRole")
    assert actions_of(role) == actions_in(resources["AskOrganizations"]["Properties"]["PolicyDocument"])
    outputs = cfn_yaml.load(str(TEMPLATE))["Outputs"]
    roles = {"Fn::GetAtt": ["ApproveRole", "Arn"]}, {"Fn::GetAtt": ["AuditRole", "Arn"]}
    assert (outputs["ApproveRoleArn"]["Value"], outputs["AuditRoleArn"]["Value"]) == roles


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of a type, by logical id."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def test_only_vpc_functions_get_interface_permissions(resources: dict[str, Any]) -> None:
    template = cfn_yaml.load(str(TEMPLATE))
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert not actions_of(role) & INTERFACE_ACTIONS, name
    policy = resources["UseNetworkInterfaces"]
    assert policy["Condition"] == "InVpc"
    allowed, denied = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", allowed["Action"], "*"), "Lambda creates the interfaces, the function's code must not"
    assert set(denied["Condition"]["ArnLike"]) == {"lambda:SourceFunctionArn"}, "without it, Lambda is denied, too"
    condition, inside, outside = template["Globals"]["Function"]["VpcConfig"]["Fn::If"]
    assert (condition, outside) == ("InVpc", {"Ref": "AWS::NoValue"})
    assert {"Ref": "UseNetworkInterfaces"} in inside["SecurityGroupIds"]["Fn::Split"][1]["Fn::Select"][1], "the functions depend on the policy"
    assert not any("VpcConfig" in function["Properties"] for function in of_type(resources, "AWS::Serverless::Function").values())
    assert {template["Parameters"][name]["Default"] for name in ("SubnetIds", "SecurityGroupIds")} == {""}


def test_approve_reads_the_queue_in_small_batches(resources: dict[str, Any]) -> None:
    template = cfn_yaml.load(str(TEMPLATE))
    approve, queue = resources["Approve"]["Properties"], resources["Requests"]["Properties"]
    assert approve["Events"] == {
        "Requested": {
            "Type": "SQS",
            "Properties": {
                "Queue": {"Fn::GetAtt": ["Requests", "Arn"]},
                "BatchSize": 10,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}},
            },
        }
    }
    assert template["Parameters"]["MaximumConcurrency"]["MinValue"] == 2, "the least that Lambda takes"
    assert queue["VisibilityTimeout"] == 6 * approve["Timeout"], "as Lambda's guide advises"


def test_every_function_gets_the_network_settings(resources: dict[str, Any]) -> None:
    template = cfn_yaml.load(str(TEMPLATE))
    settings = {"AWS_CA_BUNDLE": "CaBundle", "HTTPS_PROXY": "HttpsProxy", "NO_PROXY": "NoProxy"}
    assert template["Globals"]["Function"]["Environment"]["Variables"] == {name: {"Ref": parameter} for name, parameter in settings.items()}
    assert {template["Parameters"][parameter]["Default"] for parameter in settings.values()} == {""}, "empty means none"


def test_only_privatelink_may_use_the_topic_key(resources: dict[str, Any]) -> None:
    keys = of_type(resources, "AWS::KMS::Key")
    assert set(keys) == {"ConnectionsKey"}
    key = keys["ConnectionsKey"]
    assert (key["Condition"], key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("EncryptsConnections", "Retain", "Retain")
    assert key["Properties"]["EnableKeyRotation"] is True
    root, privatelink = key["Properties"]["KeyPolicy"]["Statement"]
    assert root["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert privatelink["Principal"] == {"Service": "vpce.amazonaws.com"}
    assert privatelink["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"]
    publish = resources["ConnectionsTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert privatelink["Principal"] == publish["Principal"]
    assert privatelink["Condition"] == publish["Condition"], "the same principal may publish and encrypt"
    assert privatelink["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert privatelink["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:vpc-endpoint-service/*")
    topic = resources["ConnectionsTopic"]["Properties"]
    own = {"Fn::If": ["EncryptsConnections", {"Ref": "ConnectionsKey"}, {"Ref": "AWS::NoValue"}]}
    assert topic["KmsMasterKeyId"] == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, own]}
    assert cfn_yaml.load(str(TEMPLATE))["Parameters"]["EncryptConnectionsTopic"]["Default"] == "false"
    assert "ConnectionsKey" not in str(resources["OwnersTopic"]), "its policy does not let alarms publish"


def arns_in(thing: Any) -> set[str]:
    """The resources whose ARN a value names, at any depth."""
    if isinstance(thing, dict):
        named = thing.get("Fn::GetAtt")
        if named is not None:
            name, attribute = named.split(".") if isinstance(named, str) else named
            return {name} if attribute == "Arn" else set()
        return set().union(*(arns_in(each) for each in thing.values()))
    return set().union(*(arns_in(each) for each in thing)) if isinstance(thing, list) else set()


def dead_letter_queues(thing: Any) -> set[str]:
    """The queues that a value names as a destination of failures."""
    if isinstance(thing, list):
        return set().union(*(dead_letter_queues(each) for each in thing))
    if not isinstance(thing, dict):
        return set()
    here = (arns_in(value) for key, value in thing.items() if key in ("DeadLetterConfig", "RedrivePolicy", "OnFailure"))
    return set().union(*here, *(dead_letter_queues(value) for value in thing.values()))


def test_every_dead_letter_queue_has_an_alarm(resources: dict[str, Any]) -> None:
    queues = dead_letter_queues(resources)
    assert {*queues, "Requests"} == set(of_type(resources, "AWS::SQS::Queue")), "the template has no other queues"
    for queue in queues:
        watched = {"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}
        depth = [
            alarm["Properties"]
            for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()
            if alarm["Properties"]["MetricName"] == "ApproximateNumberOfMessagesVisible" and alarm["Properties"]["Dimensions"] == [watched]
        ]
        assert len(depth) == 1, queue
        assert (depth[0]["Threshold"], depth[0]["ComparisonOperator"]) == (0, "GreaterThanThreshold"), queue
        assert depth[0]["AlarmDescription"]["Fn::Sub"].startswith(f"{queue} holds "), queue


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_has_an_alarm(resources: dict[str, Any], metric: str) -> None:
    watched = [
        alarm["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for alarm in of_type(resources, "AWS::CloudWatch::Alarm").values()
        if (alarm["Properties"]["Namespace"], alarm["Properties"]["MetricName"]) == ("AWS/Lambda", metric)
    ]
    assert sorted(watched) == sorted(of_type(resources, "AWS::Serverless::Function"))


def code_metrics() -> dict[str, set[str]]:
    """The metrics of shared/src/telemetry/metrics.rs, with the dimensions beside `Function`."""
    source = (ROOT / "shared" / "src" / "telemetry" / "metrics.rs").read_text()
    assert 'NAMESPACE: &str = "PrivateLinkWarden"' in source and 'with_dimension("Function"' in source
    counted = re.findall(r'(?:counter|histogram)!\("(\w+)"(?:, "(\w+)" =>)?', source)
    return {name: {dimension} - {""} for name, dimension in counted}


def filter_metrics(resources: dict[str, Any]) -> dict[str, set[str]]:
    """The metrics of metric filters, with their dimensions."""
    transformations = [each["Properties"]["MetricTransformations"][0] for each in of_type(resources, "AWS::Logs::MetricFilter").values()]
    assert all(each["MetricNamespace"] == {"Fn::Sub": FILTERED} for each in transformations)
    return {each["MetricName"]: {dimension["Key"] for dimension in each.get("Dimensions", [])} for each in transformations}


def assert_reported(resources: dict[str, Any], namespace: str, metric: str, dimensions: set[str]) -> None:
    if namespace.startswith("AWS/"):
        assert dimensions == {AWS_METRICS[namespace, metric]}, metric
    elif namespace == FILTERED:
        assert dimensions == filter_metrics(resources)[metric], metric
    else:
        assert namespace == "PrivateLinkWarden" and metric in code_metrics() and dimensions == {"Function", *code_metrics()[metric]}, metric


def test_every_alarm_notifies_and_is_described(resources: dict[str, Any]) -> None:
    for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        assert properties["AlarmActions"] == properties["OKActions"] == [{"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopicArn"}, {"Ref": "OwnersTopic"}]}], name
        description = properties["AlarmDescription"]["Fn::Sub"]
        # test_runbook_covers_every_alarm_and_queue: the runbook has a heading of this name. RunbookUrl has up to 200 characters.
        assert description.endswith(f"Runbook: ${{RunbookUrl}}#{name.lower()}") and 60 < len(description) <= 800, name
        assert "TreatMissingData" in properties, f"{name} must say how missing data counts"


def filter_pattern(resources: dict[str, Any], name: str) -> str:
    return str(resources[name]["Properties"]["FilterPattern"])


def rust(*folders: str) -> str:
    """The Rust source in these folders."""
    return "\n".join(file.read_text() for folder in folders for file in sorted((ROOT / folder).rglob("*.rs")))


def test_filters_name_only_logged_errors(resources: dict[str, Any]) -> None:
    for function in ("Approve", "Audit", "Notify"):
        own = rust(f"functions/{function.lower()}/src")
        pattern = filter_pattern(resources, f"{function}ErrorsToActOn")
        fields = re.findall(r'\$\.error_type = "(\w+)"', pattern)
        messages = re.findall(r'\$\.message = "\*?(\w+):?\*"', pattern)
        assert "Panic" in fields and messages and len(pattern) <= 1024
        assert len(fields) + len(messages) == pattern.count("$."), "this test reads every term"
        for kind in fields:
            assert f'error_type = "{kind}"' in rust("shared/src") + own or f'=> "{kind}"' in own, kind
        for kind in messages:
            assert f'"{kind}"' in own, kind
        assert filter_pattern(resources, f"{function}ErrorsByType") == "{ $.error_type = * }"
        for metric in ("ErrorsToActOn", "ErrorsByType"):
            properties = resources[f"{function}{metric}"]["Properties"]
            assert properties["LogGroupName"] == {"Ref": f"{function}Logs"}
            assert [each["MetricName"] for each in properties["MetricTransformations"]] == [metric]


def widgets(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The dashboard's widgets, before substitution."""
    body, variables = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    condition, shown, hidden = variables["PolicyAlarm"]["Fn::If"]
    assert (condition, hidden) == (resources["PolicyNotRenewed"]["Condition"], "")
    return list(json.loads(body.replace("${PolicyAlarm}", shown["Fn::Sub"]))["widgets"])


def test_dashboard_has_only_reported_metrics(resources: dict[str, Any]) -> None:
    named = set()
    for widget in widgets(resources):
        for namespace, metric, *rest in widget["properties"].get("metrics", []):
            words = [word for word in rest if isinstance(word, str)]
            assert_reported(resources, namespace, metric, set(words[::2]))
            named.add(metric)
            assert all(re.fullmatch(r"\$\{\w+(\.QueueName)?\}|[a-z-]+|\w+", value) for value in words[1::2])
            assert all(name in resources for value in words[1::2] for name in re.findall(r"\$\{(\w+)", value))
    assert set(code_metrics()) <= named, "the dashboard has every metric of the code"


def test_dashboard_shows_every_value_and_alarm(resources: dict[str, Any]) -> None:
    shown = [metric for widget in widgets(resources) for metric in widget["properties"].get("metrics", [])]

    def values(dimension: str) -> set[str]:
        return {metric[metric.index(dimension) + 1] for metric in shown if dimension in metric}

    def words(file: str, enum: str) -> set[str]:
        body = (ROOT / "shared" / "src" / file).read_text().partition(f"impl {enum} {{")[2].partition("\n}")[0]
        return set(re.findall(r'Self::\w+ => "([\w-]+)"', body))

    assert values("Verdict") == words("ledger/verdict.rs", "Verdict") != set()
    assert values("Severity") == words("model/severity.rs", "Severity") != set()
    logged = set(re.findall(r'error_type = "(\w+)"', rust("shared/src", "functions")))
    # A request that EC2 does not know yet is no error.
    logged |= set(re.findall(r'=> "(\w+)"', rust("functions/approve/src").partition("fn kind(")[2].partition("\n    }\n")[0])) - {"NotFoundYet"}
    not_renewed = set(re.findall(r'"(Policy(?:Refused|Not\w+))"', rust("shared/src/gather")))
    assert values("ErrorType") == logged | not_renewed
    assert len(not_renewed) == 2, "the code logs it as `error_type = kind`"
    assert values("QueueName") == {f"${{{queue}.QueueName}}" for queue in of_type(resources, "AWS::SQS::Queue")}
    (alarms,) = (widget["properties"]["alarms"] for widget in widgets(resources) if widget["type"] == "alarm")
    assert set(alarms) == {f"${{{name}.Arn}}" for name in of_type(resources, "AWS::CloudWatch::Alarm")}


def test_every_taggable_resource_is_tagged(resources: dict[str, Any]) -> None:
    assert cfn_yaml.load(str(TEMPLATE))["Globals"]["Function"]["Tags"] == {"application": "privatelink-warden"}
    kinds = ("SQS::Queue", "SNS::Topic", "DynamoDB::Table", "S3::Bucket", "KMS::Key", "Events::EventBus", "Logs::LogGroup", "IAM::Role", "CloudWatch::Alarm")
    for kind in kinds:
        assert of_type(resources, f"AWS::{kind}"), kind
        for name, resource in of_type(resources, f"AWS::{kind}").items():
            assert resource["Properties"]["Tags"] == [{"Key": "application", "Value": "privatelink-warden"}], name


def test_every_parameter_is_in_a_group() -> None:
    template = cfn_yaml.load(str(TEMPLATE))
    grouped = [name for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(template["Parameters"])
