//! `make bench`: prints what was measured beside what it should be, and fails if it is not.
//!
//! Ratios of the same run on the same machine, not times: those differ from machine to machine. The measured process
//! does nothing but its work; the world it looks at is another process.

// The nested futures of the SDK and of the audit are deeper than the default allows for their layout.
#![recursion_limit = "256"]

mod audit;
mod check;
mod cloud;
mod function;
mod instructions;
mod lambda;
mod ledger;
mod peak;
mod policy;
mod start;
mod sweep;
mod world;

use std::{process::ExitCode, time::Duration};

use check::judge;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            let mut checks = start::compare(false).await;
            println!();
            checks.extend(sweep::compare().await);
            println!();
            checks.extend(policy::compare());
            println!();
            checks.extend(audit::compare().await);
            judge(&checks)
        }
        ["start"] => judge(&start::compare(false).await),
        ["start", "--keep"] => judge(&start::compare(true).await),
        ["sweep"] => judge(&sweep::compare().await),
        ["policy"] => judge(&policy::compare()),
        ["audit"] => judge(&audit::compare().await),
        _ => start_what_was_asked(&words).await,
    }
}

/// What the benchmark starts for itself.
async fn start_what_was_asked(words: &[&str]) -> ExitCode {
    let number = |word: &str| word.parse::<usize>().unwrap();
    match words {
        ["world", services, each, ledger, deleted] => world::serve(number(services), number(each), ledger, number(deleted) as u64).await,
        ["cloud", requests, services, latency_ms] => {
            let latency = Duration::from_millis(latency_ms.parse().unwrap());
            cloud::serve(cloud::Size { requests: number(requests), services: number(services), latency }).await;
        }
        ["start-parts", policies] => start::print_parts(policies).await,
        ["audit-once", world, ledger] => audit::once(world, ledger).await,
        _ => {
            eprintln!("usage: bench [start [--keep]|sweep|policy|audit]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
