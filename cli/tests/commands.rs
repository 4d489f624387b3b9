//! Help and output of every command that needs no AWS. Those that do are in the end-to-end tests.

#[cfg(feature = "prove")]
mod solver;

fn check(cases: &str) {
    trycmd::TestCases::new().case(cases).env("NO_COLOR", "1").env("COLUMNS", "100").env("AWS_REGION", "us-east-1").run();
}

#[test]
fn commands_print_as_recorded() {
    check("tests/cmd/*.trycmd");
}

#[test]
#[cfg(feature = "prove")]
fn proofs_print_as_recorded() {
    check("tests/cmd/no-answer/*.trycmd");
    if solver::cvc5() {
        check("tests/cmd/solver/*.trycmd");
    }
}
