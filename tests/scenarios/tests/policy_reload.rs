//! A policy set in a bucket, where it changes, breaks, and is uploaded file by file.

use jiff::{SignedDuration, Timestamp};
use scenarios::{PolicyBucket, file, start};
use warden::{
    gather::{
        policy_reload::{RELOAD_INTERVAL, ReloadingPolicySet},
        policy_source::PolicyReadError,
    },
    policy::{
        PolicyFile, PolicyUri,
        bundle::{Bundle, MANIFEST, Manifest},
    },
};

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
    vec![file("a.cedar", &cedar), file("groups.json", r#"{"g": {"accounts": ["111122223333"]}}"#)]
}

fn put_object(bucket: &PolicyBucket, files: &[PolicyFile]) {
    bucket.put(KEY, &Bundle::of(files).to_json().unwrap());
}

fn put_prefix(bucket: &PolicyBucket, files: &[PolicyFile]) {
    files.iter().for_each(|file| bucket.put(&format!("{PREFIX}{}", file.name), &file.text));
    bucket.put(&format!("{PREFIX}{MANIFEST}"), &Manifest::of(files).to_json().unwrap());
}

fn minute(n: i64) -> Timestamp {
    start() + SignedDuration::from_mins(n)
}

/// The policies in force, and the kind of the problem with the stored set.
async fn current(source: &ReloadingPolicySet<PolicyBucket>, now: Timestamp) -> (String, Option<&'static str>) {
    let (policy, problem) = source.current(now).await;
    let ids: Vec<String> = policy.accepting_permits().map(ToString::to_string).collect();
    (ids.join(" "), problem.map(|problem| problem.kind))
}

fn good(id: &str) -> (String, Option<&'static str>) {
    (id.to_owned(), None)
}

async fn opened(uri: PolicyUri, bucket: &PolicyBucket) -> ReloadingPolicySet<PolicyBucket> {
    ReloadingPolicySet::open(uri, bucket.clone(), minute(0)).await.unwrap()
}

#[tokio::test]
async fn new_set_takes_over_within_a_minute() {
    for (uri, put) in [(object(), put_object as fn(&PolicyBucket, &[PolicyFile])), (prefix(), put_prefix)] {
        let bucket = PolicyBucket::default();
        put(&bucket, &set("first"));
        let source = opened(uri, &bucket).await;
        put(&bucket, &set("second"));
        let _ = bucket.take_reads();
        assert_eq!(current(&source, minute(0) + RELOAD_INTERVAL - SignedDuration::from_secs(1)).await, good("first"));
        assert_eq!(bucket.take_reads(), 0, "a minute has not passed");
        assert_eq!(current(&source, minute(1)).await, good("second"));
        let _ = bucket.take_reads();
        assert_eq!(current(&source, minute(2)).await, good("second"));
        assert_eq!(bucket.take_reads(), 1, "an unchanged set is not read again");
    }
}

#[tokio::test]
async fn invalid_set_is_reported_at_every_look() {
    let bucket = PolicyBucket::default();
    put_object(&bucket, &set("good"));
    let source = opened(object(), &bucket).await;
    let (valid, _) = source.current(minute(0)).await;
    let mut invalid = set("bad");
    invalid[1].text = r#"{"other": {"accounts": []}}"#.to_owned();
    put_object(&bucket, &invalid);
    for n in 1..4 {
        let (policy, problem) = source.current(minute(n)).await;
        let problem = problem.unwrap();
        assert_eq!((policy.digest(), problem.kind, problem.in_force.as_str()), (valid.digest(), "PolicyRefused", valid.digest()));
        let refused = problem.refused.as_deref().unwrap();
        assert!(refused != valid.digest() && refused.len() == 64, "{refused}");
        assert!(problem.what.contains("there is no group `g`"), "{problem}");
    }
    put_object(&bucket, &set("fixed"));
    assert_eq!(current(&source, minute(5)).await, good("fixed"));
}

#[tokio::test]
async fn incomplete_upload_does_not_take_over() {
    let bucket = PolicyBucket::default();
    put_prefix(&bucket, &set("first"));
    let source = opened(prefix(), &bucket).await;
    let next = set("second");
    bucket.put(&format!("{PREFIX}a.cedar"), &next[0].text);
    assert_eq!(current(&source, minute(1)).await, good("first"), "the manifest is not there yet");
    bucket.put(&format!("{PREFIX}a.cedar"), &set("first")[0].text);
    bucket.put(&format!("{PREFIX}{MANIFEST}"), &Manifest::of(&next).to_json().unwrap());
    assert_eq!(current(&source, minute(2)).await, ("first".to_owned(), Some("PolicyNotRead")), "a file is not there yet");
    bucket.put(&format!("{PREFIX}a.cedar"), &next[0].text);
    assert_eq!(current(&source, minute(3)).await, good("second"));
}

#[tokio::test]
async fn unreadable_object_leaves_the_old_set_in_force() {
    let bucket = PolicyBucket::default();
    put_object(&bucket, &set("good"));
    let source = opened(object(), &bucket).await;
    let not_read = ("good".to_owned(), Some("PolicyNotRead"));
    for (n, text) in [(1, "not json"), (2, "{\"schema\": 2, \"files\": {}}"), (3, "{\"files\": {}}")] {
        bucket.put(KEY, text);
        assert_eq!(current(&source, minute(n)).await, not_read, "{text}");
    }
    bucket.clear();
    assert_eq!(current(&source, minute(4)).await, not_read);
}

#[tokio::test]
async fn function_does_not_start_without_a_valid_set() {
    let bucket = PolicyBucket::default();
    let open = || ReloadingPolicySet::open(object(), bucket.clone(), minute(0));
    assert!(matches!(open().await, Err(PolicyReadError::Read { .. })));
    put_object(&bucket, &[]);
    assert!(matches!(open().await, Err(PolicyReadError::Refused(_))));
    bucket.put(KEY, "[]");
    assert!(matches!(open().await, Err(PolicyReadError::Bundle { .. })));
}

#[test]
fn policy_uri_is_folder_object_or_prefix() {
    assert!(matches!("policies".parse(), Ok(PolicyUri::Folder(_))));
    assert!(matches!("s3://b/k.json".parse(), Ok(PolicyUri::Object { .. })));
    assert!(matches!("s3://b/p/".parse(), Ok(PolicyUri::Prefix { .. })));
    for invalid in ["s3://b", "s3://b/", "s3:///k", "https://b/k", "S3://b/k"] {
        assert!(invalid.parse::<PolicyUri>().is_err(), "{invalid}");
    }
}
