//! From texts to a policy set that is known to be sound, or to a list of all that is wrong with it.

use std::{collections::BTreeMap, fmt, ops::Range};

use cedar_policy::{PolicyId, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use sha2::{Digest, Sha256};

use crate::model::{
    ids::{AccountId, ServiceId},
    organization::is_unit,
};
use crate::policy::{
    Groups, PolicyInfo, PolicySet, SCHEMA_JSON,
    index::PolicyIndex,
    size_limits::{self, NOTE_CHARACTERS_MAX, PROBLEMS_MAX},
    unknown_facts::ResidualPolicies,
};

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
    /// The characters of that line that it is about, counted from 0, where they are known.
    pub columns: Option<Range<usize>>,
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

impl Problem {
    /// A problem of a whole file, folder or object.
    pub(crate) fn of_file(file: String, message: String) -> Self {
        Self { file, line: 0, columns: None, message }
    }
}

impl PolicyFile {
    /// A problem at a place that is known by line and column, both counted from 1.
    pub(super) fn problem_at_line(&self, line: usize, column: usize, message: String) -> Problem {
        let columns = column.checked_sub(1).map(|start| start..start + 1);
        Problem { file: self.name.clone(), line, columns, message }
    }

    fn problem_at_bytes(&self, bytes: Option<Range<usize>>, message: String) -> Problem {
        let Some(bytes) = bytes else { return Problem::of_file(self.name.clone(), message) };
        let before = self.text.get(..bytes.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rsplit('\n').next().unwrap_or_default().chars().count();
        // Only to the end of the line on which it begins.
        let about = self.text.get(bytes).unwrap_or_default().lines().next().unwrap_or_default().trim_end();
        let columns = Some(start..start + about.chars().count().max(1));
        Problem { file: self.name.clone(), line, columns, message }
    }

    /// A problem at a byte.
    pub(super) fn problem_at_byte(&self, at: usize, message: String) -> Problem {
        self.problem_at_bytes(Some(at..at + 1), message)
    }

    /// A problem at the first place where `text` stands.
    pub(super) fn problem_at(&self, text: &str, message: String) -> Problem {
        self.problem_at_bytes(self.text.find(text).map(|start| start..start + text.len()), message)
    }

    /// A problem at the last place where `text` stands: of two that clash, the later.
    pub(super) fn problem_at_last(&self, text: &str, message: String) -> Problem {
        self.problem_at_bytes(self.text.rfind(text).map(|start| start..start + text.len()), message)
    }

    /// A problem at `text` where it stands within `place`, itself a part of the file.

    pub(super) fn problem_within(&self, place: &str, text: &str, message: String) -> Problem {
        let start = self.text.find(place).and_then(|start| Some(start + place.find(text)?));
        self.problem_at_bytes(start.map(|start| start..start + text.len()), message)
    }

    fn problem_of(&self, error: &dyn Diagnostic, message: &str) -> Problem {
        let label = error.labels().and_then(|mut labels| labels.next());
        let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
        self.problem_at_bytes(label.map(|label| label.offset()..label.offset() + label.len()), format!("{message}{help}"))
    }
}

/// A policy set under construction.
struct Loading {
    set: cedar_policy::PolicySet,
    notes: BTreeMap<String, PolicyInfo>,
    /// Which file each policy came from.
    origin: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

pub(super) fn load(files: &[PolicyFile], groups_file: Option<&PolicyFile>) -> Result<PolicySet, PolicyErrors> {
    let exceeded = size_limits::exceeded(files, groups_file);
    if !exceeded.is_empty() {
        return Err(PolicyErrors(exceeded));
    }
    let schema = Schema::from_json_str(SCHEMA_JSON)
        .map_err(|error| PolicyErrors(vec![Problem::of_file("schema.json".into(), error.to_string())]))?;
    let mut loading =
        Loading { set: cedar_policy::PolicySet::new(), notes: BTreeMap::new(), origin: BTreeMap::new(), problems: Vec::new() };
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
    loading.check_names(files, groups.as_ref());
    match groups {
        Some(groups) if loading.problems.is_empty() => {
            let all: Vec<PolicyFile> = files.iter().chain(groups_file).cloned().collect();
            let digest = digest(&all);
            let residuals = ResidualPolicies::of(&loading.set, files.iter().map(|file| file.text.as_str()));
            let index = PolicyIndex::of(loading.set.policies());
            Ok(PolicySet { set: loading.set, index, schema, notes: loading.notes, residuals, groups, digest })
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
        let Some(id) = note("id") else {
            self.problems
                .push(file.problem_at(&place(), "this policy has no `@id(\"…\")`: records and messages name policies by it".into()));
            return;
        };
        let renamed = policy.new_id(PolicyId::new(&id));
        if self.notes.contains_key(&id) || self.set.add(renamed).is_err() {
            self.problems.push(file.problem_at_last(&place(), format!("the id `{id}` is taken by another policy")));
            return;
        }
        self.origin.insert(id.clone(), index);
        self.notes.insert(id.clone(), PolicyInfo { id, reason: note("reason"), advice: note("advice"), owner: note("owner") });
    }

    fn validate(&mut self, files: &[PolicyFile], schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.set, ValidationMode::Strict);
        for error in result.validation_errors().take(PROBLEMS_MAX) {
            let id = error.policy_id().to_string();
            let file = self.origin.get(&id).and_then(|index| files.get(*index));
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
    let mut known: Vec<&str> = groups.names().take(NAMES_MAX + 1).collect();
    if let Some(last) = known.get_mut(NAMES_MAX) {
        *last = "…";
    }
    let there = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("there is no group `{name}` in groups.json{} (there: {there})", did_you_mean(name, groups.names()))
}

/// The name that was probably meant, as a question.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const ALIKE: f64 = 0.8;
    let near = known.map(|one| (strsim::jaro_winkler(name, one), one)).filter(|(alike, _)| *alike >= ALIKE);
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map_or_else(String::new, |(_, one)| format!(": did you mean `{one}`?"))
}

/// Each text goes in with its name and length, so that moving text between files changes the digest. A set's own tests
/// are no part of what it says.
#[must_use]
pub fn digest(files: &[PolicyFile]) -> String {
    let mut all: Vec<&PolicyFile> = files.iter().filter(|file| file.name != super::CASES).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in all {
        for text in [&file.name, &file.text] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    super::hexadecimal(hash)
}
