//! The ledger in DynamoDB: one item per (connection, verdict).

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use jiff::SignedDuration;

use super::{error::call_error, meter::Meter};
use crate::{
    grant::Grant,
    ids::{EndpointId, ServiceId},
    ports::{CallError, Ledger, Put},
    record::{Record, Verdict, connection_key},
};

/// What the stream's filter looks for: later kinds of items share the table.
const KIND_DECISION: &str = "decision";

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    /// How long it keeps what ends.
    pub(super) retention: SignedDuration,
}

impl Table {
    /// A table by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String, retention: SignedDuration) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(Meter).build();
        Self { client: Client::from_conf(config), name, retention }
    }
}

impl Ledger for Table {
    async fn put(&self, record: &Record) -> Result<Put, CallError> {
        const CALL: &str = "PutItem";
        let json = record.to_json().map_err(|error| CallError {
            call: CALL,
            code: None,
            message: error.to_string(),
            source: Some(Box::new(error)),
        })?;
        let key = record.key();
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .condition_expression("attribute_not_exists(verdict)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::None)
            .item("connection", text(&key.connection))
            .item("verdict", text(key.verdict.as_str()))
            .item("kind", text(KIND_DECISION))
            .item("record", AttributeValue::S(json))
            .item("service", text(record.service().as_str()))
            .item("account", text(record.account().map_or("unknown", |account| account.as_str())))
            .item("at", text(&record.at.to_string()))
            .item("schema", number(record.schema.into()))
            .item("expires", number(record.expires.as_second()));
        // What the audit goes by, beside the record, so that an index can carry it.
        let policies = record.policies();
        let put = if policies.is_empty() { put } else { put.item("policies", AttributeValue::Ss(unique(policies))) };
        let put = match record.facts.requester() {
            Some(role) => put.item("role", text(role.as_str())),
            None => put,
        };
        match put.send().await {
            Ok(_) => Ok(Put::Written),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Put::AlreadyThere)
            }
            Err(error) => Err(call_error(CALL, error)),
        }
    }

    async fn grants(&self, service: &ServiceId) -> Result<Vec<Grant>, CallError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#connection = :grants")
            .expression_attribute_names("#connection", "connection")
            .expression_attribute_values(":grants", AttributeValue::S(grants_key(service)));
        let mut pages = query.into_paginator().send();
        let mut grants = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("Query", error))?;
            for item in page.items() {
                // A grant that cannot be read grants nothing; the audit names it.
                let text = item.get("grant").and_then(|value| value.as_s().ok());
                match text.map(|text| Grant::from_json(text)) {
                    Some(Ok(grant)) => grants.push(grant),
                    Some(Err(error)) => {
                        tracing::error!(error_type = "GrantUnreadable", error = &error as &dyn std::error::Error, "a grant cannot be read")
                    }
                    None => tracing::error!(error_type = "GrantUnreadable", "a grant has no content"),
                }
            }
        }
        Ok(grants)
    }

    async fn verdicts(&self, service: &ServiceId, endpoint: &EndpointId) -> Result<Vec<Verdict>, CallError> {
        // A connection has at most one item per verdict: far below one page.
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("#connection = :connection")
            .projection_expression("verdict")
            .expression_attribute_names("#connection", "connection")
            .expression_attribute_values(":connection", AttributeValue::S(connection_key(service, endpoint)));
        let output = query.send().await.map_err(|error| call_error("Query", error))?;
        let word =
            |item: &std::collections::HashMap<String, AttributeValue>| item.get("verdict").and_then(|value| value.as_s().ok()).cloned();
        let verdict = |word: String| Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word);
        Ok(output.items().iter().filter_map(word).filter_map(verdict).collect())
    }
}

/// The partition of what people granted on a service.
pub(super) fn grants_key(service: &ServiceId) -> String {
    format!("grants/{service}")
}

/// DynamoDB's sets hold nothing twice; one policy may answer for both actions.
fn unique(texts: Vec<String>) -> Vec<String> {
    texts.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
