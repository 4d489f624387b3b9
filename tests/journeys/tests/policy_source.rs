//! Where the policy set comes from: a bucket in which it changes, breaks, and is half uploaded.

#![expect(clippy::unwrap_used, reason = "a journey ends where it goes wrong")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use jiff::{SignedDuration, Timestamp};
use journeys::start_of_story;
use warden::{
    gather::policy_reload::{LOOKED_AT_EVERY, PolicyReadError, ReloadingPolicySet},
    policy::{
        PolicyFile, PolicyUri,
        bundle::{Bundle, MANIFEST, Manifest},
    },
    ports::{CallError, Fetch, Fetched},
};

/// A bucket: an object's ETag changes with its content.
#[derive(Clone, Default)]
struct Bucket {
    objects: Arc<Mutex<BTreeMap<String, String>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    fn put(&self, key: &str, text: &str) {
        self.objects.lock().unwrap().insert(key.to_owned(), text.to_owned());
    }

    fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl Fetch for Bucket {
    async fn fetch(&self, key: &str, unless: Option<&str>) -> Result<Fetched, CallError> {
        self.calls.lock().unwrap().push(key.to_owned());
        let Some(text) = self.objects.lock().unwrap().get(key).cloned() else {
            return Err(CallError {
                call: "GetObject",
                code: Some("NoSuchKey".to_owned()),
                message: "The specified key does not exist.".to_owned(),
                source: None,
            });
        };
        let etag = format!("\"{:x}\"", text.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into())));
        Ok(if unless == Some(etag.as_str()) { Fetched::Unchanged } else { Fetched::New { etag, text } })
    }
}

const KEY: &str = "sets/policy.json";
const PREFIX: &str = "sets/";

fn object() -> PolicyUri {
    format!("s3://policies/{KEY}").parse().unwrap()
}

fn prefix() -> PolicyUri {
    format!("s3://policies/{PREFIX}").parse().unwrap()
}

fn set(id: &str) -> Vec<PolicyFile> {
    let cedar = format!(
        "@id(\"{id}\") permit(principal in PrivateLink::AccountGroup::\"g\", action == PrivateLink::Action::\"Accept\", resource);"
    );
    let groups = r#"{"g": {"accounts": ["111122223333"]}}"#;
    vec![PolicyFile { name: "a.cedar".into(), text: cedar }, PolicyFile { name: "groups.json".into(), text: groups.into() }]
}

fn put_object(bucket: &Bucket, files: &[PolicyFile]) {
    bucket.put(KEY, &Bundle::of(files).to_json().unwrap());
}

fn put_prefix(bucket: &Bucket, files: &[PolicyFile]) {
    files.iter().for_each(|file| bucket.put(&format!("{PREFIX}{}", file.name), &file.text));
    bucket.put(&format!("{PREFIX}{MANIFEST}"), &Manifest::of(files).to_json().unwrap());
}

fn later(minutes: i64) -> Timestamp {
    start_of_story() + SignedDuration::from_mins(minutes)
}

async fn ids(source: &ReloadingPolicySet<Bucket>, now: Timestamp) -> (Vec<String>, Option<&'static str>) {
    let (policy, trouble) = source.current(now).await;
    (policy.accepting_permits().map(ToString::to_string).collect(), trouble.map(|trouble| trouble.kind))
}

fn only(id: &str) -> Vec<String> {
    vec![id.to_owned()]
}

#[tokio::test]
async fn a_new_set_takes_over_and_is_looked_for_once_a_minute_at_most() {
    for uri in [object(), prefix()] {
        let bucket = Bucket::default();
        let put = |files: &[PolicyFile]| {
            if matches!(uri, PolicyUri::Prefix { .. }) { put_prefix(&bucket, files) } else { put_object(&bucket, files) }
        };
        put(&set("first"));
        let source = ReloadingPolicySet::open(uri.clone(), bucket.clone(), later(0)).await.unwrap();
        put(&set("second"));
        drop(bucket.take_calls());
        assert_eq!(ids(&source, later(0) + LOOKED_AT_EVERY - SignedDuration::from_secs(1)).await, (only("first"), None));
        assert_eq!(bucket.take_calls(), Vec::<String>::new(), "not a minute has passed");
        assert_eq!(ids(&source, later(1)).await, (only("second"), None));
        drop(bucket.take_calls());
        assert_eq!(ids(&source, later(2)).await, (only("second"), None));
        assert_eq!(bucket.take_calls().len(), 1, "what has not changed is not read again");
    }
}

