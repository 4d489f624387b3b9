//! Connections: what the provider describes, accepts and rejects, by endpoint or by transit gateway attachment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    consumer::Connection,
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest},
    state::World,
};

const FILTERS: [&str; 7] = [
    "ip-address-type",
    "service-id",
    "transit-gateway-attachment-id",
    "vpc-endpoint-id",
    "vpc-endpoint-owner",
    "vpc-endpoint-region",
    "vpc-endpoint-state",
];

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
        self.page(self.candidates(filters).filter(is_listed), &FILTERS, filters, &page, |connection, name| match name {
            "ip-address-type" => connection.ip_address_type.as_deref().into_iter().collect(),
            "service-id" => vec![&connection.service_id],
            "transit-gateway-attachment-id" => connection.attachment.iter().map(|attachment| attachment.id.as_str()).collect(),
            "vpc-endpoint-id" => connection.endpoint().into_iter().collect(),
            "vpc-endpoint-owner" => connection.owner.as_deref().into_iter().collect(),
            "vpc-endpoint-region" => {
                let region = connection.region.as_deref();
                let cross = region.filter(|region| *region != self.region).map(|_| "cross-region");
                region.into_iter().chain(cross).collect()
            }
            _ => vec![&connection.state],
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

    /// Returns the connection of an endpoint or an attachment for tests to change.
    pub fn connection_mut(&mut self, id: &str) -> Option<&mut Connection> {
        let is_for = |connection: &Connection| connection.is_of_attachment(id);
        let key = match self.connections.contains_key(id) {
            true => id.to_owned(),
            false => self.connections.iter().find(|(_, connection)| is_for(connection))?.0.clone(),
        };
        self.unsettled.insert(key.clone());
        self.connections.get_mut(&key)
    }

    /// Accepts the connections of endpoints.
    pub fn accept(&mut self, owner: &str, service_id: &str, endpoints: &[String]) -> Ec2Result<Changes> {
        self.change_connections(owner, service_id, endpoints, &ACCEPT)
    }

    /// Rejects the connections of endpoints, also those in use: that cuts them off.
    pub fn reject(&mut self, owner: &str, service_id: &str, endpoints: &[String]) -> Ec2Result<Changes> {
        self.change_connections(owner, service_id, endpoints, &REJECT)
    }

    /// Accepts the connections of attachments.
    pub fn accept_attachments(&mut self, owner: &str, service_id: &str, attachments: &[String]) -> Ec2Result<Changes> {
        self.change_attachments(owner, service_id, attachments, &ACCEPT)
    }

    /// Rejects the connections of attachments.
    pub fn reject_attachments(&mut self, owner: &str, service_id: &str, attachments: &[String]) -> Ec2Result<Changes> {
        self.change_attachments(owner, service_id, attachments, &REJECT)
    }

    /// Returns the times of all acceptances, by endpoint or attachment.
    pub fn acceptances(&self) -> &BTreeMap<String, Vec<Timestamp>> {
        &self.acceptances
    }

    fn change_connections(&mut self, owner: &str, service_id: &str, ids: &[String], transition: &Transition) -> Ec2Result<Changes> {
        self.owned_service(owner, service_id)?;
        Ok(change_each(ids, |id| {
            let is_asked_for = |connection: &&Connection| connection.service_id == service_id && connection.endpoint() == Some(id);
            self.connections.get(id).filter(is_asked_for).ok_or_else(|| Ec2Error::endpoint_not_found(id))?;
            self.change(id, &[id.to_owned()], transition)?;
            Ok(self.notify(service_id, id, transition.event))
        }))
    }

    /// Changes all connections of each attachment. Attachments have no connection notifications.
    fn change_attachments(&mut self, owner: &str, service_id: &str, ids: &[String], transition: &Transition) -> Ec2Result<Changes> {
        if self.owned_service(owner, service_id)?.kind != "GatewayLoadBalancer" {
            let message = "TransitGatewayAttachmentIds is supported only for Gateway Load Balancer endpoint services";
            return Err(Ec2Error::new("InvalidParameter", message));
        }
        Ok(change_each(ids, |id| {
            let keys = self.keys_of_attachment(service_id, id);
            if keys.is_empty() {
                return Err(Ec2Error::attachment_not_found(id));
            }
            self.change(id, &keys, transition).map(|()| Vec::new())
        }))
    }

    /// Changes those connections of an endpoint or attachment that are in the right state. AWS documents no codes for the items
    /// of `Unsuccessful`; these are the stand-in's own.
    fn change(&mut self, subject: &str, keys: &[String], transition: &Transition) -> Ec2Result<()> {
        let state = |key: &String| self.connections.get(key).map(|connection| connection.state.clone());
        let is_movable = |key: &&String| state(key).is_some_and(|state| transition.from.contains(&state.as_str()));
        let movable: Vec<String> = keys.iter().filter(is_movable).cloned().collect();
        if movable.is_empty() {
            let states: Vec<String> = keys.iter().filter_map(state).collect();
            let message = format!("The connection of '{subject}' is in the state {}", states.join(", "));
            return Err(Ec2Error::new("InvalidState", message));
        }
        for key in movable {
            self.enter_state(&key, transition.to);
        }
        if transition.event == ACCEPT.event {
            self.acceptances.entry(subject.to_owned()).or_default().push(self.now);
        }
        Ok(())
    }

    /// Returns the keys of an attachment's connections to a service.
    pub(super) fn keys_of_attachment(&self, service_id: &str, id: &str) -> Vec<String> {
        let is_for = |key: &&String| self.connections.get(*key).is_some_and(|connection| connection.is_of_attachment(id));
        self.by_service.get(service_id).into_iter().flatten().filter(is_for).cloned().collect()
    }

    pub(super) fn enter_state(&mut self, key: &str, state: &str) {
        let now = self.now;
        if let Some(connection) = self.connections.get_mut(key) {
            connection.enter_state(state, now);
            self.unsettled.insert(key.to_owned());
        }
    }
}
