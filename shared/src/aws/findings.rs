//! The items of the audit on the ledger's table: its findings, digests and notes.
//!
//! | item | `pk` | `sk` |
//! |---|---|---|
//! | an open finding | `findings` | its id |
//! | a resolved finding | `findings/resolved` | its id and the time |
//! | the digest of a run for one owner | `digest/RUN` | the owner and the time |
//! | the times since which policies are known | `audit` | `known` |
//! | the lock of the run that publishes | `audit` | `lock` |
//! | the last day of each service whose counted requests were told | `audit` | `told` |

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::aws::{dynamodb::Table, error::call_error};
use crate::{
    ledger::{
        counted::ToldDays,
        digest::Digest,
        finding,
        open_finding::{Change, KnownSince, OpenFinding, StoredFindings},
    },
    ports::{CallError, Findings, LockOutcome, PublishOutcome},
};

const OPEN: &str = "findings";
const RESOLVED: &str = "findings/resolved";
const AUDIT: &str = "audit";
const LOCK: &str = "lock";
const KNOWN: &str = "known";
const TOLD: &str = "told";
/// An older lock belongs to a run that died: Lambda ends an invocation after 15 minutes.
const LOCK_SECONDS_MAX: i64 = 20 * 60;
/// DynamoDB takes 100 actions in one transaction. A resolved finding takes two.
const CHANGES_PER_TRANSACTION_MAX: usize = 45;

type Item = HashMap<String, AttributeValue>;

impl Findings for Table {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#pk = :open")
            .expression_attribute_names("#pk", "pk")
            .expression_attribute_values(":open", s(OPEN));
        let mut pages = query.into_paginator().send();
        let (known_since, told_days) = (self.known_since().await?, self.told_days().await?);
        let mut stored = StoredFindings { known_since, told_days, ..StoredFindings::default() };
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("Query", error))?;
            for item in page.items() {
                match json_of::<OpenFinding>(item, "finding") {
                    Some(Ok(open)) if open.schema <= finding::SCHEMA_VERSION => stored.open.push(open),
                    _ => drop(stored.unreadable.insert(item.get("sk").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default())),
                }
            }
        }
        Ok(stored)
    }

    async fn acquire_lock(&self, run: &str, now: Timestamp) -> Result<LockOutcome, CallError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.item("pk", s(AUDIT)).item("sk", s(LOCK)).item("kind", s(LOCK)).item("run", s(run));
        let put = put
            .item("since", n(now.as_second()))
            .condition_expression("attribute_not_exists(sk) OR #run = :run OR since < :stale")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":run", s(run))
            .expression_attribute_values(":stale", n(now.as_second() - LOCK_SECONDS_MAX));
        match put.send().await {
            Ok(_) => Ok(LockOutcome::Acquired),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(LockOutcome::HeldByOther)
            }
            Err(error) => Err(call_error("PutItem", error)),
        }
    }

    async fn release_lock(&self, run: &str) -> Result<(), CallError> {
        let delete = self.client.delete_item().table_name(&self.name).key("pk", s(AUDIT)).key("sk", s(LOCK));
        let delete = delete
            .condition_expression("#run = :run")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":run", s(run));
        delete.send().await.map(drop).map_err(|error| call_error("DeleteItem", error))
    }

    async fn publish(&self, changes: &[Change], digest: &Digest, told: Option<&ToldDays>) -> Result<PublishOutcome, CallError> {
        let expires = digest.run.at.checked_add(self.retention).unwrap_or(Timestamp::MAX);
        let mut actions = Vec::new();
        if digest.is_news() {
            actions.push(self.put_digest(digest, expires)?);
        }
        if let Some(told) = told {
            actions.push(self.put_told_days(told)?);
        }
        let mut chunks = changes.chunks(CHANGES_PER_TRANSACTION_MAX);
        loop {
            for change in chunks.next().unwrap_or_default() {
                actions.extend(self.change_actions(change, digest.run.at, expires)?);
            }
            if actions.is_empty() {
                return Ok(PublishOutcome::Written);
            }
            match self.client.transact_write_items().set_transact_items(Some(std::mem::take(&mut actions))).send().await {
                Ok(_) => {}
                Err(error) if is_overtaken(&error) => return Ok(PublishOutcome::Overtaken),
                Err(error) => return Err(call_error("TransactWriteItems", error)),
            }
        }
    }

    async fn store_known_since(&self, known_since: &KnownSince) -> Result<(), CallError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.item("pk", s(AUDIT)).item("sk", s(KNOWN)).item("kind", s(KNOWN)).item(KNOWN, json(known_since)?);
        put.send().await.map(drop).map_err(|error| call_error("PutItem", error))
    }
}

/// The condition of a put.
enum Condition<'a> {
    None,
    /// There is no item of this key.
    Absent,
    /// The stored finding is this one.
    Unchanged(&'a OpenFinding),
    /// The stored item has the version before this one.
    After(u64),
}

impl Table {
    async fn known_since(&self) -> Result<KnownSince, CallError> {
        // A lost or unreadable item is replaced. Then nothing is unused for a while.
        Ok(self.note(KNOWN).await?.and_then(|item| json_of(&item, KNOWN)).and_then(Result::ok).unwrap_or_default())
    }

