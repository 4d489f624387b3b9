//! Verdicts as lines for people, or as rows for programs.

use std::time::Duration;

use prove::{Checked, Outcome as Proof, Solver, Verdict};
use warden::policy::PolicySet;

use crate::{
    arguments::Format,
    error::Outcome,
    output::{Rows, bar},
    wording::short,
};

/// The solver of `CVC5`, or `cvc5`.
pub(super) fn solver(within: Duration) -> Option<Solver> {
    Solver::start(std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into()), within)
}

pub(super) async fn check(policies: &PolicySet, mut solver: Solver, format: Format) -> Outcome {
    let bar = bar(3 * policies.len(), "proofs");
    let Checked { tallies, advice } = prove::check(policies, &mut solver, || bar.inc(1)).await;
    bar.finish_and_clear();
    let mut report = Report::new(format);
    for tally in tallies.iter().filter(|tally| tally.of > 0) {
        // Proved claims are only counted.
        tally.verdicts().for_each(|verdict| report.add(verdict, false));
        let (of, proved) = (tally.of, tally.proved());
        let undecided = of - proved - tally.refuted().len();
        let undecided = if undecided == 0 { String::new() } else { format!("; {undecided} undecided") };
        report.line(if proved == of { "proved" } else { "" }, &format!("{proved} of {of} {}{undecided}", tally.claim[0]));
    }
    advice.iter().for_each(|advice| report.line("", advice));
    report.finish(&solver)
}

pub(super) async fn compare([old, new]: &[PolicySet; 2], mut solver: Solver, format: Format) -> Outcome {
    let mut report = Report::new(format);
    prove::compare(old, new, &mut solver).await.into_iter().for_each(|verdict| report.add(verdict, true));
    if old.digest() != new.digest() {
        prove::lost(old, new, &mut solver).await.into_iter().for_each(|verdict| report.tell_lost(verdict));
    }
    report.line("", &format!("{} → {}", short(old.digest()), short(new.digest())));
    report.finish(&solver)
}

struct Report {
    format: Format,
    rows: Rows,
    all_proved: bool,
}

impl Report {
    fn new(format: Format) -> Self {
        Self { format, rows: Rows::new(&["verdict", "what", "why"]), all_proved: true }
    }

    fn add(&mut self, verdict: Verdict, say_proved: bool) {
        self.all_proved &= verdict.outcome == Proof::Proved;
        self.tell("refuted", verdict, say_proved);
    }

    /// A loss of access is worth knowing, but a set may accept less.
    fn tell_lost(&mut self, verdict: Verdict) {
        self.tell("lost", verdict, true);
    }

    fn tell(&mut self, refuted: &str, Verdict { claim, outcome }: Verdict, say_proved: bool) {
        let (verdict, why, line) = match outcome {
            Proof::Proved => ("proved", String::new(), say_proved.then(|| claim.clone())),
            Proof::Refuted(why) => (refuted, why.clone(), Some(why)),
            Proof::Undecided(why) => ("undecided", why.to_string(), Some(format!("whether {claim}: {why}"))),
        };
        line.iter().for_each(|line| self.line(verdict, line));
        self.rows.push([verdict, &claim, &why]);
    }

    fn line(&self, label: &str, text: &str) {
        if self.format == Format::Table {
            println!("{}", format!("{label:<9}  {text}"));
        }
    }

    fn finish(&self, solver: &Solver) -> Outcome {
        if let Some(why) = solver.timed_out() {
            eprintln!("note: {why}: raise it with --within");
        }
        if self.format != Format::Table {
            self.rows.write(self.format, "");
        }
        Outcome::clean_if(self.all_proved)
    }
}
