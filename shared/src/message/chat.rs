//! The form that Amazon Q Developer in chat applications shows. It drops every other schema without a word, and wants
//! every value to be a string. One thread per endpoint keeps a connection's life together.

use serde_json::{Value, json};

use crate::ledger::record::Record;
use crate::message::{escape::markdown, wording::Wording};

pub(super) fn form(record: &Record, words: &Wording<'_>, severity: &str) -> Value {
    let steps: Vec<String> = words
        .steps
        .iter()
        .map(|step| match &step.command {
            // Ids only: nothing in a command was chosen by a consumer.
            Some(command) => format!("{}: `{command}`", markdown(&step.what)),
            None => markdown(&step.what),
        })
        .collect();
    let at = &record.facts.service;
    json!({
        "version": "1.0",
        "source": "custom",
        "id": format!("{}/{}", record.key().connection, record.verdict),
        "content": {
            "textType": "client-markdown",
            "title": markdown(&words.subject()),
            "description": format!("{}\n{}", markdown(&words.what), markdown(&words.why)),
            "nextSteps": steps,
            "keywords": [record.verdict.as_str(), severity, at.id.as_str()],
        },
        "metadata": {
            "threadId": record.endpoint().as_str(),
            "summary": markdown(&words.what),
            "eventType": record.verdict.as_str(),
            "relatedResources": endpoint_arn(record).into_iter().collect::<Vec<_>>(),
            "additionalContext": { "account": words.account, "region": at.region.as_str(), "policy": record.policy_digest },
        },
    })
}

/// The endpoint's ARN, where its owner is known. The service's owner is not in the record.
fn endpoint_arn(record: &Record) -> Option<String> {
    let region = record.facts.connection.region.as_ref().unwrap_or(&record.facts.service.region);
    let partition = region.partition();
    Some(format!("arn:{partition}:ec2:{region}:{}:vpc-endpoint/{}", record.account()?, record.endpoint()))
}
