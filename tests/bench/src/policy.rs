//! The policy: how long a set takes to load, and a request to decide, as rules and accounts become more. And how long the
//! command line takes to say what it can do.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use warden::{
    decision::{Action, decide},
    model::{
        connection::{Connection, State},
        facts::{Counts, Facts},
        organization::Membership,
        service::{Service, ServiceKind},
    },
    policy::{PolicyFile, PolicySet},
};

use crate::check::Check;

const REPEATS: usize = 15;

/// Prints the table.
pub fn compare() -> Vec<Check> {
    println!("policy: loading a set and deciding one request, median of {REPEATS}\n");
    println!("{:>9} {:>10} {:>11} {:>14} {:>16}", "policies", "accounts", "load ms", "decision µs", "µs per policy");
    let mut checks = Vec::new();
    for accounts in [100, 10_000, 100_000] {
        for policies in [10, 100, 1_000] {
            let (load, decision) = (milliseconds(load(policies, accounts)), milliseconds(decision(policies, accounts)));
            let each = decision * 1_000.0 / policies as f64;
            println!("{policies:>9} {accounts:>10} {load:>11.2} {:>14.1} {each:>16.2}", decision * 1_000.0);
            if (policies, accounts) == (1_000, 10_000) {
                checks.push(Check::at_most("loading 1,000 policies and 10,000 accounts, ms", load, 60.0));
                checks.push(Check::at_most("a decision among 1,000 policies, ms", decision, 1.0));
            }
        }
    }
    match help() {
        Some(start) => checks.push(Check::at_most("`warden --help`, ms", milliseconds(start), 30.0)),
        None => println!("`warden --help` was not measured: build it with `cargo build --release -p cli`"),
    }
    checks
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn median(measure: impl Fn() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..REPEATS).map(|_| measure()).collect();
    times.sort();
    times[REPEATS / 2]
}

fn load(policies: usize, accounts: usize) -> Duration {
    let (file, groups) = set(policies, accounts);
    median(|| {
        let start = Instant::now();
        let policy = PolicySet::load(std::slice::from_ref(&file), Some(&groups)).unwrap();
        let took = start.elapsed();
        assert_eq!(policy.len(), policies);
        took
    })
}

fn decision(policies: usize, accounts: usize) -> Duration {
    const EACH: u32 = 20;
    let (file, groups) = set(policies, accounts);
    let policy = PolicySet::load(&[file], Some(&groups)).unwrap();
    let facts = facts(policies);
    median(|| {
        let start = Instant::now();
        for _ in 0..EACH {
            let decision = decide(&policy, &facts, &[]);
            assert!(matches!(decision.action, Action::Accept(_)));
        }
        start.elapsed() / EACH
    })
}

/// Rules as operators write them: a group and a tag each, with every tenth a cap and every tenth a time limit.
pub fn set(policies: usize, accounts: usize) -> (PolicyFile, PolicyFile) {
    let rule = |n: usize| match n % 10 {
        8 => format!(
            "@id(\"cap-{n}\") forbid (principal, action == PrivateLink::Action::\"Accept\", resource)\nwhen {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"service-{n}\" && context.connections.ofAccount >= 5 }};\n"
        ),
        9 => format!(
            "@id(\"until-{n}\") permit (principal in PrivateLink::AccountGroup::\"group-{n}\", action == PrivateLink::Action::\"Accept\", resource)\nwhen {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"service-{n}\" && context.now < datetime(\"2030-01-01\") }};\n"
        ),
        _ => format!(
            "@id(\"group-{n}\") @reason(\"team {n} agreed to the terms\") permit (principal in PrivateLink::AccountGroup::\"group-{n}\", action == PrivateLink::Action::\"Accept\", resource)\nwhen {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"service-{n}\" }};\n"
        ),
    };
    let text = (0..policies).map(rule).collect();
    let group = |n: usize| {
        let members: Vec<String> =
            (0..accounts).filter(|account| account % policies == n).map(|account| format!("{account:012}")).collect();
        (format!("group-{n}"), json!({ "accounts": members }))
    };
    let groups = Value::Object((0..policies).map(group).collect::<Map<_, _>>()).to_string();
    (PolicyFile { name: "rules.cedar".into(), text }, PolicyFile { name: "groups.json".into(), text: groups })
}

/// A request that one of the policies accepts.
fn facts(policies: usize) -> Facts {
    let wanted = if policies > 10 { 11 } else { 1 };
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let region: warden::model::ids::Region = "us-east-1".parse().unwrap();
    Facts {
        service: Service {
            id: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
            region: region.clone(),
            kind: ServiceKind::Interface,
            acceptance_required: true,
            tags: [("Name".to_owned(), format!("service-{wanted}"))].into(),
        },
        connection: Connection {
            service: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
            subject: "vpce-0c1308d7312217abc".parse().unwrap(),
            owner: Some(format!("{wanted:012}").parse().unwrap()),
            state: State::PendingAcceptance,
            created: Some(now - SignedDuration::from_secs(5)),
            region: Some(region),
            ip_address_type: Some("ipv4".to_owned()),
            connected_in_part: false,
        },
        counts: Counts::default(),
        membership: Membership::NotAsked,
        claim: None,
        now,
    }
}

/// From spawn to end; nothing, if the binary is not there.
fn help() -> Option<Duration> {
    let binary = std::env::current_exe().ok()?.with_file_name("warden");
    Path::new(&binary).exists().then(|| {
        median(|| {
            let start = Instant::now();
            let output = Command::new(&binary).arg("--help").output().unwrap();
            assert!(output.status.success());
            start.elapsed()
        })
    })
}
