//! `warden policy`: the set itself, without AWS.

use std::{fs, path::Path};

use cedar_policy_formatter::{Config, policies_str_to_pretty};
use warden::{
    cases::{Case, CaseResult, run as run_case},
    policy::{Policy, PolicyErrors, Problem, SCHEMA, folder},
};

use crate::{
    arguments::Common,
    failure::{Done, Failure},
};

pub(crate) fn check(common: &Common) -> Result<Done, Failure> {
    let policy = folder::load(&common.policies).map_err(|errors| with_paths(errors, &common.policies))?;
    println!("{} policies are sound (digest {}).", policy.len(), short(policy.digest()));
    Ok(Done::Fine)
}

pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// Loads the set that the common options name.
pub(crate) fn load(common: &Common) -> Result<Policy, Failure> {
    load_from(&common.policies)
}

pub(crate) fn load_from(dir: &Path) -> Result<Policy, Failure> {
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
    let count = errors.0.len();
    let mut text = format!(
        "warden: the policy set is refused, nothing can be accepted under it ({count} problem{}):",
        if count == 1 { "" } else { "s" }
    );
    for problem in &errors.0 {
        text.push_str(&format!("\n\n{problem}"));
        if let Some(line) = line_of(problem) {
            text.push_str(&format!("\n  {:>4} | {}\n       | {}", problem.line, line.trim_end(), carets(&line)));
        }
    }
    text
}

fn line_of(problem: &Problem) -> Option<String> {
    let text = fs::read_to_string(&problem.file).ok()?;
    text.lines().nth(problem.line.checked_sub(1)?).map(str::to_owned)
}

fn carets(line: &str) -> String {
    let start = line.chars().take_while(|letter| letter.is_whitespace()).count();
    format!("{}{}", " ".repeat(start), "^".repeat(line.trim().chars().count().max(1)))
}

pub(crate) fn test(common: &Common, junit: Option<&Path>) -> Result<Done, Failure> {
    let policy = load(common)?;
    let file = common.policies.join("cases.json");
    let text = fs::read_to_string(&file).map_err(|error| Failure::Trouble(format!("{}: {error}", file.display())))?;
    let cases: Vec<Case> =
        serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("{}:{}: {error}", file.display(), error.line())))?;
    let results: Vec<CaseResult> = cases.iter().map(|case| run_case(&policy, case)).collect();
    for result in &results {
        match &result.problem {
            None => println!("ok    {}", result.name),
            Some(problem) => println!("WRONG {}\n      {problem}", result.name),
        }
    }
    if let Some(path) = junit {
        fs::write(path, junit_xml(&results)).map_err(|error| Failure::Trouble(format!("{}: {error}", path.display())))?;
    }
    let wrong = results.iter().filter(|result| result.problem.is_some()).count();
    println!("{} cases, {wrong} wrong.", results.len());
    Ok(if wrong == 0 { Done::Fine } else { Done::Differences })
}

fn junit_xml(results: &[CaseResult]) -> String {
    let failures = results.iter().filter(|result| result.problem.is_some()).count();
    let case = |result: &CaseResult| match &result.problem {
        None => format!("  <testcase classname=\"policy\" name=\"{}\"/>\n", escaped(&result.name)),
        Some(problem) => format!(
            "  <testcase classname=\"policy\" name=\"{}\"><failure message=\"{}\"/></testcase>\n",
            escaped(&result.name),
            escaped(problem)
        ),
    };
    let body: String = results.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"policy cases\" tests=\"{}\" failures=\"{failures}\">\n{body}</testsuite>\n",
        results.len()
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "&#10;")
}

pub(crate) fn fmt(common: &Common, check: bool) -> Result<Done, Failure> {
    let config = Config { line_width: 100, indent_width: 2 };
    let mut changed = Vec::new();
    for path in cedar_files(&common.policies)? {
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
    let entries = fs::read_dir(dir).map_err(|error| Failure::Trouble(format!("{}: {error}", dir.display())))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "cedar"));
    paths.sort();
    Ok(paths)
}

pub(crate) fn schema() -> Result<Done, Failure> {
    print!("{SCHEMA}");
    Ok(Done::Fine)
}
