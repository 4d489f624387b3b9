//! `warden explain`: the facts, each policy that matched or nearly did, the ledger's history, and what to change.

mod advice;
mod tell;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::json;
use warden::{
    aws::dynamodb::About,
    decision::{
        Decision, decide,
        grant::{Grant, Grantee},
    },
    ledger::record::Record,
    model::{
        connection::{Connection, Phase, State},
        facts::Facts,
        ids::EndpointId,
    },
    policy::{
        PolicySet,
        explain::{ConditionResult, PolicyExplanation},
    },
    ports::Ledger,
};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    decide::as_if_it_asked,
    failure::{Done, Failure},
    output::{Rows, minute},
    plan::{awaited, words},
};

pub(crate) async fn explain(common: &Common, aws: &Aws, endpoint: &EndpointId) -> Result<Done, Failure> {
    let policy = aws.policy(&common.policies).await?;
    let (service, connection, all) = aws.connection(endpoint).await?;
    let state = connection.state.clone();
    let facts = as_if_it_asked(aws, &policy, service, &connection, &all).await;
    // What is connected is explained as if it asked now; what is gone asks no more.
    let asked = if state.phase() == Phase::Live { State::PendingAcceptance } else { state.clone() };
    let facts = Facts { connection: Connection { state: asked, ..facts.connection }, ..facts };
    let ledger = aws.ledger().ok();
    let mut grants = match ledger {
        Some(ledger) => ledger.grants(&facts.service.id).await?,
        None => Vec::new(),
    };
    grants.retain(|grant| grant.speaks_of(&facts.connection));
    grants.sort_by_key(|grant| grant.at);

    let history = match ledger {
        Some(ledger) => Some(ledger.decisions(&About { endpoint: Some(endpoint.clone()), ..About::default() }).await?),
        None => None,
    };
    let explanation = Explanation::of(&policy, state, facts, grants, history)?;
    match common.output {
        Format::Table => explanation.tell(),
        Format::Json => explanation.json()?,
        Format::Csv => explanation.rows().write(Format::Csv, ""),
    }
    Ok(Done::Fine)
}

/// Everything there is to say.
struct Explanation {
    /// As EC2 says it is; the facts are as if it asked now.
    state: State,
    facts: Facts,
    decision: Decision,
    digest: String,
    /// By action.
    policies: Vec<(&'static str, PolicyExplanation)>,
    /// Those that speak of the connection, ended or not.
    grants: Vec<Grant>,
    /// Nothing, where no ledger was named.
    history: Option<History>,
}

/// Records, and what of them cannot be read.
type History = (Vec<Record>, Vec<String>);

impl Explanation {
    fn of(policy: &PolicySet, state: State, facts: Facts, grants: Vec<Grant>, history: Option<History>) -> Result<Self, Failure> {
        let mut policies = Vec::new();
        for action in ["Accept", "Reject"] {
            let explained = policy.explain(action, &facts).map_err(|missing| Failure::Trouble(missing.to_string()))?;
            policies.extend(explained.into_iter().map(|one| (action, one)));
        }
        let (decision, digest) = (decide(policy, &facts, &grants), policy.digest().to_owned());
        Ok(Self { state, facts, decision, digest, policies, grants, history })
    }

    fn json(&self) -> Result<(), Failure> {
        let (would, because) = words(&self.decision);
        let policies: Vec<_> =
            self.policies.iter().map(|(action, one)| json!({"action": action, "matched": one.matched(), "policy": one})).collect();
        let whole = json!({
            "state": self.state, "facts": self.facts, "would": would, "because": because, "judgement": self.decision.grounds.judgement,
            "grant": self.decision.grounds.grant, "policy_digest": self.digest, "policies": policies, "advice": advice::advice(self),
            "grants": self.grants, "history": self.history.as_ref().map(|(records, _)| records),
        });
        println!("{}", serde_json::to_string_pretty(&whole).map_err(std::io::Error::from)?);
        Ok(())
    }

    /// One row for each condition, one for a policy that has none, and one for each grant.
    fn rows(&self) -> Rows {
        let mut rows = Rows::new(&["action", "policy", "effect", "in scope", "condition", "holds"]);
        for (action, one) in &self.policies {
            let effect = if one.forbids { "forbid" } else { "permit" };
            let mut push = |condition: &str, holds: &str| {
                rows.push([(*action).to_owned(), one.id.clone(), effect.into(), one.in_scope.to_string(), condition.into(), holds.into()]);
            };
            if one.conditions.is_empty() {
                push("", "");
            }
            for condition in &one.conditions {
                push(&condition.text, &mark(&condition.holds));
            }
        }
        for grant in &self.grants {
            let (text, holds) = granted(grant, self.facts.now);
            rows.push(["Accept".into(), String::new(), "grant".into(), "true".into(), text, holds]);
        }
        rows
    }
}

fn mark(holds: &ConditionResult) -> String {
    match holds {
        ConditionResult::Yes => "holds".to_owned(),
        ConditionResult::No => "DOES NOT HOLD".to_owned(),
        ConditionResult::NotAsked => "not asked, because of what does not hold before it".to_owned(),
        ConditionResult::Open(needs) => format!("not known: waits for {}", awaited(needs)),
        ConditionResult::Fails(error) => format!("FAILS: {error}"),
    }
}

/// Who granted what to whom, and whether that still holds.
fn granted(grant: &Grant, now: Timestamp) -> (String, String) {
    let to = match &grant.to {
        Grantee::Endpoint(_) => "this endpoint",
        Grantee::Account(_) => "its whole account",
    };
    let holds = match grant.until.map(minute) {
        None => "holds without an end".to_owned(),
        Some(until) if grant.holds(now) => format!("holds until {until}"),
        Some(until) => format!("ended {until}"),
    };
    (format!("{} let in {to}: {}", grant.by, grant.reason), holds)
}
