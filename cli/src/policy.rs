//! `warden policy`: the set itself, without AWS.

mod cases;

use std::{fs, ops::Range, path::Path};

use cedar_policy_formatter::{Config, policies_str_to_pretty};
use jiff::Timestamp;
use warden::{
    policy::{
        CASES, PolicyErrors, PolicySet, PolicyUri, Problem,
        bundle::{Bundle, MANIFEST, Manifest},
        expiry, folder, schema_text,
    },
    ports::ReportStore,
};

use warden::aws::s3::bucket_of;

use crate::{
    arguments::{Common, Format},
    aws::Aws,
    failure::{Done, Failure},
    output::{Rows, counted},
};

pub(crate) use cases::{of as cases_of, test};

pub(crate) fn check(common: &Common) -> Result<Done, Failure> {
    if common.output != Format::Table {
        return check_for_programs(common);
    }
    let folder = folder_of(common)?;
    let policy = load(folder)?;
    cases::of(folder)?;
    for problem in &over(folder)? {
        eprintln!("note: {}", excerpt(problem));
    }
    println!("{} sound (digest {}).", counted(policy.len(), "policy is", "policies are"), short(policy.digest()));
    Ok(Done::Fine)
}

/// One row for each thing that is wrong, or worth a note.
fn check_for_programs(common: &Common) -> Result<Done, Failure> {
    let folder = folder_of(common)?;
    let (wrong, notes) = match load(folder).and_then(|_| cases::of(folder)) {
        Ok(_) => (Vec::new(), over(folder)?),
        Err(Failure::Policy(errors)) => (errors.0, Vec::new()),
        Err(Failure::Cases(problem)) => (vec![*problem], Vec::new()),
        Err(other) => return Err(other),
    };
    let mut rows = Rows::new(&["kind", "file", "line", "what"]);
    for (kind, problems) in [("problem", &wrong), ("note", &notes)] {
        for problem in problems {
            rows.push([kind.to_owned(), problem.file.clone(), problem.line.to_string(), problem.message.clone()]);
        }
    }
    rows.write(common.output, "");
    Ok(if wrong.is_empty() { Done::Fine } else { Done::Differences })
}

/// Rules whose time is over.
fn over(folder: &Path) -> Result<Vec<Problem>, Failure> {
    let over = PolicyErrors(expiry::over(&folder::read(folder)?, Timestamp::now()));
    Ok(with_paths(over, folder).0)
}

pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// The folder in which the set is edited.
pub(crate) fn folder_of(common: &Common) -> Result<&Path, Failure> {
    match &common.policies {
        PolicyUri::Folder(folder) => Ok(folder),
        elsewhere => Err(Failure::Usage(format!("{elsewhere} is no folder: this command works where the policy is edited"))),
    }
}

/// Loads the set in a folder.
pub(crate) fn load(dir: &Path) -> Result<PolicySet, Failure> {
    Ok(folder::load(dir).map_err(|errors| with_paths(errors, dir))?)
}

/// Problems name files by their names; at a terminal they can be opened by their paths.
fn with_paths(PolicyErrors(mut problems): PolicyErrors, dir: &Path) -> PolicyErrors {
    for problem in &mut problems {
        let path = dir.join(&problem.file);
        if path.is_file() {
            problem.file = path.display().to_string();
        }
    }
    PolicyErrors(problems)
}

/// Every problem, with the line it is about.
pub(crate) fn shown(errors: &PolicyErrors) -> String {
    let mut text = format!(
        "warden: the policy set is refused, nothing can be accepted under it ({}):",
        counted(errors.0.len(), "problem", "problems")
    );
    for problem in &errors.0 {
        text.push_str(&format!("\n\n{}", excerpt(problem)));
    }
    // Of the place and of nothing in it: then it is probably the wrong place.
    if errors.0.iter().all(|problem| problem.line == 0 && !Path::new(&problem.file).is_file()) {
        text.push_str("\n\nCheck --policies.");
    }
    text
}

