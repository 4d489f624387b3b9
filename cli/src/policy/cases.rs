//! `warden policy test`: the set's own tests.

use std::{fs, path::Path};

use warden::{
    decision::cases::{Case, CaseResult, run as run_case},
    policy::{CASES, Problem, did_you_mean},
};

use super::{folder_of, load};
use crate::{
    arguments::{Common, Format},
    failure::{Done, Failure},
    output::{Rows, counted},
};

/// The cases that lie in a folder; none, where there is no such file.
pub(crate) fn of(dir: &Path) -> Result<Vec<Case>, Failure> {
    let file = dir.join(CASES);
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&file).map_err(|error| Failure::Trouble(format!("{}: {error}", file.display())))?;
    serde_json::from_str(&text).map_err(|error| Failure::Cases(Box::new(problem(&file, &text, &error))))
}

/// What is wrong with the file, and where.
fn problem(file: &Path, text: &str, error: &serde_json::Error) -> Problem {
    let whole = error.to_string();
    // The place is shown by itself.
    let mut message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message).to_owned();
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let before: String = line.chars().take(error.column()).collect();
    let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`')).map(|(field, _)| field.to_owned());
    let about = match &unknown {
        // serde names the fields there are; the one that was meant is easier to see.
        Some(field) => {
            message.push_str(&did_you_mean(field, Case::FIELDS.into_iter()));
            Some(field.clone())
        }
        None => before.rsplit_once("\":").map(|(field, value)| {
            let field = field.rsplit('"').next().unwrap_or_default();
            message = format!("`{field}`: {message}");
            value.trim().trim_end_matches([',', '}', ']']).trim_matches('"').to_owned()
        }),
    };
    let columns = about.filter(|about| !about.is_empty()).and_then(|about| {
        let start = before.split_once(&about).map(|(before, _)| before.chars().count())?;
        Some(start..start + about.chars().count())
    });
    Problem { file: file.display().to_string(), line: error.line(), columns, message }
}

fn write(common: &Common, results: &[CaseResult]) {
    if common.output == Format::Table {
        for result in results {
            match &result.problem {
                None => println!("ok    {}", result.name),
                Some(problem) => println!("WRONG {}\n      {problem}", result.name),
            }
        }
        return;
    }
    let mut rows = Rows::new(&["case", "is", "what"]);
    for result in results {
        let is = if result.problem.is_none() { "ok" } else { "wrong" };
        rows.push([result.name.clone(), is.to_owned(), result.problem.clone().unwrap_or_default()]);
    }
    rows.write(common.output, "");
}

pub(crate) fn test(common: &Common, junit: Option<&Path>) -> Result<Done, Failure> {
    let folder = folder_of(common)?;
    let policy = load(folder)?;
    if !folder.join(CASES).exists() {
        return Err(Failure::Trouble(format!("{}: there is no such file", folder.join(CASES).display())));
    }
    let cases = of(folder)?;
    let results: Vec<CaseResult> = cases.iter().map(|case| run_case(&policy, case)).collect();
    write(common, &results);
    if let Some(path) = junit {
        fs::write(path, junit_xml(&results)).map_err(|error| Failure::Trouble(format!("{}: {error}", path.display())))?;
    }
    let wrong = results.iter().filter(|result| result.problem.is_some()).count();
    if common.output == Format::Table {
        println!("{}, {wrong} wrong.", counted(results.len(), "case", "cases"));
    }
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
