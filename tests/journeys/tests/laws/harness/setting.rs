//! The world as a story finds it, and what the functions are configured with.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use journeys::{PROVIDER, TOPIC};
use local::world::{NewService, OrganizationAccount, World};
use warden::{audit::thresholds::Thresholds, config::NotifyConfig, model::mode::Mode};

use super::{DEFAULT_TOPIC, OWN_TOPIC};
use crate::{
    grammar::UNITS,
    story::{Member, Service},
};

pub(super) fn offer(world: &mut World, service: &Service) -> String {
    let mut tags = BTreeMap::from([("Name".to_owned(), service.name.to_owned())]);
    if service.own_topic {
        tags.insert("warden:owner-topic".to_owned(), OWN_TOPIC.to_owned());
    }
    let kind = if service.gateway { "GatewayLoadBalancer" } else { "Interface" }.to_owned();
    let load_balancer_arns = vec!["arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/x/y/0123456789abcdef".to_owned()];
    let acceptance_required = service.acceptance_required;
    let new = NewService { kind, load_balancer_arns, acceptance_required, tags, ..NewService::default() };
    let id = world.create_service(PROVIDER, new).unwrap().id;
    world.modify_permissions(PROVIDER, &id, &["*".to_owned()], &[]).unwrap();
    if !service.gateway {
        world.create_notification(PROVIDER, &id, TOPIC, &["Connect".to_owned()]).unwrap();
    }
    id
}

pub(super) fn put_member(world: &mut World, account: &str, member: Member) {
    let path = |unit: usize| match unit {
        0 => format!("o-a1b2c3d4e5/r-abcd/{}/{account}/", UNITS[0]),
        _ => format!("o-a1b2c3d4e5/r-abcd/{}/{}/{account}/", UNITS[0], UNITS[1]),
    };
    let put = |world: &mut World, state: &str, unit| {
        world.organization.put(account, OrganizationAccount { name: "consumer".to_owned(), state: state.to_owned(), path: path(unit) });
    };
    match member {
        Member::Active(unit) => put(world, "ACTIVE", unit),
        Member::Suspended(unit) => put(world, "SUSPENDED", unit),
        Member::Outside => world.organization.remove(account),
    }
}

pub(super) fn notify_config() -> NotifyConfig {
    NotifyConfig {
        default_topic: DEFAULT_TOPIC.parse().unwrap(),
        topic_prefix: "arn:aws:sns:us-east-1:123456789012:warden-".to_owned(),
        policy_home: "https://git.example/network/policies".to_owned(),
    }
}

pub(super) fn terms(observe: bool) -> Thresholds {
    Thresholds {
        mode: if observe { Mode::Observe } else { Mode::Active },
        topics: vec![TOPIC.parse().unwrap()],
        region: "us-east-1".parse().unwrap(),
        overdue_after: SignedDuration::from_mins(15),
        waiting_after: SignedDuration::from_hours(24),
        expiring_within: SignedDuration::from_hours(14 * 24),
        unused_after: SignedDuration::from_hours(90 * 24),
        retention: SignedDuration::from_hours(9600),
    }
}
