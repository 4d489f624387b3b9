//! The reason why a person must decide, as one clause. Messages, the command line and the audit all take it from here.

use std::collections::BTreeSet;

use crate::{
    model::{facts::Facts, printable::printable},
    policy::{
        evaluation::Refer,
        facts::UnknownFact,
        judgement::{EvaluationError, Judgement, PolicyInfo},
        names::PolicyId,
    },
};

/// Characters of a text that another party chose: an annotation, a reason, an error message.
pub(crate) const QUOTE_CHARACTERS_MAX: usize = 400;
/// Policies, errors and items in one clause.
const NAMES_MAX: usize = 10;

/// The detail of a reason.
#[derive(Debug, Clone, Copy)]
pub enum Detail<'a> {
    /// Ids of policies alone, for tables.
    Brief,
    /// The policies' own reasons, error messages, and why a fact is unknown, for messages.
    Full(&'a Facts),
}

impl Refer {
    /// Returns the reason as a clause without a capital and a period, such as "no policy allows it".
    #[must_use]
    pub fn clause(&self, judgement: Option<&Judgement>, detail: Detail<'_>) -> String {
        match self {
            Self::NoPermit => "no policy allows it".to_owned(),
            Self::Forbidden => {
                format!("it is forbidden by {}", policy_names(judgement.map_or(&[], |judgement| &judgement.accept.policies), detail))
            }
            Self::Contradiction => "the policy set allows both to accept and to reject it".to_owned(),
            Self::PolicyError => format!("the policy set cannot be evaluated: {}", errors(judgement, detail)),
            Self::Missing { fact } => fact.to_string(),
            Self::Unverified { needs } => needs.iter().map(|fact| unverified(*fact, judgement, detail)).collect::<Vec<_>>().join("; "),
            Self::Inactive { state } => format!("the account is `{}` in its organization", printable(state, 40)),
            Self::UnknownState { state } => format!("EC2 describes it as `{}`, which is not a documented state", printable(state, 40)),
            Self::ConnectedInPart => "a rejection would also end the attachment's established connections".to_owned(),
            Self::Disputed { claimed } => format!("the event says that account {claimed} owns the endpoint, and EC2 does not agree"),
            Self::Held { by, reason } => format!("every act on the service is held by {}: {}", printable(by, 200), quote(reason)),
            Self::UnreadableDecision { items } => {
                let items = listed(items.iter().map(|item| printable(item, 120)), ", ");
                format!("a person's decision on the ledger cannot be read, and it may be a grant: {items}")
            }
        }
    }
}

/// Returns the policies, separated by commas: "`redis-consumers`, `partners`".
#[must_use]
pub fn policy_names(policies: &[PolicyInfo], detail: Detail<'_>) -> String {
    let name = |policy: &PolicyInfo| match (detail, &policy.reason) {
        (Detail::Full(_), Some(reason)) => format!("{} ({})", code(&policy.id), quote(reason)),
        (Detail::Full(_) | Detail::Brief, _) => code(&policy.id),
    };
    listed(policies.iter().map(name), ", ")
}

fn errors(judgement: Option<&Judgement>, detail: Detail<'_>) -> String {
    let name = |error: &EvaluationError| {
        let id = error.id.as_ref().map_or_else(|| "the request".to_owned(), code);
        match detail {
            Detail::Brief => id,
            Detail::Full(_) => format!("{id}: {}", quote(&error.message)),
        }
    };
    let names: BTreeSet<String> = judgement.into_iter().flat_map(Judgement::errors).map(name).collect();
    listed(names.into_iter(), "; ")
}

fn unverified(fact: UnknownFact, judgement: Option<&Judgement>, detail: Detail<'_>) -> String {
    let why = match detail {
        Detail::Brief => String::new(),
        Detail::Full(facts) => format!(" ({})", quote(&fact.why_unknown(facts))),
    };
    let policies = judgement.into_iter().flat_map(Judgement::residual).filter(|policy| policy.needs.contains(&fact));
    let ids: BTreeSet<String> = policies.map(|policy| code(&policy.id)).collect();
    match ids.len() {
        // A grant covers the request.
        0 => format!("a person approved it, but {} is unknown{why}", fact.label()),
        count => {
            let depend = if count == 1 { "depends" } else { "depend" };
            format!("{} {depend} on {}, which is unknown{why}", listed(ids.into_iter(), ", "), fact.label())
        }
    }
}

/// Joins the first names, and counts the others.
fn listed(mut names: impl Iterator<Item = String>, separator: &str) -> String {
    let listed: Vec<String> = names.by_ref().take(NAMES_MAX).collect();
    match names.count() {
        0 => listed.join(separator),
        more => format!("{} and {more} more", listed.join(separator)),
    }
}

fn code(id: &PolicyId) -> String {
    format!("`{}`", printable(id.as_str(), 80))
}

fn quote(text: &str) -> String {
    printable(text.trim_end_matches('.'), QUOTE_CHARACTERS_MAX)
}
