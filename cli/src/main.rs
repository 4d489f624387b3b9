//! `warden`: see what a policy would do, decide in person, and ask why. With your own credentials.

#![warn(clippy::print_stderr, clippy::print_stdout, reason = "the crate's own macros of these names do not panic")]

// First, because its macros stand in for the standard library's in all that follow.
#[macro_use]
mod output;

mod arguments;
mod audit;
mod aws;
mod decide;
mod doctor;
mod explain;
mod failure;
mod history;
mod plan;
mod policy;
mod principals;
mod prove;

use std::{fs, io, path::Path, process::ExitCode, time::Duration};

use arguments::{Arguments, Command, Format, PolicyCommand};
use clap::{CommandFactory, Parser};
use failure::{Done, Failure};
use jiff::Timestamp;

fn main() -> ExitCode {
    let status = match run(Arguments::parse()) {
        Ok(Done::Fine) => ExitCode::SUCCESS,
        Ok(Done::Differences) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    };
    match output::closed() {
        // Whoever read it has seen enough, and all the same was done.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => status,
        Some(error) => {
            eprintln!("warden: standard output: {error}");
            ExitCode::from(3)
        }
        None => status,
    }
}

fn run(arguments: Arguments) -> Result<Done, Failure> {
    let Arguments { common, command } = arguments;
    if common.output != Format::Table && says_sentences(&command) {
        return Err(Failure::Usage("--output: this command finds nothing that could be written as JSON or CSV".to_owned()));
    }
    match command {
        // Neither AWS nor a runtime: these start at once.
        Command::Policy { command } => match command {
            PolicyCommand::Check { prove: false, .. } => policy::check(&common),
            PolicyCommand::Check { prove: true, since, within } => {
                // A program reads what is proved, and nothing beside it.
                if common.output == Format::Table {
                    policy::check(&common)?;
                }
                runtime()?.block_on(prove::check(&common, limits(within, since)))
            }
            PolicyCommand::Compare { old, new, since, within } => {
                runtime()?.block_on(prove::compare(&common, &old, &new, limits(within, since)))
            }
            PolicyCommand::Publish { to } => {
                runtime()?.block_on(async { policy::publish(&common, &aws::Aws::connect(&common).await?, &to).await })
            }
            PolicyCommand::Test { junit } => policy::test(&common, junit.as_deref()),
            PolicyCommand::Fmt { check } => policy::fmt(&common, check),
            PolicyCommand::Schema => policy::schema(),
        },
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "warden", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            Ok(Done::Fine)
        }
        Command::Man { dir } => man(&dir),
        other => runtime()?.block_on(over_aws(&common, other)),
    }
}

/// What such a command prints is for people, whatever --output may say.
fn says_sentences(command: &Command) -> bool {
    match command {
        Command::Policy { command } => match command {
            PolicyCommand::Publish { .. } | PolicyCommand::Fmt { .. } | PolicyCommand::Schema => true,
            PolicyCommand::Check { .. } | PolicyCommand::Compare { .. } | PolicyCommand::Test { .. } => false,
        },
        Command::Approve(_) | Command::Reject(_) | Command::Revoke(_) | Command::Completions { .. } | Command::Man { .. } => true,
        Command::Plan { .. }
        | Command::Explain { .. }
        | Command::History(_)
        | Command::Replay { .. }
        | Command::Audit { .. }
        | Command::Doctor { .. }
        | Command::Principals { .. } => false,
    }
}

async fn over_aws(common: &arguments::Common, command: Command) -> Result<Done, Failure> {
    let aws = aws::Aws::connect(common).await?;
    match command {
        Command::Plan { policy } => plan::plan(common, &aws, policy.as_ref()).await,
        Command::Doctor { stack, topic } => doctor::doctor(common, &aws, &stack, topic.as_ref()).await,
        Command::Principals { apply, yes } => principals::principals(common, &aws, apply, yes).await,
        Command::Explain { endpoint } => explain::explain(common, &aws, &endpoint).await,
        Command::Approve(order) => decide::approve(common, &aws, &order).await,
        Command::Reject(order) => decide::reject(common, &aws, &order).await,
        Command::Revoke(order) => decide::revoke(common, &aws, &order).await,
        Command::History(filter) => history::history(common, &aws, &filter).await,
        Command::Replay { since } => history::replay(common, &aws, &since).await,
        Command::Audit { format, out, topic } => audit::audit(common, &aws, topic.as_ref(), &format, &out).await,
        Command::Policy { .. } | Command::Completions { .. } | Command::Man { .. } => Ok(Done::Fine),
    }
}

fn limits(within: u32, since: Timestamp) -> prove::Limits {
    prove::Limits { within: Duration::from_secs(within.into()), since }
}

fn man(dir: &Path) -> Result<Done, Failure> {
    let named = |error: io::Error| Failure::Trouble(format!("{}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(named)?;
    // Named only, so that each page speaks of `warden plan` and not of `plan`.
    clap_mangen::generate_to(Arguments::command(), dir).map_err(named)?;
    Ok(Done::Fine)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
