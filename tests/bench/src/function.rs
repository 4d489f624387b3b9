//! The functions that are measured, as Lambda starts them: the real one, the least one, and those in Python.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::{
    cloud::{self, Cloud},
    policy,
    world::PROVIDER,
};

/// The least that a function in Rust can be.
pub fn bare(_: &Folder, _: &Cloud) -> Command {
    with_surroundings(beside("bare"))
}

/// The real function.
pub fn approve(folder: &Folder, cloud: &Cloud) -> Command {
    with_cloud(with_surroundings(beside("approve")), folder, cloud)
}

/// The same as `make package` last built it: smaller, and in one piece.
pub fn shipped(folder: &Folder, cloud: &Cloud) -> Command {
    with_cloud(with_surroundings(packaged().unwrap()), folder, cloud)
}

/// Where that is, if it was built.
pub fn packaged() -> Option<PathBuf> {
    let targets = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")).ok()?;
    let mut built = targets.filter_map(|target| Some(target.ok()?.path().join("deploy/approve")));
    built.find(|path| path.exists())
}

/// One request's job, in Python.
pub fn peer(folder: &Folder, cloud: &Cloud) -> Command {
    let mut command = with_surroundings(python().unwrap());
    command.args(["-m", "awslambdaric", "handler.handle"]);
    with_cloud(command, folder, cloud)
}

/// The sweep's job, in Python.
pub fn peer_sweep(folder: &Folder, cloud: &Cloud) -> Command {
    let mut command = with_surroundings(python().unwrap());
    command.arg("sweep.py");
    with_cloud(command, folder, cloud)
}

/// What Lambda tells every function, and nothing of this machine.
pub fn with_surroundings(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(peer_folder()).envs([
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
    command.envs([("AWS_ENDPOINT_URL_EC2", &cloud.ec2), ("AWS_ENDPOINT_URL_DYNAMODB", &cloud.tables)]);
    command.env("AWS_ENDPOINT_URL_SQS", &cloud.tables);
    command.envs([("QUEUE_URL", format!("{}/requests", cloud.tables)), ("DEAD_LETTER_QUEUE_URL", format!("{}/dead", cloud.tables))]);
    command.envs([("LEDGER_TABLE", "ledger"), ("MODE", "active"), ("SERVICE_SCOPE", "all")]).env("POLICY_URI", folder.path());
    command.env("ALLOWED_ACCOUNTS", cloud::consumers());
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

/// The Python that has what the functions in Python need, if it was made.
pub fn python() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv-peer/bin/python");
    path.exists().then_some(path)
}

/// A policy set, as it lies beside a function. Gone with the value.
pub struct Folder(PathBuf);

impl Folder {
    /// With so many policies, for 1,000 accounts.
    pub fn with_policies(count: usize) -> Self {
        let path = std::env::temp_dir().join(format!("warden-bench-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let (rules, groups) = policy::set(count, 1_000);
        for file in [rules, groups] {
            fs::write(path.join(file.name), file.text).unwrap();
        }
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
