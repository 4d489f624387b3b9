//! The ledger's items of one service: what `approve` reads and writes. `ledger/keys.rs` has the keys.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, CancellationReason, ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use jiff::Timestamp;

use crate::{
    aws::{
        dynamodb::Table,
        error::call_error,
        items::{Item, KIND_COUNTED, KIND_DECISION, json, json_of, n, number, s, seconds, text, unbuildable},
    },
    decision::{Hold, PersonDecisions},
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        grants::grant_from_json,
        keys::{self, GRANT, HOLD, PENDING, PROOF, REFUSAL, STATE},
        record::{Record, Verdict},
        service_state::{ServiceState, Version},
    },
    model::{ids::ServiceId, subject::Subject},
    ports::{CallError, ReadError, ServiceLedger, StackLedger},
};

/// The sparse index over the services that the next sweep must visit.
pub const INDEX_OPEN: &str = "open";
const IS_OPEN: &str = "yes";
impl ServiceLedger for Table {
    async fn items(&self, service: &ServiceId) -> Result<ServiceItems, ReadError> {
        let mut items = ServiceItems::default();
        for item in self.partition(keys::service(service)).await? {
            let sort = text(&item, "sk").unwrap_or_default();
            if sort == STATE {
                items.version = version(&item);
                items.open = item.contains_key("open");
                items.state = text(&item, "state").map(ServiceState::from_json).transpose()?.unwrap_or_default();
            } else if let Some(subject) = subject(sort, PENDING) {
                // A note that cannot be read is as none: its owner is told again.
                items.pending.extend(json_of(&item, "pending").map(|pending| (subject, pending)));
            } else if let Some(subject) = subject(sort, PROOF) {
                items.proofs.extend(json_of(&item, "proof").map(|proof| (subject, proof)));
            }
        }
        Ok(items)
    }

    async fn decisions(&self, service: &ServiceId) -> Result<PersonDecisions, CallError> {
        let mut decisions = PersonDecisions::default();
        for item in self.partition(keys::decisions(service)).await? {
            read_decision(&item, &mut decisions);
        }
        Ok(decisions)
    }

    async fn commit(&self, service: &ServiceId, commit: &Commit) -> Result<CommitOutcome, CallError> {
        let mut taken = Vec::new();
        loop {
            let actions = self.actions(service, commit, &taken)?;
            match self.client.transact_write_items().set_transact_items(Some(actions)).send().await {
                Ok(_) => return Ok(CommitOutcome::Written),
                Err(error) => match error.as_service_error() {
                    Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                        match refusal(commit, canceled.cancellation_reasons()) {
                            // An earlier act on the same subject has the key: this one is kept beside it.
                            Some(Refusal::Taken(records)) if taken.is_empty() => taken = records,
                            Some(Refusal::Outcome(outcome)) => return Ok(outcome),
                            Some(Refusal::Taken(_)) | None => {
                                let throttled = is_throttled(canceled.cancellation_reasons());
                                let code = throttled.then(|| "ThrottlingException".to_owned());
                                let error = call_error("TransactWriteItems", error);
                                return Err(CallError { code: code.or(error.code), ..error });
                            }
                        }
                    }
                    _ => return Err(call_error("TransactWriteItems", error)),
                },
            }
        }
    }
}

impl StackLedger for Table {
    async fn open_services(&self) -> Result<Vec<ServiceId>, CallError> {
        let query = self.client.query().table_name(&self.name).index_name(INDEX_OPEN);
        let query = query.key_condition_expression("#open = :open").expression_attribute_names("#open", "open");
        let mut pages = query.expression_attribute_values(":open", s(IS_OPEN)).into_paginator().send();
        let mut services = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("Query", error))?;
            let ids = page.items().iter().filter_map(|item| text(item, "pk")?.split_once('/')?.1.parse().ok());
            services.extend(ids);
        }
        Ok(services)
    }

    async fn stack_hold(&self) -> Result<Option<Hold>, CallError> {
        let get = self.client.get_item().table_name(&self.name).consistent_read(true);
        let output =
            get.key("pk", s(&keys::all_decisions())).key("sk", s(HOLD)).send().await.map_err(|error| call_error("GetItem", error))?;
        Ok(output.item().map(hold))
    }

    async fn is_recorded(&self, service: &ServiceId, subject: &Subject) -> Result<bool, CallError> {
        let explains = [Verdict::Accepted, Verdict::Found];
        let items = self.partition(keys::request(service, subject)).await?;
        let explained =
            |item: &Item| text(item, "sk").is_some_and(|sort| explains.iter().any(|verdict| sort.starts_with(verdict.as_str())));
        Ok(items.iter().any(explained))
    }
}

