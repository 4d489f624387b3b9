//! From texts to a policy set that is known to be sound, or to a list of all that is wrong with it.

use std::{collections::BTreeMap, fmt, ops::Not};

use cedar_policy::{PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use sha2::{Digest, Sha256};

use super::{Groups, Policy, Rule, SCHEMA};

/// One text of the policy set and the name people know it by.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Its file name.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// One thing that is wrong with a policy set, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 when the problem is the file itself.
    pub line: usize,
    /// What is wrong and, where it is known, what to do.
    pub message: String,
}

/// Everything that is wrong with a policy set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(pub Vec<Problem>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the policy set was refused, nothing can be accepted under it:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl PolicyFile {
    pub(super) fn problem_at_line(&self, line: usize, message: String) -> Problem {
        Problem { file: self.name.clone(), line, message }
    }

    /// A problem at the first place where `text` stands.
    pub(super) fn problem_at(&self, text: &str, message: String) -> Problem {
        self.problem_at_line(self.text.find(text).map_or(0, |offset| self.line(offset)), message)
    }

    /// A problem at the last place where `text` stands: of two that clash, the later.
    pub(super) fn problem_at_last(&self, text: &str, message: String) -> Problem {
        self.problem_at_line(self.text.rfind(text).map_or(0, |offset| self.line(offset)), message)
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
    }

    fn problem_of(&self, error: &dyn Diagnostic, message: &str) -> Problem {
        let line = error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| self.line(label.offset()));
        let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
        self.problem_at_line(line, format!("{message}{help}"))
    }
}

/// A policy set under construction.
struct Loading {
    set: PolicySet,
    notes: BTreeMap<String, Rule>,
    /// Which file each policy came from.
    origin: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

pub(super) fn load(files: &[PolicyFile], groups_file: Option<&PolicyFile>) -> Result<Policy, PolicyErrors> {
    let schema: Schema = SCHEMA
        .parse()
        .map_err(|error| PolicyErrors(vec![Problem { file: "schema.cedarschema".into(), line: 0, message: format!("{error}") }]))?;
    let mut loading = Loading { set: PolicySet::new(), notes: BTreeMap::new(), origin: BTreeMap::new(), problems: Vec::new() };
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
    if loading.notes.is_empty() && loading.problems.is_empty() {
        loading.problems.push(empty(files));
    }
    loading.validate(files, &schema);
    if let Some(groups) = &groups {
        loading.check_groups(files, groups);
    }
    match groups {
        Some(groups) if loading.problems.is_empty() => {
            let digest = digest(files, groups_file);
            Ok(Policy { set: loading.set, schema, notes: loading.notes, groups, digest })
        }
        _ => {
            // Cedar's validator names problems in no particular order; people read from top to bottom.
            loading.problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
            Err(PolicyErrors(loading.problems))
        }
    }
}

fn empty(files: &[PolicyFile]) -> Problem {
    let file = files.first().map_or_else(|| "policies".to_owned(), |file| file.name.clone());
    Problem { file, line: 0, message: "there is no policy here: write at least one `permit` in a file that ends in `.cedar`".into() }
}

impl Loading {
    fn take(&mut self, index: usize, file: &PolicyFile) {
        let parsed: PolicySet = match file.text.parse() {
            Ok(parsed) => parsed,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                self.problems.extend(errors.iter().map(|error| file.problem_of(error, &error.to_string())));
                return;
            }
        };
        for template in parsed.templates() {
            self.problems.push(file.problem_at(&template.to_cedar(), "templates are not supported: write the policy out".into()));
        }
        for policy in parsed.policies() {
            self.add(index, file, policy);
        }
    }

    fn add(&mut self, index: usize, file: &PolicyFile, policy: &cedar_policy::Policy) {
        let place = policy.to_cedar().unwrap_or_default();
        let note = |key: &str| policy.annotation(key).filter(|text| !text.trim().is_empty()).map(str::to_owned);
        let Some(id) = note("id") else {
            self.problems.push(file.problem_at(&place, "this policy has no `@id(\"…\")`: records and messages name policies by it".into()));
            return;
        };
        let renamed = policy.new_id(PolicyId::new(&id));
        if self.notes.contains_key(&id) || self.set.add(renamed).is_err() {
            self.problems.push(file.problem_at_last(&place, format!("the id `{id}` is taken by another policy")));
            return;
        }
        self.origin.insert(id.clone(), index);
        self.notes.insert(id.clone(), Rule { id, reason: note("reason"), advice: note("advice"), owner: note("owner") });
    }

    fn validate(&mut self, files: &[PolicyFile], schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        for error in result.validation_errors() {
            let id = error.policy_id().to_string();
            let file = self.origin.get(&id).and_then(|index| files.get(*index));
            self.problems.extend(file.map(|file| file.problem_of(error, &error.to_string())));
        }
    }

    /// Cedar knows types, not names: a misspelt group would simply never match.
    fn check_groups(&mut self, files: &[PolicyFile], groups: &Groups) {
        for policy in self.set.policies() {
            let file = self.origin.get(AsRef::<str>::as_ref(policy.id())).and_then(|index| files.get(*index));
            let unknown = policy
                .entity_literals()
                .into_iter()
                .filter(|uid| uid.type_name().basename() == "AccountGroup")
                .map(|uid| AsRef::<str>::as_ref(uid.id()).to_owned())
                .filter(|name| groups.has(name).not());
            for name in unknown {
                let known: Vec<&str> = groups.names().collect();
                let message =
                    format!("policy `{}` names the group `{name}`, which is not in groups.json (there: {})", policy.id(), listed(&known));
                self.problems.extend(file.map(|file| file.problem_at(&format!("\"{name}\""), message)));
            }
        }
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Each text goes in with its name and length, so that moving text between files changes the digest.
fn digest(files: &[PolicyFile], groups: Option<&PolicyFile>) -> String {
    let mut all: Vec<&PolicyFile> = files.iter().chain(groups).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in all {
        for text in [&file.name, &file.text] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
