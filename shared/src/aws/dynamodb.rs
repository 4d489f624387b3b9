//! The ledger in DynamoDB: one item per (connection, verdict).

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::error::call_error;
use crate::{
    ids::{EndpointId, ServiceId},
    ports::{CallError, Ledger, Put},
    record::{Record, Verdict, connection_key},
};

/// What the stream's filter looks for: later kinds of items share the table.
const KIND_DECISION: &str = "decision";

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// A table by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String) -> Self {
        Self { client: Client::new(config), name }
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
        match put.send().await {
            Ok(_) => Ok(Put::Written),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(Put::AlreadyThere)
            }
            Err(error) => Err(call_error(CALL, error)),
        }
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
