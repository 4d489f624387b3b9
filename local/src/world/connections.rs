//! Connections, as the service's owner sees them, and the owner's two answers.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Ec2Error, Effect, Filter, Page, PageRequest, Tags, Unsuccessful, World, filters::passes};

/// One endpoint's connection to one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The service.
    pub service_id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// `vpce-con-…`.
    pub connection_id: String,
    /// The endpoint's account.
    pub owner: Option<String>,
    /// As the wire spells it: `pendingAcceptance`, `pending`, `available`, …
    pub state: String,
    /// When the endpoint was created.
    pub created: Option<Timestamp>,
    /// The endpoint's Region.
    pub region: Option<String>,
    /// `ipv4`, `ipv6` or `dualstack`.
    pub ip_address_type: Option<String>,
    /// What stands behind the service.
    pub load_balancer_arns: Vec<String>,
    /// The owner's tags.
    pub tags: Tags,
    pub(super) listed_from: Timestamp,
    pub(super) changed: Timestamp,
}

impl Connection {
    pub(super) fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "pending" | "available" | "pendingAcceptance")
    }

    /// Whether there is nothing left that time would change.
    pub(super) fn settle(&mut self, now: Timestamp, settle: SignedDuration) -> bool {
        let next = match self.state.as_str() {
            "pending" => "available",
            "deleting" => "deleted",
            _ => return true,
        };
        let due = now.duration_since(self.changed) >= settle;
        if due {
            self.state = next.to_owned();
        }
        due
    }

    pub(super) fn become_(&mut self, state: &str, now: Timestamp) {
        self.state = state.to_owned();
        self.changed = now;
    }
}

impl World {
    /// The connections of the owner's services.
    ///
    /// # Errors
    /// For an unknown filter or a bad page.
    pub fn describe_connections(&self, owner: &str, filters: &[Filter], page: PageRequest) -> Result<Page<Connection>, Ec2Error> {
        let mut found = Vec::new();
        let seen = |connection: &&Connection| self.owned(owner, &connection.service_id).is_ok() && connection.listed_from <= self.now;
        for connection in self.connections_of(filters).filter(seen) {
            let cross = connection.region.as_ref().is_some_and(|region| *region != self.region);
            let value = |name: &str| match name {
                "ip-address-type" => Some(connection.ip_address_type.clone().into_iter().collect()),
                "service-id" => Some(vec![connection.service_id.clone()]),
                "vpc-endpoint-owner" => Some(connection.owner.clone().into_iter().collect()),
                "vpc-endpoint-region" => {
                    Some(connection.region.clone().into_iter().chain(cross.then(|| "cross-region".to_owned())).collect())
                }
                "vpc-endpoint-state" => Some(vec![connection.state.clone()]),
                "vpc-endpoint-id" => Some(vec![connection.endpoint_id.clone()]),
                _ => None,
            };
            if passes(filters, value)? {
                found.push(connection);
            }
        }
        self.page(found, &page)
    }

    /// Those that a filter on the service leaves, or all.
    fn connections_of<'a>(&'a self, filters: &'a [Filter]) -> Box<dyn Iterator<Item = &'a Connection> + 'a> {
        match filters.iter().find(|filter| filter.name == "service-id") {
            None => Box::new(self.connections.values()),
            Some(filter) => {
                let endpoints = filter.values.iter().filter_map(|id| self.by_service.get(id)).flatten();
                Box::new(endpoints.filter_map(|id| self.connections.get(id)))
            }
        }
    }

    /// A hand for tests: the connection of an endpoint, to be changed at will.
    pub fn connection_mut(&mut self, endpoint_id: &str) -> Option<&mut Connection> {
        self.unsettled.insert(endpoint_id.to_owned());
        self.connections.get_mut(endpoint_id)
    }

    /// Lets consumers in.
    ///
    /// # Errors
    /// When the service is not the caller's. Trouble with one id is in the answer.
    pub fn accept(&mut self, owner: &str, service_id: &str, ids: &[String]) -> Result<(Vec<Unsuccessful>, Vec<Effect>), Ec2Error> {
        self.respond(owner, service_id, ids, "Accept", "pending", &["pendingAcceptance", "rejected"])
    }

    /// When each endpoint was let in: every time that it was.
    #[must_use]
    pub fn acceptances(&self) -> &BTreeMap<String, Vec<Timestamp>> {
        &self.acceptances
    }

    /// Turns consumers away, also those that are connected.
    ///
    /// # Errors
    /// When the service is not the caller's. Trouble with one id is in the answer.
    pub fn reject(&mut self, owner: &str, service_id: &str, ids: &[String]) -> Result<(Vec<Unsuccessful>, Vec<Effect>), Ec2Error> {
        self.respond(owner, service_id, ids, "Reject", "rejected", &["pendingAcceptance", "pending", "available"])
    }

    fn respond(
        &mut self,
        owner: &str,
        service_id: &str,
        ids: &[String],
        event: &str,
        to: &str,
        from: &[&str],
    ) -> Result<(Vec<Unsuccessful>, Vec<Effect>), Ec2Error> {
        self.owned(owner, service_id)?;
        let (mut failed, mut effects) = (Vec::new(), Vec::new());
        let now = self.now;
        for id in ids {
            // AWS documents no codes for these.
            let trouble = match self.connections.get_mut(id).filter(|connection| connection.service_id == service_id) {
                None => Some(("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist"))),
                Some(connection) if from.contains(&connection.state.as_str()) => {
                    connection.become_(to, now);
                    self.unsettled.insert(id.clone());
                    if event == "Accept" {
                        self.acceptances.entry(id.clone()).or_default().push(now);
                    }
                    None
                }
                Some(connection) => Some(("InvalidState", format!("The connection of '{id}' is in the state {}", connection.state))),
            };
            match trouble {
                Some((code, message)) => failed.push(Unsuccessful { resource_id: id.clone(), code: code.to_owned(), message }),
                None => effects.extend(self.notify(service_id, id, event)),
            }
        }
        Ok((failed, effects))
    }
}
