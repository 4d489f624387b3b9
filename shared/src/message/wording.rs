//! What happened, why, and what the reader can do: the sentences all forms of a message share.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::message::escape;
use crate::{
    ledger::record::{Act, Record, Verdict},
    model::organization::Membership,
    policy::{Answer, Judgement, PolicyId, PolicyInfo, UnknownFact, evaluation::Refer},
};

/// Author's texts are quoted no longer than this.
const QUOTE_CHARACTERS_MAX: usize = 400;
/// Policies named in one message.
const RULES_MAX: usize = 10;

/// One message, in words.
pub(super) struct Wording<'a> {
    record: &'a Record,
    pub(super) account: String,
    pub(super) service_name: String,
    pub(super) rules: &'a [PolicyInfo],
    /// One sentence: what became of the request.
    pub(super) what: String,
    /// One or two sentences: the reason.
    pub(super) why: String,
    pub(super) steps: Vec<Step>,
}

/// Something the reader can do.
pub(super) struct Step {
    pub(super) what: String,
    pub(super) command: Option<String>,
}

impl<'a> Wording<'a> {
    pub(super) fn of(record: &'a Record, policy_home: &str) -> Self {
        let account = record.account().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        let service = &record.facts.service;
        let service_name = service.tags.get("Name").map_or_else(|| service.id.to_string(), |name| escape::plain(name, 40));
        let rules = telling(record).map_or(&[][..], |answer| answer.policies.get(..RULES_MAX).unwrap_or(&answer.policies));
        let mut words = Self { record, account, service_name, rules, what: String::new(), why: String::new(), steps: Vec::new() };
        words.what = words.what();
        words.why = words.why();
        words.steps = words.steps(&escape::plain(policy_home, 200));
        words
    }

    pub(super) fn subject(&self) -> String {
        let Self { account, service_name, record, .. } = self;
        let who = format!("account {account} and {service_name}");
        escape::subject(&match record.verdict {
            Verdict::Accepted => format!("PrivateLink: accepted {who}"),
            Verdict::Rejected => format!("PrivateLink: rejected {who}"),
            Verdict::Referred => format!("PrivateLink: please decide, {who}"),
            Verdict::Disputed => format!("PrivateLink ALERT: event and EC2 disagree, {who}"),
            Verdict::Found => format!("PrivateLink: found connected, {who}"),
            Verdict::Failed => format!("PrivateLink: could not answer, {who}"),
            Verdict::ObservedAccept => format!("PrivateLink (observing): would accept {who}"),
            Verdict::ObservedReject => format!("PrivateLink (observing): would reject {who}"),
        })
    }

    fn what(&self) -> String {
        let Self { account, service_name, record, .. } = self;
        let ask = format!("Account {account}'s request to connect to {service_name}");
        match (record.verdict, record.failure.as_ref().map(|failure| failure.act)) {
            (Verdict::Accepted, _) => format!("{ask} was accepted."),
            (Verdict::Rejected, _) => format!("{ask} was rejected."),
            (Verdict::Referred, _) => format!("{ask} waits for your decision."),
            (Verdict::Disputed, _) => format!("{ask} was left alone: the event that announced it does not agree with EC2."),
            (Verdict::Found, _) => format!("Account {account} is connected to {service_name}, and no record says who let it in."),
            (Verdict::Failed, Some(Act::Reject)) => format!("{ask} should be rejected, but EC2 did not do it. Each sweep tries again."),
            (Verdict::Failed, _) => format!("{ask} should be accepted, but EC2 did not do it. Each sweep tries again."),
            (Verdict::ObservedAccept, _) => format!("{ask} would have been accepted. The warden only observes, so it still waits."),
            (Verdict::ObservedReject, _) => format!("{ask} would have been rejected. The warden only observes, so it still waits."),
        }
    }

    fn why(&self) -> String {
        if let Some(failure) = &self.record.failure {
            return format!("EC2 answered {}: {}", escape::plain(&failure.code, 80), escape::plain(&failure.message, QUOTE_CHARACTERS_MAX));
        }
        match &self.record.refer {
            Some(refer) => self.why_referred(refer),
            None => self.by_policy(),
        }
    }

