//! How long a function takes from spawn to its first answer: `approve` beside the least that a function in Rust can be,
//! and beside the same job in Python. All with the same runtime API, and the same AWS behind it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use warden::{
    aws::{dynamodb::Table, ec2::Ec2, shared_config},
    policy::folder,
};

use crate::{
    cloud::{CONSUMER, Cloud},
    lambda::Lambda,
    peak, policy,
    world::PROVIDER,
};

const REPEATS: usize = 15;
const WARM: usize = 100;
const MEGABYTE: f64 = 1024.0 * 1024.0;
/// A first answer may take so many times the instructions that were kept.
const INSTRUCTIONS_RATIO_MAX: f64 = 1.05;

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

/// Prints all side by side, and the checks.
pub async fn compare(keep: bool) -> ExitCode {
    let folder = Folder::with_policies(100);
    println!("start: spawn to first answer, median of {REPEATS}; then {WARM} more answers of the last one\n");
    println!("{:<44} {:>9} {:>9} {:>9}", "", "cold ms", "warm ms", "peak MB");
    let bare = measure("bare lambda_runtime", &folder, bare).await;
    let approve = measure("approve, 100 policies, JSON logs, ledger", &folder, approve).await;
    let peer = match python() {
        Some(_) => Some(measure("the same in Python (boto3, awslambdaric)", &folder, peer).await),
        None => {
            println!("the same in Python was not measured: `make bench` makes its environment");
            None
        }
    };
    let parts = parts(&folder).await;
    println!(
        "\nof approve's start: {:.1} ms settings and whom to trust, {:.1} ms clients, {:.1} ms policy\n",
        parts.settings_and_trust as f64 / 1e3,
        parts.clients as f64 / 1e3,
        parts.policy as f64 / 1e3
    );
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    let mut good = at_most("approve's start against the bare one's", ratio(approve.cold, bare.cold), 3.0);
    good &= at_most("approve's peak memory, MB", approve.peak_bytes as f64 / MEGABYTE, 16.0);
    if let Some(peer) = peer {
        good &= at_least("Python's start against approve's", ratio(peer.cold, approve.cold), 40.0);
    }
    good &= instructions(&folder, keep).await;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn at_most(what: &str, value: f64, most: f64) -> bool {
    println!("{what:<52} {value:>8.2}   at most {most:>7.1}   {}", if value <= most { "ok" } else { "MISSED" });
    value <= most
}

fn at_least(what: &str, value: f64, least: f64) -> bool {
    println!("{what:<52} {value:>8.2}   at least {least:>6.1}   {}", if value >= least { "ok" } else { "MISSED" });
    value >= least
}

async fn measure(name: &str, folder: &Folder, command: fn(&Folder, &Cloud) -> Command) -> Measured {
    let (mut process, cloud) = start_cloud(REPEATS + WARM).await;
    let mut events = cloud.endpoints.iter().map(|endpoint| event(&cloud.service, endpoint));
    let (mut cold, mut last) = (Vec::new(), None);
    for _ in 0..REPEATS {
        // One for each: the last function still waits for an event at its own.
        let lambda = Lambda::start().await;
        let (took, answer, child) = lambda.cold(command(folder, &cloud), events.next().unwrap()).await;
        assert!(name.starts_with("bare") || answer.contains("accepted"), "{name}: {answer}");
        cold.push(took);
        last = Some((lambda, child));
    }
    let (lambda, child) = last.unwrap();
    let mut warm = Vec::new();
    for event in events {
        warm.push(lambda.warm(event).await.0);
    }
    let peak_bytes = peak::memory_bytes_of(child.id());
    process.kill().await.unwrap();
    let measured = Measured { cold: median(cold), warm: median(warm), peak_bytes };
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("{name:<44} {:>9.2} {:>9.2} {:>9.1}", ms(measured.cold), ms(measured.warm), measured.peak_bytes as f64 / MEGABYTE);
    measured
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// What a connection notification about a request looks like.
fn event(service: &str, endpoint: &str) -> String {
    let message = json!({"event": "Connect", "serviceId": service, "vpcEndpointId": endpoint}).to_string();
    let sns = json!({
        "Type": "Notification", "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e", "Message": message, "Subject": null,
        "TopicArn": format!("arn:aws:sns:us-east-1:{PROVIDER}:connections"), "Timestamp": "2026-01-02T03:04:06.678Z",
        "SignatureVersion": "1", "Signature": "EXAMPLE", "SigningCertUrl": "EXAMPLE", "UnsubscribeUrl": "EXAMPLE", "MessageAttributes": {},
    });
    let subscription = format!("arn:aws:sns:us-east-1:{PROVIDER}:connections:2f1c0a4e-0000-4000-8000-000000000001");
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription, "Sns": sns}]}).to_string()
}

