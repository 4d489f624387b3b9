//! The sentences that all forms of a decision's message share.

use crate::{
    ledger::{
        finding::Step,
        record::{Act, Record, Verdict},
    },
    message::{
        details::details,
        escape,
        steps::{actions, steps},
    },
    model::{printable::printable, subject::Subject},
    policy::{Answer, Detail, Judgement, PolicyInfo, QUOTE_CHARACTERS_MAX, evaluation::Refer, policy_names},
};

/// The wording of one message.
pub(super) struct Wording<'a> {
    record: &'a Record,
    pub(super) account: String,
    pub(super) service_name: String,
    /// The determining policies.
    pub(super) policies: &'a [PolicyInfo],
    /// The outcome, in one sentence.
    pub(super) what: String,
    /// The reason.
    pub(super) why: String,
    /// The reason that the requester gave, as a claim.
    pub(super) claim: Option<String>,
    /// Notes of the sender.
    pub(super) notes: &'a [String],
    /// The next steps.
    pub(super) steps: Vec<Step>,
    /// The answers that a person can give, while a decision is needed.
    pub(super) actions: Vec<&'static str>,
}

impl<'a> Wording<'a> {
    pub(super) fn of(record: &'a Record, policy_home: &str, notes: &'a [String]) -> Self {
        let account = record.account().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let service = &record.facts.service;
        let service_name = service.tags.get("Name").map_or_else(|| service.id.to_string(), |name| printable(name, 40));
        let policies = explaining_answer(record).map_or(&[][..], |answer| &answer.policies);
        let steps = steps(record, policies, &printable(policy_home, 200));
        Self {
            what: what(record, &account, &service_name),
            why: why(record, policies),
            claim: record.facts.claimed_reason().map(|reason| format!("The requester claims, and no policy reads it: \"{reason}\"")),
            actions: actions(record, &steps),
            steps,
            record,
            account,
            service_name,
            policies,
            notes,
        }
    }