    async fn told_days(&self) -> Result<ToldDays, CallError> {
        let item = self.note(TOLD).await?.unwrap_or_default();
        // An unreadable item is replaced. Then the days that are kept are told again.
        let services = json_of(&item, TOLD).and_then(Result::ok).unwrap_or_default();
        let version = item.get("version").and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok()).unwrap_or_default();
        Ok(ToldDays { version, services })
    }

    /// One of the audit's notes.
    async fn note(&self, sort_key: &str) -> Result<Option<Item>, CallError> {
        let get = self.client.get_item().table_name(&self.name).key("pk", s(AUDIT)).key("sk", s(sort_key));
        Ok(get.consistent_read(true).send().await.map_err(|error| call_error("GetItem", error))?.item)
    }

    fn put_told_days(&self, told: &ToldDays) -> Result<TransactWriteItem, CallError> {
        self.put(
            (AUDIT, TOLD),
            &Condition::After(told.version),
            [("kind", s(TOLD)), ("version", AttributeValue::N(told.version.to_string())), (TOLD, json(&told.services)?)],
        )
    }

    fn change_actions(&self, change: &Change, now: Timestamp, expires: Timestamp) -> Result<Vec<TransactWriteItem>, CallError> {
        Ok(match change {
            Change::Opened(open) => vec![self.put_open(open, &Condition::Absent)?],
            Change::Worsened(was, open) | Change::Improved(was, open) => vec![self.put_open(open, &Condition::Unchanged(was))?],
            Change::Resolved(was) => vec![self.delete_open(was)?, self.put_resolved(was, now, expires)?],
        })
    }

    fn put_digest(&self, digest: &Digest, expires: Timestamp) -> Result<TransactWriteItem, CallError> {
        self.put(
            (&format!("digest/{}", digest.run.id), &digest.key()),
            &Condition::Absent,
            [("kind", s("digest")), ("record", json(digest)?), ("at", s(&digest.run.at.to_string())), ("expires", n(expires.as_second()))],
        )
    }

    fn put_open(&self, open: &OpenFinding, condition: &Condition<'_>) -> Result<TransactWriteItem, CallError> {
        let finding = &open.finding;
        self.put(
            (OPEN, &finding.id),
            condition,
            [
                ("kind", s("finding")),
                ("finding", json(open)?),
                ("severity", s(finding.severity.as_str())),
                ("level", n(finding.level.into())),
                ("since", s(&open.since.to_string())),
            ],
        )
    }

    fn delete_open(&self, was: &OpenFinding) -> Result<TransactWriteItem, CallError> {
        let delete = Delete::builder().table_name(&self.name).key("pk", s(OPEN)).key("sk", s(&was.finding.id));
        let delete = delete.condition_expression(UNCHANGED).expression_attribute_names("#level", "level");
        let delete = delete.set_expression_attribute_values(Some(unchanged(was)));
        Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build())
    }

    fn put_resolved(&self, was: &OpenFinding, now: Timestamp, expires: Timestamp) -> Result<TransactWriteItem, CallError> {
        let open_seconds = now.duration_since(was.since).max(SignedDuration::ZERO).as_secs();
        self.put(
            (RESOLVED, &format!("{}#{now}", was.finding.id)),
            &Condition::None,
            [
                ("kind", s("resolved")),
                ("finding", json(was)?),
                ("since", s(&was.since.to_string())),
                ("resolved_at", s(&now.to_string())),
                ("open_seconds", n(open_seconds)),
                ("expires", n(expires.as_second())),
            ],
        )
    }

    fn put<const N: usize>(
        &self,
        (partition_key, sort_key): (&str, &str),
        condition: &Condition<'_>,
        attributes: [(&str, AttributeValue); N],
    ) -> Result<TransactWriteItem, CallError> {
        let mut put = Put::builder().table_name(&self.name).item("pk", s(partition_key)).item("sk", s(sort_key));
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        match condition {
            Condition::None => {}
            Condition::Absent => put = put.condition_expression("attribute_not_exists(sk)"),
            Condition::After(version) => {
                let before = version.saturating_sub(1);
                put = put.condition_expression(if before == 0 { "attribute_not_exists(sk)" } else { "version = :before" });
                if before > 0 {
                    put = put.expression_attribute_values(":before", AttributeValue::N(before.to_string()));
                }
            }
            Condition::Unchanged(was) => {
                put = put.condition_expression(UNCHANGED).expression_attribute_names("#level", "level");
                put = put.set_expression_attribute_values(Some(unchanged(was)));
            }
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuildable)?).build())
    }
}

/// The condition does not compare the whole content: a newer version may have stored attributes that this one drops.
const UNCHANGED: &str = "since = :since AND severity = :severity AND #level = :level";

fn unchanged(was: &OpenFinding) -> Item {
    let (since, severity, level) = (s(&was.since.to_string()), s(was.finding.severity.as_str()), n(was.finding.level.into()));
    [(":since", since), (":severity", severity), (":level", level)].map(|(name, value)| (name.to_owned(), value)).into()
}

/// Returns true if a condition did not hold or another transaction wrote the same items.
fn is_overtaken<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else { return false };
    let codes = || canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn json<T: Serialize>(value: &T) -> Result<AttributeValue, CallError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|error| CallError {
        call: "TransactWriteItems",
        code: None,
        message: error.to_string(),
        source: Some(Box::new(error)),
    })
}

fn json_of<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Option<Result<T, serde_json::Error>> {
    item.get(name).and_then(|value| value.as_s().ok()).map(|text| serde_json::from_str(text))
}

fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> CallError {
    CallError { call: "TransactWriteItems", code: None, message: error.to_string(), source: Some(Box::new(error)) }
}
