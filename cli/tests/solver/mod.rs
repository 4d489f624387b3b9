//! The solver of the tests.

use std::{env, process::Command};

/// Returns true if cvc5, or the solver of `CVC5`, can be run. CI must have one.
pub(crate) fn cvc5() -> bool {
    let program = env::var_os("CVC5").unwrap_or_else(|| "cvc5".into());
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || env::var_os("CI").is_none(), "cvc5 is not installed");
    if !found {
        eprintln!("SKIPPED: cvc5 is not installed");
    }
    found
}
