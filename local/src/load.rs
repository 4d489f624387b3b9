//! A world from a file: `local --load FILE`. An example is `tests/e2e/stand_in/world.json`.
//!
//! The file is a JSON object. Unknown members are errors. Members without a default are required.
//!
//! | member | value |
//! |---|---|
//! | `services[]` | the endpoint services |
//! | `.owner` | the provider's account |
//! | `.region` | the stand-in's `--region` by default |
//! | `.id` | `vpce-svc-…`; a new one by default |
//! | `.type` | `Interface` (default) or `GatewayLoadBalancer` |
//! | `.acceptanceRequired` | true by default |
//! | `.loadBalancers[]` | ARNs; one of the right type by default |
//! | `.tags` | an object |
//! | `.supportedRegions[]` | further Regions |
//! | `.permissions[]`, `.attachmentPermissions[]` | the allowed principals, by the type of the permission |
//! | `.notifications[]` | `topic` (an ARN), `events[]` (all four by default), `state` (`Enabled` by default) |
//! | `.connections[]` | the connections of endpoints, or of attachments where `transitGateway` is set |
//! | `..account` | the consumer; it needs no permission, because permissions may have been removed since |
//! | `..state` | as on the wire; `available` by default |
//! | `..created` | an RFC 3339 timestamp; the start by default |
//! | `..region` | the endpoint's Region; the service's by default |
//! | `..endpoint` | `vpce-…`; a new one by default |
//! | `..transitGateway` | `tgw-…`: the connection is for an attachment, in one Availability Zone |
//! | `..tags` | the provider's tags of the connection |
//! | `organization` | the accounts by id, each with `name`, `path`, and `state` (`ACTIVE` by default) |

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::world::{Ec2Error, ImportedConnection, NewService, OrganizationAccount, PermissionType, Regions, Service, Tags, World};

const STATES: [&str; 9] = ["pendingAcceptance", "pending", "available", "deleting", "deleted", "rejected", "failed", "expired", "partial"];
const EVENTS: [&str; 4] = ["Accept", "Connect", "Delete", "Reject"];

