//! Everything that an explanation states.

use warden::{
    decision::{Decision, PersonDecisions, decide_with_people},
    ledger::record::Record,
    model::{connection::State, facts::Facts},
    policy::{PolicySet, explain::PolicyExplanation},
};

use crate::error::CliError;

pub(super) struct Explanation {
    /// The state in EC2. The facts of a live connection are those of a pending one.
    pub(super) state: State,
    pub(super) facts: Facts,
    pub(super) decision: Decision,
    pub(super) digest: String,
    pub(super) policies: Vec<(&'static str, PolicyExplanation)>,
    /// The decisions of people: only the grants for the connection, ended ones included.
    pub(super) people: PersonDecisions,
    /// Absent without a ledger.
    pub(super) records: Option<Records>,
}

/// Records, and the keys of those that cannot be read.
pub(super) type Records = (Vec<Record>, Vec<String>);

impl Explanation {
    pub(super) fn of(
        policies: &PolicySet,
        state: State,
        facts: Facts,
        mut people: PersonDecisions,
        records: Option<Records>,
    ) -> Result<Self, CliError> {
        let mut explained = Vec::new();
        for action in ["Accept", "Reject"] {
            let policies = policies.explain(action, &facts).map_err(|missing| CliError::Failed(missing.to_string()))?;
            explained.extend(policies.into_iter().map(|policy| (action, policy)));
        }
        people.grants.retain(|grant| grant.applies_to(&facts.connection));
        people.grants.sort_by_key(|grant| grant.at);
        let (decision, digest) = (decide_with_people(policies, &facts, &people), policies.digest().to_owned());
        Ok(Self { state, facts, decision, digest, policies: explained, people, records })
    }
}
