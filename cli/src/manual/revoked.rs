//! The grants and connections that a revocation ends.

use warden::{
    aws::dynamodb::Table,
    decision::grant::{Grant, Grantee},
    model::{
        connection::{Connection, Phase},
        ids::{AccountId, ServiceId},
        service::Service,
        subject::Subject,
    },
    ports::{ConnectionFilter, Describe},
};

use crate::{
    arguments::Target,
    aws::{Aws, Described},
    error::CliError,
};

/// The grants and connections that a revocation ends.
#[derive(Debug)]
pub(super) struct Revoked {
    pub(super) service: ServiceId,
    /// `None` if EC2 no longer knows the service, or only the ledger knows the endpoint.
    pub(super) described: Option<Service>,
    /// The connection that the person named, if EC2 knows it.
    pub(super) named: Option<Connection>,
    account: Option<AccountId>,
    /// Every connection of the service.
    pub(super) all: Vec<Connection>,
    /// The grantees whose grants end.
    pub(super) from: Vec<Grantee>,
    /// True if no connection ends.
    pub(super) grants_only: bool,
}

impl Revoked {
    /// Finds what EC2 and the ledger know of a target. EC2 forgets an endpoint some time after its deletion; its grant stays.
    pub(super) async fn find(aws: &Aws, ledger: &Table, target: &Target) -> Result<Self, CliError> {
        match target {
            Target::Endpoint(endpoint, service) => {
                let found = aws.find(endpoint).await?.filter(|one| service.as_ref().is_none_or(|service| one.service.id == *service));
                match found {
                    Some(described) => Ok(Self::described(described, None)),
                    None => Self::forgotten(aws, ledger, endpoint, service.as_ref()).await,
                }
            }
            Target::AccountOf(endpoint) => {
                let described = aws.describe(endpoint).await?;
                let unnamed = || CliError::Failed("EC2 does not name the account: revoke the endpoint without --account".to_owned());
                let account = described.connection.owner.clone().ok_or_else(unnamed)?;
                Ok(Self::described(described, Some(account)))
            }
            Target::Account(account, service) => {
                let described = aws.ec2.services(Some(service)).await?.into_iter().find(|one| one.id == *service);
                let all = match &described {
                    Some(_) => aws.ec2.connections(ConnectionFilter::Service(service)).await?,
                    None => Vec::new(),
                };
                Ok(Self::of(service.clone(), described, None, Some(account.clone()), all))
            }
        }
    }

    fn described(Described { service, connection, all }: Described, account: Option<AccountId>) -> Self {
        Self::of(service.id.clone(), Some(service), Some(connection), account, all)
    }

    async fn forgotten(aws: &Aws, ledger: &Table, endpoint: &Subject, service: Option<&ServiceId>) -> Result<Self, CliError> {
        let to = Grantee::Subject(endpoint.clone());
        let (grants, _) = ledger.grants_on(service).await?;
        let grant = grants.into_iter().find(|grant| grant.to == to).ok_or_else(|| aws.unknown(endpoint))?;
        Ok(Self { from: vec![to], ..Self::of(grant.service, None, None, None, Vec::new()) })
    }

    fn of(
        service: ServiceId,
        described: Option<Service>,
        named: Option<Connection>,
        account: Option<AccountId>,
        all: Vec<Connection>,
    ) -> Self {
        let mut revoked = Self { service, described, named, account, all, from: Vec::new(), grants_only: false };
        let subjects = revoked.selected().map(|one| Grantee::Subject(one.subject.clone()));
        revoked.from = subjects.chain(revoked.account.clone().map(Grantee::Account)).collect();
        revoked
    }

    /// The connections of the person's choice.
    fn selected(&self) -> impl Iterator<Item = &Connection> {
        let of_account = |one: &Connection| self.account.is_some() && one.owner == self.account;
        let is_named = |one: &Connection| self.named.as_ref().is_some_and(|named| named.subject == one.subject);
        self.all.iter().filter(move |one| is_named(one) || of_account(one))
    }

    /// A connection by which the policy set's answer to the next request can be judged.
    pub(super) fn example(&self) -> Option<&Connection> {
        self.named.as_ref().or_else(|| self.selected().next())
    }

    /// The connections to end: those that are established, and the named request if a grant is about to accept it.
    pub(super) fn targets(&self, held: &[&Grant]) -> Vec<&Connection> {
        let is_named = |one: &Connection| self.named.as_ref().is_some_and(|named| named.subject == one.subject);
        let is_granted = |one: &Connection| held.iter().any(|grant| grant.applies_to(one));
        let ends = |one: &&Connection| match one.state.phase() {
            _ if self.grants_only => false,
            _ if one.is_connected() => true,
            Phase::Waiting => is_named(one) && is_granted(one),
            Phase::Live | Phase::Unknown | Phase::Gone => false,
        };
        self.selected().filter(ends).collect()
    }

    /// The grants that cover the named connection and do not end.
    pub(super) fn staying<'a>(&'a self, held: &'a [&Grant]) -> impl Iterator<Item = &'a Grant> {
        let covers = |grant: &&&Grant| self.named.as_ref().is_some_and(|named| grant.applies_to(named)) && !self.from.contains(&grant.to);
        held.iter().filter(covers).copied()
    }

