//! What was measured, beside what it should be.

use std::process::ExitCode;

/// One number and its bound.
pub struct Check {
    what: &'static str,
    value: f64,
    bound: Bound,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Check {
    /// Good up to here.
    pub fn at_most(what: &'static str, value: f64, most: f64) -> Self {
        Self { what, value, bound: Bound::AtMost(most) }
    }

    /// Good from here on.
    pub fn at_least(what: &'static str, value: f64, least: f64) -> Self {
        Self { what, value, bound: Bound::AtLeast(least) }
    }

    fn is_good(&self) -> bool {
        match self.bound {
            Bound::AtMost(most) => self.value <= most,
            Bound::AtLeast(least) => self.value >= least,
        }
    }
}

/// Prints all of them side by side. Fails if one is missed.
pub fn judge(checks: &[Check]) -> ExitCode {
    println!();
    for check in checks {
        let (words, bound) = match check.bound {
            Bound::AtMost(most) => ("at most", most),
            Bound::AtLeast(least) => ("at least", least),
        };
        println!("{:<56} {:>8.2}   {words:<8} {bound:>6}   {}", check.what, check.value, if check.is_good() { "ok" } else { "MISSED" });
    }
    if checks.iter().all(Check::is_good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
