//! The files of a policy set in a directory or in S3, and their test cases.

use std::path::Path;

use jiff::Timestamp;
use warden::{
    aws::s3::bucket_of,
    decision::cases::Case,
    gather::policy_source::{self, PolicyReadError},
    policy::{CASES, PolicyErrors, PolicyFile, PolicySet, PolicyUri, Problem, did_you_mean, expiry, folder},
};

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    error::CliError,
};

/// The files of one policy set.
pub(crate) struct SetFiles {
    pub(crate) place: PolicyUri,
    pub(crate) files: Vec<PolicyFile>,
}

impl SetFiles {
    /// Reads the set of `--policies`. A directory needs neither credentials nor a Region.
    pub(crate) async fn of(common: &Common) -> Result<Self, CliError> {
        match &common.policies {
            PolicyUri::Folder(directory) => Self::in_directory(directory),
            uri => Self::read(uri, &Aws::connect(common).await?).await,
        }
    }

    pub(crate) async fn read(uri: &PolicyUri, aws: &Aws) -> Result<Self, CliError> {
        match uri {
            PolicyUri::Folder(directory) => Self::in_directory(directory),
            uri => Ok(Self { place: uri.clone(), files: policy_source::files(uri, &bucket_of(&aws.config, uri)).await? }),
        }
    }

    /// Reads a set in S3. `None` if there is no object.
    pub(crate) async fn read_if_any(uri: &PolicyUri, aws: &Aws) -> Result<Option<Self>, CliError> {
        match policy_source::files(uri, &bucket_of(&aws.config, uri)).await {
            Ok(files) => Ok(Some(Self { place: uri.clone(), files })),
            Err(PolicyReadError::Read { source, .. }) if source.code.as_deref() == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn in_directory(directory: &Path) -> Result<Self, CliError> {
        Ok(Self { place: PolicyUri::Folder(directory.to_owned()), files: folder::read(directory)? })
    }

    pub(crate) fn load(&self) -> Result<PolicySet, CliError> {
        let loaded = PolicySet::of_files(&self.files, &self.place.to_string());
        loaded.map_err(|PolicyErrors(problems)| PolicyErrors(self.located(problems)).into())
    }

    /// The test cases. `None` if there is no such file.
    pub(crate) fn cases(&self) -> Result<Option<Vec<Case>>, CliError> {
        let Some(file) = self.files.iter().find(|file| file.name == CASES) else { return Ok(None) };
        let problem = |error| CliError::Cases(Box::new(self.locate(case_problem(file, &error))));
        serde_json::from_str(&file.text).map(Some).map_err(problem)
    }

    /// The policies whose time is over.
    pub(crate) fn expired(&self) -> Vec<Problem> {
        self.located(expiry::expired(&self.files, Timestamp::now()))
    }

    /// The path or the URI of a file of the set.
    pub(crate) fn location(&self, name: &str) -> String {
        match &self.place {
            PolicyUri::Folder(directory) => directory.join(name).display().to_string(),
            uri @ PolicyUri::Prefix { .. } => format!("{uri}{name}"),
            uri @ PolicyUri::Object { .. } => format!("{uri}: {name}"),
        }
    }

    pub(crate) fn located(&self, problems: Vec<Problem>) -> Vec<Problem> {
        problems.into_iter().map(|problem| self.locate(problem)).collect()
    }

    fn locate(&self, problem: Problem) -> Problem {
        let is_ours = self.files.iter().any(|file| file.name == problem.file);
        let file = if is_ours { self.location(&problem.file) } else { problem.file };
        Problem { file, ..problem }
    }
}

impl Aws {
    /// The set of `--policies`, of the stack, or of the default directory. In the warden's source tree, that directory is the sample: a note
    /// says so if the stack has its set in the package.
    pub(crate) async fn policies(&self) -> Result<PolicySet, CliError> {
        let Common { given, stack, policies, output, .. } = &self.common;
        let packaged = stack.as_ref().filter(|stack| stack.policies.is_none());
        if let (Format::Table, None, Some(stack)) = (output, &given.policies, packaged) {
            let name = &stack.name;
            eprintln!(
                "note: the policy set of stack `{name}` is in its package, and this reads the directory `{policies}`: name the packaged one by --policies"
            );
        }
        self.policy_set(&self.common.policies).await
    }

    pub(crate) async fn policy_set(&self, uri: &PolicyUri) -> Result<PolicySet, CliError> {
        SetFiles::read(uri, self).await?.load()
    }
}

/// The directory of `--policies`. Fails for a policy set in S3.
pub(crate) fn directory(common: &Common) -> Result<&Path, CliError> {
    match &common.policies {
        PolicyUri::Folder(directory) => Ok(directory),
        uri => Err(CliError::Usage(format!("{uri} is not a directory: this command needs the files of the policy set"))),
    }
}

fn case_problem(file: &PolicyFile, error: &serde_json::Error) -> Problem {
    let whole = error.to_string();
    // The excerpt shows line and column.
    let mut message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message).to_owned();
    let line = file.text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // The parser counts bytes.
    let before: String = line.char_indices().take_while(|(at, _)| *at < error.column()).map(|(_, letter)| letter).collect();
    let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`')).map(|(field, _)| field.to_owned());
    let about = match unknown {
        Some(field) => {
            message.push_str(&did_you_mean(&field, Case::FIELDS.into_iter()));
            Some(field)
        }
        None => before.rsplit_once("\":").map(|(field, value)| {
            let field = field.rsplit('"').next().unwrap_or_default();
            message = format!("`{field}`: {message}");
            value.trim().trim_end_matches([',', '}', ']']).trim_matches('"').to_owned()
        }),
    };
    let columns = about.filter(|about| !about.is_empty()).and_then(|about| {
        let start = before.rsplit_once(&about).map(|(before, _)| before.chars().count())?;
        Some(start..start + about.chars().count())
    });
    file.problem_at_line(error.line(), columns, message)
}
