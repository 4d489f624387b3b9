//! Record or digest → [`Message`]: every word that people get to read. Pure text, all of it in here.
//!
//! Whatever a consumer or an author could choose is escaped first: a mail must not be steered by a tag.

pub mod csv;

mod chat;
mod digest;
mod escape;
mod wording;

use serde_json::{Value, json};

use crate::ledger::record::{Record, Verdict};
pub use crate::model::severity::Severity;
use wording::Wording;

/// One message in all the forms its readers take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 characters of printable ASCII: SNS refuses other subjects.
    pub subject: String,
    /// For people.
    pub text: String,
    /// For programs: SQS, Lambda, HTTP.
    pub json: String,
    /// For Amazon Q Developer in chat applications, which drops every schema but its own.
    pub chat: String,
    /// Message attributes, for filter policies.
    pub attributes: Vec<(&'static str, String)>,
}

impl Severity {
    /// How soon somebody should look at a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        use crate::policy::evaluation::Refer;
        let justified = record.judgement.as_ref().is_some_and(|j| j.accept.allowed && j.accept.errors.is_empty());
        match (record.verdict, &record.refer) {
            (Verdict::Accepted | Verdict::Rejected | Verdict::ObservedAccept | Verdict::ObservedReject, _) => Self::Info,
            (Verdict::Found, _) if justified => Self::Info,
            (Verdict::Disputed, _) | (Verdict::Referred, Some(Refer::PolicyError | Refer::Contradiction)) => Self::Critical,
            (Verdict::Found | Verdict::Failed | Verdict::Referred, _) => Self::Warning,
        }
    }
}

impl Message {
    /// Writes the message about a record. `policy_home` says where the policy is edited.
    #[must_use]
    pub fn of(record: &Record, policy_home: &str) -> Self {
        let words = Wording::of(record, policy_home);
        let severity = Severity::of(record).as_str();
        let account = words.account.clone();
        Self {
            subject: words.subject(),
            text: words.text(),
            json: program_form(record, &words, severity).to_string(),
            chat: chat::form(record, &words, severity).to_string(),
            attributes: vec![
                ("decision", record.verdict.to_string()),
                ("severity", severity.to_owned()),
                ("service_id", record.service().to_string()),
                ("account", account),
            ],
        }
    }

    /// The body for `MessageStructure=json`: each kind of subscriber gets its own form.
    #[must_use]
    pub fn body(&self) -> String {
        json!({
            "default": self.text, "email": self.text, "email-json": self.json, "sms": self.subject,
            "sqs": self.json, "lambda": self.json, "http": self.json, "firehose": self.json, "https": self.chat,
        })
        .to_string()
    }
}

fn program_form(record: &Record, words: &Wording<'_>, severity: &str) -> Value {
    let connection = &record.facts.connection;
    json!({
        "schema": record.schema,
        "decision": record.verdict,
        "severity": severity,
        "observe": record.observe,
        "service_id": record.service(),
        "service_name": words.service_name,
        "endpoint_id": record.endpoint(),
        "account": record.account(),
        "region": record.facts.service.region,
        "state": connection.state,
        "requested_at": connection.created,
        "decided_at": record.at,
        "why": words.why,
        "refer": record.refer,
        "failure": record.failure,
        "grant": record.grant,
        "policies": words.rules.iter().map(|rule| &rule.id).collect::<Vec<_>>(),
        "policy_digest": record.policy_digest,
        "origin": record.origin,
        "next_steps": words.steps.iter().map(|step| json!({"what": step.what, "command": step.command})).collect::<Vec<_>>(),
        "text": words.text(),
    })
}
