//! A warden, as the laws know one: three functions and a policy to go by. The real one is wired as the functions' `main.rs`
//! wires it; the broken ones are in `mutants.rs`.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use approve::{Approve, MARGIN, ServiceCache};
use audit::Audit;
use jiff::SignedDuration;
use notify::Notify;
use serde_json::Value;
use warden::{
    audit::thresholds::Thresholds,
    config::NotifyConfig,
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    ledger::record::RecordFactory,
    model::scope::Scope,
    policy::{PolicyFile, PolicySet},
    ports::{Accept, Observe, Reject, chain},
    trigger::Trigger,
};

use crate::{
    harness::now,
    mutants::Flaw,
    ports::{Book, Cabinet, Ec2, Post},
    shop::{Bucket, Keeper, RealKeeper},
};

/// Something under way. It can be left alone after any of its steps, and dropped.
pub type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// One of Lambda's environments for `approve`, as an invocation finds it.
#[derive(Clone)]
pub struct Lambda {
    pub ec2: Ec2,
    pub ledger: Book,
    pub members: OrganizationCache<Ec2>,
    pub seen: ServiceCache,
    pub policy: Arc<PolicySet>,
    pub scope: Scope,
    pub observe: bool,
}

/// What an audit finds.
pub struct Office {
    pub ec2: Ec2,
    pub ledger: Book,
    pub cabinet: Cabinet,
    pub policy: Arc<PolicySet>,
    pub scope: Scope,
    pub terms: Thresholds,
    pub run: String,
}

pub trait Warden {
    /// What its ports have wrong with them.
    fn flaw(&self) -> Option<Flaw> {
        None
    }

    /// The policy set that it makes of some files, or nothing and why.
    fn load(&self, files: &[PolicyFile]) -> Result<PolicySet, String> {
        PolicySet::of_files(files, "the set").map_err(|errors| errors.to_string())
    }

    /// Goes by a set that lies where it can change.
    fn keeper(&self, bucket: Bucket) -> Box<dyn Keeper> {
        Box::new(RealKeeper { bucket, source: None })
    }

    /// A request, or many → answers.
    fn approve(&self, lambda: Lambda, event: Vec<u8>) -> Work<Result<(), String>> {
        Box::pin(async move {
            let act = lambda.ec2.clone();
            if lambda.observe { approve(lambda, Observe, &event).await } else { approve(lambda, act, &event).await }
        })
    }

    /// A look at everything.
    fn audit(&self, office: Office) -> Work<Result<(), String>> {
        Box::pin(async move {
            let Office { ec2, ledger, cabinet, policy, scope, terms, run } = office;
            let members = OrganizationCache::new(ec2.clone());
            let function_version = "test/1".to_owned();
            let audit =
                Audit { inventory: ec2, ledger, reports: cabinet, members, policy, scope, thresholds: terms, clock: now, function_version };
            audit.run(&run, Deadline::after(Duration::from_secs(900), audit::MARGIN)).await.map(drop).map_err(|error| chain(&error))
        })
    }

    /// A batch of the stream → messages. The entries that are to be delivered again.
    fn notify(&self, post: Post, config: NotifyConfig, batch: Value) -> Work<Result<Vec<String>, String>> {
        Box::pin(async move {
            let told = Notify { publish: post, config }.tell(&batch).await.map_err(|error| chain(&error))?;
            Ok(told.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
        })
    }
}

/// The real one.
pub struct Real;

impl Warden for Real {}

async fn approve<X: Accept + Reject + Sync>(lambda: Lambda, act: X, event: &[u8]) -> Result<(), String> {
    let triggers = Trigger::parse(event).map_err(|error| chain(&error))?;
    let Lambda { ec2, ledger, members, seen, policy, scope, observe } = lambda;
    let approve = Approve {
        describe: ec2,
        act,
        ledger,
        members,
        policy,
        scope,
        region: "us-east-1".parse().unwrap(),
        scribe: scribe(observe),
        clock: now,
        seen,
    };
    let (_, error) = approve.answer(triggers, Deadline::after(Duration::from_secs(600), MARGIN)).await;
    error.map_or(Ok(()), |error| Err(chain(&error)))
}

pub fn scribe(observe: bool) -> RecordFactory {
    RecordFactory { observe, retention: SignedDuration::from_hours(9600), function_version: "test/1".to_owned() }
}
