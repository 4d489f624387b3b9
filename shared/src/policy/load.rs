//! Loads a policy set, or reports its problems.

use std::{collections::BTreeMap, sync::OnceLock};

use cedar_policy::{ParseErrors, Policy, PolicyId as CedarPolicyId, PolicySet as CedarPolicySet, Schema, ValidationMode, Validator};

use crate::policy::{
    check_literals,
    files::{GROUPS, PolicyErrors, PolicyFile, Problem, digest},
    groups::Groups,
    index::PolicyIndex,
    judgement::PolicyInfo,
    names::PolicyId,
    residual::ResidualPolicies,
    schema::schema_json,
    set::PolicySet,
    size_limits::{self, ANNOTATION_CHARACTERS_MAX, PROBLEMS_MAX},
};

impl PolicySet {
    /// Loads a set from all of its files. `place` is their folder or URI.
    ///
    /// # Errors
    /// There is no `.cedar` file, or [`PolicySet::load`] fails.
    pub fn of_files(files: &[PolicyFile], place: &str) -> Result<Self, PolicyErrors> {
        let policies: Vec<PolicyFile> = files.iter().filter(|file| file.name.ends_with(".cedar")).cloned().collect();
        if policies.is_empty() {
            let message = "there is no policy here: add a file that ends in `.cedar`".to_owned();
            return Err(PolicyErrors(vec![Problem::of_file(place.to_owned(), message)]));
        }
        Self::load(&policies, files.iter().find(|file| file.name == GROUPS))
    }

    /// Parses and validates a policy set.
    ///
    /// # Errors
    /// The set is empty or exceeds a size limit; a file does not parse or does not pass the schema; a policy lacks a unique `@id`; a
    /// policy names an id that is malformed, or a group that does not exist.
    pub fn load(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Result<Self, PolicyErrors> {
        let exceeded = size_limits::exceeded(files, groups);
        if !exceeded.is_empty() {
            return Err(PolicyErrors(exceeded));
        }
        let schema = Schema::from_json_value(schema_json())
            .map_err(|error| PolicyErrors(vec![Problem::of_file("the schema".into(), error.to_string())]))?;
        let mut loading = Loading { files, set: CedarPolicySet::new(), policies: BTreeMap::new(), problems: Vec::new() };
        let parsed = groups.map_or_else(|| Ok(Groups::default()), Groups::parse).map_err(|problems| loading.problems.extend(problems));
        files.iter().enumerate().for_each(|(index, file)| loading.add_file(index, file));
        loading.check_not_empty();
        loading.validate(&schema);
        loading.check_literals(parsed.as_ref().ok());
        let Loading { set, policies, problems, .. } = loading;
        match parsed {
            Ok(parsed) if problems.is_empty() => Ok(Self {
                index: PolicyIndex::of(set.policies()),
                schema,
                policies: policies.into_iter().map(|(id, (_, info))| (id, info)).collect(),
                residuals: ResidualPolicies::of(&set),
                groups: parsed,
                digest: digest(&files.iter().chain(groups).cloned().collect::<Vec<_>>()),
                kinds: OnceLock::new(),
                set,
            }),
            _ => Err(in_order(problems)),
        }
    }
}

/// A policy set while it is loaded.
struct Loading<'a> {
    files: &'a [PolicyFile],
    set: CedarPolicySet,
    /// The policies, each with the index of its file.
    policies: BTreeMap<PolicyId, (usize, PolicyInfo)>,
    problems: Vec<Problem>,
}

impl<'a> Loading<'a> {
    /// Returns true if no further problem is reported.
    fn is_full(&self) -> bool {
        self.problems.len() >= PROBLEMS_MAX
    }

    fn add_file(&mut self, index: usize, file: &PolicyFile) {
        let parsed: CedarPolicySet = match file.text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &ParseErrors = &errors;
                return self.problems.extend(errors.iter().take(PROBLEMS_MAX).map(|error| file.problem_of(error, &error.to_string())));
            }
        };
        for template in parsed.templates().take(PROBLEMS_MAX) {
            self.problems.push(file.problem_at(&template.to_cedar(), "templates are not supported: write a policy without slots".into()));
        }
        for policy in parsed.policies() {
            if self.is_full() {
                return;
            }
            let problem = self.add(index, file, policy).err();
            self.problems.extend(problem);
        }
    }

    fn add(&mut self, index: usize, file: &PolicyFile, policy: &Policy) -> Result<(), Problem> {
        // A closure, because only problems need the text.
        let place = || policy.to_cedar().unwrap_or_default();
        // Collected once: a look-up of one annotation by name runs Cedar's parser over the name, a third of all loading.
        let annotations: BTreeMap<&str, &str> = policy.annotations().filter(|(_, text)| !text.trim().is_empty()).collect();
        if let Some((key, text)) = annotations.iter().find(|(_, text)| text.chars().count() > ANNOTATION_CHARACTERS_MAX) {
            let message = format!("`@{key}` has more than {ANNOTATION_CHARACTERS_MAX} characters, and each record holds it: shorten it");
            return Err(file.problem_at(text, message));
        }
        let annotation = |key: &str| annotations.get(key).map(|text| (*text).to_owned());
        let Some(id) = annotation("id").map(PolicyId::from) else {
            let message = "this policy has no `@id(\"…\")`: records and messages name policies by it".to_owned();
            return Err(file.problem_at(&place(), message));
        };
        let renamed = policy.new_id(CedarPolicyId::new(id.as_str()));
        if self.policies.contains_key(&id) || self.set.add(renamed).is_err() {
            return Err(file.problem_at_last(&place(), format!("the id `{id}` is taken by another policy")));
        }
        let (reason, advice, owner) = (annotation("reason"), annotation("advice"), annotation("owner"));
        self.policies.insert(id.clone(), (index, PolicyInfo { id, reason, advice, owner }));
        Ok(())
    }

    fn check_not_empty(&mut self) {
        if self.policies.is_empty() && self.problems.is_empty() {
            let file = self.files.first().map_or_else(|| "policies".to_owned(), |file| file.name.clone());
            let message = "there is no policy here: write at least one `permit` in a file that ends in `.cedar`".to_owned();
            self.problems.push(Problem::of_file(file, message));
        }
    }

    fn validate(&mut self, schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        for error in result.validation_errors().take(PROBLEMS_MAX) {
            let file = self.file_of(error.policy_id());
            self.problems.extend(file.map(|file| file.problem_of(error, &error.to_string())));
        }
    }

    fn check_literals(&mut self, groups: Option<&Groups>) {
        for policy in self.set.policies() {
            if self.is_full() {
                return;
            }
            let Some(file) = self.file_of(policy.id()) else { continue };
            for uid in policy.entity_literals() {
                let message = check_literals::problem(&uid, groups).map(|problem| format!("policy `{}`: {problem}", policy.id()));
                let place = || policy.to_cedar().unwrap_or_default();
                self.problems.extend(message.map(|message| file.problem_at_entity(&place(), &uid, message)));
            }
        }
    }

    fn file_of(&self, id: &CedarPolicyId) -> Option<&'a PolicyFile> {
        self.files.get(self.policies.get(AsRef::<str>::as_ref(id))?.0)
    }
}

/// Sorts problems by their places, because Cedar's validator has no order.
fn in_order(mut problems: Vec<Problem>) -> PolicyErrors {
    problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
    if problems.len() >= PROBLEMS_MAX {
        problems.truncate(PROBLEMS_MAX);
        problems.push(Problem::of_file("and more".to_owned(), format!("only {PROBLEMS_MAX} problems are named at once")));
    }
    PolicyErrors(problems)
}
