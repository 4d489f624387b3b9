//! EC2 and Organizations.

use jiff::Timestamp;
use scenarios::Aws;
use warden::{
    decision::{ActionToken, ToAccept, ToReject},
    model::{
        connection::{Connection, ConnectionPage, Phase, State},
        ids::{AccountId, EndpointId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::{self, Membership},
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
    },
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Inventory, Reject},
};

use super::{Shared, lock};
use crate::{mutants::Flaw, reference::Member, simulation::now};

/// The answers that one environment of `approve` got, and its acts.
#[derive(Debug, Default)]
pub struct Log {
    pub services: Vec<(Timestamp, Service)>,
    pub members: Vec<(Timestamp, AccountId, Member)>,
    /// The lists of connections in the present invocation.
    pub lists: Vec<Vec<Connection>>,
    /// The endpoints that it asked EC2 to accept, in order.
    pub asked: Vec<EndpointId>,
    /// The endpoints that EC2 accepted, each with the number of lists that were read before.
    pub accepted: Vec<(usize, EndpointId)>,
}

#[derive(Clone)]
pub struct Ec2Port {
    pub aws: Aws,
    pub log: Shared<Log>,
    pub flaw: Option<Flaw>,
    pub page_size: usize,
    /// The endpoint and the owner in the present event.
    pub claimed: Option<(EndpointId, AccountId)>,
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
                if let Some((_, owner)) = self.claimed.as_ref().filter(|(endpoint, _)| connection.endpoint == *endpoint) {
                    connection.owner = Some(owner.clone());
                }
            }
            _ => {}
        }
    }
}

impl Describe for Ec2Port {
    async fn connections(&self, of: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        let found = self.aws.connections(of).await?;
        // The answer about one endpoint does not show how many others there are.
        if !matches!(of, ConnectionFilter::Endpoint(_)) {
            lock(&self.log).lists.push(found.clone());
        }
        Ok(self.described(found))
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let found = self.aws.services(id).await?;
        lock(&self.log).services.extend(found.iter().map(|service| (now(), service.clone())));
        Ok(found)
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        self.aws.services_notifying(topic).await
    }
}

impl Accept for Ec2Port {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        lock(&self.log).asked.extend(tokens.iter().map(|token| token.endpoint().clone()));
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
        let answer = self.aws.member(account).await;
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
