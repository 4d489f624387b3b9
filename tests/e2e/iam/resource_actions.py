"""The actions that CloudFormation takes with the permissions of who deploys, by resource type: AWS's schema of each type lists them.

The schemas are those of the pinned cfn-lint. They list the actions of every feature of a type, so the features that the template does not
use are left out by the property that switches them on.
"""

from __future__ import annotations

import fnmatch
import json
import os
from typing import Any

from cfnlint.data import AdditionalSpecs
from cfnlint.decode import cfn_yaml
from cfnlint.helpers import load_resource
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from harness.accounts import REGION
from tasks import artifacts

# Of AWS's Service Authorization Reference: the actions of each service, and the resources that they support.
REFERENCE: dict[str, Any] = load_resource(AdditionalSpecs, "Policies.json")
# By type and property: the actions that only a resource with that property needs.
FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "AWS::DynamoDB::Table": {
        "KinesisStreamSpecification": ("kinesis:*", "dynamodb:*ableKinesisStreamingDestination", "dynamodb:UpdateKinesisStreamingDestination"),
        "ImportSourceSpecification": ("dynamodb:ImportTable", "dynamodb:DescribeImport", "logs:*", "s3:*"),
        # A table with replicas is another type, `AWS::DynamoDB::GlobalTable`.
        "Replicas": ("dynamodb:*TableReplica", "dynamodb:Scan", "dynamodb:Query", "dynamodb:*Item", "iam:CreateServiceLinkedRole"),
        "ContributorInsightsSpecification": ("dynamodb:UpdateContributorInsights",),
        "ResourcePolicy": ("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
    },
    "AWS::Events::EventBus": {"KmsKeyIdentifier": ("kms:*",), "Policy": ("events:PutPermission", "events:RemovePermission")},
    "AWS::Events::Rule": {"RoleArn": ("iam:PassRole",)},
    "AWS::IAM::Policy": {"Users": ("iam:*UserPolicy",), "Groups": ("iam:*GroupPolicy",)},
    "AWS::IAM::Role": {"ManagedPolicyArns": ("iam:AttachRolePolicy", "iam:DetachRolePolicy")},
    "AWS::KMS::Key": {"Enabled": ("kms:DisableKey", "kms:EnableKey")},
    "AWS::Lambda::EventSourceMapping": {"KmsKeyArn": ("kms:*",)},
    "AWS::Lambda::Function": {
        "FileSystemConfigs": ("elasticfilesystem:*", "s3files:*"),
        "KmsKeyArn": ("kms:*",),
        "CodeSigningConfigArn": ("lambda:GetCodeSigningConfig", "lambda:PutFunctionCodeSigningConfig", "lambda:DeleteFunctionCodeSigningConfig"),
        "Layers": ("lambda:GetLayerVersion",),
        "RuntimeManagementConfig": ("lambda:PutRuntimeManagementConfig", "lambda:AssociateRuntimeAlias"),
        "ReservedConcurrentExecutions": ("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"),
        "RecursiveLoop": ("lambda:PutFunctionRecursionConfig",),
        "FunctionScalingConfig": ("lambda:PutFunctionScalingConfig",),
        "CapacityProviderConfig": ("lambda:PassCapacityProvider",),
        "PublishToLatestPublished": ("lambda:PublishVersion",),
    },
    "AWS::Logs::LogGroup": {
        "DataProtectionPolicy": ("logs:PutDataProtectionPolicy", "logs:DeleteDataProtectionPolicy", "logs:CreateLogDelivery", "s3:*", "firehose:*"),
        "FieldIndexPolicies": ("logs:PutIndexPolicy", "logs:DeleteIndexPolicy"),
        "ResourcePolicyDocument": ("logs:PutResourcePolicy", "logs:DeleteResourcePolicy"),
        "KmsKeyId": ("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
        "DeletionProtectionEnabled": ("logs:PutLogGroupDeletionProtection",),
        "BearerTokenAuthenticationEnabled": ("logs:PutBearerTokenAuthentication",),
    },
    "AWS::S3::Bucket": {
        "AbacStatus": ("s3:PutBucketAbac",),
        "AccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
        "AccessControl": ("s3:PutBucketAcl", "s3:PutObjectAcl"),
        "AnalyticsConfigurations": ("s3:PutAnalyticsConfiguration", "s3:DeleteBucketAnalyticsConfiguration"),
        "CorsConfiguration": ("s3:PutBucketCORS", "s3:DeleteBucketCors"),
        "IntelligentTieringConfigurations": ("s3:PutIntelligentTieringConfiguration",),
        "InventoryConfigurations": ("s3:PutInventoryConfiguration",),
        "LoggingConfiguration": ("s3:PutBucketLogging",),
        "MetadataConfiguration": ("s3:[CDU]*Metadata*Configuration", "s3tables:*"),
        "MetricsConfigurations": ("s3:PutMetricsConfiguration", "s3:DeleteBucketMetricsConfiguration"),
        "NotificationConfiguration": ("s3:PutBucketNotification",),
        "ObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration", "s3:PutObjectLockConfiguration"),
        "ReplicationConfiguration": ("s3:PutBucketReplication", "s3:PutReplicationConfiguration", "s3:DeleteBucketReplication", "iam:PassRole", "s3:DeleteObject"),
        "WebsiteConfiguration": ("s3:PutBucketWebsite", "s3:DeleteBucketWebsite"),
    },
    "AWS::SNS::Subscription": {"SubscriptionRoleArn": ("iam:*",)},
    "AWS::SNS::Topic": {"DataProtectionPolicy": ("sns:PutDataProtectionPolicy",), "DeliveryStatusLogging": ("iam:*",), "Subscription": ("sns:Subscribe", "sns:Unsubscribe")},
}
# Actions that the schema lists and this deployment never takes, with the reason.
NEVER = {
    ("AWS::DynamoDB::Table", "kms:ListAliases"): "the key is named by its ARN",
    ("AWS::DynamoDB::Table", "kms:RevokeGrant"): "DynamoDB retires its grants itself",
    ("AWS::Logs::LogGroup", "logs:DeleteRetentionPolicy"): "the groups always have a retention",
}
# DynamoDB needs these of who chooses a table's key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
TABLE_KEY = {"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey", "kms:CreateGrant"}