    pub(super) fn subject(&self) -> String {
        let outcome = match (self.record.verdict, self.record.failure.as_ref().map(|failure| failure.act)) {
            (Verdict::Accepted, _) => ": accepted",
            (Verdict::Rejected, _) if self.record.is_disconnection() => ": disconnected",
            (Verdict::Rejected, _) => ": rejected",
            (Verdict::Referred, _) => ": decision needed",
            (Verdict::Disputed, _) => " ALERT: event contradicts EC2",
            (Verdict::Found, _) => ": connected without a record",
            (Verdict::Failed, Some(Act::Reject)) if self.record.is_disconnection() => ": disconnection failed",
            (Verdict::Failed, Some(Act::Reject)) => ": rejection failed",
            (Verdict::Failed, _) => ": acceptance failed",
            (Verdict::ObservedAccept, _) => " (observe mode): would accept",
            (Verdict::ObservedReject, _) => " (observe mode): would reject",
        };
        escape::subject(&format!("PrivateLink{outcome}: account {}, service {}", self.account, self.service_name))
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n", self.what, self.why);
        self.claim.iter().for_each(|claim| text.push_str(&format!("{claim}\n")));
        self.notes.iter().for_each(|note| text.push_str(&format!("{note}\n")));
        text.push_str("\nWhat you can do\n");
        for step in &self.steps {
            text.push_str(&format!("- {}\n", step.what));
            if let Some(command) = &step.command {
                text.push_str(&format!("    {command}\n"));
            }
        }
        text.push_str("\nDetails\n");
        for (name, value) in details(self.record, &self.account, &self.service_name) {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        text
    }
}

fn what(record: &Record, account: &str, service_name: &str) -> String {
    let request = match record.subject() {
        Subject::Endpoint(_) => format!("Account {account}'s request to connect to {service_name}"),
        Subject::Attachment(_) => format!("Account {account}'s request to attach a transit gateway to {service_name}"),
    };
    let ends = record.is_disconnection();
    match (record.verdict, record.failure.as_ref().map(|failure| failure.act)) {
        (Verdict::Accepted, _) => format!("{request} was accepted."),
        (Verdict::Rejected, _) if ends => format!("Account {account} was disconnected from {service_name}."),
        (Verdict::Rejected, _) => format!("{request} was rejected."),
        (Verdict::Referred, _) if matches!(record.refer, Some(Refer::Held { .. })) => {
            format!("{request} is pending, because the warden is on hold.")
        }
        (Verdict::Referred, _) => format!("{request} is pending and needs your decision."),
        (Verdict::Disputed, _) => format!("{request} was left pending: the event that announced it does not agree with EC2."),
        (Verdict::Found, _) => format!("Account {account} is connected to {service_name}, and no record says who accepted the connection."),
        (Verdict::Failed, Some(Act::Reject)) if ends => {
            format!("Account {account} should be disconnected from {service_name}, but EC2 did not do it. The warden tries again.")
        }
        (Verdict::Failed, Some(Act::Reject)) => format!("{request} should be rejected, but EC2 did not reject it. The warden tries again."),
        (Verdict::Failed, _) => format!("{request} should be accepted, but EC2 did not accept it. The warden tries again."),
        (Verdict::ObservedAccept, _) => format!("{request} would be accepted in active mode. In observe mode, it stays pending."),
        (Verdict::ObservedReject, _) => format!("{request} would be rejected in active mode. In observe mode, it stays pending."),
    }
}

fn why(record: &Record, policies: &[PolicyInfo]) -> String {
    if let Some(failure) = &record.failure {
        return format!("EC2 returned {}: {}", printable(&failure.code, 80), printable(&failure.message, QUOTE_CHARACTERS_MAX));
    }
    let detail = Detail::Full(&record.facts);
    match (&record.refer, &record.grant, &record.refusal) {
        (Some(refer), _, _) => format!("{}{}", sentence(&refer.clause(record.judgement.as_ref(), detail)), consequence(refer)),
        (None, Some(grant), _) => sentence(&grant.clause()),
        (None, None, Some(refusal)) => sentence(&refusal.clause()),
        (None, None, None) => match policies {
            [] => "No policy accepts it.".to_owned(),
            _ if record.verdict == Verdict::Found => format!("The policy set accepts it, by {}.", policy_names(policies, detail)),
            _ => format!("By {}.", policy_names(policies, detail)),
        },
    }
}

/// Returns the consequence of a reason, where it is not obvious.
fn consequence(refer: &Refer) -> &'static str {
    match refer {
        Refer::Contradiction => " The warden does neither until the policy set is fixed.",
        Refer::PolicyError => " Nothing is decided by policy until it is fixed.",
        Refer::Inactive { .. } => " Neither a policy nor a grant accepts such an account.",
        Refer::UnreadableDecision { .. } => " Nothing is rejected on this service until it can be read.",
        Refer::Disputed { .. } => " Either the event is forged, or a component that handles it is broken.",
        Refer::NoPermit
        | Refer::Forbidden
        | Refer::Missing { .. }
        | Refer::Unverified { .. }
        | Refer::UnknownState { .. }
        | Refer::ConnectedInPart
        | Refer::Held { .. } => "",
    }
}

/// Returns the answer that explains the outcome.
fn explaining_answer(record: &Record) -> Option<&Answer> {
    let Judgement { accept, reject, .. } = record.judgement.as_ref()?;
    let rejected = matches!(record.verdict, Verdict::Rejected | Verdict::ObservedReject)
        || record.failure.as_ref().is_some_and(|failure| failure.act == Act::Reject);
    // A policy that denies a live connection does not explain who accepted it.
    let relevant = record.grant.is_none() && record.refusal.is_none() && (record.verdict != Verdict::Found || accept.allowed);
    relevant.then_some(if rejected { reject } else { accept })
}

fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).chain(['.']).collect())
}