/// Why a transaction was canceled.
enum Refusal {
    Outcome(CommitOutcome),
    /// The records, by their place in the commit, whose keys earlier records have.
    Taken(Vec<usize>),
}

/// Reads the reasons of a canceled transaction. They stand in the order of the actions: state, hold, records, the rest.
fn refusal(commit: &Commit, reasons: &[CancellationReason]) -> Option<Refusal> {
    let failed = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) || reasons.first().is_some_and(failed) {
        return Some(Refusal::Outcome(CommitOutcome::Lost));
    }
    let before_records = 1 + usize::from(commit.heeds_hold);
    if commit.heeds_hold && reasons.get(1).is_some_and(failed) {
        return Some(Refusal::Outcome(CommitOutcome::OnHold));
    }
    let of_records = reasons.iter().skip(before_records).take(commit.records.len()).enumerate();
    let taken: Vec<usize> = of_records.filter(|(_, reason)| failed(reason)).map(|(place, _)| place).collect();
    (!taken.is_empty()).then_some(Refusal::Taken(taken))
}

/// Returns true if DynamoDB throttled an action: the exception itself does not say so.
pub(super) fn is_throttled(reasons: &[CancellationReason]) -> bool {
    reasons.iter().any(|reason| matches!(reason.code(), Some("ThrottlingError" | "ProvisionedThroughputExceeded")))
}

