//! The allow policy: Cedar policies over the facts of one request. The one place where a request is judged.
//!
//! Cedar's authorizer skips a policy that errors, so an erroring `forbid` vanishes and a `permit` wins. The errors are
//! therefore part of every [`Answer`], and [`decide`](crate::decision::decide) acts on no answer that has any.

pub mod analysis;
pub mod bundle;
pub mod evaluation;
pub mod expiry;
pub mod explain;
pub mod folder;
mod groups;
mod index;
mod load;
mod request;
mod size_limits;
mod unknown_facts;
mod uri;

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Entities, Request, Schema};
use serde::{Deserialize, Serialize};

pub use groups::Groups;
pub use load::{PolicyErrors, PolicyFile, Problem, did_you_mean, digest as digest_of};
pub use unknown_facts::{ResidualPolicy, UnknownFact};
pub use uri::PolicyUri;

use crate::model::{facts::Facts, organization::Membership};
use index::PolicyIndex;
use unknown_facts::ResidualPolicies;

/// The schema that policies are written against and checked with.
pub const SCHEMA: &str = include_str!("schema.cedarschema");
/// The same as JSON, for functions: read at each cold start, in a quarter of the time, without a parser of its own for it.
pub const SCHEMA_JSON: &str = include_str!("schema.json");

/// The file of account groups in a set.
pub const GROUPS: &str = "groups.json";
/// The file of a set's own tests.
pub const CASES: &str = "cases.json";

/// A policy set that parsed, passed validation and has something to say.
#[derive(Debug)]
pub struct PolicySet {
    set: cedar_policy::PolicySet,
    index: PolicyIndex,
    schema: Schema,
    notes: BTreeMap<String, PolicyInfo>,
    /// Those that ask for facts that may not be known.
    residuals: ResidualPolicies,
    groups: Groups,
    digest: String,
}

/// A policy that took part in an answer, with what its author wrote about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// `@id`, unique in the set.
    pub id: String,
    /// `@reason`: why the rule exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `@advice`: what somebody it turns away can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// `@owner`: whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// What the policy says about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// May it be accepted?
    pub accept: Answer,
    /// May it be rejected?
    pub reject: Answer,
    /// The state of the account in the organization, where that is not `ACTIVE`: it is never let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inactive: Option<String>,
}

/// Whether an action is allowed, and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Some `permit` matched and no `forbid` did.
    pub allowed: bool,
    /// The policies that determined it: the permits, or the forbids that beat them. Sorted by id.
    pub rules: Vec<PolicyInfo>,
    /// Policies that could not be evaluated. With any of these the answer must not be acted on.
    pub errors: Vec<EvaluationError>,
    /// Policies that could have changed the answer, had a fact been known. With any of these it must not be acted on either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<ResidualPolicy>,
}

/// A policy that failed on these facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationError {
    /// The `@id` of the policy, or empty where the request itself could not be put to Cedar.
    pub id: String,
    /// Cedar's words.
    pub message: String,
}

/// A fact without which nothing can be judged, and which EC2 did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum MissingFact {
    /// The owner of the endpoint.
    #[error("EC2 did not name the account that owns the endpoint")]
    Owner,
    /// When the endpoint was created.
    #[error("EC2 did not say when the endpoint was created")]
    CreationTime,
}

