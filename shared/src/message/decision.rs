//! The message about a decision.

use serde_json::{Value, json};

use crate::{
    ledger::record::Record,
    message::{brief::brief, chat, forms::Message, steps::POLICIES_MAX, wording::Wording},
    model::severity::Severity,
};

impl Message {
    /// Writes the message about a record, with notes of the sender. `policy_home` is the place where the policy set is edited.
    #[must_use]
    pub fn of(record: &Record, policy_home: &str, notes: &[String]) -> Self {
        let whole = Self::of_whole(record, policy_home, notes);
        if whole.fits() {
            return whole;
        }
        // A body with all forms may be too long for SNS. Then it quotes less.
        let (record, note) = brief(record);
        Self::of_whole(&record, policy_home, &[notes, &[note]].concat())
    }

    fn of_whole(record: &Record, policy_home: &str, notes: &[String]) -> Self {
        let wording = Wording::of(record, policy_home, notes);
        let severity = Severity::of(record).as_str();
        Self {
            subject: wording.subject(),
            text: wording.text(),
            json: program_form(record, &wording, severity).to_string(),
            chat: chat::form(record, &wording, severity).to_string(),
            attributes: vec![
                ("decision", record.verdict.to_string()),
                ("severity", severity.to_owned()),
                ("service_id", record.service().to_string()),
                ("account", wording.account),
            ],
        }
    }
}

fn program_form(record: &Record, wording: &Wording<'_>, severity: &str) -> Value {
    json!({
        "schema": record.schema,
        "decision": record.verdict,
        "severity": severity,
        "observe": record.observe,
        "service_id": record.service(),
        "service_name": wording.service_name,
        "subject": record.subject(),
        "kind": record.subject().kind(),
        "account": record.account(),
        "region": record.facts.service.region,
        "state": record.facts.connection.state,
        "requested_at": record.facts.connection.created,
        "decided_at": record.at,
        "why": wording.why,
        "claimed_reason": record.facts.claimed_reason(),
        "refer": record.refer,
        "failure": record.failure,
        "grant": record.grant,
        "policies": wording.policies.iter().take(POLICIES_MAX).map(|policy| &policy.id).collect::<Vec<_>>(),
        "policy_digest": record.policy_digest,
        "origin": record.origin,
        "notes": wording.notes,
        "next_steps": wording.steps.iter().map(|step| json!({"what": step.what, "command": step.command})).collect::<Vec<_>>(),
        "text": wording.text(),
    })
}
