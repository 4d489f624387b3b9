//! What the audit reads from the ledger's table and writes to it.
//!
//! | item | `connection` | `verdict` |
//! |---|---|---|
//! | an open finding | `findings` | its id |
//! | one that is gone | `findings/resolved` | its id and when |
//! | a run's digest for one owner | `digest/RUN` | the owner and when |
//! | since when policies are known | `audit` | `known` |
//! | which run is telling | `audit` | `pen` |
//!
//! Decisions and grants are read by service, from the index `by-service`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::aws::{dynamodb::Table, error::call_error};
use crate::{
    ledger::grants::grant_from_json,
    ledger::{
        digest::{Digest, SCHEMA_VERSION as SCHEMA_VERSION_OPEN},
        finding::{Change, OpenFinding, StoredFindings},
        history::{LedgerHistory, RecordedDecision},
        record::{SCHEMA_VERSION, Verdict},
    },
    model::ids::{EndpointId, ServiceId},
    ports::{CallError, Findings, History, PublishOutcome},
};

/// The index over what concerns a service.
pub const INDEX_BY_SERVICE: &str = "by-service";

const OPEN: &str = "findings";
const RESOLVED: &str = "findings/resolved";
const AUDIT: &str = "audit";
const PEN: &str = "pen";
/// A pen held longer than this belongs to a run that has died: longer than Lambda lets one run.
const PEN_SECONDS_MAX: i64 = 20 * 60;
/// DynamoDB takes 100 actions in one transaction; a finding that is gone takes two.
const CHANGES_PER_TRANSACTION_MAX: usize = 45;

type Item = HashMap<String, AttributeValue>;

impl History for Table {
    async fn recall(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(INDEX_BY_SERVICE)
            .key_condition_expression("service = :service")
            .expression_attribute_values(":service", s(service.as_str()));
        let mut pages = query.into_paginator().send();
        let mut memory = LedgerHistory::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("Query", error))?;
            page.items().iter().for_each(|item| take_in(&mut memory, item));
        }
        Ok(memory)
    }
}

fn take_in(memory: &mut LedgerHistory, item: &Item) {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
    let key = text("connection").unwrap_or_default();
    let endpoint: Option<EndpointId> = key.split_once('/').and_then(|(_, endpoint)| endpoint.parse().ok());
    if text("kind") == Some("grant") {
        match text("grant").map(grant_from_json) {
            Some(Ok(grant)) => memory.grants.push(grant),
            Some(Err(error)) => memory.add_unreadable_grant(key, &error.to_string()),
            None => memory.add_unreadable_grant(key, "a grant without its content"),
        }
        return;
    }
    let schema: Option<u32> = item.get("schema").and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok());
    if schema.is_none_or(|schema| schema > SCHEMA_VERSION) {
        let why =
            schema.map_or_else(|| "its schema cannot be read".to_owned(), |schema| format!("written by a newer version (schema {schema})"));
        return memory.add_unreadable(key, endpoint, &why);
    }
    let verdict = text("verdict").and_then(|word| Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word));
    let at = text("at").and_then(|at| at.parse::<Timestamp>().ok());
    let (Some(endpoint), Some(verdict), Some(at)) = (endpoint.clone(), verdict, at) else {
        return memory.add_unreadable(key, endpoint, "an entry of an unknown kind");
    };
    memory.add(RecordedDecision {
        endpoint,
        account: text("account").and_then(|account| account.parse().ok()),
        verdict,
        at,
        policies: item.get("policies").and_then(|value| value.as_ss().ok()).into_iter().flatten().map(|id| id.as_str().into()).collect(),
        role: text("role").and_then(|role| role.parse().ok()),
    });
}

impl Findings for Table {
    async fn kept(&self) -> Result<StoredFindings, CallError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#connection = :open")
            .expression_attribute_names("#connection", "connection")
            .expression_attribute_values(":open", s(OPEN));
        let mut pages = query.into_paginator().send();
        let mut kept = StoredFindings { known_since: self.known().await?, ..StoredFindings::default() };
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("Query", error))?;
            for item in page.items() {
                match json_of::<OpenFinding>(item, "finding") {
                    Some(Ok(open)) if open.schema <= SCHEMA_VERSION_OPEN => kept.open.push(open),
                    _ => drop(kept.unreadable.insert(item.get("verdict").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default())),
                }
            }
        }
        Ok(kept)
    }

    async fn take_pen(&self, run: &str, now: Timestamp) -> Result<bool, CallError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.item("connection", s(AUDIT)).item("verdict", s(PEN)).item("kind", s("pen")).item("run", s(run));
        let put = put
            .item("since", AttributeValue::N(now.as_second().to_string()))
            .condition_expression("attribute_not_exists(verdict) OR #run = :run OR since < :stale")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":run", s(run))
            .expression_attribute_values(":stale", AttributeValue::N((now.as_second() - PEN_SECONDS_MAX).to_string()));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => Ok(false),
            Err(error) => Err(call_error("PutItem", error)),
        }
    }

    async fn lay_down_pen(&self, run: &str) -> Result<(), CallError> {
        let delete = self.client.delete_item().table_name(&self.name).key("connection", s(AUDIT)).key("verdict", s(PEN));
        let delete = delete
            .condition_expression("#run = :run")
            .expression_attribute_names("#run", "run")
            .expression_attribute_values(":run", s(run));
        delete.send().await.map(drop).map_err(|error| call_error("DeleteItem", error))
    }

    async fn publish(&self, changes: &[Change], digest: &Digest) -> Result<PublishOutcome, CallError> {
        let expires = digest.at.checked_add(self.retention).unwrap_or(Timestamp::MAX);
        let told = self.put(
            &[("connection", &format!("digest/{}", digest.run)), ("verdict", &digest.key())],
            Some(None),
            [("kind", s("digest")), ("record", json(digest)?), ("at", s(&digest.at.to_string())), ("expires", seconds(expires))],
        )?;
        let mut first = if digest.is_news() { vec![told] } else { Vec::new() };
        let mut chunks = changes.chunks(CHANGES_PER_TRANSACTION_MAX);
        loop {
            let chunk = chunks.next().unwrap_or_default();
            let mut actions = std::mem::take(&mut first);
            for change in chunk {
                self.act(change, digest.at, expires, &mut actions)?;
            }
            if actions.is_empty() {
                return Ok(PublishOutcome::Written);
            }
            match self.client.transact_write_items().set_transact_items(Some(actions)).send().await {
                Ok(_) => {}
                Err(error) if is_overtaken(&error) => return Ok(PublishOutcome::Overtaken),
                Err(error) => return Err(call_error("TransactWriteItems", error)),
            }
        }
    }

    async fn remember(&self, known_since: &BTreeMap<String, Timestamp>) -> Result<(), CallError> {
        let put = self.client.put_item().table_name(&self.name);
        let put = put.item("connection", s(AUDIT)).item("verdict", s("known")).item("kind", s("known")).item("known", json(known_since)?);
        put.send().await.map(drop).map_err(|error| call_error("PutItem", error))
    }
}

