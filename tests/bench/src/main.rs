//! `make bench`: prints what was measured beside what it should be, and fails if it is not.
//!
//! Ratios of the same run on the same machine, not times: those differ from machine to machine. The measured process
//! does nothing but its work; the world it looks at is another process.

mod audit;
mod cloud;
mod lambda;
mod peak;
mod policy;
mod start;
mod world;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            // All of them, whatever one comes to.
            let mut worst = start::compare(false).await;
            println!();
            for next in [policy::compare(), audit::compare().await] {
                worst = if worst == ExitCode::SUCCESS { next } else { worst };
            }
            worst
        }
        ["start"] => start::compare(false).await,
        ["start", "--keep"] => start::compare(true).await,
        ["policy"] => policy::compare(),
        ["audit"] => audit::compare().await,
        // What the benchmark starts for itself.
        ["world", services, each] => {
            world::serve(services.parse().unwrap(), each.parse().unwrap()).await;
            ExitCode::SUCCESS
        }
        ["cloud", requests] => {
            cloud::serve(requests.parse().unwrap()).await;
            ExitCode::SUCCESS
        }
        ["start-parts", policies] => {
            start::print_parts(policies).await;
            ExitCode::SUCCESS
        }
        ["audit-once", world, ledger] => {
            audit::once(world, ledger).await;
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: bench [start [--keep]|policy|audit]");
            ExitCode::from(2)
        }
    }
}