/// A problem, and the line it is about.
pub(crate) fn excerpt(problem: &Problem) -> String {
    line_of(problem).map_or_else(
        || problem.to_string(),
        |line| format!("{problem}\n  {:>4} | {}\n       | {}", problem.line, line.trim_end(), carets(&line, problem.columns.as_ref())),
    )
}

fn line_of(problem: &Problem) -> Option<String> {
    let text = fs::read_to_string(&problem.file).ok()?;
    text.lines().nth(problem.line.checked_sub(1)?).map(str::to_owned)
}

/// Under the characters that it is about; under the whole line where only that is known.
fn carets(line: &str, columns: Option<&Range<usize>>) -> String {
    let start = line.chars().take_while(|letter| letter.is_whitespace()).count();
    let whole = start..start + line.trim().chars().count();
    let Range { start, end } = columns.cloned().unwrap_or(whole);
    // Tabs stay tabs, so that the carets stand where the text does.
    let before: String = line.chars().take(start).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    format!("{before}{}", "^".repeat(end.saturating_sub(start).max(1)))
}

pub(crate) fn fmt(common: &Common, check: bool) -> Result<Done, Failure> {
    let config = Config { line_width: 100, indent_width: 2 };
    let folder = folder_of(common)?;
    let files = cedar_files(folder)?;
    if files.is_empty() {
        return Err(Failure::Usage(format!("{}: there is no *.cedar here: check --policies", folder.display())));
    }
    let mut changed = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path)?;
        let pretty = policies_str_to_pretty(&text, &config)
            .map_err(|error| Failure::Usage(format!("{}: {error}: run `warden policy check`", path.display())))?;
        if pretty != text {
            changed.push(path.clone());
            if !check {
                fs::write(&path, pretty)?;
            }
        }
    }
    for path in &changed {
        println!("{} {}", if check { "not formatted:" } else { "formatted" }, path.display());
    }
    Ok(if check && !changed.is_empty() { Done::Differences } else { Done::Fine })
}

fn cedar_files(dir: &Path) -> Result<Vec<std::path::PathBuf>, Failure> {
    let entries = fs::read_dir(dir).map_err(|error| Failure::Trouble(format!("{}: {error}: check --policies", dir.display())))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    paths.sort();
    Ok(paths)
}

/// Puts a set where the functions read it, once it is sound and its own tests hold. What decides its version goes last.
pub(crate) async fn publish(common: &Common, aws: &Aws, to: &PolicyUri) -> Result<Done, Failure> {
    let folder = folder_of(common)?;
    let policy = load(folder)?;
    if folder.join(CASES).exists() && test(common, None)? == Done::Differences {
        println!("Nothing was published: mend the policy, or its cases.");
        return Ok(Done::Differences);
    }
    let files = folder::read(folder)?;
    let unwritable = |error: serde_json::Error| Failure::Trouble(error.to_string());
    let uploads: Vec<(String, String)> = match to {
        PolicyUri::Folder(_) => return Err(Failure::Usage(format!("{to} is no place in S3: s3://BUCKET/KEY or s3://BUCKET/PREFIX/"))),
        PolicyUri::Object { key, .. } => vec![(key.clone(), Bundle::of(&files).to_json().map_err(unwritable)?)],
        PolicyUri::Prefix { prefix, .. } => {
            let manifest = (format!("{prefix}{MANIFEST}"), Manifest::of(&files).to_json().map_err(unwritable)?);
            files.iter().map(|file| (format!("{prefix}{}", file.name), file.text.clone())).chain([manifest]).collect()
        }
    };
    let bucket = bucket_of(&aws.config, to).ok_or_else(|| Failure::Usage(format!("{to} names no bucket")))?;
    let scratch = tempfile::tempdir()?;
    for (key, text) in uploads {
        let path = scratch.path().join("upload");
        fs::write(&path, text)?;
        bucket.store(&key, "text/plain; charset=utf-8", &path).await?;
    }
    println!(
        "Published {} (digest {}) to {to}. The functions take it up within a minute of their next run.",
        counted(policy.len(), "policy", "policies"),
        short(policy.digest())
    );
    Ok(Done::Fine)
}

pub(crate) fn schema() -> Result<Done, Failure> {
    print!("{}", schema_text());
    Ok(Done::Fine)
}
