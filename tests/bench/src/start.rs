//! How long a function takes from spawn to its first answer: `approve` beside the least that a function in Rust can be,
//! and beside the same job in Python. All with the same runtime API, and the same AWS behind it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::process::Command;
use warden::{
    aws::{dynamodb::Table, ec2::Ec2, shared_config},
    policy::folder,
};

use crate::{
    check::Check,
    cloud::{Cloud, Size},
    function::{self, Folder},
    instructions,
    lambda::{self, Lambda},
    peak,
};

const REPEATS: usize = 15;
const WARM: usize = 100;
const MEGABYTE: f64 = 1024.0 * 1024.0;

/// What one kind of function came to.
struct Measured {
    /// Spawn to first answer, median.
    cold: Duration,
    /// Event to answer of a function that runs, median.
    warm: Duration,
    /// The most memory it ever had, after all its answers.
    peak_bytes: u64,
}

/// Parts of a start, each in microseconds.
#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    settings_and_trust: u128,
    clients: u128,
    policy: u128,
}

/// Prints all side by side.
pub async fn compare(keep: bool) -> Vec<Check> {
    let folder = Folder::with_policies(100);
    println!("start: spawn to first answer, median of {REPEATS}; then {WARM} more answers of the last one\n");
    println!("{:<44} {:>9} {:>9} {:>9} {:>11} {:>11}", "", "cold ms", "warm ms", "peak MB", "calls cold", "calls warm");
    let bare = measure("bare lambda_runtime", &folder, function::bare).await;
    measure("approve, 10 policies, JSON logs, ledger", &Folder::with_policies(10), function::approve).await;
    let approve = measure("approve, 100 policies, JSON logs, ledger", &folder, function::approve).await;
    // What ships is what must be good; the other is what every build has.
    let judged = match function::packaged() {
        Some(_) => measure("approve as `make package` last built it", &folder, function::shipped).await,
        None => {
            println!("approve as it ships was not measured: `make package` builds it");
            approve
        }
    };
    let peer = match function::python() {
        Some(_) => Some(measure("the same in Python (boto3, awslambdaric)", &folder, function::peer).await),
        None => {
            println!("the same in Python was not measured: `make bench` makes its environment");
            None
        }
    };
    let parts = parts(&folder).await;
    println!(
        "\nof approve's start: {:.1} ms settings and TLS roots, {:.1} ms clients, {:.1} ms policy",
        parts.settings_and_trust as f64 / 1e3,
        parts.clients as f64 / 1e3,
        parts.policy as f64 / 1e3
    );
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    let mut checks = vec![
        Check::at_most("approve's start, against the bare one's", ratio(judged.cold, bare.cold), 3.0),
        Check::at_most("approve's peak memory, MB", judged.peak_bytes as f64 / MEGABYTE, 16.0),
    ];
    if let Some(peer) = peer {
        checks.push(Check::at_least("Python's start, against approve's", ratio(peer.cold, judged.cold), 40.0));
    }
    checks.extend(instructions::compare(&folder, keep).await);
    checks
}

async fn measure(name: &str, folder: &Folder, command: fn(&Folder, &Cloud) -> Command) -> Measured {
    let (mut process, cloud) = Cloud::start(Size { requests: REPEATS + WARM, services: REPEATS + WARM, latency: Duration::ZERO }).await;
    // A service for each: one invocation answers all that is pending on a service.
    let requests = cloud.services.iter().zip(&cloud.endpoints);
    let mut events = requests.map(|(service, endpoint)| lambda::batch(&[lambda::notification(service, endpoint)]));
    let (mut cold, mut last) = (Vec::new(), None);
    for _ in 0..REPEATS {
        // One for each: the last function still waits for an event at its own.
        let lambda = Lambda::start().await;
        let (took, answer, child) = lambda.cold(command(folder, &cloud), events.next().unwrap()).await;
        assert!(name.starts_with("bare") || answer == lambda::DONE || answer.contains("accepted"), "{name}: {answer}");
        cold.push(took);
        last = Some((lambda, child));
    }
    let calls_cold = cloud.seen().await.calls();
    let (lambda, child) = last.unwrap();
    let mut warm = Vec::new();
    for event in events {
        warm.push(lambda.warm(event).await.0);
    }
    let peak_bytes = peak::memory_bytes_of(child.id());
    let seen = cloud.seen().await;
    assert!(name.starts_with("bare") || seen.pending == 0, "{name}: {} are pending", seen.pending);
    let calls_warm = seen.calls() - calls_cold;
    process.kill().await.unwrap();
    let measured = Measured { cold: median(cold), warm: median(warm), peak_bytes };
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<44} {:>9.2} {:>9.2} {:>9.1} {:>11.1} {:>11.1}",
        ms(measured.cold),
        ms(measured.warm),
        measured.peak_bytes as f64 / MEGABYTE,
        calls_cold as f64 / REPEATS as f64,
        calls_warm as f64 / WARM as f64
    );
    measured
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The parts of a start, in a process that has done nothing else.
async fn parts(folder: &Folder) -> Parts {
    let output = function::with_surroundings(std::env::current_exe().unwrap()).arg("start-parts").arg(folder.path()).output().await;
    let output = output.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What that process does.
pub async fn print_parts(policies: &str) {
    let lookup = |name: &str| std::env::var(name).ok();
    let start = Instant::now();
    let config = shared_config(&lookup).await.unwrap();
    let settings_and_trust = start.elapsed();
    let _clients = (
        Ec2::new(&config, "us-east-1".parse().unwrap()),
        Ec2::new(&config, "us-east-1".parse().unwrap()),
        Table::new(&config, "ledger".to_owned(), jiff::SignedDuration::from_hours(24)),
    );
    let clients = start.elapsed() - settings_and_trust;
    let policy = folder::load(Path::new(policies)).unwrap();
    assert!(policy.len() > 0);
    let parts = Parts {
        settings_and_trust: settings_and_trust.as_micros(),
        clients: clients.as_micros(),
        policy: (start.elapsed() - settings_and_trust - clients).as_micros(),
    };
    println!("{}", serde_json::to_string(&parts).unwrap());
}
