//! The world's data in the warden's types.

use local::world;
use warden::{
    model::{
        connection::Connection,
        notification::ConnectionNotification,
        organization::{Member, Membership, units},
        service::{Service, ServiceConfiguration, ServiceKind, SupportedRegion},
    },
    ports::{ActOutcome, Unsuccessful},
};

pub(super) fn outcome(unsuccessful: Vec<world::Unsuccessful>) -> ActOutcome {
    let item = |item: world::Unsuccessful| Unsuccessful { resource: item.resource_id, code: item.code, message: item.message };
    ActOutcome::Asked(unsuccessful.into_iter().map(item).collect())
}

pub(super) fn connections(from: &[world::Connection]) -> Vec<Connection> {
    Connection::joined(from.iter().map(|one| (Some(one.connection_id.clone()), connection(one))))
}

fn connection(from: &world::Connection) -> Connection {
    let attachment = from.attachment.as_ref();
    let owner = attachment.map_or(from.owner.as_ref(), |attachment| Some(&attachment.owner));
    Connection {
        service: from.service_id.parse().unwrap(),
        subject: attachment.map_or(&from.endpoint_id, |attachment| &attachment.id).parse().unwrap(),
        owner: owner.and_then(|owner| owner.parse().ok()),
        state: from.state.clone().into(),
        created: from.created,
        region: from.region.as_ref().and_then(|region| region.parse().ok()),
        ip_address_type: from.ip_address_type.clone(),
        connected_in_part: false,
    }
}

pub(super) fn service(from: &world::Service) -> Service {
    Service {
        id: from.id.parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        kind: ServiceKind::from(from.kind.clone()),
        acceptance_required: from.acceptance_required,
        tags: from.tags.clone(),
    }
}

pub(super) fn configuration(from: &world::Service) -> ServiceConfiguration {
    let region = |name: &String| SupportedRegion { region: name.parse().unwrap(), state: "Available".to_owned() };
    ServiceConfiguration { service: service(from), regions: from.supported_regions.iter().map(region).collect() }
}

pub(super) fn notification(from: &world::Notification) -> ConnectionNotification {
    ConnectionNotification {
        service: from.service_id.parse().unwrap(),
        topic: from.topic_arn.clone(),
        events: from.events.clone(),
        enabled: from.state == "Enabled",
    }
}

pub(super) fn member(from: &world::OrganizationAccount) -> Membership {
    Membership::Member(Member { name: Some(from.name.clone()), state: from.state.clone(), units: units(&from.path) })
}
