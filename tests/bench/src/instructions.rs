//! The instructions of `approve` from spawn to first answer. They do not depend on how busy the machine is, so a
//! regression shows that no clock would.

use std::{fs, path::Path, process::Stdio, time::Duration};

use serde_json::json;
use tokio::process::Command;

use crate::{
    check::Check,
    cloud::{Cloud, Size},
    function::{self, Folder},
    lambda::{self, Lambda},
};

/// A first answer may take so many times the instructions that were kept.
const RATIO_MAX: f64 = 1.05;

/// Against those kept in the repository, if there are any. `keep` keeps these.
pub async fn compare(folder: &Folder, keep: bool) -> Option<Check> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let Some(counted) = count(folder).await else {
        println!("instructions were not counted: install valgrind");
        return None;
    };
    println!("approve's instructions to its first answer: {:.1} million", counted as f64 / 1e6);
    if keep {
        fs::write(&kept, format!("{}\n", json!({"approve_first_answer": counted}))).unwrap();
    }
    if !kept.exists() {
        println!("none are kept to compare with: `bench start --keep`");
        return None;
    }
    let before: serde_json::Value = serde_json::from_str(&fs::read_to_string(kept).unwrap()).unwrap();
    let before = before["approve_first_answer"].as_u64().unwrap();
    Some(Check::at_most("approve's instructions, against those kept", counted as f64 / before as f64, RATIO_MAX))
}

async fn count(folder: &Folder) -> Option<u64> {
    Command::new("valgrind").arg("--version").output().await.ok()?;
    let (mut process, cloud) = Cloud::start(Size { requests: 1, services: 1, latency: Duration::ZERO }).await;
    let measured = function::approve(folder, &cloud);
    let out = folder.path().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())]).arg(measured.as_std().get_program());
    command.env_clear().envs(measured.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)))).stderr(Stdio::null());
    let event = lambda::batch(&[lambda::notification(&cloud.services[0], &cloud.endpoints[0])]);
    let (_, answer, mut child) = Lambda::start().await.cold(command, event).await;
    assert_eq!(answer, lambda::DONE);
    assert_eq!(cloud.seen().await.pending, 0);
    // Its tool writes down what it counted when it is asked to end.
    Command::new("kill").args(["-TERM", &child.id()?.to_string()]).status().await.ok()?;
    child.wait().await.ok()?;
    process.kill().await.unwrap();
    let text = fs::read_to_string(out).ok()?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")))?;
    totals.trim().parse().ok()
}
