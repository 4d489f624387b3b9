//! EC2 and Organizations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use scenarios::Aws;
use warden::{
    decision::{ActionToken, ToAccept, ToReject},
    ledger::record::Act,
    model::{
        connection::{Connection, ConnectionPage, Phase, State},
        ids::{AccountId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::{self, Membership},
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
        subject::Subject,
    },
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Inventory, Reject},
};

use super::{Shared, lock};
use crate::{mutants::Flaw, reference::Member, simulation::now};

/// The answers that one environment of `approve` got, and its intents.
#[derive(Debug, Default)]
pub struct Log {
    /// The last descriptions in the present invocation, by service.
    pub services: BTreeMap<String, Service>,
    /// The last lists of connections in the present invocation, by service.
    pub lists: BTreeMap<String, Vec<Connection>>,
    pub members: Vec<(Timestamp, AccountId, Member)>,
    /// The intent in the write that it last attempted.
    pub intent: Option<(Act, Vec<Subject>)>,
    /// The accounts that Organizations still describes.
    pub lookups_left: Option<usize>,
}

#[derive(Clone)]
pub struct Ec2Port {
    pub aws: Aws,
    pub log: Shared<Log>,
    pub flaw: Option<Flaw>,
    pub page_size: usize,
    /// The endpoints and the owners in the present messages.
    pub claimed: Vec<(Subject, AccountId)>,
}

impl Ec2Port {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn outcome(&self, answer: Result<ActOutcome, CallError>) -> Result<ActOutcome, CallError> {
        match answer {
            Ok(ActOutcome::Asked(_)) if self.has(Flaw::IgnoresUnsuccessful) => Ok(ActOutcome::Asked(Vec::new())),
            Err(_) if self.has(Flaw::TakesErrorsForSuccess) => Ok(ActOutcome::Asked(Vec::new())),
            other => other,
        }
    }

    fn may_look_up(&self) -> bool {
        let mut log = lock(&self.log);
        let left = log.lookups_left;
        log.lookups_left = left.map(|left| left.saturating_sub(1));
        left != Some(0)
    }

    fn described(&self, mut found: Vec<Connection>) -> Vec<Connection> {
        if self.has(Flaw::ReadsTheFirstPageOnly) {
            found.truncate(self.page_size);
        }
        found.iter_mut().for_each(|connection| self.mutate(connection));
        found
    }

    fn mutate(&self, connection: &mut Connection) {
        match self.flaw {
            // The SDK's enum does not know the spelling of EC2, so it makes an unknown state of `pendingAcceptance`.
            Some(Flaw::ReadsStatesWithTheSdkEnum) => connection.state = State::Unknown(connection.state.as_str().to_owned()),
            Some(Flaw::ReadsConnectedAsPending) if connection.state.phase() == Phase::Live => connection.state = State::PendingAcceptance,
            Some(Flaw::AssumesOmittedFacts) => {
                connection.region.get_or_insert_with(|| "us-east-1".parse().unwrap());
                connection.ip_address_type.get_or_insert_with(|| "ipv4".to_owned());
            }
            Some(Flaw::TrustsTheEventsOwner) => {
                if let Some((_, owner)) = self.claimed.iter().rfind(|(subject, _)| connection.subject == *subject) {
                    connection.owner = Some(owner.clone());
                }
            }
            _ => {}
        }
    }
}

fn throttled() -> CallError {
    let code = Some("TooManyRequestsException".to_owned());
    CallError { call: "DescribeAccount", code, message: "Too many requests".to_owned(), source: None }
}

impl Describe for Ec2Port {
    async fn connections(&self, of: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        let found = self.aws.connections(of).await?;
        if let ConnectionFilter::Service(id) = of {
            lock(&self.log).lists.insert(id.to_string(), found.clone());
        }
        Ok(self.described(found))
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let mut found = self.aws.services(id).await?;
        lock(&self.log).services.extend(found.iter().map(|service| (service.id.to_string(), service.clone())));
        if self.has(Flaw::ActsOnObservedServices) {
            found.iter_mut().for_each(|service| drop(service.tags.remove("warden:mode")));
        }
        Ok(found)
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        self.aws.services_notifying(topic).await
    }
}

impl Accept for Ec2Port {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        self.outcome(self.aws.accept(service, tokens).await)
    }
}

impl Reject for Ec2Port {
    async fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        self.outcome(self.aws.reject(service, tokens).await)
    }
}

impl Directory for Ec2Port {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        let answer = if self.may_look_up() { self.aws.member(account).await } else { Err(throttled()) };
        let member = match &answer {
            Ok(Membership::Member(member)) => Member::Inside { units: member.units.clone(), active: member.state == "ACTIVE" },
            Ok(Membership::Outside) => Member::Outside,
            Ok(Membership::NotAsked | Membership::Unknown { .. }) | Err(_) => Member::Unknown,
        };
        lock(&self.log).members.push((now(), account.clone(), member));
        match answer {
            Err(_) if self.has(Flaw::TakesNoAnswerForOutside) => Ok(Membership::Outside),
            Ok(Membership::Member(member)) if self.has(Flaw::TakesEveryMemberForActive) => {
                Ok(Membership::Member(organization::Member { state: "ACTIVE".to_owned(), ..member }))
            }
            answer => answer,
        }
    }
}

impl Inventory for Ec2Port {
    async fn service_configurations(&self) -> Result<Vec<ServiceConfiguration>, CallError> {
        self.aws.service_configurations().await
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<AllowedPrincipal>, CallError> {
        self.aws.permissions(service).await
    }

    async fn connection_notifications(&self) -> Result<Vec<ConnectionNotification>, CallError> {
        self.aws.connection_notifications().await
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<ConnectionPage, CallError> {
        let page = self.aws.page(service, from).await?;
        let next = page.next.filter(|_| !self.has(Flaw::AuditsTheFirstPageOnly));
        Ok(ConnectionPage { connections: self.described(page.connections), next, ..page })
    }
}