    fn why_referred(&self, refer: &Refer) -> String {
        match refer {
            Refer::NoPermit => format!("No policy allows account {} here.", self.account),
            Refer::Forbidden => format!("It is forbidden by {}.", self.quoted_rules()),
            Refer::Contradiction => "The policy allows both to accept and to reject it, so it does neither. Mend the policy.".to_owned(),
            Refer::PolicyError => format!("A policy could not be evaluated, so nothing is decided by any: {}.", self.quoted_errors()),
            Refer::Missing { fact } => format!("{fact}."),
            Refer::Unverified { needs } => self.why_unverified(needs),
            Refer::Inactive { state } => format!(
                "In the organization, account {} is `{}`. Such an account is never let in, whatever a policy or a grant says.",
                self.account,
                escape::plain(state, 40)
            ),
            Refer::UnknownState { state } => {
                format!("EC2 says that the connection is `{}`, a state this version does not know.", escape::plain(state, 40))
            }
            Refer::Disputed { claimed } => format!(
                "The event says that the endpoint is owned by account {claimed}; EC2 says account {}. Either the event was forged or something on its way is broken.",
                self.account
            ),
        }
    }

    fn why_unverified(&self, needs: &BTreeSet<UnknownFact>) -> String {
        let sentence = |need: &UnknownFact| {
            let residual = self.record.judgement.iter().flat_map(Judgement::residual).filter(|policy| policy.needs.contains(need));
            let mut ids: Vec<String> = residual.map(|policy| format!("`{}`", escape::plain(policy.id.as_str(), 80))).collect();
            ids.dedup();
            ids.truncate(RULES_MAX);
            let why = escape::plain(need.why_unknown(&self.record.facts).trim_end_matches('.'), QUOTE_CHARACTERS_MAX);
            if ids.is_empty() {
                return format!(
                    "A person approved this request, but it is still pending: {} is unknown. {}.",
                    need.label(),
                    capitalized(&why)
                );
            }
            format!(
                "The request is pending: {} may decide it by {}, which is unknown. {}.",
                ids.join(", "),
                need.label(),
                capitalized(&why)
            )
        };
        needs.iter().map(sentence).collect::<Vec<_>>().join(" ")
    }

    fn by_policy(&self) -> String {
        if let Some(grant) = &self.record.grant {
            let (person, reason) = (escape::plain(&grant.by, 200), escape::plain(&grant.reason, QUOTE_CHARACTERS_MAX));
            return format!("By decision of {person}: {reason}.");
        }
        if let Some(refusal) = &self.record.refusal {
            let (person, reason) = (escape::plain(&refusal.by, 200), escape::plain(&refusal.reason, QUOTE_CHARACTERS_MAX));
            return format!("By decision of {person}: {reason}.");
        }
        match self.rules {
            [] => "No policy would accept it.".to_owned(),
            _ if self.record.verdict == Verdict::Found => format!("The policy would accept it, by {}.", self.quoted_rules()),
            _ => format!("By {}.", self.quoted_rules()),
        }
    }

    fn quoted_rules(&self) -> String {
        let quote = |rule: &PolicyInfo| {
            let reason =
                rule.reason.as_deref().map(|reason| format!(" ({})", escape::plain(reason, QUOTE_CHARACTERS_MAX))).unwrap_or_default();
            format!("`{}`{reason}", escape::plain(rule.id.as_str(), 80))
        };
        self.rules.iter().map(quote).collect::<Vec<_>>().join(", ")
    }

    fn quoted_errors(&self) -> String {
        let errors = self.record.judgement.iter().flat_map(|judgement| judgement.accept.errors.iter().chain(&judgement.reject.errors));
        let mut quoted: Vec<String> = errors
            .map(|error| {
                format!(
                    "`{}`: {}",
                    escape::plain(error.id.as_ref().map_or("", PolicyId::as_str), 80),
                    escape::plain(&error.message, QUOTE_CHARACTERS_MAX)
                )
            })
            .collect();
        quoted.dedup();
        quoted.truncate(RULES_MAX);
        quoted.join("; ")
    }