class _NoManagedPolicies:
    """The template names none, which SAM would look up."""

    def load(self) -> dict[str, str]:
        return {}


def transformed() -> dict[str, Any]:
    """The resources of the template after SAM's transform, under any parameters."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # Here because the import takes seconds.
    from samtranslator.translator.transform import transform

    body = json.loads(json.dumps(cfn_yaml.loads(artifacts.template_with_code({name: f"s3://artifacts/{name}.zip" for name in artifacts.FUNCTIONS}))))
    return dict(transform(body, {}, _NoManagedPolicies())["Resources"])


def needed_actions(kind: str, resources: list[dict[str, Any]]) -> set[str]:
    """The actions for all resources of a type: to create, read, update, tag and delete them. What is retained is not deleted."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    handlers = ["create", "read", "update", *([] if all(each.get("DeletionPolicy") == "Retain" for each in resources) else ["delete"])]
    actions = {action for handler in handlers for action in schema["handlers"].get(handler, {}).get("permissions", [])}
    if any("Tags" in each["Properties"] for each in resources):
        actions |= set(schema.get("tagging", {}).get("permissions", []))
    if kind == "AWS::DynamoDB::Table":
        actions |= TABLE_KEY
    return {action for action in actions if is_action(action) and (kind, action) not in NEVER and not _of_an_unused_feature(kind, action, resources)}


def is_action(action: str) -> bool:
    """Returns true if the Service Authorization Reference has the action. Some schemas name operations that are no actions."""
    service, _, name = action.partition(":")
    return name.lower() in REFERENCE.get(service, {}).get("Actions", {})


def has_resources(action: str) -> bool:
    """Returns true if the action supports resource-level permissions."""
    service, _, name = action.partition(":")
    return bool(REFERENCE[service]["Actions"][name.lower()].get("Resources"))


def _of_an_unused_feature(kind: str, action: str, resources: list[dict[str, Any]]) -> bool:
    used = {name for each in resources for name in each["Properties"]}
    return any(fnmatch.fnmatchcase(action, pattern) for name, patterns in FEATURES.get(kind, {}).items() if name not in used for pattern in patterns)
