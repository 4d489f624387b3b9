//! EC2 and Organizations as the account of the provider sees them: the world behind the warden's ports.

mod convert;

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
        organization::Membership,
        principal::AllowedPrincipal,
        service::{Service, ServiceConfiguration},
    },
    ports::{Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, Inventory, Reject},
};

use crate::{
    PROVIDER,
    faults::{Fault, Faults, error},
};

const CONNECTIONS: &str = "DescribeVpcEndpointConnections";
const SERVICES: &str = "DescribeVpcEndpointServiceConfigurations";
const NOTIFICATIONS: &str = "DescribeVpcEndpointConnectionNotifications";

/// Changes connections of one service.
type Change = fn(&mut World, &str, &str, &[String]) -> world::Ec2Result<world::Changes>;

/// The number of moments that a stale read can go back.
const MOMENTS_MAX: usize = 4;

/// The world behind the ports, with faults.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
    /// Earlier states, the latest first.
    past: Arc<Mutex<VecDeque<World>>>,
    pub faults: Faults,
}

impl Aws {
    pub fn new(world: World, faults: Faults) -> Self {
        Self { world: Arc::new(Mutex::new(world)), past: Arc::default(), faults }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the present state for stale reads.
    pub fn keep_moment(&self) {
        let now = self.world().clone();
        let mut past = self.past();
        past.push_front(now);
        past.truncate(MOMENTS_MAX);
    }

    fn past(&self) -> MutexGuard<'_, VecDeque<World>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the present or an earlier state.
    async fn read<T>(&self, call: &'static str, read: impl Fn(&World) -> Result<T, Ec2Error>) -> Result<T, CallError> {
        let read = |fault| match fault {
            Fault::Stale(ago) => self.past().get(ago).map_or_else(|| read(&self.world()), &read),
            _ => read(&self.world()),
        };
        self.faults.around_answer(call, |fault| read(fault).map_err(failed(call))).await
    }

    async fn read_all_pages<T>(
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

    async fn act<Act>(
        &self,
        call: &'static str,
        tokens: &[ActionToken<Act>],
        act: impl Fn(&mut World, &[String]) -> Result<Vec<world::Unsuccessful>, Ec2Error>,
    ) -> Result<ActOutcome, CallError> {
        let ids: Vec<String> = tokens.iter().map(|token| token.subject().to_string()).collect();
        let act = |ids: &[String]| act(&mut self.world(), ids).map_err(failed(call));
        self.faults
            .around_answer(call, |fault| match fault {
                Fault::Again => {
                    act(&ids)?;
                    act(&ids).map(convert::outcome)
                }
                Fault::Unmatched => {
                    let resource_id = "vpce-0ffffffffffffffff".to_owned();
                    let item = world::Unsuccessful { resource_id, code: "Unknown".to_owned(), message: "It failed".to_owned() };
                    Ok(convert::outcome(vec![item]))
                }
                Fault::Partly { code, named, done } => {
                    let contains =
                        |set: u8, place: usize| u32::try_from(place).is_ok_and(|place| set.checked_shr(place).unwrap_or(0) & 1 == 1);
                    let (spared, acted): (Vec<_>, Vec<_>) = (0..).zip(&ids).partition(|(place, _)| contains(named & !done, *place));
                    let mut unsuccessful = act(&acted.iter().map(|(_, id)| (*id).clone()).collect::<Vec<_>>())?;
                    let named = spared.into_iter().chain(acted.into_iter().filter(|(place, _)| contains(named, *place)));
                    unsuccessful.extend(named.map(|(_, id)| world::Unsuccessful {
                        resource_id: id.clone(),
                        code: code.to_owned(),
                        message: "It failed".to_owned(),
                    }));
                    Ok(convert::outcome(unsuccessful))
                }
                _ => act(&ids).map(convert::outcome),
            })
            .await
    }
}

/// Returns the act on endpoints or on attachments. EC2 takes ids of one kind in one call.
fn by_kind(ids: &[String], of_endpoints: Change, of_attachments: Change) -> Result<Change, Ec2Error> {
    match ids.iter().filter(|id| id.starts_with("tgw-attach-")).count() {
        0 => Ok(of_endpoints),
        count if count == ids.len() => Ok(of_attachments),
        _ => Err(Ec2Error::new("InvalidParameterCombination", "Specify either VpcEndpointIds or TransitGatewayAttachmentIds, not both")),
    }
}

fn failed(call: &'static str) -> impl Fn(Ec2Error) -> CallError {
    move |cause| error(call, &cause.code)
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
            ConnectionFilter::Subject(id) => filter(id.filter_name(), id.as_str()),
            ConnectionFilter::All => Vec::new(),
        };
        let found = self.read_all_pages(CONNECTIONS, |world, page| world.describe_connections(PROVIDER, &filters, page)).await?;
        Ok(convert::connections(&found))
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let filters = id.map_or_else(Vec::new, |id| filter("service-id", id.as_str()));
        let found = self.read_all_pages(SERVICES, |world, page| world.describe_services(PROVIDER, &[], &filters, page)).await?;
        Ok(found.iter().map(convert::service).collect())
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        let filters = filter("connection-notification-arn", topic.as_str());
        let found = self.read_all_pages(NOTIFICATIONS, |world, page| world.describe_notifications(PROVIDER, None, &filters, page)).await?;
        Ok(found.iter().filter_map(|notification| notification.service_id.parse().ok()).collect())
    }
}

