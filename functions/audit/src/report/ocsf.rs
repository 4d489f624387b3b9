//! Findings as OCSF *Compliance Finding* events (class 2003), one JSON object a line, for security lakes.
//!
//! Source of the shape: <https://schema.ocsf.io/1.4.0/classes/compliance_finding>. The status of an open finding is
//! `Fail`, that of a resolved one `Pass`.

use jiff::Timestamp;
use serde_json::{Value, json};
use warden::{
    ledger::finding::{Finding, FindingSubject, Step},
    model::{severity::Severity, subject::Subject},
};

use super::parts::ReportHeader;

const OCSF_VERSION: &str = "1.4.0";
const CATEGORY_FINDINGS: u32 = 2;
const CLASS_COMPLIANCE_FINDING: u32 = 2003;

/// The activity of an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Activity {
    /// The finding is new.
    Create,
    /// The finding was open before.
    Update,
    /// The finding no longer applies.
    Close,
}

pub(super) fn event(header: &ReportHeader, finding: &Finding, since: Timestamp, activity: Activity) -> Value {
    let (activity_id, activity_name, status_id, status) = match activity {
        Activity::Create => (1, "Create", 1, "New"),
        Activity::Update => (2, "Update", 2, "In Progress"),
        Activity::Close => (3, "Close", 4, "Resolved"),
    };
    let (severity_id, severity) = match finding.severity {
        Severity::Info => (1, "Informational"),
        Severity::Warning => (3, "Medium"),
        Severity::Critical => (5, "Critical"),
    };
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
        "time": header.at.as_millisecond(),
        "message": finding.what,
        "metadata": metadata(header),
        "cloud": { "provider": "AWS", "region": header.region },
        "finding_info": finding_info(header, finding, since),
        "compliance": compliance(finding, activity),
        "resources": resources(header, finding),
        "remediation": remediation(finding),
        "unmapped": { "evidence": finding.evidence, "policy_digest": header.policy_digest },
    })
}

fn metadata(header: &ReportHeader) -> Value {
    json!({
        "version": OCSF_VERSION,
        "profiles": ["cloud"],
        "product": { "name": "privatelink-warden", "vendor_name": "privatelink-warden", "version": header.function_version },
        "correlation_uid": header.run,
    })
}

fn finding_info(header: &ReportHeader, finding: &Finding, since: Timestamp) -> Value {
    json!({
        "uid": finding.id,
        "title": finding.title,
        "desc": finding.what,
        "types": [finding.kind],
        "first_seen_time": since.as_millisecond(),
        "created_time": since.as_millisecond(),
        "last_seen_time": header.at.as_millisecond(),
        "data_sources": ["DescribeVpcEndpointConnections", "DescribeVpcEndpointServicePermissions", "DescribeVpcEndpointServiceConfigurations"],
    })
}

fn compliance(finding: &Finding, activity: Activity) -> Value {
    let (status_id, status) = match activity {
        Activity::Create | Activity::Update => (3, "Fail"),
        Activity::Close => (1, "Pass"),
    };
    json!({
        "control": finding.kind,
        "standards": ["privatelink-warden"],
        "requirements": [finding.title],
        "status_id": status_id,
        "status": status,
    })
}

fn remediation(finding: &Finding) -> Value {
    let commands: Vec<&str> = finding.next.iter().filter_map(|step| step.command.as_deref()).collect();
    let step = |Step { what, command }: &Step| command.as_ref().map_or_else(|| what.clone(), |command| format!("{what}: {command}"));
    let steps: Vec<String> = finding.next.iter().map(step).collect();
    json!({ "desc": steps.join("\n"), "references": commands })
}

fn resources(header: &ReportHeader, finding: &Finding) -> Value {
    let partition = header.region.partition();
    let resource = |uid: &dyn ToString, kind: &str| json!({"uid": uid.to_string(), "type": kind, "region": header.region, "cloud_partition": partition});
    let service_resource = |uid: &dyn ToString| resource(uid, "AWS::EC2::VPCEndpointService");
    match &finding.subject {
        FindingSubject::Service { service } | FindingSubject::Account { service, .. } => json!([service_resource(service)]),
        FindingSubject::Connection { service, id } => {
            let kind = match id {
                Subject::Endpoint(_) => "AWS::EC2::VPCEndpoint",
                Subject::Attachment(_) => "AWS::EC2::TransitGatewayAttachment",
            };
            let mut subject = resource(id, kind);
            // The subject belongs to the consumer. All other resources belong to the provider.
            if let (Some(account), Some(object)) = (&finding.account, subject.as_object_mut()) {
                object.insert("owner".to_owned(), json!({"account": {"uid": account, "type_id": 10, "type": "AWS Account"}}));
            }
            json!([subject, service_resource(service)])
        }
        FindingSubject::Principal { service, .. } => json!([resource(service, "AWS::EC2::VPCEndpointServicePermissions")]),
        FindingSubject::Policy { policy } => json!([resource(policy, "Cedar policy")]),
        FindingSubject::Group { group } => json!([resource(group, "Account group")]),
    }
}