    /// Returns a sentence if there is nothing to end. A pending request that was never approved is an error of the caller.
    pub(super) fn nothing_to_do(&self, held: &[&Grant]) -> Result<Option<String>, CliError> {
        if held.iter().any(|grant| self.from.contains(&grant.to)) || !self.targets(held).is_empty() {
            return Ok(None);
        }
        let service = &self.service;
        Ok(Some(match (&self.named, &self.account, self.from.first()) {
            (Some(named), ..) if named.state.phase() == Phase::Waiting => {
                let endpoint = &named.subject;
                return Err(CliError::Usage(format!(
                    "{endpoint} is pending and no grant covers it: there is nothing to revoke. `warden reject {endpoint}` rejects the request"
                )));
            }
            // The ledger names no person here: it is unknown who ended the connection.
            (Some(named), ..) if named.state.phase() == Phase::Gone => format!("{} is already {}.", named.subject, named.state.as_str()),
            (_, Some(account), _) => format!("Account {account} has no grant for {service} and no connection: nothing is changed."),
            (_, None, Some(to)) => format!("No grant to {} for {service} holds: nothing is changed.", to.as_str()),
            (_, None, None) => "There is nothing to revoke.".to_owned(),
        }))
    }
}

/// What was shown to a person, and is still so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Still {
    pub(super) live: Vec<Subject>,
    pub(super) pending: Vec<Subject>,
    /// What is no longer as it was shown, in words.
    pub(super) changed: Vec<String>,
}

/// Compares what was shown with what EC2 describes now.
pub(super) fn recheck(shown: &[Connection], now: &[Connection]) -> Still {
    let mut still = Still::default();
    for was in shown {
        let is = now.iter().find(|one| one.subject == was.subject);
        match (was.state.phase(), is.map(|is| is.state.phase())) {
            _ if was.is_connected() && is.is_some_and(Connection::is_connected) => still.live.push(was.subject.clone()),
            (Phase::Waiting, Some(Phase::Waiting)) => still.pending.push(was.subject.clone()),
            _ => {
                let state = is.map_or("no longer described by EC2", |is| is.state.as_str());
                still.changed.push(format!(
                    "{} was {} when you were asked and is {state} now: its connection is left alone. Look again, and repeat the command",
                    was.subject,
                    was.state.as_str()
                ));
            }
        }
    }
    still
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "vpce-svc-03d5ebb7d9579a2b3";

    fn connection(n: u8, owner: &str, state: &str) -> Connection {
        serde_json::from_value(json!({"service": SERVICE, "subject": format!("vpce-{n:017x}"), "owner": owner, "state": state})).unwrap()
    }

    fn grant(to: &serde_json::Value) -> Grant {
        serde_json::from_value(json!({"schema": 2, "service": SERVICE, "to": to, "by": "ana", "reason": "r", "at": "2026-06-01T12:00:00Z"}))
            .unwrap()
    }

    fn revoked(named: Option<&Connection>, account: Option<&str>, all: &[Connection]) -> Revoked {
        Revoked::of(SERVICE.parse().unwrap(), None, named.cloned(), account.map(|account| account.parse().unwrap()), all.to_vec())
    }

    const A: &str = "111122223333";
    const B: &str = "444455556666";

    #[test]
    fn account_without_endpoint_loses_its_grant() {
        let of_account = grant(&json!({"account": A}));
        let revoked = revoked(None, Some(A), &[connection(1, B, "available")]);
        assert_eq!((revoked.from.clone(), revoked.targets(&[&of_account])), (vec![of_account.to.clone()], Vec::new()));
        assert!(matches!(revoked.nothing_to_do(&[&of_account]), Ok(None)));
        assert!(matches!(revoked.nothing_to_do(&[]), Ok(Some(text)) if text.contains("no grant")));
    }

    #[test]
    fn account_loses_every_connection_and_grant() {
        let all = [
            connection(1, A, "available"),
            connection(2, A, "pendingAcceptance"),
            connection(3, B, "available"),
            connection(4, A, "deleted"),
        ];
        let revoked = revoked(None, Some(A), &all);
        assert_eq!(revoked.targets(&[]), [&all[0]]);
        assert_eq!(revoked.from.len(), 4, "three endpoints and the account");
    }

    #[test]
    fn pending_request_without_grant_is_left_alone() {
        let all = [connection(1, A, "pendingAcceptance")];
        let revoked = revoked(Some(&all[0]), None, &all);
        let error = revoked.nothing_to_do(&[]).unwrap_err();
        assert!(error.to_string().contains("nothing to revoke. `warden reject vpce-") && error.exit_status() == 2, "{error}");
        let other = grant(&json!({"account": B}));
        assert!(revoked.nothing_to_do(&[&other]).is_err(), "a grant of another account");
        let covering = grant(&json!({"account": A}));
        assert_eq!(revoked.targets(&[&covering]), [&all[0]]);
        assert_eq!(revoked.staying(&[&covering]).count(), 1);
    }

    #[test]
    fn grants_end_without_a_disconnection() {
        let all = [connection(1, A, "available")];
        let of_account = grant(&json!({"account": A}));
        let revoked = Revoked { grants_only: true, ..revoked(None, Some(A), &all) };
        assert!(revoked.targets(&[&of_account]).is_empty() && matches!(revoked.nothing_to_do(&[&of_account]), Ok(None)));
        assert!(matches!(revoked.nothing_to_do(&[]), Ok(Some(_))));
    }

    #[test]
    fn only_what_was_shown_is_ended() {
        let shown = [connection(1, A, "available"), connection(2, A, "pendingAcceptance"), connection(3, A, "available")];
        let now = [connection(1, A, "partial"), connection(2, A, "available"), connection(4, A, "available")];
        let still = recheck(&shown, &now);
        assert_eq!((still.live, still.pending), (vec![shown[0].subject.clone()], Vec::new()));
        assert!(still.changed[0].contains("was pendingAcceptance when you were asked and is available now"), "{:?}", still.changed);
        assert!(still.changed[1].contains("no longer described"), "{:?}", still.changed);
    }
}
