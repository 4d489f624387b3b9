//! Problems in the files of a policy set, as a terminal shows them.

use std::{fs, ops::Range, path::Path};

use warden::policy::{PolicyErrors, Problem};

use crate::wording::counted;

pub(crate) fn list(PolicyErrors(problems): &PolicyErrors) -> String {
    let count = counted(problems.len(), "problem", "problems");
    let mut text = format!("the policy set is invalid, nothing is accepted under it ({count}):");
    for problem in problems {
        text.push_str(&format!("\n\n{}", excerpt(problem)));
    }
    // No problem names a line of a file: the location of the set is probably wrong.
    if problems.iter().all(|problem| problem.line == 0 && !Path::new(&problem.file).is_file()) {
        text.push_str("\n\nCheck --policies.");
    }
    text
}

pub(crate) fn excerpt(problem: &Problem) -> String {
    let Some(line) = line_of(problem) else { return problem.to_string() };
    format!("{problem}\n  {:>4} | {}\n       | {}", problem.line, line.trim_end(), carets(&line, problem.columns.as_ref()))
}

pub(crate) fn with_paths(PolicyErrors(mut problems): PolicyErrors, dir: &Path) -> PolicyErrors {
    for problem in &mut problems {
        let path = dir.join(&problem.file);
        if path.is_file() {
            problem.file = path.display().to_string();
        }
    }
    PolicyErrors(problems)
}

fn line_of(problem: &Problem) -> Option<String> {
    let text = fs::read_to_string(&problem.file).ok()?;
    text.lines().nth(problem.line.checked_sub(1)?).map(str::to_owned)
}

/// Carets under the given columns, or under the whole line if the columns are unknown.
fn carets(line: &str, columns: Option<&Range<usize>>) -> String {
    let start = line.chars().take_while(|letter| letter.is_whitespace()).count();
    let whole = start..start + line.trim().chars().count();
    let Range { start, end } = columns.cloned().unwrap_or(whole);
    // Tabs stay tabs, so that the carets align with the text.
    let before: String = line.chars().take(start).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    format!("{before}{}", "^".repeat(end.saturating_sub(start).max(1)))
}
