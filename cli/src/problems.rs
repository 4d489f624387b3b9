//! Problems in the files of a policy set, as a terminal shows them.

use std::path::Path;

use warden::policy::{Excerpt, PolicyErrors, Problem};

use crate::wording::counted;

pub(crate) fn list(PolicyErrors(problems): &PolicyErrors) -> String {
    let count = counted(problems.len(), "problem", "problems");
    let mut text = format!("the policy set is invalid, nothing is accepted under it ({count}):");
    for problem in problems {
        text.push_str(&format!("\n\n{}", excerpt(problem)));
    }
    // No problem names a line of a file: the location of the set is probably wrong.
    if problems.iter().all(|problem| problem.line == 0 && !Path::new(&problem.file).is_file()) {
        text.push_str("\n\nIs this the right place of the set?");
    }
    text
}

pub(crate) fn excerpt(problem: &Problem) -> String {
    let Some(Excerpt { text, marked }) = &problem.excerpt else { return problem.to_string() };
    // Tabs stay tabs, so that the carets align with the text.
    let before: String = text.chars().take(marked.start).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    format!("{problem}\n  {:>4} | {text}\n       | {before}{}", problem.line, "^".repeat(marked.len()))
}