/// The content of a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldFile {
    services: Vec<ServiceEntry>,
    #[serde(default)]
    organization: BTreeMap<String, AccountEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceEntry {
    owner: String,
    region: Option<String>,
    id: Option<String>,
    #[serde(rename = "type", default = "interface")]
    kind: String,
    #[serde(default = "yes")]
    acceptance_required: bool,
    #[serde(default)]
    load_balancers: Vec<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    supported_regions: Vec<String>,
    #[serde(default)]
    permissions: Vec<String>,
    #[serde(default)]
    attachment_permissions: Vec<String>,
    #[serde(default)]
    notifications: Vec<NotificationEntry>,
    #[serde(default)]
    connections: Vec<ConnectionEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotificationEntry {
    topic: String,
    #[serde(default = "all_events")]
    events: Vec<String>,
    #[serde(default = "enabled")]
    state: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConnectionEntry {
    account: String,
    #[serde(default = "available")]
    state: String,
    created: Option<Timestamp>,
    region: Option<String>,
    endpoint: Option<String>,
    transit_gateway: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    name: String,
    path: String,
    #[serde(default = "active")]
    state: String,
}

impl WorldFile {
    /// Parses a file's text.
    ///
    /// # Errors
    /// JSON's, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// Adds everything to the Regions.
    ///
    /// # Errors
    /// The first entry that EC2 would not have taken.
    pub fn load(self, regions: &mut Regions) -> Result<(), String> {
        for (at, mut entry) in self.services.into_iter().enumerate() {
            let region = entry.region.take().unwrap_or_else(|| regions.home().region().to_owned());
            entry.load(regions.region(&region)).map_err(|why| format!("services[{at}]{why}"))?;
        }
        for (id, account) in self.organization {
            regions.home_mut().organization.put(&id, OrganizationAccount { name: account.name, state: account.state, path: account.path });
        }
        Ok(())
    }
}

impl ServiceEntry {
    fn load(self, world: &mut World) -> Result<(), String> {
        let (owner, is_gateway) = (self.owner, self.kind == "GatewayLoadBalancer");
        if !is_gateway && self.kind != "Interface" {
            return Err(format!(".type: unknown type `{}`", self.kind));
        }
        let balancer = |form: &str| format!("arn:aws:elasticloadbalancing:{}:{owner}:loadbalancer/{form}/0a1b2c3d4e5f6071", world.region());
        let default_balancer = balancer(if is_gateway { "gwy/firewall" } else { "net/service" });
        let new = NewService {
            kind: self.kind,
            load_balancer_arns: if self.load_balancers.is_empty() { vec![default_balancer] } else { self.load_balancers },
            acceptance_required: self.acceptance_required,
            tags: self.tags,
            supported_regions: self.supported_regions,
            private_dns_name: None,
        };
        let service = world.import_service(&owner, self.id, new).map_err(at(".id"))?;
        world.modify_permissions(&owner, &service.id, &self.permissions, &[]).map_err(at(".permissions"))?;
        if !self.attachment_permissions.is_empty() {
            let of = PermissionType::TransitGatewayAttachment;
            world
                .modify_permissions_of(of, &owner, &service.id, &self.attachment_permissions, &[])
                .map_err(at(".attachmentPermissions"))?;
        }
        for (n, entry) in self.notifications.into_iter().enumerate() {
            let made =
                world.create_notification(&owner, &service.id, &entry.topic, &entry.events).map_err(at(&format!(".notifications[{n}]")))?;
            world.notifications_mut().filter(|each| each.id == made.id).for_each(|each| each.state.clone_from(&entry.state));
        }
        for (n, entry) in self.connections.into_iter().enumerate() {
            entry.load(world, &service).map_err(|why| format!(".connections[{n}]{why}"))?;
        }
        Ok(())
    }
}

impl ConnectionEntry {
    fn load(self, world: &mut World, service: &Service) -> Result<(), String> {
        if !STATES.contains(&self.state.as_str()) {
            return Err(format!(".state: unknown state `{}`", self.state));
        }
        let imported = ImportedConnection {
            account: self.account,
            state: self.state,
            created: self.created.unwrap_or_else(|| world.now()),
            region: self.region,
            endpoint_id: self.endpoint,
            transit_gateway_id: self.transit_gateway,
            tags: self.tags,
        };
        world.import_connection(service, imported).map(drop).map_err(at(""))
    }
}

fn at(member: &str) -> impl Fn(Ec2Error) -> String {
    move |error| format!("{member}: {}", error.message)
}

fn interface() -> String {
    "Interface".to_owned()
}

fn yes() -> bool {
    true
}

fn enabled() -> String {
    "Enabled".to_owned()
}

fn available() -> String {
    "available".to_owned()
}

fn active() -> String {
    "ACTIVE".to_owned()
}

fn all_events() -> Vec<String> {
    EVENTS.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<World, String> {
        let mut regions = Regions::new(World::new("us-east-1", Timestamp::UNIX_EPOCH));
        WorldFile::parse(text)?.load(&mut regions).map(|()| regions.home().clone())
    }

    #[test]
    fn example_loads() {
        let mut world = load(include_str!("../../tests/e2e/stand_in/world.json")).unwrap();
        let found = world.describe_connections("123456789012", &[], Default::default()).unwrap().items;
        assert_eq!(found.iter().filter(|connection| connection.state == "available").count(), 4);
        let connection = world.connection_mut("vpce-0a0000000000000001").unwrap();
        assert_eq!(connection.created.unwrap().to_string(), "2023-03-01T09:30:00Z");
        assert_eq!(world.organization.describe("444455556666").unwrap().state, "SUSPENDED");
    }

    #[test]
    fn errors_name_their_entry() {
        let service = |members: &str| format!(r#"{{"services": [{{"owner": "123456789012", {members}}}]}}"#);
        for (text, expected) in [
            ("{\n\"services\": {}}".to_owned(), "line 2"),
            (service(r#""id": "svc-1""#), "services[0].id: Value ( svc-1 )"),
            (service(r#""typ": "Interface""#), "unknown field `typ`"),
            (service(r#""type": "Network""#), "services[0].type: unknown type `Network`"),
            (service(r#""permissions": ["me"]"#), "services[0].permissions: Invalid Principal"),
            (service(r#""connections": [{"account": "1"}]"#), "services[0].connections[0]: Value ( 1 )"),
            (
                service(r#""connections": [{"account": "111122223333", "state": "PendingAcceptance"}]"#),
                "connections[0].state: unknown state",
            ),
            (service(r#""connections": [{"account": "111122223333", "transitGateway": "tgw-1"}]"#), "connections[0]: The service is not"),
        ] {
            let error = load(&text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
