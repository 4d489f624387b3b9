//! What the audit finds, each kind with a close case beside it that must stay silent. The risk: a stranger stays
//! connected unseen; or the tool cries wolf and nobody reads it any more.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a journey ends where it goes wrong")]

use std::time::Duration;

use jiff::SignedDuration;
use journeys::{A, B, C, Fault, PROVIDER, Stage, TOPIC, start_of_story};
use local::world::{NewEndpoint, NewService, Permission};
use serde_json::Value;
use warden::{decision::grant::Grantee, message::Message};

mod connections;
mod mistakes;
mod news;
mod policies;
mod services;
mod trouble;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// The usual stage with nothing to complain of: only A may ask, and A is the only one the policy accepts.
fn tidy() -> Stage {
    let stage = Stage::new();
    forbid(&stage, B);
    stage
}

fn forbid(stage: &Stage, account: &str) {
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[], &[root(account)]).unwrap();
}

fn allow(stage: &Stage, principal: &str) {
    stage.aws.world().modify_permissions(PROVIDER, &stage.service, &[principal.to_owned()], &[]).unwrap();
}

/// A connects, as the warden lets it.
async fn connected(stage: &Stage) -> String {
    let (endpoint, events) = stage.ask(A);
    stage.deliver(&events[0]).await.unwrap();
    stage.pass(SignedDuration::from_hours(1));
    endpoint
}

/// Somebody accepts by hand what the warden left alone.
async fn accepted_by_hand(stage: &Stage, account: &str) -> String {
    let (endpoint, events) = stage.ask(account);
    stage.deliver(&events[0]).await.unwrap();
    stage.aws.world().accept(PROVIDER, &stage.service, std::slice::from_ref(&endpoint)).unwrap();
    stage.pass(SignedDuration::from_hours(1));
    endpoint
}

async fn found(stage: &Stage) -> Vec<String> {
    stage.audit().await.unwrap();
    stage.shelf.findings()
}

/// The findings of one kind.
async fn of_kind(stage: &Stage, kind: &str) -> Vec<String> {
    let prefix = format!("{kind}/");
    found(stage).await.into_iter().filter(|id| id.starts_with(&prefix)).collect()
}

fn id(stage: &Stage, kind: &str, rest: &str) -> String {
    format!("{kind}/{}/{rest}", stage.service)
}

fn acceptance(required: bool) -> local::world::ServiceChange {
    local::world::ServiceChange { acceptance_required: Some(required), ..Default::default() }
}

fn severity(report: &Value, kind: &str) -> Option<String> {
    let finding = report["findings"].as_array()?.iter().find(|finding| finding["kind"] == kind)?;
    finding["severity"].as_str().map(str::to_owned)
}

/// What was told of audits since the last time.
async fn news(stage: &Stage) -> Vec<Message> {
    stage.audit().await.unwrap();
    stage.tell().await;
    let told = stage.outbox.take().into_iter().map(|(_, notice)| notice);
    told.filter(|notice| notice.attributes.contains(&("decision", "audit".to_owned()))).collect()
}

async fn unseen(stage: &Stage) -> Vec<String> {
    stage.audit().await.unwrap().unseen
}
