//! Loads a policy set from its texts, or names every problem in them.

use std::collections::BTreeMap;

use cedar_policy::{PolicyId as CedarPolicyId, Schema, ValidationMode, Validator};

use crate::{
    model::{
        ids::{AccountId, ServiceId},
        organization::is_unit,
    },
    policy::{
        files::{GROUPS, PolicyErrors, PolicyFile, Problem, did_you_mean, digest},
        groups::Groups,
        index::PolicyIndex,
        judgement::PolicyInfo,
        names::{GroupName, PolicyId},
        residual::ResidualPolicies,
        schema::schema_json,
        set::PolicySet,
        size_limits::{self, NOTE_CHARACTERS_MAX, PROBLEMS_MAX},
    },
};

impl PolicySet {
    /// Parses and validates a policy set.
    ///
    /// # Errors
    /// Names every problem: a text does not parse or does not pass the schema, a policy lacks a unique `@id`, the set is
    /// empty or too large, `groups.json` is malformed, or a policy names a group that does not exist.
    pub fn load(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Result<Self, PolicyErrors> {
        load(files, groups)
    }

    /// Loads a set from all of its files, of which some are no policies. `place` names where they are.
    ///
    /// # Errors
    /// As [`PolicySet::load`].
    pub fn of_files(files: &[PolicyFile], place: &str) -> Result<Self, PolicyErrors> {
        let policies: Vec<PolicyFile> = files.iter().filter(|file| file.name.ends_with(".cedar")).cloned().collect();
        if policies.is_empty() {
            let message = "there is no policy here: add a file that ends in `.cedar`".to_owned();
            return Err(PolicyErrors(vec![Problem::of_file(place.to_owned(), message)]));
        }
        Self::load(&policies, files.iter().find(|file| file.name == GROUPS))
    }
}

/// A policy set under construction.
struct Loading {
    set: cedar_policy::PolicySet,
    policies: BTreeMap<PolicyId, PolicyInfo>,
    /// Which file each policy came from.
    origin: BTreeMap<PolicyId, usize>,
    problems: Vec<Problem>,
}

fn load(files: &[PolicyFile], groups_file: Option<&PolicyFile>) -> Result<PolicySet, PolicyErrors> {
    let exceeded = size_limits::exceeded(files, groups_file);
    if !exceeded.is_empty() {
        return Err(PolicyErrors(exceeded));
    }
    let schema = Schema::from_json_value(schema_json())
        .map_err(|error| PolicyErrors(vec![Problem::of_file("the schema".into(), error.to_string())]))?;
    let mut loading =
        Loading { set: cedar_policy::PolicySet::new(), policies: BTreeMap::new(), origin: BTreeMap::new(), problems: Vec::new() };
    let groups = match groups_file.map(Groups::parse) {
        None => Some(Groups::default()),
        Some(Ok(groups)) => Some(groups),
        Some(Err(problems)) => {
            loading.problems.extend(problems);
            None
        }
    };
    for (index, file) in files.iter().enumerate() {
        loading.take(index, file);
    }
    if loading.policies.is_empty() && loading.problems.is_empty() {
        loading.problems.push(empty(files));
    }
    loading.validate(files, &schema);
    loading.check_names(files, groups.as_ref());
    match groups {
        Some(groups) if loading.problems.is_empty() => {
            let all: Vec<PolicyFile> = files.iter().chain(groups_file).cloned().collect();
            let digest = digest(&all);
            let residuals = ResidualPolicies::of(&loading.set);
            let index = PolicyIndex::of(loading.set.policies());
            Ok(PolicySet { set: loading.set, index, schema, policies: loading.policies, residuals, groups, digest })
        }
        _ => {
            // Cedar's validator names problems in no particular order; people read from top to bottom.
            loading.problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
            if loading.is_enough() {
                loading.problems.truncate(PROBLEMS_MAX);
                loading.problems.push(Problem::of_file("and more".to_owned(), format!("only {PROBLEMS_MAX} problems are named at once")));
            }
            Err(PolicyErrors(loading.problems))
        }
    }
}

fn empty(files: &[PolicyFile]) -> Problem {
    let file = files.first().map_or_else(|| "policies".to_owned(), |file| file.name.clone());
    Problem::of_file(file, "there is no policy here: write at least one `permit` in a file that ends in `.cedar`".into())
}

impl Loading {
    /// Whether there are as many problems as people are told of at once.
    fn is_enough(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    fn take(&mut self, index: usize, file: &PolicyFile) {
        let parsed: cedar_policy::PolicySet = match file.text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                self.problems.extend(errors.iter().take(PROBLEMS_MAX).map(|error| file.problem_of(error, &error.to_string())));
                return;
            }
        };
        for template in parsed.templates().take(PROBLEMS_MAX) {
            self.problems.push(file.problem_at(&template.to_cedar(), "templates are not supported: write the policy out".into()));
        }
        for policy in parsed.policies() {
            if self.is_enough() {
                return;
            }
            self.add(index, file, policy);
        }
    }

