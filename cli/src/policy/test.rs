//! `warden policy test`: runs the test cases of a policy set.

use std::{fs, path::Path};

use warden::decision::cases::{CaseResult, run};

use super::check::cases_note;
use crate::{
    arguments::{Common, Format},
    error::{CliError, Outcome},
    output::Rows,
    policy_set::SetFiles,
    wording::counted,
};

pub(crate) async fn test(common: &Common, junit: Option<&Path>) -> Result<Outcome, CliError> {
    test_files(common, &SetFiles::of(common).await?, junit)
}

pub(crate) fn test_files(common: &Common, files: &SetFiles, junit: Option<&Path>) -> Result<Outcome, CliError> {
    let policies = files.load()?;
    let note = cases_note(files)?;
    let Some(cases) = files.cases()? else {
        return Err(CliError::Failed(note.map(|note| note.to_string()).unwrap_or_default()));
    };
    note.iter().for_each(|note| eprintln!("note: {note}"));
    let results: Vec<CaseResult> = cases.iter().map(|case| run(&policies, case)).collect();
    let failed = results.iter().filter(|result| result.problem.is_some()).count();
    write(common, &results, failed);
    if let Some(path) = junit {
        fs::write(path, junit_xml(&results, failed)).map_err(CliError::at(path))?;
    }
    Ok(Outcome::clean_if(failed == 0))
}

fn write(common: &Common, results: &[CaseResult], failed: usize) {
    if common.output == Format::Table {
        for result in results {
            match &result.problem {
                None => println!("ok      {}", result.name),
                Some(problem) => println!("FAILED  {}\n        {problem}", result.name),
            }
        }
        println!("{}, {failed} failed.", counted(results.len(), "case", "cases"));
        return;
    }
    let mut rows = Rows::new(&["case", "result", "what"]);
    for CaseResult { name, problem } in results {
        rows.push([name, if problem.is_none() { "ok" } else { "failed" }, problem.as_deref().unwrap_or_default()]);
    }
    rows.write(common.output, "");
}

fn junit_xml(results: &[CaseResult], failed: usize) -> String {
    let case = |CaseResult { name, problem }: &CaseResult| {
        let failure = problem.iter().map(|problem| format!("<failure message=\"{}\"/>", escaped(problem)));
        format!("  <testcase classname=\"policy\" name=\"{}\">{}</testcase>\n", escaped(name), failure.collect::<String>())
    };
    let (count, cases): (usize, String) = (results.len(), results.iter().map(case).collect());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"policy cases\" tests=\"{count}\" failures=\"{failed}\">\n{cases}</testsuite>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', "&#10;")
}
