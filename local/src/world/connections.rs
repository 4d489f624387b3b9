//! Connections: what the provider describes, accepts and rejects.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest},
    model::{Connection, Effect},
    state::World,
};

/// A call that moves connections from one of some states to another.
struct Transition {
    event: &'static str,
    from: &'static [&'static str],
    to: &'static str,
}

const ACCEPT: Transition = Transition { event: "Accept", from: &["pendingAcceptance", "rejected"], to: "pending" };
const REJECT: Transition = Transition { event: "Reject", from: &["pendingAcceptance", "pending", "available"], to: "rejected" };

impl World {
    /// Describes the connections of the owner's services.
    pub fn describe_connections(&self, owner: &str, filters: &[Filter], page: PageRequest) -> Ec2Result<Page<Connection>> {
        let is_listed =
            |connection: &&Connection| self.owned_service(owner, &connection.service_id).is_ok() && connection.listed_from <= self.now;
        self.page(self.candidates(filters).filter(is_listed), filters, &page, |connection, name| match name {
            "ip-address-type" => Some(connection.ip_address_type.as_deref().into_iter().collect()),
            "service-id" => Some(vec![&connection.service_id]),
            "vpc-endpoint-owner" => Some(connection.owner.as_deref().into_iter().collect()),
            "vpc-endpoint-region" => {
                let region = connection.region.as_deref();
                let cross = region.filter(|region| *region != self.region).map(|_| "cross-region");
                Some(region.into_iter().chain(cross).collect())
            }
            "vpc-endpoint-state" => Some(vec![&connection.state]),
            "vpc-endpoint-id" => Some(vec![&connection.endpoint_id]),
            _ => None,
        })
    }

    /// Returns the connections of the services that a filter names, or all without such a filter.
    fn candidates<'a>(&'a self, filters: &'a [Filter]) -> Box<dyn Iterator<Item = &'a Connection> + 'a> {
        match filters.iter().find(|filter| filter.name == "service-id") {
            None => Box::new(self.connections.values()),
            Some(filter) => {
                let endpoints = filter.values.iter().filter_map(|id| self.by_service.get(id)).flatten();
                Box::new(endpoints.filter_map(|id| self.connections.get(id)))
            }
        }
    }

    /// Returns the connection of an endpoint for tests to change.
    pub fn connection_mut(&mut self, endpoint_id: &str) -> Option<&mut Connection> {
        self.unsettled.insert(endpoint_id.to_owned());
        self.connections.get_mut(endpoint_id)
    }

    /// Accepts connections.
    pub fn accept(&mut self, owner: &str, service_id: &str, ids: &[String]) -> Ec2Result<Changes> {
        self.change_connections(owner, service_id, ids, &ACCEPT)
    }

    /// Rejects connections, also those in use: that cuts them off.
    pub fn reject(&mut self, owner: &str, service_id: &str, ids: &[String]) -> Ec2Result<Changes> {
        self.change_connections(owner, service_id, ids, &REJECT)
    }

    /// Returns the times of all acceptances, by endpoint.
    pub fn acceptances(&self) -> &BTreeMap<String, Vec<Timestamp>> {
        &self.acceptances
    }

    fn change_connections(&mut self, owner: &str, service_id: &str, ids: &[String], transition: &Transition) -> Ec2Result<Changes> {
        self.owned_service(owner, service_id)?;
        Ok(change_each(ids, |id| self.change_connection(service_id, id, transition)))
    }

    /// Changes one connection. AWS documents no codes for the items of `Unsuccessful`; these two are the stand-in's own.
    fn change_connection(&mut self, service_id: &str, id: &str, transition: &Transition) -> Ec2Result<Vec<Effect>> {
        let connection = self.connections.get_mut(id).filter(|connection| connection.service_id == service_id);
        let connection = connection.ok_or_else(|| Ec2Error::endpoint_not_found(id))?;
        if !transition.from.contains(&connection.state.as_str()) {
            return Err(Ec2Error::new("InvalidState", format!("The connection of '{id}' is in the state {}", connection.state)));
        }
        connection.enter_state(transition.to, self.now);
        self.unsettled.insert(id.to_owned());
        if transition.event == ACCEPT.event {
            self.acceptances.entry(id.to_owned()).or_default().push(self.now);
        }
        Ok(self.notify(service_id, id, transition.event))
    }
}
