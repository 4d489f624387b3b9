//! The marks on the ledger of what was told: what `notify` reads and writes. `ledger/keys.rs` has the keys.

use aws_sdk_dynamodb::{Client, operation::put_item::PutItemError, types::AttributeValue};
use jiff::Timestamp;

use crate::{
    aws::{
        call_metrics::CallMetrics,
        error::call_error,
        items::{KIND_TOLD, number, s, seconds, text},
    },
    ledger::{keys, record::RecordKey, told::ToldMark},
    ports::{CallError, ToldLedger},
};

/// No mark holds.
const TOLD: &str = "attribute_not_exists(pk) OR #expires <= :at";
/// No mark holds, or the one that does says that the events were not taken.
const EMITTED: &str = "attribute_not_exists(pk) OR #expires <= :at OR attribute_not_exists(emitted)";

/// The ledger's table, for marks.
#[derive(Debug, Clone)]
pub struct ToldTable {
    client: Client,
    name: String,
}

impl ToldTable {
    /// A table by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), name }
    }
}

impl ToldLedger for ToldTable {
    async fn told(&self, item: &RecordKey) -> Result<Option<ToldMark>, CallError> {
        let get = self.client.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key("pk", s(&keys::told(&item.partition))).key("sk", s(&item.sort));
        let output = get.send().await.map_err(|error| call_error("GetItem", error))?;
        Ok(output.item().and_then(|found| {
            let (topic, at) = (text(found, "topic")?.parse().ok()?, text(found, "at")?.parse().ok()?);
            let expires = number(found, "expires").and_then(|seconds| Timestamp::from_second(seconds).ok());
            let emitted = found.get("emitted").is_some();
            Some(ToldMark { item: item.clone(), topic, at, emitted, expires })
        }))
    }

    async fn mark(&self, mark: &ToldMark) -> Result<(), CallError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item("pk", s(&keys::told(&mark.item.partition)))
            .item("sk", s(&mark.item.sort))
            .item("kind", s(KIND_TOLD))
            .item("topic", s(mark.topic.as_str()))
            .item("at", s(&mark.at.to_string()))
            .condition_expression(if mark.emitted { EMITTED } else { TOLD })
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":at", seconds(mark.at));
        if mark.emitted {
            put = put.item("emitted", AttributeValue::Bool(true));
        }
        if let Some(expires) = mark.expires {
            put = put.item("expires", seconds(expires));
        }
        match put.send().await {
            Ok(_) => Ok(()),
            // The first mark says when the owner was told.
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => Ok(()),
            Err(error) => Err(call_error("PutItem", error)),
        }
    }
}
