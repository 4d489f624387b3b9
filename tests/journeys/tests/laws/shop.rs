//! Where a policy set lies while it changes, and who goes by it.

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use jiff::Timestamp;
use proptest::{prelude::*, sample::select};
use warden::{
    gather::policy_reload::ReloadingPolicySet,
    policy::{PolicyFile, PolicySet, PolicyUri, bundle::Bundle},
    ports::{CallError, Fetch, Fetched},
};

use crate::{grammar::file, ports::lock};

/// What lies in the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wares {
    Good,
    /// A set without a rule.
    Empty,
    /// A good set, and beside it a rule that does not parse.
    Torn,
    /// Bytes that are no set.
    Garbage,
    Missing,
    /// S3 refuses, whatever lies there.
    Refused,
}

impl Wares {
    pub fn any() -> impl Strategy<Value = Self> {
        select(vec![Self::Good, Self::Good, Self::Good, Self::Empty, Self::Torn, Self::Garbage, Self::Missing, Self::Refused])
    }
}

/// One object in S3.
#[derive(Clone, Default)]
pub struct Bucket(Arc<Mutex<Option<Result<String, &'static str>>>>);

impl Bucket {
    pub fn put(&self, wares: Wares, files: Vec<PolicyFile>) {
        let bundle = |files: &[PolicyFile]| Bundle::of(files).to_json().unwrap();
        *lock(&self.0) = Some(match wares {
            Wares::Good => Ok(bundle(&files)),
            Wares::Empty => Ok(bundle(&[file("rules.cedar", "")])),
            Wares::Torn => {
                let torn = file("more.cedar", "@id(\"more\") forbid (principal, action, resource) when { context.now <");
                Ok(bundle(&files.into_iter().chain([torn]).collect::<Vec<_>>()))
            }
            Wares::Garbage => Ok("permit all".to_owned()),
            Wares::Missing => Err("NoSuchKey"),
            Wares::Refused => Err("SlowDown"),
        });
    }

    /// What lies there, as files.
    pub fn files(&self) -> Option<Vec<PolicyFile>> {
        let text = lock(&self.0).clone()?.ok()?;
        Bundle::parse(&text).ok()
    }
}

impl Fetch for Bucket {
    async fn fetch(&self, _: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        let content = lock(&self.0).clone().unwrap_or(Err("NoSuchKey"));
        let refused = |code: &str| CallError { call: "GetObject", code: Some(code.to_owned()), message: "no".to_owned(), source: None };
        let text = content.map_err(refused)?;
        // An object's ETag changes with its content.
        let etag = format!("\"{}\"", text.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())));
        Ok(if unless == Some(etag.as_str()) { Fetched::Unchanged } else { Fetched::New { etag, text } })
    }
}

/// Goes by a set in a bucket.
pub trait Keeper {
    /// The set in force, if there is one; and whether something was said about what lies there now.
    fn current(&mut self, now: Timestamp) -> (Option<Arc<PolicySet>>, bool);
}

/// As the functions do it.
pub struct RealKeeper {
    pub bucket: Bucket,
    pub source: Option<ReloadingPolicySet<Bucket>>,
}

impl Keeper for RealKeeper {
    fn current(&mut self, now: Timestamp) -> (Option<Arc<PolicySet>>, bool) {
        if let Some(source) = &self.source {
            let (policy, trouble) = at_once(source.current(now));
            return (Some(policy), trouble.is_some());
        }
        let uri: PolicyUri = "s3://policies/policy.json".parse().unwrap();
        match at_once(ReloadingPolicySet::open(uri, self.bucket.clone(), now)) {
            Ok(source) => {
                let (policy, _) = at_once(source.current(now));
                self.source = Some(source);
                (Some(policy), false)
            }
            Err(error) => (None, !error.to_string().is_empty()),
        }
    }
}

/// A future that waits for nobody.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}