impl Table {
    /// Every item of a partition.
    pub(super) async fn partition(&self, key: String) -> Result<Vec<Item>, CallError> {
        let query = self.client.query().table_name(&self.name).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", AttributeValue::S(key));
        let mut pages = query.into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(|error| call_error("Query", error))?.items.unwrap_or_default());
        }
        Ok(items)
    }

    fn actions(&self, service: &ServiceId, commit: &Commit, taken: &[usize]) -> Result<Vec<TransactWriteItem>, CallError> {
        let mut actions = vec![self.state(service, commit)?];
        if commit.heeds_hold {
            let check = ConditionCheck::builder().table_name(&self.name).key("pk", s(&keys::all_decisions())).key("sk", s(HOLD));
            let check = check.condition_expression("attribute_not_exists(pk)").build().map_err(unbuildable)?;
            actions.push(TransactWriteItem::builder().condition_check(check).build());
        }
        for (place, record) in commit.records.iter().enumerate() {
            let suffix = if taken.contains(&place) { format!("#{}", commit.expected.sequence) } else { String::new() };
            actions.push(self.record(record, &suffix)?);
        }
        let pk = keys::service(service);
        for (subject, pending) in &commit.pending {
            let sk = format!("{PENDING}{subject}");
            actions.push(match pending {
                Some(pending) => self.put_item(Put::builder().item("pk", s(&pk)).item("sk", s(&sk)).item("pending", json(pending)?))?,
                None => {
                    let delete = Delete::builder().table_name(&self.name).key("pk", s(&pk)).key("sk", s(&sk));
                    TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build()
                }
            });
        }
        for proof in &commit.proofs {
            let sk = format!("{PROOF}{}", proof.subject);
            let put = Put::builder().item("pk", s(&pk)).item("sk", s(&sk)).item("kind", s("proof"));
            let expires = proof.at.checked_add(self.retention).unwrap_or(Timestamp::MAX);
            let put = put.item("proof", json(proof)?).item("expires", seconds(expires));
            // The audit of an earlier version reads it.
            let put = match &proof.role {
                Some(role) => put.item("role", s(role.as_str())),
                None => put,
            };
            actions.push(self.put_item(put)?);
        }
        Ok(actions)
    }

    fn state(&self, service: &ServiceId, commit: &Commit) -> Result<TransactWriteItem, CallError> {
        let Version { sequence, decisions } = commit.expected;
        let as_read = |name: &str, value: u64| {
            if value == 0 { format!("(attribute_not_exists(#{name}) OR #{name} = :{name})") } else { format!("#{name} = :{name}") }
        };
        // `sequence`, `state` and `open` are reserved words of DynamoDB's expressions.
        let mut condition = as_read("sequence", sequence);
        let mut update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(&keys::service(service)))
            .key("sk", s(STATE))
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":sequence", n(sequence))
            .expression_attribute_values(":next", n(sequence + 1))
            .expression_attribute_values(":state", json(&commit.state)?);
        if commit.heeds_decisions {
            condition = format!("{condition} AND {}", as_read("decisions", decisions));
            update = update.expression_attribute_names("#decisions", "decisions").expression_attribute_values(":decisions", n(decisions));
        }
        let expression = if commit.open {
            update = update.expression_attribute_values(":open", s(IS_OPEN));
            "SET #sequence = :next, #state = :state, #open = :open"
        } else {
            "SET #sequence = :next, #state = :state REMOVE #open"
        };
        let update = update.update_expression(expression).condition_expression(condition).build().map_err(unbuildable)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    fn record(&self, record: &Record, suffix: &str) -> Result<TransactWriteItem, CallError> {
        let key = record.key();
        let put = Put::builder()
            .item("pk", s(&key.partition))
            .item("sk", s(&format!("{}{suffix}", key.sort)))
            .item("kind", s(if record.counted { KIND_COUNTED } else { KIND_DECISION }))
            .item("record", json(record)?)
            .item("service", s(record.service().as_str()))
            .item("account", s(record.account().map_or("unknown", |account| account.as_str())))
            .item("at", s(&record.at.to_string()))
            .item("schema", n(record.schema.into()))
            .item("expires", seconds(record.expires))
            .condition_expression("attribute_not_exists(pk)");
        self.put_item(put)
    }

    pub(super) fn put_item(&self, put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, CallError> {
        Ok(TransactWriteItem::builder().put(put.table_name(&self.name).build().map_err(unbuildable)?).build())
    }
}

/// Takes in one item of a partition of decisions. What cannot be read may be a grant.
pub(super) fn read_decision(item: &Item, decisions: &mut PersonDecisions) {
    let key = || format!("{} {}", text(item, "pk").unwrap_or_default(), text(item, "sk").unwrap_or_default());
    let sort = text(item, "sk").unwrap_or_default();
    if sort == HOLD {
        decisions.hold = Some(hold(item));
    } else if let Some(subject) = subject(sort, REFUSAL) {
        match json_of(item, "refusal") {
            Some(refusal) => drop(decisions.refusals.insert(subject, refusal)),
            None => decisions.unreadable.push(key()),
        }
    } else if sort.starts_with(GRANT) {
        match text(item, "grant").map(grant_from_json) {
            Some(Ok(grant)) => decisions.grants.push(grant),
            Some(Err(_)) | None => decisions.unreadable.push(key()),
        }
    }
}

/// A hold that cannot be read still holds.
fn hold(item: &Item) -> Hold {
    let unreadable =
        || Hold { by: "unknown".to_owned(), reason: "the hold on the ledger cannot be read".to_owned(), at: jiff::Timestamp::UNIX_EPOCH };
    json_of(item, "hold").unwrap_or_else(unreadable)
}

fn version(item: &Item) -> Version {
    Version { sequence: number(item, "sequence").unwrap_or_default(), decisions: number(item, "decisions").unwrap_or_default() }
}

fn subject(sort: &str, prefix: &str) -> Option<Subject> {
    sort.strip_prefix(prefix)?.parse().ok()
}
