//! Writes a person's decision to the ledger.

use std::slice;

use warden::{
    decision::{
        grant::Grant,
        order::{Change, Order, Planned},
    },
    ledger::commit::CommitOutcome,
    ports::{PersonLedger, ServiceLedger},
};

use crate::{
    error::CliError,
    wording::{grantee, minute, person},
};

/// DynamoDB takes 100 actions in a transaction: one for the version, and two for each change.
const CHANGES_PER_WRITE_MAX: usize = 49;
/// A decision is lost only to another person's, or to a write of the warden at the same moment.
const ATTEMPTS_MAX: usize = 5;

/// Plans an order on what people decided before, and writes its changes. Another decision in between makes it plan again.
pub(super) async fn decide(ledger: &(impl ServiceLedger + PersonLedger), order: &Order) -> Result<Planned, CliError> {
    Ok(decide_all(ledger, slice::from_ref(order)).await?.pop().unwrap_or(Planned::NothingToEnd))
}

/// As [`decide`], but ends no grant other than those that the person was shown.
pub(super) async fn decide_as_shown(
    ledger: &(impl ServiceLedger + PersonLedger),
    order: &Order,
    shown: &[Grant],
) -> Result<Planned, CliError> {
    Ok(plan_and_write(ledger, slice::from_ref(order), Some(shown)).await?.pop().unwrap_or(Planned::NothingToEnd))
}

/// Plans orders about one service, each about another grantee, and writes their changes.
pub(crate) async fn decide_all(ledger: &(impl ServiceLedger + PersonLedger), orders: &[Order]) -> Result<Vec<Planned>, CliError> {
    plan_and_write(ledger, orders, None).await
}

async fn plan_and_write(
    ledger: &(impl ServiceLedger + PersonLedger),
    orders: &[Order],
    shown: Option<&[Grant]>,
) -> Result<Vec<Planned>, CliError> {
    let Some(Order { service, .. }) = orders.first() else { return Ok(Vec::new()) };
    for _ in 0..ATTEMPTS_MAX {
        // The version first: a decision that follows it makes the write fail.
        let version = ledger.items(service).await?.version.decisions;
        let before = ledger.decisions(service).await?;
        let planned = orders.iter().map(|order| order.plan(&before)).collect::<Result<Vec<Planned>, _>>()?;
        let changes: Vec<Change> = planned.iter().flat_map(changes_of).cloned().collect();
        if let Some(grant) = shown.and_then(|shown| changes.iter().find_map(|change| unseen(change, shown))) {
            let (to, at, by) = (grantee(&grant.to), minute(grant.at), person(&grant.by, &grant.reason));
            return Err(CliError::Usage(format!(
                "{to} was approved on {at}, by {by}, and nothing is changed: use `warden revoke` to end that"
            )));
        }
        let mut written = 0;
        for (chunk, expected) in changes.chunks(CHANGES_PER_WRITE_MAX).zip(version..) {
            match ledger.decide(service, chunk, expected).await? {
                CommitOutcome::Written => written += chunk.len(),
                CommitOutcome::Lost | CommitOutcome::OnHold => break,
            }
        }
        if written == changes.len() {
            return Ok(planned);
        }
    }
    Err(CliError::Failed(format!("others decide about {service} at the same time: try again")))
}

/// The grant that a change ends, if the person was not shown it.
fn unseen<'a>(change: &'a Change, shown: &[Grant]) -> Option<&'a Grant> {
    match change {
        Change::Grant { grant, former: Some(former) } => (grant.ended.is_some() && !shown.contains(former)).then_some(former),
        Change::Grant { .. } | Change::Refuse { .. } | Change::Hold(_) | Change::Resume(_) => None,
    }
}

