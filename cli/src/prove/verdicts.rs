//! What is said of a set: lines for people as they come, or rows for programs at the end.

use super::solver::Answer;
use crate::{arguments::Format, failure::Done, output::Rows};

/// Good and bad news, and what nobody knows.
pub(super) struct Verdicts {
    format: Format,
    rows: Rows,
    all_proved: bool,
}

/// How often a claim held, of how many that it was made of.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) proved: usize,
    pub(super) refuted: usize,
}

impl Tally {
    /// Counts an answer about one of many, and tells it where it is not as it should be.
    pub(super) fn take<T>(&mut self, verdicts: &mut Verdicts, claim: &str, answer: Answer<T>, refutation: impl FnOnce(T) -> String) {
        match answer {
            Answer::Proved => {
                self.proved += 1;
                verdicts.proved_quietly(claim);
            }
            Answer::Refuted(found) => {
                self.refuted += 1;
                verdicts.refuted(claim, &refutation(found));
            }
            Answer::Undecided(why) => verdicts.undecided(claim, &why),
        }
    }
}

impl Verdicts {
    pub(super) fn new(format: Format) -> Self {
        Self { format, rows: Rows::new(&["verdict", "what", "why"]), all_proved: true }
    }

    /// `what` is a claim that holds.
    pub(super) fn proved(&mut self, what: &str) {
        self.say(&format!("proved     {what}"));
        self.proved_quietly(what);
    }

    /// The same of one of many: people read how many they were, from [`Verdicts::counted`].
    pub(super) fn proved_quietly(&mut self, what: &str) {
        self.rows.push(["proved".to_owned(), what.to_owned(), String::new()]);
    }

    /// `what` is a claim that does not hold; `why` says it in a sentence of its own.
    pub(super) fn refuted(&mut self, what: &str, why: &str) {
        self.say(&format!("NOT SO     {why}"));
        self.rows.push(["refuted".to_owned(), what.to_owned(), why.to_owned()]);
        self.all_proved = false;
    }

    pub(super) fn undecided(&mut self, what: &str, why: &str) {
        self.say(&format!("undecided  whether {what}: {why}"));
        self.rows.push(["undecided".to_owned(), what.to_owned(), why.to_owned()]);
        self.all_proved = false;
    }

    /// What is no verdict, for people.
    pub(super) fn say(&self, line: &str) {
        if self.format == Format::Table {
            println!("{line}");
        }
    }

    /// So many of so many. A count that some are missing from for being undecided is no refutation of them.
    pub(super) fn counted(&self, tally: &Tally, of: usize, what: &str) {
        if of == 0 {
            return;
        }
        let rest = of.saturating_sub(tally.proved + tally.refuted);
        let undecided = if rest == 0 { String::new() } else { format!("; {rest} undecided") };
        let sign = if tally.proved == of { "proved     " } else { "           " };
        self.say(&format!("{sign}{} of {of} {what}{undecided}", tally.proved));
    }

    pub(super) fn done(&self) -> Done {
        if self.format != Format::Table {
            self.rows.write(self.format, "");
        }
        if self.all_proved { Done::Fine } else { Done::Differences }
    }
}
