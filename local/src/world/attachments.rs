//! Network function attachments: a transit gateway's owner attaches it to a Gateway Load Balancer endpoint service.
//!
//! Inference: AWS documents the calls and the states, not the error codes, and not the state of an attachment whose connections differ.

use super::{
    cloudtrail,
    consumer::{Attachment, AttachmentLink, Connection, NewAttachment, Zones},
    error::{Ec2Error, Ec2Result},
    filters::{Filter, Page, PageRequest},
    model::{Effect, Service, Tags},
    state::{AttachmentConnections, World},
};

/// The states of a connection, by their weight for the state of its attachment.
const STATES: [&str; 6] = ["available", "pending", "pendingAcceptance", "rejected", "deleting", "deleted"];

const FILTERS: [&str; 4] = ["service-name", "state", "transit-gateway-attachment-id", "transit-gateway-id"];

/// The parameters of `ModifyTransitGatewayNetworkFunctionAttachment`.
#[derive(Debug, Clone, Default)]
pub struct AttachmentChange {
    /// The Availability Zones to add.
    pub add: Zones,
    /// The Availability Zones to remove.
    pub remove: Zones,
}

impl World {
    /// Creates an attachment and its connections; `InvalidServiceName` without a permission for another account's service.
    pub fn create_attachment(&mut self, account: &str, service_name: &str, new: NewAttachment) -> Ec2Result<(Attachment, Vec<Effect>)> {
        let service = self.service_for(account, service_name, |id| self.may_attach(account, id))?.clone();
        let attachment = self.attach(&service, account, new)?;
        let event_detail = cloudtrail::create_attachment(&attachment, &self.attachment_state(&attachment), &self.region);
        let effect = Effect::CloudTrail { account: account.to_owned(), event_detail, region: self.region.clone() };
        Ok((attachment, vec![effect]))
    }

    /// Adds an attachment and its connections.
    pub(super) fn attach(&mut self, service: &Service, account: &str, new: NewAttachment) -> Ec2Result<Attachment> {
        if service.kind != "GatewayLoadBalancer" {
            return Err(Ec2Error::new("InvalidParameter", "The service is not a Gateway Load Balancer endpoint service"));
        }
        if new.zones.is_empty() {
            return Err(Ec2Error::missing_parameter("AvailabilityZone"));
        }
        self.check_transit_gateway(account, &new.transit_gateway_id, &service.id)?;
        let attachment = Attachment {
            id: self.id("tgw-attach-"),
            transit_gateway_id: new.transit_gateway_id,
            owner: account.to_owned(),
            service_name: service.name.clone(),
            zones: new.zones,
            tags: new.tags,
            created: self.now,
            service_id: service.id.clone(),
        };
        let zones: Vec<String> = attachment.zones.all().cloned().collect();
        match self.attachment_connections {
            AttachmentConnections::Attachment | AttachmentConnections::Endpoint => self.connect(service, &attachment, zones),
            AttachmentConnections::Zones => zones.into_iter().for_each(|zone| self.connect(service, &attachment, vec![zone])),
        }
        self.attachments.insert(attachment.id.clone(), attachment.clone());
        Ok(attachment)
    }

    /// Describes the account's attachments, each with its state.
    pub fn describe_attachments(
        &self,
        account: &str,
        ids: &[String],
        filters: &[Filter],
        page: &PageRequest,
    ) -> Ec2Result<Page<(Attachment, String)>> {
        ids.iter().try_for_each(|id| self.owned_attachment(account, id).map(drop))?;
        let is_chosen = |attachment: &&Attachment| attachment.owner == account && (ids.is_empty() || ids.contains(&attachment.id));
        let chosen: Vec<_> = self.attachments.values().filter(is_chosen).map(|each| (each.clone(), self.attachment_state(each))).collect();
        self.page(chosen.iter(), &FILTERS, filters, page, |(attachment, state), name| match name {
            "service-name" => vec![&attachment.service_name],
            "state" => vec![state],
            "transit-gateway-attachment-id" => vec![&attachment.id],
            _ => vec![&attachment.transit_gateway_id],
        })
    }

