//! The form for Amazon Q Developer in chat applications. It drops every other schema silently, and each value must be a string.
//! Messages about one subject form one thread.

use serde_json::{Value, json};

use crate::ledger::record::Record;
use crate::message::{escape::markdown, wording::Wording};
use crate::model::subject::Subject;

pub(super) fn form(record: &Record, wording: &Wording<'_>, severity: &str) -> Value {
    let steps: Vec<String> = wording
        .steps
        .iter()
        .map(|step| match &step.command {
            // A command holds only ids, so it needs no escape.
            Some(command) => format!("{}: `{command}`", markdown(&step.what)),
            None => markdown(&step.what),
        })
        .collect();
    let description: Vec<String> =
        [&wording.what, &wording.why].into_iter().chain(&wording.claim).chain(wording.notes).map(|line| markdown(line)).collect();
    let at = &record.facts.service;
    json!({
        "version": "1.0",
        "source": "custom",
        "id": format!("{}/{}", record.key().partition, record.key().sort),
        "content": {
            "textType": "client-markdown",
            "title": markdown(&wording.subject()),
            "description": description.join("\n"),
            "nextSteps": steps,
            "keywords": [record.verdict.as_str(), severity, at.id.as_str()],
        },
        "metadata": {
            "threadId": record.subject().as_str(),
            "summary": markdown(&wording.what),
            "eventType": record.verdict.as_str(),
            "relatedResources": subject_arn(record).into_iter().collect::<Vec<_>>(),
            "additionalContext": additional_context(record, wording),
        },
    })
}

/// Returns the variables of custom actions. `actions` is there while a decision is needed, so that a button can depend on it.
fn additional_context(record: &Record, wording: &Wording<'_>) -> Value {
    let mut context = json!({
        "account": wording.account,
        "subject": record.subject().as_str(),
        "region": record.facts.service.region.as_str(),
        "policy": record.policy_digest,
    });
    if let (Some(context), false) = (context.as_object_mut(), wording.actions.is_empty()) {
        context.insert("actions".to_owned(), wording.actions.join(" ").into());
    }
    context
}

/// Returns the ARN of the endpoint or attachment, if its owner is known. The record does not name the service's owner.
pub(super) fn subject_arn(record: &Record) -> Option<String> {
    let region = record.facts.connection.region.as_ref().unwrap_or(&record.facts.service.region);
    let partition = region.partition();
    let resource = match record.subject() {
        Subject::Endpoint(_) => "vpc-endpoint",
        Subject::Attachment(_) => "transit-gateway-attachment",
    };
    Some(format!("arn:{partition}:ec2:{region}:{}:{resource}/{}", record.account()?, record.subject()))
}