impl PolicySet {
    /// Parses, validates and takes in a policy set, or names every problem in it.
    ///
    /// # Errors
    /// When a text does not parse or does not pass the schema, a policy lacks a unique `@id`, the set is empty,
    /// `groups.json` is malformed, or a policy mentions a group that is not there.
    pub fn load(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Result<Self, PolicyErrors> {
        load::load(files, groups)
    }

    /// The same from all the files of a set, of which some may be no policies. `place` says where they are.
    ///
    /// # Errors
    /// As [`PolicySet::load`].
    pub fn of_files(files: &[PolicyFile], place: &str) -> Result<Self, PolicyErrors> {
        let policies: Vec<PolicyFile> = files.iter().filter(|file| file.name.ends_with(".cedar")).cloned().collect();
        if policies.is_empty() {
            let message = "there is no policy here: put a file that ends in `.cedar` into it".to_owned();
            return Err(PolicyErrors(vec![Problem::of_file(place.to_owned(), message)]));
        }
        Self::load(&policies, files.iter().find(|file| file.name == GROUPS))
    }

    /// Judges one request. Pure: the same facts under the same policy give the same judgement.
    ///
    /// # Errors
    /// When EC2 left out something that every judgement needs.
    pub fn judge(&self, facts: &Facts) -> Result<Judgement, MissingFact> {
        let inactive = facts.membership.inactive().map(str::to_owned);
        let mut accept = self.ask("Accept", facts)?;
        if accept.allowed && self.asks_for_organization() && facts.membership.known().is_err() {
            // An account that is being shut down is never let in, whatever rule would: so whatever rule does, asks for its state.
            accept
                .open
                .extend(accept.rules.iter().map(|rule| ResidualPolicy { id: rule.id.clone(), needs: [UnknownFact::Organization].into() }));
        }
        Ok(Judgement { accept, reject: self.ask("Reject", facts)?, inactive })
    }

    /// SHA-256 over the texts and groups, in hexadecimal: names the policy set in every record.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether any policy asks for the role behind a request, which only an event can prove.
    #[must_use]
    pub fn asks_for_role(&self) -> bool {
        self.residuals.ask_for(UnknownFact::Requester)
    }

    /// Whether any policy asks for what Organizations says of an account.
    #[must_use]
    pub fn asks_for_organization(&self) -> bool {
        self.residuals.ask_for(UnknownFact::Organization)
    }

    /// Whether what Organizations says of the account could decide what is in doubt, and nobody has asked yet. Whatever is in
    /// doubt: a `forbid` about a unit settles it that some role might have been let in, too.
    #[must_use]
    pub fn needs_organization(&self, facts: &Facts) -> bool {
        facts.membership == Membership::NotAsked
            && self.asks_for_organization()
            && self.judge(facts).is_ok_and(|judgement| !(judgement.accept.open.is_empty() && judgement.reject.open.is_empty()))
    }

    /// The number of policies in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.notes.len()
    }

    /// Never true: an empty set does not load.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    fn ask(&self, action: &'static str, facts: &Facts) -> Result<Answer, MissingFact> {
        let asked = request::build(action, facts, &self.groups, &self.schema)?;
        Ok(match asked {
            Ok((request, entities)) => self.answer(action, &unknown(facts), &request, &entities),
            Err(message) => Answer { errors: vec![EvaluationError { id: String::new(), message }], ..Answer::default() },
        })
    }

    /// The answer of the policies that do not ask for what is not known, and which of the others could have changed it.
    fn answer(&self, action: &'static str, unknown: &BTreeSet<UnknownFact>, request: &Request, entities: &Entities) -> Answer {
        let part = self.residuals.part(&self.set, unknown);
        let index::Response { allowed, reasons, mut errors } = part.map_or(&self.index, |part| &part.sure).ask(action, request, entities);
        errors.sort_by(|a, b| a.id.cmp(&b.id));
        let turned_down = !allowed && !reasons.is_empty();
        let open = part.filter(|_| !turned_down).map(|part| {
            let loose = part.loose.ask(action, request, entities);
            let erring = loose.errors.into_iter().map(|error| error.id);
            let could_match = loose.reasons.into_iter().chain(erring).chain(part.stiff.iter().cloned()).collect();
            self.residuals.that_matter(unknown, &could_match, allowed)
        });
        let rules = reasons.iter().filter_map(|id| self.notes.get(id).cloned()).collect();
        Answer { allowed, rules, errors, open: open.unwrap_or_default() }
    }
}

/// What a policy may ask for and nobody can say of this request.
fn unknown(facts: &Facts) -> BTreeSet<UnknownFact> {
    let organization = facts.membership.known().is_err().then_some(UnknownFact::Organization);
    let requester = facts.requester().is_none().then_some(UnknownFact::Requester);
    organization.into_iter().chain(requester).collect()
}

fn hexadecimal(hash: sha2::Sha256) -> String {
    use sha2::Digest;
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rule_error(error: &cedar_policy::AuthorizationError) -> EvaluationError {
    let cedar_policy::AuthorizationError::PolicyEvaluationError(inner) = error;
    EvaluationError { id: inner.policy_id().to_string(), message: inner.inner().to_string() }
}
