//! The audit of 10,000 and of 100,000 connections: does its memory stay flat, and its time in proportion?
//!
//! The real `Audit` with the real adapters of EC2 and DynamoDB over HTTP. What is written is dropped. One run has nothing on the
//! ledger: as many findings as connections. Another has two million records of endpoints that are long deleted.

use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use ::audit::{Audit, MARGIN};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use warden::{
    audit::thresholds::Thresholds,
    aws::{dynamodb::Table, ec2::Ec2, organizations::Organizations},
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    model::{mode::Mode, scope::Scope},
    policy::{PolicyFile, PolicySet},
    ports::{CallError, ReportStore},
};

use crate::{
    check::Check,
    peak,
    world::{CONSUMERS, PROVIDER, consumer},
};

const MEGABYTE: f64 = 1024.0 * 1024.0;
/// Records of deleted endpoints: what one account leaves in eleven weeks, at EC2's limit of 0.3 new endpoints a second.
const DELETED: u64 = 2_000_000;

/// What one run says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    connections: usize,
    findings: usize,
    seconds: f64,
    peak_bytes: u64,
    report_bytes: u64,
}

/// One run, with the calls that its world saw.
struct Run {
    measured: Measured,
    calls: usize,
}

/// Runs all sizes and prints them side by side.
pub async fn compare() -> Vec<Check> {
    println!("audit: the real function against `local` over HTTP, each in a process of its own\n");
    println!(
        "{:<34} {:>11} {:>9} {:>9} {:>10} {:>8} {:>9} {:>9}",
        "", "connections", "findings", "seconds", "µs/conn.", "calls", "peak MB", "report MB"
    );
    let small = run("100 services", 100, 100, ("recorded", 0)).await;
    let large = run("1,000 services", 1_000, 100, ("recorded", 0)).await;
    let single = run("one service with all of them", 1, 100_000, ("recorded", 0)).await;
    let flood = run("1,000 services, nothing on record", 1_000, 100, ("empty", 0)).await;
    let history = run("1,000 services, 2 million deleted", 1_000, 100, ("recorded", DELETED)).await;
    let each = |run: &Run| run.measured.seconds / run.measured.connections as f64;
    let megabytes = |run: &Run| run.measured.peak_bytes as f64 / MEGABYTE;
    // One page each of connections and permissions for a service, and one page of services per thousand, and of notifications.
    let pages = |services: usize| 2 * services + 2 * services.div_ceil(1_000);
    vec![
        Check::at_most("audit: peak memory at 100,000 connections, MB", megabytes(&large), 128.0),
        Check::at_most("audit: peak memory, 100,000 against 10,000", megabytes(&large) / megabytes(&small), 2.0),
        Check::at_most("audit: time per connection, 100,000 against 10,000", each(&large) / each(&small), 1.5),
        Check::at_most("audit: EC2 calls at 100,000 against pages", large.calls as f64 / pages(1_000) as f64, 1.0),
        Check::at_most("audit: peak memory with all in one service, MB", megabytes(&single), 128.0),
        Check::at_most("audit: peak memory with 100,000 findings, MB", megabytes(&flood), 128.0),
        Check::at_most("audit: peak memory with 2 million deleted, MB", megabytes(&history), 128.0),
        Check::at_most("audit: time with 2 million deleted against none", history.measured.seconds / large.measured.seconds, 1.2),
    ]
}

async fn run(name: &str, services: usize, each: usize, ledger: (&str, u64)) -> Run {
    let (mut world, ec2, ledger) = start_world(services, each, ledger).await;
    let output = Command::new(std::env::current_exe().unwrap()).args(["audit-once", &ec2, &ledger]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let measured: Measured = serde_json::from_slice(&output.stdout).unwrap();
    let calls: Vec<serde_json::Value> =
        serde_json::from_slice(&reqwest::get(format!("{ec2}/_local/calls")).await.unwrap().bytes().await.unwrap()).unwrap();
    world.kill().await.unwrap();
    let run = Run { measured, calls: calls.len() };
    let of = &run.measured;
    println!(
        "{name:<34} {:>11} {:>9} {:>9.2} {:>10.1} {:>8} {:>9.1} {:>9.1}",
        of.connections,
        of.findings,
        of.seconds,
        of.seconds / of.connections as f64 * 1e6,
        run.calls,
        of.peak_bytes as f64 / MEGABYTE,
        of.report_bytes as f64 / MEGABYTE
    );
    run
}

async fn start_world(services: usize, each: usize, (ledger, deleted): (&str, u64)) -> (Child, String, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["world", &services.to_string(), &each.to_string(), ledger, &deleted.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    let (ec2, ledger) = line.split_once(' ').unwrap();
    (child, ec2.to_owned(), ledger.to_owned())
}

/// One audit in this process; what it measured goes to standard output.
pub async fn once(world: &str, ledger: &str) {
    let audit = Audit {
        inventory: Ec2::new(&config(world), "us-east-1".parse().unwrap()),
        ledger: Table::new(&config(ledger), "ledger".to_owned(), terms().retention),
        reports: Measure,
        members: OrganizationCache::new(None::<Organizations>),
        policy: Arc::new(policy()),
        scope: Scope::All,
        thresholds: terms(),
        clock: Timestamp::now,
        function_version: "bench".to_owned(),
    };
    let start = Instant::now();
    let summary = audit.run("bench", Deadline::after(Duration::from_secs(3600), MARGIN)).await.unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert!(summary.unseen.iter().all(|what| what.contains("left for the next one")), "{:?}", summary.unseen);
    let measured = Measured {
        connections: summary.connected,
        findings: summary.findings.values().sum(),
        seconds,
        peak_bytes: peak::memory_bytes(),
        report_bytes: KEPT.load(std::sync::atomic::Ordering::Relaxed),
    };
    println!("{}", serde_json::to_string(&measured).unwrap());
}

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new(PROVIDER, "secret", None, None, "bench");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn policy() -> PolicySet {
    let text = "@id(\"consumers\") @reason(\"agreed to the terms\")
        permit(principal in PrivateLink::AccountGroup::\"consumers\", action == PrivateLink::Action::\"Accept\", resource);
        @id(\"cap\") forbid(principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount >= 1000 };";
    let accounts: Vec<String> = (0..CONSUMERS).map(consumer).collect();
    let groups = serde_json::json!({"consumers": {"accounts": accounts}}).to_string();
    let file = |name: &str, text: &str| PolicyFile { name: name.to_owned(), text: text.to_owned() };
    PolicySet::load(&[file("bench.cedar", text)], Some(&file("groups.json", &groups))).unwrap()
}

fn terms() -> Thresholds {
    Thresholds {
        mode: Mode::Active,
        topics: vec!["arn:aws:sns:us-east-1:123456789012:connections".parse().unwrap()],
        region: "us-east-1".parse().unwrap(),
        overdue_after: SignedDuration::from_mins(15),
        waiting_after: SignedDuration::from_hours(24),
        expiring_within: SignedDuration::from_hours(14 * 24),
        unused_after: SignedDuration::from_hours(90 * 24),
        retention: SignedDuration::from_hours(400 * 24),
    }
}

static KEPT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Weighs the report and lets it go.
struct Measure;

impl ReportStore for Measure {
    async fn store(&self, _: &str, _: &str, file: &Path) -> Result<(), CallError> {
        KEPT.fetch_add(std::fs::metadata(file).unwrap().len(), std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    fn location(&self, name: &str) -> String {
        name.to_owned()
    }
}
