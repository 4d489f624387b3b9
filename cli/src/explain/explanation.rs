//! Everything that an explanation states.

use warden::{
    decision::{Decision, decide, grant::Grant},
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
    /// The grants for the connection, ended ones included.
    pub(super) grants: Vec<Grant>,
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
        grants: Vec<Grant>,
        records: Option<Records>,
    ) -> Result<Self, CliError> {
        let mut explained = Vec::new();
        for action in ["Accept", "Reject"] {
            let policies = policies.explain(action, &facts).map_err(|missing| CliError::Failed(missing.to_string()))?;
            explained.extend(policies.into_iter().map(|policy| (action, policy)));
        }
        let (decision, digest) = (decide(policies, &facts, &grants), policies.digest().to_owned());
        Ok(Self { state, facts, decision, digest, policies: explained, grants, records })
    }
}
