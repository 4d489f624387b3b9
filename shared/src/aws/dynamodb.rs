//! The ledger in DynamoDB: one item per (connection, verdict).

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use jiff::{SignedDuration, Timestamp};

use crate::aws::{call_metrics::CallMetrics, error::call_error};
use crate::{
    decision::grant::{Grant, Grantee},
    ledger::grants::grant_from_json,
    ledger::record::{Record, Verdict, connection_key},
    model::ids::{AccountId, EndpointId, ServiceId},
    policy::PolicyId,
    ports::{CallError, Ledger, PutOutcome},
};

/// What the stream's filter looks for: later kinds of items share the table.
const KIND_DECISION: &str = "decision";
const KIND_GRANT: &str = "grant";

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
        let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(CallMetrics).build();
        Self { client: Client::from_conf(config), name, retention }
    }
}

impl Ledger for Table {
    async fn put(&self, record: &Record) -> Result<PutOutcome, CallError> {
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
            .item("schema", number(record.schema.into()));
        // What the audit goes by, beside the record, so that an index can carry it.
        let policies = record.policies();
        let put = if policies.is_empty() { put } else { put.item("policies", AttributeValue::Ss(unique(policies))) };
        let role = record.facts.requester();
        let put = match role {
            Some(role) => put.item("role", text(role.as_str())),
            None => put,
        };
        // The only proof of a role that a connection may rest on for years: that is not forgotten.
        let proof = role.is_some() && record.verdict == Verdict::Accepted;
        let put = if proof { put } else { put.item("expires", number(record.expires.as_second())) };
        match put.send().await {
            Ok(_) => Ok(PutOutcome::Written),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(PutOutcome::AlreadyThere)
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
                match text.map(|text| grant_from_json(text)) {
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

/// Which decisions are asked for. What is `None` is any.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// On this service.
    pub service: Option<ServiceId>,
    /// On this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// Not before.
    pub since: Option<Timestamp>,
}

/// What people at the command line read and write.
impl Table {
    /// Decisions, oldest first; the second are entries that cannot be read. It reads the whole table: for people, not
    /// for functions.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn decisions(&self, about: &About) -> Result<(Vec<Record>, Vec<String>), CallError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let mut conditions = vec!["kind = :kind"];
        let mut scan = self.client.scan().table_name(&self.name).expression_attribute_values(":kind", text(KIND_DECISION));
        if let Some(service) = &about.service {
            conditions.push("service = :service");
            scan = scan.expression_attribute_values(":service", text(service.as_str()));
        }
        if let Some(endpoint) = &about.endpoint {
            conditions.push("contains(#connection, :endpoint)");
            scan = scan
                .expression_attribute_names("#connection", "connection")
                .expression_attribute_values(":endpoint", text(&format!("/{endpoint}")));
        }
        if let Some(account) = &about.account {
            conditions.push("account = :account");
            scan = scan.expression_attribute_values(":account", text(account.as_str()));
        }
        if let Some(since) = about.since {
            conditions.push("#at >= :since");
            scan = scan.expression_attribute_names("#at", "at").expression_attribute_values(":since", text(&since.to_string()));
        }
        let mut pages = scan.filter_expression(conditions.join(" AND ")).into_paginator().send();
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| call_error("Scan", error))?.items() {
                let attribute = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
                match Record::from_json(attribute("record")) {
                    Ok(record) => records.push(record),
                    Err(error) => unreadable.push(format!("{}: {error}", attribute("connection"))),
                }
            }
        }
        // `contains` finds pieces of ids, too; an id is equal or it is another.
        records.retain(|record| about.endpoint.as_ref().is_none_or(|endpoint| record.endpoint() == endpoint));
        records.sort_by_key(|record| (record.at, record.key()));
        Ok((records, unreadable))
    }

    /// What people granted on a service, or on all of them, oldest first; the second are those that cannot be read. It
    /// reads the whole table: for people, not for functions.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn granted(&self, service: Option<&ServiceId>) -> Result<(Vec<Grant>, Vec<String>), CallError> {
        let scan = self.client.scan().table_name(&self.name).expression_attribute_values(":kind", AttributeValue::S(KIND_GRANT.to_owned()));
        let scan = match service {
            Some(service) => scan
                .filter_expression("kind = :kind AND service = :service")
                .expression_attribute_values(":service", AttributeValue::S(service.to_string())),
            None => scan.filter_expression("kind = :kind"),
        };
        let (mut grants, mut unreadable) = (Vec::new(), Vec::new());
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| call_error("Scan", error))?.items() {
                let attribute = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
                match grant_from_json(attribute("grant")) {
                    Ok(grant) => grants.push(grant),
                    Err(error) => unreadable.push(format!("{} {}: {error}", attribute("connection"), attribute("verdict"))),
                }
            }
        }
        grants.sort_by_key(|grant| grant.at);
        Ok((grants, unreadable))
    }

    /// Puts a person's decision on the ledger.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn grant(&self, grant: &Grant) -> Result<(), CallError> {
        let subject = match &grant.to {
            Grantee::Endpoint(endpoint) => endpoint.as_str(),
            Grantee::Account(account) => account.as_str(),
        };
        let json = serde_json::to_string(grant).map_err(|error| CallError {
            call: "PutItem",
            code: None,
            message: error.to_string(),
            source: Some(Box::new(error)),
        })?;
        let put = self.client.put_item().table_name(&self.name);
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let put = put
            .item("connection", text(&grants_key(&grant.service)))
            .item("verdict", text(&format!("{subject}#{}", grant.at)))
            .item("kind", text(KIND_GRANT))
            .item("service", text(grant.service.as_str()))
            .item("grant", text(&json));
        put.send().await.map(drop).map_err(|error| call_error("PutItem", error))
    }
}

/// The partition of what people granted on a service.
pub(super) fn grants_key(service: &ServiceId) -> String {
    format!("grants/{service}")
}

/// DynamoDB's sets hold nothing twice; one policy may answer for both actions.
fn unique(ids: Vec<PolicyId>) -> Vec<String> {
    ids.into_iter().map(String::from).collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}
