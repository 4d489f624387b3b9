//! `warden`: edits, tests and publishes policies, shows decisions, and decides in the caller's name.

// The nested futures of the SDK and of `approve` are deeper than the default allows for their layout.
#![recursion_limit = "256"]
#![warn(clippy::print_stderr, clippy::print_stdout, reason = "the crate has macros of these names that do not panic")]

// First, because its macros replace those of the standard library in the modules below.
#[macro_use]
mod output;

mod adopt;
mod arguments;
mod audit;
mod aws;
mod call_advice;
mod doctor;
mod error;
mod explain;
mod facts;
mod grants;
mod history;
mod init;
mod manual;
mod plan;
mod policy;
mod policy_set;
mod principals;
mod problems;
mod profiles;
mod prompt;
mod proof;
mod publish;
mod replay;
mod smoke;
mod stack;
mod wording;

use std::{fs, io, path::Path, process::ExitCode};

use arguments::{Arguments, Command, Common, Format, PolicyCommand};
use clap::{
    CommandFactory, Parser,
    error::{ContextKind, ContextValue},
};
use error::{CliError, Outcome};
use warden::model::printable::printable;

/// The characters of an argument that an error repeats.
const ARGUMENT_CHARACTERS_MAX: usize = 80;

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| printable_error(error).exit());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let status = match runtime.map_err(CliError::from).and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(Outcome::Clean) => 0,
        Ok(Outcome::Findings) => 1,
        Err(error) => {
            eprintln!("warden: {error}");
            error.exit_status()
        }
    };
    match output::print::finish() {
        // A reader that has read enough is no error.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("warden: standard output: {error}");
            ExitCode::from(3)
        }
        _ => ExitCode::from(status),
    }
}

async fn run(Arguments { given, command }: Arguments) -> Result<Outcome, CliError> {
    if given.output != Format::Table && !command.writes_rows() {
        return Err(CliError::Usage("--output: this command writes no rows, so it has no JSON or CSV output".to_owned()));
    }
    let common = &Common::of(given, None);
    let connect = || aws::Aws::connect(common);
    match command {
        Command::Policy { command } => match command {
            PolicyCommand::Check { prove: false, .. } => policy::check(common).await,
            PolicyCommand::Check { prove: true, within, since, require_proof } => proof::check(common, within, since, require_proof).await,
            PolicyCommand::Compare { old, new, within, since } => proof::compare(common, [&old, &new], within, since).await,
            PolicyCommand::Publish { to, yes } => publish::publish(common, &connect().await?, to.as_ref(), yes).await,
            PolicyCommand::Test { junit } => policy::test(common, junit.as_deref()).await,
            PolicyCommand::Fmt { check } => policy::fmt(common, check),
            PolicyCommand::Schema => {
                print!("{}", warden::policy::schema_text());
                Ok(Outcome::Clean)
            }
        },
        Command::Init { dir } => init::init(&dir),
        Command::Adopt(adoption) => adopt::adopt(&connect().await?, &adoption).await,
        Command::Plan { policy } => plan::plan(&connect().await?, policy.as_ref()).await,
        Command::Explain { endpoint } => explain::explain(&connect().await?, &endpoint).await,
        Command::Approve(approval) => manual::approve(&connect().await?, &approval).await,
        Command::Reject(decision) => manual::reject(&connect().await?, &decision).await,
        Command::Revoke(revocation) => manual::revoke(&connect().await?, &revocation).await,
        Command::Grants(filter) => grants::grants(&connect().await?, &filter).await,
        Command::Pause(hold) => manual::pause(&connect().await?, &hold).await,
        Command::Resume(hold) => manual::resume(&connect().await?, &hold).await,
        Command::History(filter) => history::history(&connect().await?, &filter).await,
        Command::Replay { since } => replay::replay(&connect().await?, since).await,
        Command::Audit { format, out, topic } => audit::audit(&connect().await?, topic.as_ref(), &format, &out).await,
        Command::Doctor { topic, fix, yes } => doctor::doctor(common, topic.as_ref(), &fix, yes).await,
        Command::Smoke(order) => smoke::smoke(common, &order).await,
        Command::Principals { apply, yes } => principals::principals(&connect().await?, apply, yes).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "warden", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            Ok(Outcome::Clean)
        }
        Command::Man { dir } => man(&dir),
    }
}

/// The error without the characters of the arguments that a terminal would interpret, and without their length.
fn printable_error(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidArg, ContextKind::InvalidSubcommand] {
        if let Some(ContextValue::String(given)) = error.get(kind) {
            let shown = printable(given, ARGUMENT_CHARACTERS_MAX);
            error.insert(kind, ContextValue::String(shown));
        }
    }
    error
}

fn man(dir: &Path) -> Result<Outcome, CliError> {
    fs::create_dir_all(dir).map_err(CliError::at(dir))?;
    // The command must not be built first: each page then names `warden plan` and not `plan`.
    clap_mangen::generate_to(Arguments::command(), dir).map_err(CliError::at(dir))?;
    Ok(Outcome::Clean)
}
