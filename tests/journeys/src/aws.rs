//! The world, as the provider's account sees it through the warden's ports.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use local::world::{self, Ec2Error, Filter, PageRequest, World};
use warden::{
    decision::{ActionToken, ToAccept, ToReject},
    model::{
        connection::{Connection, ConnectionPage},
        ids::{AccountId, ServiceId, TopicArn},
        notification::ConnectionNotification,
        organization::{Member, Membership},
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration, ServiceKind, SupportedRegion},
    },
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Inventory, Reject, Unsuccessful},
};

use crate::{
    PROVIDER,
    faults::{Fault, Faults, refuse},
};

const CONNECTIONS: &str = "DescribeVpcEndpointConnections";
const SERVICES: &str = "DescribeVpcEndpointServiceConfigurations";
const NOTIFICATIONS: &str = "DescribeVpcEndpointConnectionNotifications";

/// How many moments a stale read can go back.
const MOMENTS_MAX: usize = 4;

/// EC2 over the world, with faults.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
    /// How things were, the latest first.
    past: Arc<Mutex<VecDeque<World>>>,
    /// What goes wrong, and which calls were made.
    pub faults: Faults,
}

impl Aws {
    /// EC2 over this world.
    #[must_use]
    pub fn new(world: World, faults: Faults) -> Self {
        Self { world: Arc::new(Mutex::new(world)), past: Arc::default(), faults }
    }

    /// The world itself.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps how things are now, for reads that are stale.
    pub fn keep_moment(&self) {
        let now = self.world().clone();
        let mut past = self.past();
        past.push_front(now);
        past.truncate(MOMENTS_MAX);
    }

    fn past(&self) -> MutexGuard<'_, VecDeque<World>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the world as it is, or as it was.
    async fn read<T>(&self, call: &'static str, read: impl Fn(&World) -> Result<T, Ec2Error>) -> Result<T, CallError> {
        let read = |fate| match fate {
            Fault::Stale(ago) => self.past().get(ago).map_or_else(|| read(&self.world()), &read),
            _ => read(&self.world()),
        };
        self.faults.fated(call, |fate| read(fate).map_err(failed(call))).await
    }

    /// Reads to the last page.
    async fn read_all<T>(
        &self,
        call: &'static str,
        read: impl Fn(&World, PageRequest) -> Result<world::Page<T>, Ec2Error>,
    ) -> Result<Vec<T>, CallError> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let answer = self.read(call, |world| read(world, page(token.clone()))).await?;
            found.extend(answer.items);
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// What EC2 does when it is asked to accept. It knows nothing of tokens.
    ///
    /// # Errors
    /// EC2's.
    pub async fn ask_to_accept(&self, service: &ServiceId, ids: &[String]) -> Result<ActOutcome, CallError> {
        self.ask_to_act("AcceptVpcEndpointConnections", ids, |world, ids| world.accept(PROVIDER, service.as_str(), ids).map(|(bad, _)| bad))
            .await
    }

    /// What EC2 does when it is asked to reject. It knows nothing of tokens.
    ///
    /// # Errors
    /// EC2's.
    pub async fn ask_to_reject(&self, service: &ServiceId, ids: &[String]) -> Result<ActOutcome, CallError> {
        self.ask_to_act("RejectVpcEndpointConnections", ids, |world, ids| world.reject(PROVIDER, service.as_str(), ids).map(|(bad, _)| bad))
            .await
    }

    async fn ask_to_act(
        &self,
        call: &'static str,
        ids: &[String],
        act: impl Fn(&mut World, &[String]) -> Result<Vec<world::Unsuccessful>, Ec2Error>,
    ) -> Result<ActOutcome, CallError> {
        let act = |ids: &[String]| act(&mut self.world(), ids).map_err(failed(call));
        self.faults
            .fated(call, |fate| match fate {
                Fault::Again => {
                    act(ids)?;
                    act(ids).map(asked)
                }
                Fault::Partly { code, named, done } => {
                    let is_in =
                        |set: u8, place: usize| u32::try_from(place).is_ok_and(|place| set.checked_shr(place).unwrap_or(0) & 1 == 1);
                    let (spared, acted): (Vec<_>, Vec<_>) = (0..).zip(ids).partition(|(place, _)| is_in(named & !done, *place));
                    let mut bad = act(&acted.iter().map(|(_, id)| (*id).clone()).collect::<Vec<_>>())?;
                    let blamed = spared.into_iter().chain(acted.into_iter().filter(|(place, _)| is_in(named, *place)));
                    let message = || "It did not go well".to_owned();
                    bad.extend(blamed.map(|(_, id)| world::Unsuccessful {
                        resource_id: id.clone(),
                        code: code.to_owned(),
                        message: message(),
                    }));
                    Ok(asked(bad))
                }
                _ => act(ids).map(asked),
            })
            .await
    }
}

fn failed(call: &'static str) -> impl Fn(Ec2Error) -> CallError {
    move |error| refuse(call, &error.code)
}

