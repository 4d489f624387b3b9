//! The world, as the provider's account sees it through the warden's ports.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local::world::{self, Ec2Error, Filter, PageRequest, World};
use warden::{
    connection::{Connection, Service, ServiceKind},
    decision::{Permit, ToAccept, ToReject},
    ids::{AccountId, ServiceId, TopicArn},
    organization::{Member, Membership},
    ports::{Accept, CallError, Describe, Directory, Effect, Of, Reject, Survey, Unsuccessful},
    principal::Permission,
    survey::{Offer, Page, Subscription, SupportedRegion},
};

use crate::{
    PROVIDER,
    faults::{Faults, refuse},
};

/// EC2 over the world, with faults.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
    /// What goes wrong, and which calls were made.
    pub faults: Faults,
}

impl Aws {
    /// EC2 over this world.
    #[must_use]
    pub fn new(world: World, faults: Faults) -> Self {
        Self { world: Arc::new(Mutex::new(world)), faults }
    }

    /// The world itself.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn connections(&self, of: Of<'_>) -> Result<Vec<Connection>, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnections";
        let filters = match of {
            Of::Service(id) => filter("service-id", id.as_str()),
            Of::Endpoint(id) => filter("vpc-endpoint-id", id.as_str()),
            Of::Everybody => Vec::new(),
        };
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .faults
                .around(CALL, || self.world().describe_connections(PROVIDER, &filters, page(token.clone())).map_err(failed(CALL)))?;
            found.extend(answer.items.iter().map(connection));
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    async fn services(&self, id: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServiceConfigurations";
        let filters = id.map_or_else(Vec::new, |id| filter("service-id", id.as_str()));
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let answer = self
                .faults
                .around(CALL, || self.world().describe_services(PROVIDER, &[], &filters, page(token.clone())).map_err(failed(CALL)))?;
            found.extend(answer.items.iter().map(service));
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    async fn services_notifying(&self, topic: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnectionNotifications";
        let filters = filter("connection-notification-arn", topic.as_str());
        let answer =
            self.faults.around(CALL, || self.world().describe_notifications(PROVIDER, None, &filters, page(None)).map_err(failed(CALL)))?;
        Ok(answer.items.iter().filter_map(|notification| notification.service_id.parse().ok()).collect())
    }
}

impl Accept for Aws {
    async fn accept(&self, service: &ServiceId, permits: Vec<Permit<ToAccept>>) -> Result<Effect, CallError> {
        const CALL: &str = "AcceptVpcEndpointConnections";
        self.faults.around(CALL, || {
            self.world().accept(PROVIDER, service.as_str(), &ids(&permits)).map(|(bad, _)| asked(&bad)).map_err(failed(CALL))
        })
    }
}

impl Reject for Aws {
    async fn reject(&self, service: &ServiceId, permits: Vec<Permit<ToReject>>) -> Result<Effect, CallError> {
        const CALL: &str = "RejectVpcEndpointConnections";
        self.faults.around(CALL, || {
            self.world().reject(PROVIDER, service.as_str(), &ids(&permits)).map(|(bad, _)| asked(&bad)).map_err(failed(CALL))
        })
    }
}

impl Directory for Aws {
    async fn member(&self, account: &AccountId) -> Result<Membership, CallError> {
        const CALL: &str = "DescribeAccount";
        self.faults.around(CALL, || match self.world().organization.describe(account.as_str()) {
            Ok(found) => Ok(Membership::Member(Member {
                name: Some(found.name.clone()),
                state: found.state.clone(),
                units: warden::organization::units(&found.path),
            })),
            Err(error) if error.code == "AccountNotFoundException" => Ok(Membership::Outside),
            Err(error) => Err(failed(CALL)(error)),
        })
    }
}

impl Survey for Aws {
    async fn offers(&self) -> Result<Vec<Offer>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServiceConfigurations";
        let answer = self.faults.around(CALL, || self.world().describe_services(PROVIDER, &[], &[], page(None)).map_err(failed(CALL)))?;
        let region = |name: &String| SupportedRegion { region: name.parse().unwrap(), state: "Available".to_owned() };
        let offer = |from: &world::Service| Offer { service: service(from), regions: from.supported_regions.iter().map(region).collect() };
        Ok(answer.items.iter().map(offer).collect())
    }

    async fn permissions(&self, service: &ServiceId) -> Result<Vec<Permission>, CallError> {
        const CALL: &str = "DescribeVpcEndpointServicePermissions";
        let answer = self
            .faults
            .around(CALL, || self.world().describe_permissions(PROVIDER, service.as_str(), &[], page(None)).map_err(failed(CALL)))?;
        Ok(answer.items.iter().map(|from| Permission::parse(&from.principal_type, &from.principal)).collect())
    }

    async fn subscriptions(&self) -> Result<Vec<Subscription>, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnectionNotifications";
        let answer =
            self.faults.around(CALL, || self.world().describe_notifications(PROVIDER, None, &[], page(None)).map_err(failed(CALL)))?;
        let subscription = |from: &world::Notification| Subscription {
            service: from.service_id.parse().unwrap(),
            topic: from.topic_arn.clone(),
            events: from.events.clone(),
            enabled: from.state == "Enabled",
        };
        Ok(answer.items.iter().map(subscription).collect())
    }

    async fn page(&self, service: &ServiceId, from: Option<&str>) -> Result<Page, CallError> {
        const CALL: &str = "DescribeVpcEndpointConnections";
        let filters = filter("service-id", service.as_str());
        let asked = page(from.map(str::to_owned));
        let answer = self.faults.around(CALL, || self.world().describe_connections(PROVIDER, &filters, asked).map_err(failed(CALL)))?;
        Ok(Page { connections: answer.items.iter().map(connection).collect(), unreadable: Vec::new(), next: answer.next_token })
    }
}

fn ids<Act>(permits: &[Permit<Act>]) -> Vec<String> {
    permits.iter().map(|permit| permit.endpoint().to_string()).collect()
}

fn asked(unsuccessful: &[world::Unsuccessful]) -> Effect {
    let item = |item: &world::Unsuccessful| Unsuccessful {
        resource: item.resource_id.clone(),
        code: item.code.clone(),
        message: item.message.clone(),
    };
    Effect::Asked(unsuccessful.iter().map(item).collect())
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