#[tokio::test]
async fn a_set_that_does_not_load_does_not_take_over_and_that_is_said_at_every_look() {
    let bucket = Bucket::default();
    put_object(&bucket, &set("good"));
    let source = ReloadingPolicySet::open(object(), bucket.clone(), later(0)).await.unwrap();
    let (good, _) = source.current(later(0)).await;
    let mut broken = set("bad");
    broken[1].text = r#"{"other": {"accounts": []}}"#.to_owned();
    put_object(&bucket, &broken);
    for minute in 1..4 {
        let (policy, trouble) = source.current(later(minute)).await;
        let trouble = trouble.unwrap();
        assert_eq!((policy.digest(), trouble.kind, trouble.in_force.as_str()), (good.digest(), "PolicyRefused", good.digest()));
        let refused = trouble.refused.as_deref().unwrap();
        assert!(refused != good.digest() && refused.len() == 64, "{refused}");
        assert!(trouble.what.contains("there is no group `g`"), "{trouble}");
    }
    put_object(&bucket, &set("mended"));
    assert_eq!(ids(&source, later(5)).await, (only("mended"), None));
}

#[tokio::test]
async fn nobody_goes_by_half_a_set() {
    let bucket = Bucket::default();
    put_prefix(&bucket, &set("first"));
    let source = ReloadingPolicySet::open(prefix(), bucket.clone(), later(0)).await.unwrap();
    // An upload under way: files are there already, the manifest is not; or it is, and a file is not.
    let next = set("second");
    bucket.put(&format!("{PREFIX}a.cedar"), &next[0].text);
    assert_eq!(ids(&source, later(1)).await, (only("first"), None), "the manifest decides");
    bucket.put(&format!("{PREFIX}a.cedar"), &set("first")[0].text);
    bucket.put(&format!("{PREFIX}{MANIFEST}"), &Manifest::of(&next).to_json().unwrap());
    assert_eq!(ids(&source, later(2)).await, (only("first"), Some("PolicyNotRead")));
    bucket.put(&format!("{PREFIX}a.cedar"), &next[0].text);
    assert_eq!(ids(&source, later(3)).await, (only("second"), None), "once it is complete it takes over");
}

#[tokio::test]
async fn an_object_that_is_gone_or_none_leaves_the_old_set_in_force() {
    let bucket = Bucket::default();
    put_object(&bucket, &set("good"));
    let source = ReloadingPolicySet::open(object(), bucket.clone(), later(0)).await.unwrap();
    for (minute, text) in [(1, "not json"), (2, "{\"schema\": 2, \"files\": {}}"), (3, "{\"files\": {}}")] {
        bucket.put(KEY, text);
        assert_eq!(ids(&source, later(minute)).await, (only("good"), Some("PolicyNotRead")), "{text}");
    }
    bucket.objects.lock().unwrap().clear();
    assert_eq!(ids(&source, later(4)).await, (only("good"), Some("PolicyNotRead")));
}

#[tokio::test]
async fn without_a_first_set_nothing_starts() {
    let bucket = Bucket::default();
    assert!(matches!(ReloadingPolicySet::open(object(), bucket.clone(), later(0)).await, Err(PolicyReadError::Read { .. })));
    put_object(&bucket, &[]);
    assert!(matches!(ReloadingPolicySet::open(object(), bucket.clone(), later(0)).await, Err(PolicyReadError::Refused(_))));
    bucket.put(KEY, "[]");
    assert!(matches!(ReloadingPolicySet::open(object(), bucket, later(0)).await, Err(PolicyReadError::Bundle { .. })));
}

#[test]
fn a_place_is_a_folder_an_object_or_a_prefix() {
    assert!(matches!("policies".parse(), Ok(PolicyUri::Folder(_))));
    assert!(matches!("s3://b/k.json".parse(), Ok(PolicyUri::Object { .. })));
    assert!(matches!("s3://b/p/".parse(), Ok(PolicyUri::Prefix { .. })));
    for none in ["s3://b", "s3://b/", "s3:///k", "https://b/k", "S3://b/k"] {
        assert!(none.parse::<PolicyUri>().is_err(), "{none}");
    }
}
