//! `make bench`: prints what was measured beside what it should be, and fails if it is not.
//!
//! Ratios of the same run on the same machine, not times: those differ from machine to machine. The measured process
//! does nothing but its work; the world it looks at is another process.

mod audit;
mod peak;
mod policy;
mod world;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            let policy = policy::compare();
            println!();
            if policy == ExitCode::SUCCESS { audit::compare().await } else { policy }
        }
        ["policy"] => policy::compare(),
        ["audit"] => audit::compare().await,
        // What the benchmark starts for itself.
        ["world", services, each] => {
            world::serve(services.parse().unwrap(), each.parse().unwrap()).await;
            ExitCode::SUCCESS
        }
        ["audit-once", world, ledger] => {
            audit::once(world, ledger).await;
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: bench [policy|audit]");
            ExitCode::from(2)
        }
    }
}
