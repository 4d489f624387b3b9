//! The help and the output of every command that needs no AWS; the others are held in `tests/e2e/test_cli_output.py`.

use std::process::Command;

fn hold(cases: &str) {
    trycmd::TestCases::new().case(cases).env("NO_COLOR", "1").env("COLUMNS", "100").env("AWS_REGION", "us-east-1").run();
}

#[test]
fn commands_say_what_they_should() {
    hold("tests/cmd/*.trycmd");
}

/// With the real solver. Without one it is skipped, aloud.
#[test]
fn proofs_say_what_they_should() {
    let program = std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into());
    if Command::new(program).arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no cvc5 to prove anything with");
        return;
    }
    hold("tests/cmd/solver/*.trycmd");
}