fn changes_of(planned: &Planned) -> &[Change] {
    match planned {
        Planned::Changes(changes) => changes,
        Planned::AlreadyGranted(_) | Planned::NothingToEnd => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use warden::{
        decision::{Hold, PersonDecisions, grant::Grantee, order::Command},
        ledger::commit::{Commit, ServiceItems},
        model::ids::ServiceId,
        ports::{CallError, ReadError},
    };

    use super::*;

    /// A ledger on which others decide before the first `overtakes` writes.
    #[derive(Default)]
    struct Ledger {
        version: Mutex<u64>,
        overtakes: Mutex<usize>,
        written: Mutex<Vec<usize>>,
    }

    impl ServiceLedger for Ledger {
        async fn items(&self, _: &ServiceId) -> Result<ServiceItems, ReadError> {
            let mut items = ServiceItems::default();
            items.version.decisions = *self.version.lock().unwrap();
            Ok(items)
        }

        async fn decisions(&self, _: &ServiceId) -> Result<PersonDecisions, CallError> {
            Ok(PersonDecisions::default())
        }

        async fn commit(&self, _: &ServiceId, _: &Commit) -> Result<CommitOutcome, CallError> {
            Ok(CommitOutcome::Lost)
        }
    }

    impl PersonLedger for Ledger {
        async fn decide(&self, _: &ServiceId, changes: &[Change], expected: u64) -> Result<CommitOutcome, CallError> {
            let (mut version, mut overtakes) = (self.version.lock().unwrap(), self.overtakes.lock().unwrap());
            if *overtakes > 0 {
                (*version, *overtakes) = (*version + 1, *overtakes - 1);
            }
            if expected != *version {
                return Ok(CommitOutcome::Lost);
            }
            *version += 1;
            self.written.lock().unwrap().push(changes.len());
            Ok(CommitOutcome::Written)
        }

        async fn hold_stack(&self, _: &Hold) -> Result<(), CallError> {
            Ok(())
        }

        async fn resume_stack(&self, _: &Hold) -> Result<(), CallError> {
            Ok(())
        }
    }

    fn revocation(endpoints: usize) -> Order {
        let disconnect = (0..endpoints).map(|n| format!("vpce-{n:017x}").parse().unwrap()).collect();
        Order {
            service: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
            command: Command::Revoke { from: Vec::new(), disconnect, reject: Vec::new() },
            by: "ana".to_owned(),
            reason: "misused".to_owned().try_into().unwrap(),
            at: "2026-06-01T12:00:00Z".parse().unwrap(),
        }
    }

    fn run(overtakes: usize, order: &Order) -> (Result<Planned, CliError>, Vec<usize>) {
        let ledger = Ledger { overtakes: Mutex::new(overtakes), ..Ledger::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let planned = runtime.block_on(decide(&ledger, order));
        (planned, ledger.written.into_inner().unwrap())
    }

    #[test]
    fn overtaken_decision_is_planned_again() {
        for overtakes in [0, 1, ATTEMPTS_MAX - 1] {
            let (planned, written) = run(overtakes, &revocation(1));
            assert!(matches!(planned, Ok(Planned::Changes(_))), "{overtakes}: {planned:?}");
            assert_eq!(written, [1], "{overtakes}");
        }
        let (planned, written) = run(ATTEMPTS_MAX, &revocation(1));
        assert!(matches!(planned, Err(CliError::Failed(_))) && written.is_empty(), "{planned:?}");
    }

    #[test]
    fn grant_of_another_person_is_not_ended_unseen() {
        let grant: Grant = serde_json::from_value(serde_json::json!({
            "schema": 2, "service": "vpce-svc-03d5ebb7d9579a2b3", "to": {"subject": "vpce-00000000000000000"},
            "by": "kim", "reason": "pilot", "at": "2026-06-01T11:00:00Z", "until": null,
        }))
        .unwrap();
        let before = PersonDecisions { grants: vec![grant.clone()], ..PersonDecisions::default() };
        let Planned::Changes(changes) = revocation(1).plan(&before).unwrap() else { panic!("nothing to end") };
        let found = |shown: &[Grant]| changes.iter().find_map(|change| unseen(change, shown)).cloned();
        assert_eq!((found(&[]), found(slice::from_ref(&grant))), (Some(grant.clone()), None));
    }

    #[test]
    fn many_orders_are_written_together() {
        let grant = |n: usize| Order {
            command: Command::Approve { to: Grantee::Subject(format!("vpce-{n:017x}").parse().unwrap()), until: None, shown: Vec::new() },
            ..revocation(0)
        };
        let (ledger, orders) = (Ledger { overtakes: Mutex::new(1), ..Ledger::default() }, (0..60).map(grant).collect::<Vec<_>>());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let planned = runtime.block_on(decide_all(&ledger, &orders)).unwrap();
        assert_eq!((planned.len(), ledger.written.into_inner().unwrap()), (60, vec![49, 11]));
    }

    #[test]
    fn many_changes_are_several_writes() {
        let (planned, written) = run(0, &revocation(100));
        assert!(matches!(planned, Ok(Planned::Changes(changes)) if changes.len() == 100));
        assert_eq!(written, [49, 49, 2]);
    }
}
