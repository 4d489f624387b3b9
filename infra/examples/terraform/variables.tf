# Written from infra/template.yaml, and held against it by a test. Null keeps the template's default.

variable "name" {
  description = "The name of the stack"
  type        = string
  default     = "privatelink-warden"
}

variable "repository" {
  description = "The folder of privatelink-warden in which `make package` ran"
  type        = string
}

variable "artifacts_bucket" {
  description = "A bucket of this Region for the zips and the template"
  type        = string
}

variable "service_scope" {
  description = "Endpoint services that the warden answers for: all, or vpce-svc-… ids separated by commas, or tag:KEY=VALUE"
  type        = string
}

variable "mode" {
  description = "observe: record and tell the decisions; active: also accept and reject"
  type        = string
  default     = null
}

variable "policy_uri" {
  description = "The policy set: empty for the one in the package, or s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ (warden policy publish writes both forms)"
  type        = string
  default     = null
}

variable "policy_key_arn" {
  description = "The customer managed KMS key that encrypts the policy set in S3 (optional). The key's policy must allow the account's IAM policies, or both roles"
  type        = string
  default     = null
}

variable "organization_access" {
  description = "Access to AWS Organizations: none, direct (this account is the management account or a delegated administrator), or the ARN of a role there, whose account has this Region enabled"
  type        = string
  default     = null
}

variable "owner_email" {
  description = "Address for messages and alarms (optional; AWS mails a confirmation link to it)"
  type        = string
  default     = null
}

variable "event_bus_name" {
  description = "The event bus of this account and Region for events about decisions and findings, for programs; empty: no events"
  type        = string
  default     = null
}

variable "alarm_topic_arn" {
  description = "A topic of this Region for the alarms (optional; without it, they go to the owners' topic). Not under alias/aws/sns: alarms could not publish"
  type        = string
  default     = null
}

variable "policy_home" {
  description = "Where the policy set is edited, for messages: a URL or a path in your repository (optional)"
  type        = string
  default     = null
}

variable "runbook_url" {
  description = "Where docs/operations.md is published for the people on call, for the alarms: each names its entry there"
  type        = string
  default     = null
}

variable "sweep_schedule" {
  description = "How often all pending requests are judged. This bounds the wait if an event is lost"
  type        = string
  default     = null
}

variable "forwarder_organization_id" {
  description = "The organization whose accounts may forward events of connection requests to the bus (optional: o-…)"
  type        = string
  default     = null
}

variable "audit_schedule" {
  description = "How often every connection is judged again"
  type        = string
  default     = null
}

variable "audit_missed_after_hours" {
  description = "Hours without a finished audit until an alarm goes off; a little more than the schedule's interval"
  type        = number
  default     = null
}

variable "overdue_minutes" {
  description = "Minutes that an allowed request may be pending until the audit reports it as overdue; a few intervals of the sweep"
  type        = number
  default     = null
}

variable "waiting_hours" {
  description = "Hours that a request may wait for a person until the audit reports it, and again after 1, 3, 7, 14 and 30 days"
  type        = number
  default     = null
}

variable "expiring_days" {
  description = "Days before the end of a grant or a time limit that the audit reports it"
  type        = number
  default     = null
}

variable "unused_days" {
  description = "Days without a match until the audit reports a permit or a group as unused"
  type        = number
  default     = null
}

variable "report_retention_days" {
  description = "Days until an audit's report expires"
  type        = number
  default     = null
}

variable "ledger_retention_days" {
  description = "Days until a decision's record expires"
  type        = number
  default     = null
}

variable "log_retention_days" {
  description = "Days until log lines expire"
  type        = number
  default     = null
}

variable "architecture" {
  description = "The architecture that the binaries were built for"
  type        = string
  default     = null
}

variable "ca_bundle" {
  description = "TLS trust store: empty for Amazon's root CAs, or the path of a PEM bundle in the functions' file system (/etc/pki/tls/certs/ca-bundle.crt is the system store)"
  type        = string
  default     = null
}

variable "https_proxy" {
  description = "The proxy for the functions' calls to AWS, as http://HOST:PORT (optional). It must allow CONNECT to port 443"
  type        = string
  default     = null
}

variable "no_proxy" {
  description = "With HttpsProxy: hosts that are called without the proxy, separated by commas, such as those of VPC endpoints (optional)"
  type        = string
  default     = null
}

variable "log_level" {
  description = "The lowest level of the functions' log lines"
  type        = string
  default     = null
}

variable "maximum_concurrency" {
  description = "Batches of the request queue that are answered at the same time"
  type        = number
  default     = null
}

variable "patience_minutes" {
  description = "Minutes until the owner is told of a request that waits for a CloudTrail event or for AWS Organizations"
  type        = number
  default     = null
}

variable "subnet_ids" {
  description = "Private subnets for the functions, separated by commas (optional, together with SecurityGroupIds); docs/network.md lists what they must reach"
  type        = string
  default     = null
}

variable "security_group_ids" {
  description = "Security groups of the functions, separated by commas (optional, together with SubnetIds)"
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "A symmetric KMS key of yours, of this account and Region, for the ledger, the reports and both topics (optional). Its policy needs what infra/examples/key-policy.json has"
  type        = string
  default     = null
}

variable "encrypt_connections_topic" {
  description = "true: a customer managed KMS key for the topic that PrivateLink publishes to, made by this stack. It is billed monthly, and retained when it is no longer used"
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "The permissions boundary of each role (optional: the ARN of a managed policy). It must allow what the roles' policies allow"
  type        = string
  default     = null
}

variable "service_tag_value" {
  description = "With a value, approve's role may accept and reject only connections of services whose tag `warden` has it, such as yes beside ServiceScope=tag:warden=yes (optional)"
  type        = string
  default     = null
}

locals {
  given = {
    ServiceScope            = var.service_scope
    Mode                    = var.mode
    PolicyUri               = var.policy_uri
    PolicyKeyArn            = var.policy_key_arn
    OrganizationAccess      = var.organization_access
    OwnerEmail              = var.owner_email
    EventBusName            = var.event_bus_name
    AlarmTopicArn           = var.alarm_topic_arn
    PolicyHome              = var.policy_home
    RunbookUrl              = var.runbook_url
    SweepSchedule           = var.sweep_schedule
    ForwarderOrganizationId = var.forwarder_organization_id
    AuditSchedule           = var.audit_schedule
    AuditMissedAfterHours   = var.audit_missed_after_hours
    OverdueMinutes          = var.overdue_minutes
    WaitingHours            = var.waiting_hours
    ExpiringDays            = var.expiring_days
    UnusedDays              = var.unused_days
    ReportRetentionDays     = var.report_retention_days
    LedgerRetentionDays     = var.ledger_retention_days
    LogRetentionDays        = var.log_retention_days
    Architecture            = var.architecture
    CaBundle                = var.ca_bundle
    HttpsProxy              = var.https_proxy
    NoProxy                 = var.no_proxy
    LogLevel                = var.log_level
    MaximumConcurrency      = var.maximum_concurrency
    PatienceMinutes         = var.patience_minutes
    SubnetIds               = var.subnet_ids
    SecurityGroupIds        = var.security_group_ids
    KmsKeyArn               = var.kms_key_arn
    EncryptConnectionsTopic = var.encrypt_connections_topic
    PermissionsBoundaryArn  = var.permissions_boundary_arn
    ServiceTagValue         = var.service_tag_value
  }
}