    /// Adds and removes Availability Zones. Each added zone requests a connection of its own, as AWS documents.
    pub fn modify_attachment(&mut self, account: &str, id: &str, change: AttachmentChange) -> Ec2Result<(Attachment, String)> {
        let mut attachment = self.attachment_in(account, id, &["available"])?;
        if change.add.is_empty() && change.remove.is_empty() {
            return Err(Ec2Error::missing_parameter("AddAvailabilityZone"));
        }
        let has = |zone: &String| attachment.zones.all().any(|each| each == zone);
        let wrong = change.add.all().find(|zone| has(zone)).or_else(|| change.remove.all().find(|zone| !has(zone)));
        if let Some(zone) = wrong {
            return Err(Ec2Error::invalid_value(zone, "availabilityZone"));
        }
        let added: Vec<String> = change.add.all().cloned().collect();
        attachment.zones.remove(&change.remove);
        attachment.zones.extend(change.add);
        if attachment.zones.is_empty() {
            return Err(Ec2Error::new("InvalidParameter", "An attachment keeps at least one Availability Zone"));
        }
        let service = self.services.get(&attachment.service_id).ok_or_else(|| Ec2Error::service_not_found(&attachment.service_id))?.clone();
        added.into_iter().for_each(|zone| self.connect(&service, &attachment, vec![zone]));
        self.disconnect_zones(&attachment);
        self.attachments.insert(id.to_owned(), attachment.clone());
        let state = self.attachment_state(&attachment);
        Ok((attachment, state))
    }

    /// Deletes an attachment.
    pub fn delete_attachment(&mut self, account: &str, id: &str) -> Ec2Result<(Attachment, String)> {
        let attachment = self.attachment_in(account, id, &["available", "pendingAcceptance"])?;
        for key in self.keys_of_attachment(&attachment.service_id, id) {
            self.enter_state(&key, "deleting");
        }
        let state = self.attachment_state(&attachment);
        Ok((attachment, state))
    }

    fn connect(&mut self, service: &Service, attachment: &Attachment, zones: Vec<String>) {
        let has_endpoint = self.attachment_connections != AttachmentConnections::Attachment;
        let connection = Connection {
            service_id: service.id.clone(),
            endpoint_id: if has_endpoint { self.id("vpce-") } else { String::new() },
            attachment: Some(AttachmentLink { id: attachment.id.clone(), owner: attachment.owner.clone(), zones }),
            connection_id: self.id("vpce-con-"),
            owner: has_endpoint.then(|| attachment.owner.clone()),
            state: if service.acceptance_required { "pendingAcceptance" } else { "pending" }.to_owned(),
            created: Some(self.now),
            region: Some(self.region.clone()),
            ip_address_type: Some("ipv4".to_owned()),
            load_balancer_arns: service.load_balancer_arns.clone(),
            tags: Tags::new(),
            listed_from: self.now + self.visibility_delay,
            state_since: self.now,
        };
        self.insert(connection);
    }

    /// Deletes the connections whose zones the attachment no longer has.
    fn disconnect_zones(&mut self, attachment: &Attachment) {
        for key in self.keys_of_attachment(&attachment.service_id, &attachment.id) {
            let link = self.connections.get(&key).and_then(|connection| connection.attachment.as_ref());
            let is_used = |zone: &String| attachment.zones.all().any(|each| each == zone);
            if link.is_some_and(|link| !link.zones.iter().any(is_used)) {
                self.enter_state(&key, "deleting");
            }
        }
    }

    /// Checks that the account owns the transit gateway, and that no live attachment joins it with the service.
    fn check_transit_gateway(&mut self, account: &str, id: &str, service_id: &str) -> Ec2Result<()> {
        let owner = self.transit_gateways.entry(id.to_owned()).or_insert_with(|| account.to_owned());
        if owner != account || !id.starts_with("tgw-") {
            let message = format!("Transit Gateway {id} was deleted or does not exist.");
            return Err(Ec2Error::new("InvalidTransitGatewayID.NotFound", message));
        }
        let joins = |attachment: &&Attachment| attachment.transit_gateway_id == id && attachment.service_id == service_id;
        let is_live = |attachment: &Attachment| !matches!(self.attachment_state(attachment).as_str(), "rejected" | "deleted");
        if self.attachments.values().filter(joins).any(is_live) {
            let message = format!("{id} has a network function attachment for the same endpoint service.");
            return Err(Ec2Error::new("DuplicateTransitGatewayAttachment", message));
        }
        Ok(())
    }

    fn attachment_state(&self, attachment: &Attachment) -> String {
        let keys = self.keys_of_attachment(&attachment.service_id, &attachment.id);
        let has = |state: &&str| keys.iter().filter_map(|key| self.connections.get(key)).any(|connection| connection.state == *state);
        STATES.into_iter().find(has).unwrap_or("deleted").to_owned()
    }

    fn attachment_in(&self, account: &str, id: &str, states: &[&str]) -> Ec2Result<Attachment> {
        let attachment = self.owned_attachment(account, id)?;
        let state = self.attachment_state(attachment);
        if states.contains(&state.as_str()) {
            Ok(attachment.clone())
        } else {
            Err(Ec2Error::new("IncorrectState", format!("{id} is in invalid state {state}")))
        }
    }

    fn owned_attachment(&self, account: &str, id: &str) -> Ec2Result<&Attachment> {
        let attachment = self.attachments.get(id).filter(|attachment| attachment.owner == account);
        attachment.ok_or_else(|| Ec2Error::attachment_not_found(id))
    }
}
