//! The world at the start of a scenario.

use jiff::SignedDuration;
use local::world::{OrganizationAccount, PermissionType, World};
use scenarios::{PROVIDER, TOPIC, gateway_service, interface_service, root};

use crate::{
    grammar::UNITS,
    scenario::{self, ACCOUNTS, Member},
};

/// The topic of the owner of some services.
pub const OWN_TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:warden-team";

/// The world, and the ids of its services.
pub(super) fn world(from: &scenario::World) -> (World, Vec<String>) {
    let mut world = World::new("us-east-1", scenarios::start());
    let services = from.services.iter().map(|service| create_service(&mut world, service)).collect();
    world.set_page_size_max(from.page_size);
    world.set_visibility_delay(SignedDuration::from_secs(from.hidden_seconds));
    for (account, member) in ACCOUNTS.iter().zip(&from.members) {
        put_member(&mut world, account, *member);
    }
    (world, services)
}

fn create_service(world: &mut World, service: &scenario::Service) -> String {
    let mut new = if service.gateway { gateway_service(service.name) } else { interface_service(service.name) };
    new.acceptance_required = service.acceptance_required;
    if service.own_topic {
        new.tags.insert("warden:owner-topic".to_owned(), OWN_TOPIC.to_owned());
    }
    if service.observed {
        new.tags.insert("warden:mode".to_owned(), "observe".to_owned());
    }
    let id = world.create_service(PROVIDER, new).unwrap().id;
    world.modify_permissions(PROVIDER, &id, &["*".to_owned()], &[]).unwrap();
    if service.gateway {
        world.modify_permissions_of(PermissionType::TransitGatewayAttachment, PROVIDER, &id, &ACCOUNTS.map(root), &[]).unwrap();
    } else {
        world.create_notification(PROVIDER, &id, TOPIC, &["Connect".to_owned()]).unwrap();
    }
    id
}

pub(super) fn put_member(world: &mut World, account: &str, member: Member) {
    let (state, unit) = match member {
        Member::Outside => return world.organization.remove(account),
        Member::Active(unit) => ("ACTIVE", unit),
        Member::Suspended(unit) => ("SUSPENDED", unit),
    };
    let path = format!("o-a1b2c3d4e5/r-abcd/{}/{account}/", UNITS[..=unit].join("/"));
    world.organization.put(account, OrganizationAccount { name: "consumer".to_owned(), state: state.to_owned(), path });
}
