//! The next steps that a decision's message offers.

use crate::{
    decision::order::{command_line, describe_command},
    ledger::{
        finding::Step,
        record::{Record, Verdict},
    },
    model::{printable::printable, severity::Severity},
    policy::{Answer, PolicyInfo, QUOTE_CHARACTERS_MAX, evaluation::Refer},
};

/// Policies whose advice and owner a message names, so that its size is bounded.
pub(super) const POLICIES_MAX: usize = 10;

pub(super) fn steps(record: &Record, policies: &[PolicyInfo], policy_home: &str) -> Vec<Step> {
    let order = |what: &str, verb: &str| command(what, command_line(verb, record.subject(), &record.facts.service.region));
    let accept = |what: &str| order(what, "approve");
    let reject = |what: &str| order(what, "reject");
    let policy = |what: &str| text(format!("{what}: {policy_home}"));
    let end = || order("End the connection (live traffic stops at once)", "revoke");
    let account = record.account().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let noun = record.subject().kind().noun();
    let mut steps = match record.verdict {
        Verdict::Accepted => vec![end()],
        // AWS documents no way back from `rejected`.
        Verdict::Rejected if accepted_by_policy(record) => vec![
            policy(&format!("The policy set accepts the account's next {noun}. To prevent that, write a `forbid`")),
            text(format!("Ask the consumer to create a new {noun}: a rejected one stays rejected")),
        ],
        Verdict::Rejected => vec![
            command(&format!("Accept the account's next {noun}"), accept_account(record)),
            text(format!("Ask the consumer to create a new {noun}: a rejected one stays rejected")),
        ],
        Verdict::Referred if record.refer == Some(Refer::ConnectedInPart) => vec![accept("Accept it now"), end()],
        Verdict::Referred if matches!(record.refer, Some(Refer::Held { .. })) => {
            vec![command("End the hold (without --service, if all services are on hold)", resume(record))]
        }
        Verdict::Referred => vec![
            accept("Accept it now"),
            reject("Reject it"),
            policy(&format!("Decide requests of account {account} by policy: add it to a group in groups.json, or write a `permit`")),
        ],
        Verdict::Disputed => vec![
            command("Look at the connection in EC2", describe_command(record.subject(), &record.facts.service.region)),
            reject("Reject it, if you do not know this account"),
            text("Find out who may put events on the warden's bus, and who may send messages to its queue".to_owned()),
        ],
        Verdict::Found if policies.is_empty() => {
            vec![accept("Keep it, in your name"), policy("Or allow it in the policy set"), end()]
        }
        Verdict::Found => vec![end()],
        Verdict::Failed => vec![accept("Accept it now"), reject("Reject it")],
        Verdict::ObservedAccept => {
            vec![accept("Accept it now"), policy("If this is wrong, change the policy set before you switch to active mode")]
        }
        Verdict::ObservedReject => {
            vec![reject("Reject it now"), policy("If this is wrong, change the policy set before you switch to active mode")]
        }
    };
    let named = || policies.iter().take(POLICIES_MAX);
    let advice = named().filter_map(|policy| policy.advice.as_deref());
    steps.extend(advice.map(|advice| text(format!("The policy's advice to the requester: {}", printable(advice, QUOTE_CHARACTERS_MAX)))));
    let owners = named().filter_map(|policy| Some((policy.owner.as_deref()?, &policy.id)));
    steps.extend(owners.map(|(owner, id)| text(format!("The owner of `{}`: {}", printable(id.as_str(), 80), printable(owner, 80)))));
    steps
}

/// Returns the answers among the steps, while a decision is needed.
pub(super) fn actions(record: &Record, steps: &[Step]) -> Vec<&'static str> {
    let offered = |verb: &&str| {
        let begins = format!("warden {verb} ");
        steps.iter().any(|step| step.command.as_deref().is_some_and(|command| command.starts_with(&begins)))
    };
    let needed = Severity::of(record) > Severity::Info;
    ["approve", "reject"].into_iter().filter(|verb| needed && offered(verb)).collect()
}

fn text(what: String) -> Step {
    Step { what, command: None }
}

fn command(what: &str, command: String) -> Step {
    Step { what: what.to_owned(), command: Some(command) }
}

/// A person rejected or disconnected what the policy set accepts.
fn accepted_by_policy(record: &Record) -> bool {
    let accepts = |answer: &Answer| answer.allowed && answer.errors.is_empty() && answer.residual.is_empty();
    record.refusal.is_some()
        && record.judgement.as_ref().is_some_and(|judgement| accepts(&judgement.accept) && judgement.inactive.is_none())
}

fn resume(record: &Record) -> String {
    format!("warden resume --service {} --region {} --reason 'REASON'", record.service(), record.facts.service.region)
}

fn accept_account(record: &Record) -> String {
    let (region, service) = (&record.facts.service.region, record.service());
    let account = record.account().map_or_else(|| "ACCOUNT".to_owned(), ToString::to_string);
    format!("warden approve --account {account} --service {service} --region {region} --reason 'REASON'")
}
