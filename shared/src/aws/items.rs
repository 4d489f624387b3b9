//! The attributes of the ledger's items.

use std::{collections::HashMap, str::FromStr};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;

use crate::ports::CallError;

/// The kind that the stream's filter looks for.
pub(super) const KIND_DECISION: &str = "decision";
/// A record that the stream does not tell by itself.
pub(super) const KIND_COUNTED: &str = "counted";
/// A person's grant.
pub(super) const KIND_GRANT: &str = "grant";
/// The mark of what was told.
pub(super) const KIND_TOLD: &str = "told";
/// An event of the history of people's decisions.
pub(super) const KIND_EVENT: &str = "person";

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(super) fn json_of<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Option<T> {
    serde_json::from_str(text(item, name)?).ok()
}

pub(super) fn number<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(super) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A time as the table's TTL takes it.
pub(super) fn seconds(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_second().to_string())
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<AttributeValue, CallError> {
    serde_json::to_string(value).map(AttributeValue::S).map_err(|error| CallError {
        call: "TransactWriteItems",
        code: None,
        message: error.to_string(),
        source: Some(Box::new(error)),
    })
}

pub(super) fn unbuildable(error: aws_sdk_dynamodb::error::BuildError) -> CallError {
    CallError { call: "TransactWriteItems", code: None, message: error.to_string(), source: Some(Box::new(error)) }
}
