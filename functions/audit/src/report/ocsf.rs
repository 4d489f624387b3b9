//! Findings as OCSF *Compliance Finding* events (class 2003), one JSON object a line, for security lakes.
//!
//! Shape: <https://schema.ocsf.io/1.4.0/classes/compliance_finding>. An open finding fails its control; one that is gone
//! passes it.

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    ledger::finding::{Finding, FindingSubject},
    model::severity::Severity,
};

use super::Standpoint;

const OCSF_VERSION: &str = "1.4.0";
const CATEGORY_FINDINGS: u32 = 2;
const CLASS_COMPLIANCE_FINDING: u32 = 2003;

/// What became of a finding.
#[derive(Debug, Clone, Copy)]
pub(super) enum Activity {
    /// First seen in this run.
    Create,
    /// Seen again.
    Update,
    /// Gone.
    Close,
}

pub(super) fn event(standpoint: &Standpoint, finding: &Finding, since: Timestamp, activity: Activity) -> Value {
    let (activity_id, activity_name, status_id, status) = match activity {
        Activity::Create => (1, "Create", 1, "New"),
        Activity::Update => (2, "Update", 2, "In Progress"),
        Activity::Close => (3, "Close", 4, "Resolved"),
    };
    let (verdict_id, verdict) = match activity {
        Activity::Create | Activity::Update => (3, "Fail"),
        Activity::Close => (1, "Pass"),
    };
    let (severity_id, severity) = match finding.severity {
        Severity::Info => (1, "Informational"),
        Severity::Warning => (3, "Medium"),
        Severity::Critical => (5, "Critical"),
    };
    let now = standpoint.at.as_millisecond();
    let commands: Vec<&str> = finding.next.iter().filter_map(|step| step.command.as_deref()).collect();
    let steps: Vec<String> = finding
        .next
        .iter()
        .map(|step| step.command.as_ref().map_or_else(|| step.what.clone(), |command| format!("{}: {command}", step.what)))
        .collect();
    json!({
        "activity_id": activity_id,
        "activity_name": activity_name,
        "category_uid": CATEGORY_FINDINGS,
        "category_name": "Findings",
        "class_uid": CLASS_COMPLIANCE_FINDING,
        "class_name": "Compliance Finding",
        "type_uid": CLASS_COMPLIANCE_FINDING * 100 + activity_id,
        "type_name": format!("Compliance Finding: {activity_name}"),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": now,
        "message": finding.what,
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["cloud"],
            "product": { "name": "privatelink-warden", "vendor_name": "privatelink-warden", "version": standpoint.function_version },
            "correlation_uid": standpoint.run,
        },
        "cloud": { "provider": "AWS", "region": standpoint.region },
        "finding_info": {
            "uid": finding.id,
            "title": finding.kind.title(),
            "desc": finding.what,
            "types": [finding.kind],
            "first_seen_time": since.as_millisecond(),
            "created_time": since.as_millisecond(),
            "last_seen_time": now,
            "data_sources": ["DescribeVpcEndpointConnections", "DescribeVpcEndpointServicePermissions", "DescribeVpcEndpointServiceConfigurations"],
        },
        "compliance": {
            "control": finding.kind,
            "standards": ["privatelink-warden"],
            "requirements": [finding.kind.title()],
            "status_id": verdict_id,
            "status": verdict,
        },
        "resources": resources(standpoint, finding),
        "remediation": { "desc": steps.join("\n"), "references": commands },
        "unmapped": { "evidence": finding.evidence, "policy_digest": standpoint.policy_digest },
    })
}

fn resources(standpoint: &Standpoint, finding: &Finding) -> Value {
    let partition = standpoint.region.partition();
    let resource = |uid: String, kind: &str| json!({"uid": uid, "type": kind, "region": standpoint.region, "cloud_partition": partition});
    // The endpoint is the consumer's; whatever else is named here is the provider's own.
    let endpoint_of = |uid: String| {
        let mut resource = resource(uid, "AWS::EC2::VPCEndpoint");
        if let (Some(account), Some(object)) = (&finding.account, resource.as_object_mut()) {
            object.insert("owner".to_owned(), json!({"account": {"uid": account, "type_id": 10, "type": "AWS Account"}}));
        }
        resource
    };
    match &finding.subject {
        FindingSubject::Service { service } | FindingSubject::Asker { service, .. } => {
            json!([resource(service.to_string(), "AWS::EC2::VPCEndpointService")])
        }
        FindingSubject::Connection { service, endpoint } => {
            json!([endpoint_of(endpoint.to_string()), resource(service.to_string(), "AWS::EC2::VPCEndpointService")])
        }
        FindingSubject::Principal { service, .. } => json!([resource(service.to_string(), "AWS::EC2::VPCEndpointServicePermissions")]),
        FindingSubject::Policy { policy } => json!([resource(policy.to_string(), "Cedar policy")]),
        FindingSubject::Group { group } => json!([resource(group.to_string(), "Account group")]),
    }
}
