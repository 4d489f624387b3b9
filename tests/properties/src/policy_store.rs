//! A policy set in S3 that changes, breaks and disappears, and a function that reads it.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::{prelude::*, sample::select};
use scenarios::{PolicyBucket, file};
use warden::{
    gather::policy_reload::ReloadingPolicySet,
    policy::{PolicyFile, PolicySet, bundle::Bundle},
};

use crate::{
    mutants::{self, Flaw},
    simulation::finish,
};

const KEY: &str = "policy.json";

/// The state of the stored set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Valid,
    /// A set without a policy.
    Empty,
    /// A valid set with a policy that does not parse.
    Unparsable,
    /// Bytes that are no set.
    Garbage,
    Missing,
    /// S3 refuses the call.
    Refused,
}

impl Stored {
    pub fn any() -> impl Strategy<Value = Self> {
        select(vec![Self::Valid, Self::Valid, Self::Valid, Self::Empty, Self::Unparsable, Self::Garbage, Self::Missing, Self::Refused])
    }

    pub fn put(self, bucket: &PolicyBucket, files: Vec<PolicyFile>) {
        let put = |files: &[PolicyFile]| bucket.put(KEY, &Bundle::of(files).to_json().unwrap());
        bucket.refuse((self == Self::Refused).then_some("SlowDown"));
        match self {
            Self::Valid => put(&files),
            Self::Empty => put(&[file("policies.cedar", "")]),
            Self::Unparsable => {
                let torn = file("more.cedar", "@id(\"more\") forbid (principal, action, resource) when { context.now <");
                put(&files.into_iter().chain([torn]).collect::<Vec<_>>());
            }
            Self::Garbage => bucket.put(KEY, "permit all"),
            Self::Missing => bucket.clear(),
            Self::Refused => {}
        }
    }
}

/// The part of a function that reads the set.
pub struct PolicyReader {
    pub bucket: PolicyBucket,
    pub flaw: Option<Flaw>,
    source: Option<ReloadingPolicySet<PolicyBucket>>,
}

impl PolicyReader {
    pub fn cold(bucket: PolicyBucket, flaw: Option<Flaw>) -> Self {
        Self { bucket, flaw, source: None }
    }

    /// The set in force, if there is one, and whether a problem with the stored set is reported.
    pub fn current(&mut self, now: Timestamp) -> (Option<Arc<PolicySet>>, bool) {
        let (policy, reported) = self.read(now);
        match self.flaw {
            Some(Flaw::HidesInvalidSets) => (policy, false),
            Some(Flaw::LoadsTheValidFiles) if reported => {
                let is_valid = |file: &PolicyFile| !file.name.ends_with(".cedar") || file.text.parse::<cedar_policy::PolicySet>().is_ok();
                let stored = self.bucket.get(KEY).and_then(|text| Bundle::parse(&text).ok());
                let files: Vec<PolicyFile> = stored.into_iter().flatten().filter(is_valid).collect();
                (mutants::load(None, &files).ok().map(Arc::new).or(policy), reported)
            }
            _ => (policy, reported),
        }
    }

    fn read(&mut self, now: Timestamp) -> (Option<Arc<PolicySet>>, bool) {
        if self.source.is_none() {
            let uri = format!("s3://policies/{KEY}").parse().unwrap();
            match finish(ReloadingPolicySet::open(uri, self.bucket.clone(), now)) {
                Ok(source) => self.source = Some(source),
                Err(_) => return (None, true),
            }
        }
        let (policy, problem) = finish(self.source.as_ref().unwrap().current(now));
        (Some(policy), problem.is_some())
    }
}