fn bare(_: &Folder, _: &Cloud) -> Command {
    function(beside("bare"))
}

fn approve(folder: &Folder, cloud: &Cloud) -> Command {
    with_cloud(function(beside("approve")), folder, cloud)
}

fn peer(folder: &Folder, cloud: &Cloud) -> Command {
    let mut command = function(python().unwrap());
    command.args(["-m", "awslambdaric", "handler.handle"]).current_dir(peer_folder()).env("ALLOWED_ACCOUNTS", CONSUMER);
    with_cloud(command, folder, cloud)
}

/// What Lambda tells every function, and nothing of this machine.
fn function(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs([
        ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", PROVIDER),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("PATH", "/usr/bin:/bin"),
    ]);
    command
}

fn with_cloud(mut command: Command, folder: &Folder, cloud: &Cloud) -> Command {
    command.envs([("AWS_ENDPOINT_URL_EC2", &cloud.ec2), ("AWS_ENDPOINT_URL_DYNAMODB", &cloud.dynamodb)]);
    command.envs([("LEDGER_TABLE", "ledger"), ("MODE", "active"), ("SERVICE_SCOPE", "all")]).env("POLICY_URI", &folder.0);
    command
}

/// A binary of the same build.
fn beside(name: &str) -> PathBuf {
    let path = std::env::current_exe().unwrap().with_file_name(name);
    assert!(path.exists(), "{name} is not built: `make bench` builds it");
    path
}

fn peer_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peer")
}

fn python() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv-peer/bin/python");
    path.exists().then_some(path)
}

async fn start_cloud(requests: usize) -> (Child, Cloud) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["cloud", &requests.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let line = BufReader::new(process.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    (process, serde_json::from_str(&line).unwrap())
}

/// A policy set, as it lies beside a function. Gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn with_policies(count: usize) -> Self {
        let path = std::env::temp_dir().join(format!("warden-bench-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let (rules, groups) = policy::set(count, 1_000);
        for file in [rules, groups] {
            fs::write(path.join(file.name), file.text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The parts of a start, in a process that has done nothing else.
async fn parts(folder: &Folder) -> Parts {
    let output = function(std::env::current_exe().unwrap()).arg("start-parts").arg(&folder.0).output().await.unwrap();
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
    assert!(!policy.is_empty());
    let parts = Parts {
        settings_and_trust: settings_and_trust.as_micros(),
        clients: clients.as_micros(),
        policy: (start.elapsed() - settings_and_trust - clients).as_micros(),
    };
    println!("{}", serde_json::to_string(&parts).unwrap());
}

/// Instructions of `approve` from spawn to first answer, which do not depend on how busy the machine is, against those kept.
async fn instructions(folder: &Folder, keep: bool) -> bool {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let Some(counted) = count_instructions(folder).await else {
        println!("instructions were not counted: install valgrind");
        return true;
    };
    if keep {
        fs::write(&kept, format!("{}\n", json!({"approve_first_answer": counted}))).unwrap();
    }
    if !kept.exists() {
        println!(
            "{:<52} {:>8.1} million; none are kept to compare with: `bench start --keep`",
            "approve's instructions",
            counted as f64 / 1e6
        );
        return true;
    }
    let before: serde_json::Value = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
    let before = before["approve_first_answer"].as_u64().unwrap();
    println!("{:<52} {:>8.1} million", "approve's instructions to its first answer", counted as f64 / 1e6);
    at_most("against those kept in instructions.json", counted as f64 / before as f64, INSTRUCTIONS_RATIO_MAX)
}

async fn count_instructions(folder: &Folder) -> Option<u64> {
    Command::new("valgrind").arg("--version").output().await.ok()?;
    let (mut process, cloud) = start_cloud(1).await;
    let measured = approve(folder, &cloud);
    let out = folder.0.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())]).arg(measured.as_std().get_program());
    command.env_clear().envs(measured.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)))).stderr(Stdio::null());
    let (_, answer, mut child) = Lambda::start().await.cold(command, event(&cloud.service, &cloud.endpoints[0])).await;
    assert!(answer.contains("accepted"), "{answer}");
    // Its tool writes down what it counted when it is asked to end.
    Command::new("kill").args(["-TERM", &child.id()?.to_string()]).status().await.ok()?;
    child.wait().await.ok()?;
    process.kill().await.unwrap();
    let text = fs::read_to_string(out).ok()?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")))?;
    totals.trim().parse().ok()
}
