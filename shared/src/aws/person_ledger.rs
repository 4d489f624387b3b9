//! Writes people's decisions. Each write raises the service's decision version and opens the service for the next sweep, all in
//! one transaction.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, CancellationReason, Delete, Put, TransactWriteItem, Update},
};

use crate::{
    aws::{
        dynamodb::Table,
        error::call_error,
        items::{KIND_EVENT, KIND_GRANT, json, n, s, unbuildable},
        service_ledger::is_throttled,
    },
    decision::{Hold, order::Change},
    ledger::{
        commit::CommitOutcome,
        decision_event::DecisionEvent,
        keys::{self, GRANT, HOLD, REFUSAL, STATE},
    },
    model::ids::ServiceId,
    ports::{CallError, PersonLedger},
};

impl PersonLedger for Table {
    async fn decide(&self, service: &ServiceId, changes: &[Change], expected: u64) -> Result<CommitOutcome, CallError> {
        let mut actions = vec![self.raise(service, expected)?];
        for (place, change) in changes.iter().enumerate() {
            actions.push(self.change(&keys::decisions(service), service, change)?);
            actions.push(self.event(Some(service), change, place)?);
        }
        match self.client.transact_write_items().set_transact_items(Some(actions)).send().await {
            Ok(_) => Ok(CommitOutcome::Written),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => match refused(canceled.cancellation_reasons()) {
                    None => Ok(CommitOutcome::Lost),
                    Some(refused) => Err(CallError { source: Some(Box::new(error)), ..refused }),
                },
                _ => Err(call_error("TransactWriteItems", error)),
            },
        }
    }

    async fn hold_stack(&self, hold: &Hold) -> Result<(), CallError> {
        let put = Put::builder().item("pk", s(&keys::all_decisions())).item("sk", s(HOLD)).item("kind", s("hold"));
        let put = self.put_item(put.item("hold", json(hold)?))?;
        self.write_stack(put, &Change::Hold(hold.clone())).await
    }

    async fn resume_stack(&self, end: &Hold) -> Result<(), CallError> {
        let delete = Delete::builder().table_name(&self.name).key("pk", s(&keys::all_decisions())).key("sk", s(HOLD));
        let delete = TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build();
        self.write_stack(delete, &Change::Resume(end.clone())).await
    }
}

/// Returns the error of a canceled transaction, unless another decision came first: throttling and a refused item are no
/// reason to plan again at once.
fn refused(reasons: &[CancellationReason]) -> Option<CallError> {
    let overtaken = |reason: &CancellationReason| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"));
    if reasons.iter().any(overtaken) {
        return None;
    }
    let stated = reasons.iter().find(|reason| reason.code().is_some_and(|code| code != "None"));
    let code = if is_throttled(reasons) { Some("ThrottlingException") } else { stated.and_then(CancellationReason::code) };
    Some(CallError {
        call: "TransactWriteItems",
        code: Some(code.unwrap_or("TransactionCanceledException").to_owned()),
        message: stated.and_then(CancellationReason::message).unwrap_or("DynamoDB states no reason").to_owned(),
        source: None,
    })
}

impl Table {
    /// Writes a decision about the whole stack with its event.
    async fn write_stack(&self, action: TransactWriteItem, change: &Change) -> Result<(), CallError> {
        let actions = vec![action, self.event(None, change, 0)?];
        let call = self.client.transact_write_items().set_transact_items(Some(actions));
        call.send().await.map(drop).map_err(|error| call_error("TransactWriteItems", error))
    }

    /// The event of one change. `place` tells the changes of one order apart.
    fn event(&self, service: Option<&ServiceId>, change: &Change, place: usize) -> Result<TransactWriteItem, CallError> {
        let event = DecisionEvent::of(service, change);
        let about = event.about.as_ref().map_or("service", |about| about.as_str());
        let sort = format!("{}#{about}#{place}", event.at);
        let mut put = Put::builder().item("pk", s(&keys::history(service))).item("sk", s(&sort)).item("kind", s(KIND_EVENT));
        if let Some(service) = service {
            put = put.item("service", s(service.as_str()));
        }
        self.put_item(put.item("event", json(&event)?).item("at", s(&event.at.to_string())))
    }

    fn raise(&self, service: &ServiceId, expected: u64) -> Result<TransactWriteItem, CallError> {
        let condition = if expected == 0 { "attribute_not_exists(decisions) OR decisions = :expected" } else { "decisions = :expected" };
        let update = Update::builder()
            .table_name(&self.name)
            .key("pk", s(&keys::service(service)))
            .key("sk", s(STATE))
            .update_expression("SET decisions = :next, #open = :open")
            .condition_expression(condition)
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":expected", n(expected))
            .expression_attribute_values(":next", n(expected + 1))
            .expression_attribute_values(":open", s("yes"));
        Ok(TransactWriteItem::builder().update(update.build().map_err(unbuildable)?).build())
    }

    fn change(&self, pk: &str, service: &ServiceId, change: &Change) -> Result<TransactWriteItem, CallError> {
        let put =
            |sk: &str, kind: &str, name: &str, value: AttributeValue| self.put_item(self.item(pk, sk, kind, service).item(name, value));
        match change {
            Change::Grant { grant, .. } => put(&format!("{GRANT}{}", grant.to.as_str()), KIND_GRANT, "grant", json(grant)?),
            Change::Refuse { subject, refusal } => put(&format!("{REFUSAL}{subject}"), "refusal", "refusal", json(refusal)?),
            Change::Hold(hold) => put(HOLD, "hold", "hold", json(hold)?),
            Change::Resume(_) => {
                let delete = Delete::builder().table_name(&self.name).key("pk", s(pk)).key("sk", s(HOLD));
                Ok(TransactWriteItem::builder().delete(delete.build().map_err(unbuildable)?).build())
            }
        }
    }

    fn item(&self, pk: &str, sk: &str, kind: &str, service: &ServiceId) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().item("pk", s(pk)).item("sk", s(sk)).item("kind", s(kind)).item("service", s(service.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_overtaken_decisions_are_planned_again() {
        let reason = |code: &str| CancellationReason::builder().code(code).message("slow down").build();
        for overtaken in ["ConditionalCheckFailed", "TransactionConflict"] {
            assert!(refused(&[reason("None"), reason(overtaken)]).is_none(), "{overtaken}");
        }
        for (code, expected) in [("ThrottlingError", "ThrottlingException"), ("ValidationError", "ValidationError")] {
            let error = refused(&[reason("None"), reason(code)]).map(|error| (error.code, error.message));
            assert_eq!(error, Some((Some(expected.to_owned()), "slow down".to_owned())));
        }
        assert!(refused(&[]).is_some());
    }
}