impl Accept for Aws {
    async fn accept(&self, service: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        let accept = |world: &mut World, ids: &[String]| {
            let accept = by_kind(ids, World::accept, World::accept_attachments)?;
            Ok(accept(world, PROVIDER, service.as_str(), ids)?.0)
        };
        self.act("AcceptVpcEndpointConnections", &tokens, accept).await
    }
}

impl Reject for Aws {
    async fn reject(&self, service: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        let reject = |world: &mut World, ids: &[String]| {
            let reject = by_kind(ids, World::reject, World::reject_attachments)?;
            Ok(reject(world, PROVIDER, service.as_str(), ids)?.0)
        };
        self.act("RejectVpcEndpointConnections", &tokens, reject).await
    }
}

impl Directory for Aws {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        let read = |world: &World| match world.organization.describe(account.as_str()) {
            Ok(found) => Ok(convert::member(found)),
            Err(error) if error.code == "AccountNotFoundException" => Ok(Membership::Outside),
            Err(error) => Err(error),
        };
        self.read("DescribeAccount", read).await
    }
}

impl Inventory for Aws {
    async fn service_configurations(&self) -> Result<Vec<ServiceConfiguration>, CallError> {
        let found = self.read_all_pages(SERVICES, |world, page| world.describe_services(PROVIDER, &[], &[], page)).await?;
        Ok(found.iter().map(convert::configuration).collect())
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<AllowedPrincipal>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServicePermissions";
        let found = self.read_all_pages(CALL, |world, page| world.describe_permissions(PROVIDER, service.as_str(), &[], page)).await?;
        let parse = |from: &world::Permission| {
            let permission_type = self.world().permission_type(&from.id);
            AllowedPrincipal::parse(&from.principal_type, &from.principal).of_type(permission_type.as_str())
        };
        Ok(found.iter().map(parse).collect())
    }

    async fn connection_notifications(&self) -> Result<Vec<ConnectionNotification>, CallError> {
        let found = self.read_all_pages(NOTIFICATIONS, |world, page| world.describe_notifications(PROVIDER, None, &[], page)).await?;
        Ok(found.iter().map(convert::notification).collect())
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<ConnectionPage, CallError> {
        let filters = filter("service-id", service.as_str());
        let asked = page(from.map(str::to_owned));
        let answer = self.read(CONNECTIONS, |world| world.describe_connections(PROVIDER, &filters, asked.clone())).await?;
        let connections = convert::connections(&answer.items);
        Ok(ConnectionPage { connections, unreadable: Vec::new(), next: answer.next_token })
    }
}