impl Table {
    async fn known(&self) -> Result<BTreeMap<String, Timestamp>, CallError> {
        let get = self.client.get_item().table_name(&self.name).key("connection", s(AUDIT)).key("verdict", s("known"));
        let output = get.consistent_read(true).send().await.map_err(|error| call_error("GetItem", error))?;
        // Lost or unreadable, it begins anew: then nothing is unused for a while.
        Ok(output.item().and_then(|item| json_of(item, "known")).and_then(Result::ok).unwrap_or_default())
    }

    fn act(&self, change: &Change, now: Timestamp, expires: Timestamp, actions: &mut Vec<TransactWriteItem>) -> Result<(), CallError> {
        match change {
            Change::Opened(open) => actions.push(self.put_open(open, None)?),
            Change::Worsened(was, open) | Change::Eased(was, open) => actions.push(self.put_open(open, Some(was))?),
            Change::Resolved(was) => {
                let mut delete = Delete::builder().table_name(&self.name).key("connection", s(OPEN)).key("verdict", s(&was.finding.id));
                delete = delete.condition_expression(AS_IT_WAS).expression_attribute_names("#level", "level");
                for (name, value) in as_it_was(was) {
                    delete = delete.expression_attribute_values(name, value);
                }
                actions.push(TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build());
                let open_seconds = now.duration_since(was.since).max(SignedDuration::ZERO).as_secs();
                actions.push(self.put(
                    &[("connection", RESOLVED), ("verdict", &format!("{}#{now}", was.finding.id))],
                    None,
                    [
                        ("kind", s("resolved")),
                        ("finding", json(was)?),
                        ("since", s(&was.since.to_string())),
                        ("resolved_at", s(&now.to_string())),
                        ("open_seconds", AttributeValue::N(open_seconds.to_string())),
                        ("expires", seconds(expires)),
                    ],
                )?);
            }
        }
        Ok(())
    }

    fn put_open(&self, open: &OpenFinding, was: Option<&OpenFinding>) -> Result<TransactWriteItem, CallError> {
        let finding = &open.finding;
        self.put(
            &[("connection", OPEN), ("verdict", &finding.id)],
            Some(was),
            [
                ("kind", s("finding")),
                ("finding", json(open)?),
                ("severity", s(finding.severity.as_str())),
                ("level", AttributeValue::N(finding.level.to_string())),
                ("since", s(&open.since.to_string())),
            ],
        )
    }

    fn put<const N: usize>(
        &self,
        key: &[(&str, &str)],
        // `Some(None)`: only if it is not there. `Some(Some(was))`: only if it is as it was.
        condition: Option<Option<&OpenFinding>>,
        attributes: [(&str, AttributeValue); N],
    ) -> Result<TransactWriteItem, CallError> {
        let mut put = Put::builder().table_name(&self.name);
        for (name, value) in key {
            put = put.item(*name, s(value));
        }
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        match condition {
            None => {}
            Some(None) => put = put.condition_expression("attribute_not_exists(verdict)"),
            Some(Some(was)) => {
                put = put.condition_expression(AS_IT_WAS).expression_attribute_names("#level", "level");
                for (name, value) in as_it_was(was) {
                    put = put.expression_attribute_values(name, value);
                }
            }
        }
        Ok(TransactWriteItem::builder().put(put.build().map_err(unbuildable)?).build())
    }
}

/// Not the whole content: a newer version may have written more into it than this one would write again.
const AS_IT_WAS: &str = "since = :since AND severity = :severity AND #level = :level";

fn as_it_was(was: &OpenFinding) -> [(&'static str, AttributeValue); 3] {
    [
        (":since", s(&was.since.to_string())),
        (":severity", s(was.finding.severity.as_str())),
        (":level", AttributeValue::N(was.finding.level.to_string())),
    ]
}

/// A condition that did not hold, or another transaction on the same items: somebody else is writing.
fn is_overtaken<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else { return false };
    let codes = || canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
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
