//! The ledger's table, and what people read of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, operation::scan::builders::ScanFluentBuilder, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::{
        call_metrics::CallMetrics,
        error::call_error,
        items::{KIND_COUNTED, KIND_DECISION, KIND_EVENT, KIND_GRANT, text},
    },
    decision::grant::Grant,
    ledger::{decision_event::DecisionEvent, grants::grant_from_json, keys, record::Record},
    model::{
        ids::{AccountId, ServiceId},
        subject::Subject,
    },
    ports::CallError,
};

/// The ledger's table.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
    /// How long it keeps what ends.
    pub(super) retention: SignedDuration,
}

/// The decisions to read. `None` is any.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// On this service.
    pub service: Option<ServiceId>,
    /// About this subject.
    pub subject: Option<Subject>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// Not before.
    pub since: Option<Timestamp>,
}

/// What a scan found, and the keys of the items that this version cannot read.
pub type Scanned<T> = (Vec<T>, Vec<String>);

impl Table {
    /// A table by its name.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, name: String, retention: SignedDuration) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), name, retention }
    }

    /// Records, the oldest first. It reads the whole table: for people, not for functions.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn decisions_about(&self, about: &About) -> Result<Scanned<Record>, CallError> {
        let (mut records, unreadable) =
            self.scan(KIND_DECISION, about, |item| Record::from_json(text(item, "record").unwrap_or_default()).ok()).await?;
        records.retain(|record| about.subject.as_ref().is_none_or(|subject| record.subject() == subject));
        records.sort_by_key(|record| (record.at, record.key()));
        Ok((records, unreadable))
    }

    /// The records about one subject, the oldest first. It reads one partition.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn records_of(&self, service: &ServiceId, subject: &Subject) -> Result<Scanned<Record>, CallError> {
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for item in self.partition(keys::request(service, subject)).await? {
            match Record::from_json(text(&item, "record").unwrap_or_default()) {
                Ok(record) => records.push(record),
                Err(_) => unreadable.push(name(&item)),
            }
        }
        records.sort_by_key(|record| (record.at, record.key()));
        Ok((records, unreadable))
    }

    /// Grants, the oldest first. It reads the whole table: for people, not for functions.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn grants_on(&self, service: Option<&ServiceId>) -> Result<Scanned<Grant>, CallError> {
        let about = About { service: service.cloned(), ..About::default() };
        let (mut grants, unreadable) = self.scan(KIND_GRANT, &about, |item| grant_from_json(text(item, "grant")?).ok()).await?;
        grants.sort_by_key(|grant| grant.at);
        Ok((grants, unreadable))
    }

    /// The history of people's decisions, the oldest first. It reads the whole table: for people, not for functions.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn events_on(&self, service: Option<&ServiceId>) -> Result<Scanned<DecisionEvent>, CallError> {
        let about = About { service: service.cloned(), ..About::default() };
        let (mut events, unreadable) = self.scan(KIND_EVENT, &about, |item| serde_json::from_str(text(item, "event")?).ok()).await?;
        events.sort_by_key(|event: &DecisionEvent| event.at);
        Ok((events, unreadable))
    }

    async fn scan<T>(
        &self,
        kind: &str,
        about: &About,
        read: impl Fn(&HashMap<String, AttributeValue>) -> Option<T>,
    ) -> Result<Scanned<T>, CallError> {
        let s = |value: &str| AttributeValue::S(value.to_owned());
        let mut conditions = vec!["(kind = :kind OR kind = :other)"];
        let other = if kind == KIND_DECISION { KIND_COUNTED } else { kind };
        let mut scan: ScanFluentBuilder = self
            .client
            .scan()
            .table_name(&self.name)
            .expression_attribute_values(":kind", s(kind))
            .expression_attribute_values(":other", s(other));
        if let Some(service) = &about.service {
            conditions.push("service = :service");
            scan = scan.expression_attribute_values(":service", s(service.as_str()));
        }
        if let Some(subject) = &about.subject {
            // Of other ids, too, that contain this one; the caller compares whole ids.
            conditions.push("contains(pk, :subject)");
            scan = scan.expression_attribute_values(":subject", s(&format!("/{subject}")));
        }
        if let Some(account) = &about.account {
            conditions.push("account = :account");
            scan = scan.expression_attribute_values(":account", s(account.as_str()));
        }
        if let Some(since) = about.since {
            conditions.push("#at >= :since");
            scan = scan.expression_attribute_names("#at", "at").expression_attribute_values(":since", s(&since.to_string()));
        }
        let mut pages = scan.filter_expression(conditions.join(" AND ")).into_paginator().send();
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| call_error("Scan", error))?.items() {
                match read(item) {
                    Some(one) => found.push(one),
                    None => unreadable.push(name(item)),
                }
            }
        }
        Ok((found, unreadable))
    }
}

/// The keys of an item, for people.
fn name(item: &HashMap<String, AttributeValue>) -> String {
    format!("{} {}", text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default())
}