    fn steps(&self, policy_home: &str) -> Vec<Step> {
        let accept = || self.command("Let it in now", "accept");
        let reject = |what: &str| self.command(what, "reject");
        let policy = |what: &str| Step { what: format!("{what}: {policy_home}"), command: None };
        let mut steps = match self.record.verdict {
            Verdict::Accepted => vec![reject("Cut it off again (live traffic stops at once)")],
            Verdict::Rejected => vec![self.command("Let it in after all", "accept")],
            Verdict::Referred => vec![
                accept(),
                reject("Turn it away"),
                policy(&format!(
                    "Answer account {} by policy from now on: add it to a group in groups.json, or write a `permit`",
                    self.account
                )),
            ],
            Verdict::Disputed => vec![
                self.command("Look at the connection yourself", "describe"),
                reject("Turn it away, if you do not know this account"),
                Step { what: "Find out who may put events on the warden's bus and who may invoke its function".to_owned(), command: None },
            ],
            Verdict::Found if self.rules.is_empty() => {
                vec![policy("Keep it: make it part of the policy"), reject("Cut it off (live traffic stops at once)")]
            }
            Verdict::Found => vec![reject("Cut it off (live traffic stops at once)")],
            Verdict::Failed => vec![accept(), reject("Turn it away")],
            Verdict::ObservedAccept => vec![accept(), policy("Wrong? Change the policy before you switch the warden to active")],
            Verdict::ObservedReject => {
                vec![reject("Turn it away now"), policy("Wrong? Change the policy before you switch the warden to active")]
            }
        };
        let advice = self.rules.iter().filter_map(|rule| rule.advice.as_deref());
        steps.extend(advice.map(|advice| Step {
            what: format!("The policy's advice to the requester: {}", escape::plain(advice, QUOTE_CHARACTERS_MAX)),
            command: None,
        }));
        let owners = self.rules.iter().filter_map(|rule| Some((rule.owner.as_deref()?, &rule.id)));
        steps.extend(owners.map(|(owner, id)| Step {
            what: format!("Ask about `{}`: {}", escape::plain(id.as_str(), 80), escape::plain(owner, 80)),
            command: None,
        }));
        steps
    }

    fn command(&self, what: &str, verb: &str) -> Step {
        let record = self.record;
        let (region, service, endpoint) = (&record.facts.service.region, record.service(), record.endpoint());
        let command = match verb {
            "describe" => {
                format!("aws ec2 describe-vpc-endpoint-connections --region {region} --filters Name=vpc-endpoint-id,Values={endpoint}")
            }
            _ => format!("aws ec2 {verb}-vpc-endpoint-connections --region {region} --service-id {service} --vpc-endpoint-ids {endpoint}"),
        };
        Step { what: what.to_owned(), command: Some(command) }
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n{}\n\nWhat you can do\n", self.what, self.why);
        for step in &self.steps {
            text.push_str(&format!("- {}\n", step.what));
            if let Some(command) = &step.command {
                text.push_str(&format!("    {command}\n"));
            }
        }
        text.push_str("\nDetails\n");
        for (name, value) in self.details() {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        text
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let record = self.record;
        let connection = &record.facts.connection;
        let mut details = vec![
            ("Account", self.account.clone()),
            ("Endpoint", record.endpoint().to_string()),
            ("Service", format!("{} ({})", record.service(), self.service_name)),
            ("Region", record.facts.service.region.to_string()),
            ("State at that moment", escape::plain(connection.state.as_str(), 40)),
            ("Requested", connection.created.map_or_else(|| "unknown".to_owned(), second)),
            ("Decided", second(record.at)),
        ];
        if let Some(region) = connection.region.as_ref().filter(|region| **region != record.facts.service.region) {
            details.push(("Consumer's Region", region.to_string()));
        }
        if let Membership::Member(member) = &record.facts.membership {
            let name = member.name.as_deref().map(|name| format!(" ({})", escape::plain(name, 80))).unwrap_or_default();
            details.push(("In the organization", format!("{}{name}", escape::plain(member.units.last().map_or("", String::as_str), 80))));
        }
        if let Some(role) = record.facts.requester() {
            details.push(("Requested by", escape::plain(role.as_str(), 200)));
        }
        if record.observe {
            details.push(("Mode", "observe: nothing is accepted or rejected".to_owned()));
        }
        details.push(("Policy digest", record.policy_digest.chars().take(12).collect()));
        details
    }
}

/// To the second: nobody reads further.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The answer that explains the outcome.
fn telling(record: &Record) -> Option<&Answer> {
    let Judgement { accept, reject, .. } = record.judgement.as_ref()?;
    let rejected = matches!(record.verdict, Verdict::Rejected | Verdict::ObservedReject)
        || record.failure.as_ref().is_some_and(|failure| failure.act == Act::Reject);
    // What turned down an acceptance of something that is connected already explains nothing about who let it in.
    let relevant = record.grant.is_none() && record.refusal.is_none() && (record.verdict != Verdict::Found || accept.allowed);
    relevant.then_some(if rejected { reject } else { accept })
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
