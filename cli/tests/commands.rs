//! The help and the output of every command that needs no AWS; the others are held in `tests/e2e/test_cli.py`.

#[test]
fn commands_say_what_they_should() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd").env("NO_COLOR", "1").env("COLUMNS", "100").env("AWS_REGION", "us-east-1").run();
}