fn page(next_token: Option<String>) -> PageRequest {
    PageRequest { max_results: Some(1000), next_token }
}

fn filter(name: &str, value: &str) -> Vec<Filter> {
    vec![Filter { name: name.to_owned(), values: vec![value.to_owned()] }]
}

impl Describe for Aws {
    async fn connections(&self, of: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        let filters = match of {
            ConnectionFilter::Service(id) => filter("service-id", id.as_str()),
            ConnectionFilter::Endpoint(id) => filter("vpc-endpoint-id", id.as_str()),
            ConnectionFilter::All => Vec::new(),
        };
        let found = self.read_all(CONNECTIONS, |world, page| world.describe_connections(PROVIDER, &filters, page)).await?;
        Ok(found.iter().map(connection).collect())
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let filters = id.map_or_else(Vec::new, |id| filter("service-id", id.as_str()));
        let found = self.read_all(SERVICES, |world, page| world.describe_services(PROVIDER, &[], &filters, page)).await?;
        Ok(found.iter().map(service).collect())
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        let filters = filter("connection-notification-arn", topic.as_str());
        let found = self.read_all(NOTIFICATIONS, |world, page| world.describe_notifications(PROVIDER, None, &filters, page)).await?;
        Ok(found.iter().filter_map(|notification| notification.service_id.parse().ok()).collect())
    }
}

impl Accept for Aws {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        self.ask_to_accept(service, &ids(&tokens)).await
    }
}

impl Reject for Aws {
    async fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        self.ask_to_reject(service, &ids(&tokens)).await
    }
}

impl Directory for Aws {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        let found = self.read("DescribeAccount", |world| match world.organization.describe(account.as_str()) {
            Ok(found) => Ok(Membership::Member(Member {
                name: Some(found.name.clone()),
                state: found.state.clone(),
                units: warden::model::organization::units(&found.path),
            })),
            Err(error) if error.code == "AccountNotFoundException" => Ok(Membership::Outside),
            Err(error) => Err(error),
        });
        found.await
    }
}

impl Inventory for Aws {
    async fn service_configurations(&self) -> Result<Vec<ServiceConfiguration>, CallError> {
        let found = self.read_all(SERVICES, |world, page| world.describe_services(PROVIDER, &[], &[], page)).await?;
        let region = |name: &String| SupportedRegion { region: name.parse().unwrap(), state: "Available".to_owned() };
        let offer = |from: &world::Service| ServiceConfiguration {
            service: service(from),
            regions: from.supported_regions.iter().map(region).collect(),
        };
        Ok(found.iter().map(offer).collect())
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<AllowedPrincipal>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServicePermissions";
        let found = self.read_all(CALL, |world, page| world.describe_permissions(PROVIDER, service.as_str(), &[], page)).await?;
        Ok(found.iter().map(|from| AllowedPrincipal::parse(&from.principal_type, &from.principal)).collect())
    }

    async fn connection_notifications(&self) -> Result<Vec<ConnectionNotification>, CallError> {
        let found = self.read_all(NOTIFICATIONS, |world, page| world.describe_notifications(PROVIDER, None, &[], page)).await?;
        let subscription = |from: &world::Notification| ConnectionNotification {
            service: from.service_id.parse().unwrap(),
            topic: from.topic_arn.clone(),
            events: from.events.clone(),
            enabled: from.state == "Enabled",
        };
        Ok(found.iter().map(subscription).collect())
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<ConnectionPage, CallError> {
        let filters = filter("service-id", service.as_str());
        let asked = page(from.map(str::to_owned));
        let answer = self.read(CONNECTIONS, |world| world.describe_connections(PROVIDER, &filters, asked.clone())).await?;
        Ok(ConnectionPage { connections: answer.items.iter().map(connection).collect(), unreadable: Vec::new(), next: answer.next_token })
    }
}

fn ids<Act>(tokens: &[ActionToken<Act>]) -> Vec<String> {
    tokens.iter().map(|token| token.endpoint().to_string()).collect()
}

fn asked(unsuccessful: Vec<world::Unsuccessful>) -> ActOutcome {
    let item = |item: world::Unsuccessful| Unsuccessful { resource: item.resource_id, code: item.code, message: item.message };
    ActOutcome::Asked(unsuccessful.into_iter().map(item).collect())
}

fn connection(from: &world::Connection) -> Connection {
    Connection {
        service: from.service_id.parse().unwrap(),
        endpoint: from.endpoint_id.parse().unwrap(),
        owner: from.owner.as_ref().and_then(|owner| owner.parse().ok()),
        state: from.state.clone().into(),
        created: from.created,
        region: from.region.as_ref().and_then(|region| region.parse().ok()),
        ip_address_type: from.ip_address_type.clone(),
    }
}

fn service(from: &world::Service) -> Service {
    Service {
        id: from.id.parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::from(from.kind.clone()),
        acceptance_required: from.acceptance_required,
        tags: from.tags.clone(),
    }
}