    fn add(&mut self, index: usize, file: &PolicyFile, policy: &cedar_policy::Policy) {
        // Only for problems: a thousand policies are not written out for nothing.
        let place = || policy.to_cedar().unwrap_or_default();
        // Asked for by its name, each annotation costs a run of Cedar's parser over that name: a third of all loading.
        let notes: BTreeMap<&str, &str> = policy.annotations().filter(|(_, text)| !text.trim().is_empty()).collect();
        if let Some((key, text)) = notes.iter().find(|(_, text)| text.chars().count() > NOTE_CHARACTERS_MAX) {
            let message = format!("`@{key}` has more than {NOTE_CHARACTERS_MAX} characters, and goes into every record: say it shorter");
            self.problems.push(file.problem_at(text, message));
            return;
        }
        let note = |key: &str| notes.get(key).map(|text| (*text).to_owned());
        let Some(id) = note("id").map(PolicyId::from) else {
            self.problems
                .push(file.problem_at(&place(), "this policy has no `@id(\"…\")`: records and messages name policies by it".into()));
            return;
        };
        let renamed = policy.new_id(CedarPolicyId::new(id.as_str()));
        if self.policies.contains_key(&id) || self.set.add(renamed).is_err() {
            self.problems.push(file.problem_at_last(&place(), format!("the id `{id}` is taken by another policy")));
            return;
        }
        self.origin.insert(id.clone(), index);
        self.policies.insert(id.clone(), PolicyInfo { id, reason: note("reason"), advice: note("advice"), owner: note("owner") });
    }

    fn validate(&mut self, files: &[PolicyFile], schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        for error in result.validation_errors().take(PROBLEMS_MAX) {
            let id = error.policy_id().to_string();
            let file = self.origin.get(id.as_str()).and_then(|index| files.get(*index));
            self.problems.extend(file.map(|file| file.problem_of(error, &error.to_string())));
        }
    }

    /// Cedar knows types, not names: a misspelt group or account would simply never match.
    fn check_names(&mut self, files: &[PolicyFile], groups: Option<&Groups>) {
        for policy in self.set.policies() {
            if self.is_enough() {
                return;
            }
            let file = self.origin.get(AsRef::<str>::as_ref(policy.id())).and_then(|index| files.get(*index));
            for uid in policy.entity_literals() {
                let name: &str = uid.id().as_ref();
                let wrong = match uid.type_name().basename() {
                    "AccountGroup" => groups.filter(|groups| !groups.has(name)).map(|groups| no_such_group(name, groups)),
                    "Account" => name.parse::<AccountId>().err().map(|error| error.to_string()),
                    "EndpointService" => name.parse::<ServiceId>().err().map(|error| error.to_string()),
                    "OrganizationalUnit" if !is_unit(name) => Some(format!("`{name}` is not the id of a unit (`ou-…`) or a root (`r-…`)")),
                    _ => None,
                };
                let message = wrong.map(|wrong| format!("policy `{}`: {wrong}", policy.id()));
                self.problems.extend(file.zip(message).map(|(file, message)| file.problem_at(&format!("\"{name}\""), message)));
            }
        }
    }
}

fn no_such_group(name: &str, groups: &Groups) -> String {
    const NAMES_MAX: usize = 20;
    let mut known: Vec<&str> = groups.names().map(GroupName::as_str).take(NAMES_MAX + 1).collect();
    if let Some(last) = known.get_mut(NAMES_MAX) {
        *last = "…";
    }
    let there = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("there is no group `{name}` in groups.json{} (there: {there})", did_you_mean(name, groups.names().map(GroupName::as_str)))
}
