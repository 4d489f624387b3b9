//! The state of the Region, its time, and the look-ups of an owner's resources.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    consumer::{Attachment, Connection, Endpoint},
    error::{Ec2Error, Ec2Result},
    model::{Notification, Permission, Service},
    organization::Organization,
};

/// The connections of an attachment, as the provider describes them. AWS does not say which of these is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AttachmentConnections {
    /// One connection, without a `VpcEndpointId`.
    #[default]
    Attachment,
    /// One connection, with a `VpcEndpointId`.
    Endpoint,
    /// One connection for each Availability Zone, with a `VpcEndpointId`: `ModifyTransitGatewayNetworkFunctionAttachment`
    /// creates an endpoint for each zone that it adds.
    Zones,
}

impl FromStr for AttachmentConnections {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "attachment" => Ok(Self::Attachment),
            "endpoint" => Ok(Self::Endpoint),
            "zones" => Ok(Self::Zones),
            _ => Err(format!("unknown connections `{text}`; expected attachment, endpoint or zones")),
        }
    }
}

/// PrivateLink in one Region.
#[derive(Debug, Clone)]
pub struct World {
    pub(super) region: String,
    pub(super) now: Timestamp,
    settle: SignedDuration,
    forget_after: SignedDuration,
    pub(super) visibility_delay: SignedDuration,
    pub(super) page_size_max: usize,
    counter: u64,
    pub(super) services: BTreeMap<String, Service>,
    /// The permissions of type `vpc-endpoint`.
    pub(super) permissions: Vec<Permission>,
    pub(super) attachment_permissions: Vec<Permission>,
    /// By [`Connection::key`].
    pub(super) connections: BTreeMap<String, Connection>,
    /// The connections of each service: a describe call for one service must not walk through all connections.
    pub(super) by_service: BTreeMap<String, BTreeSet<String>>,
    /// Connections that may be in a transitional state.
    pub(super) unsettled: BTreeSet<String>,
    /// By endpoint or attachment.
    pub(super) acceptances: BTreeMap<String, Vec<Timestamp>>,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) attachments: BTreeMap<String, Attachment>,
    pub(super) attachment_connections: AttachmentConnections,
    /// The public DNS: names and values.
    pub(super) txt_records: BTreeSet<(String, String)>,
    /// The owners of transit gateways.
    pub(super) transit_gateways: BTreeMap<String, String>,
    pub(super) notifications: BTreeMap<String, Notification>,
    /// The provider's organization.
    pub organization: Organization,
}

impl World {
    /// An empty Region.
    pub fn new(region: &str, now: Timestamp) -> Self {
        Self {
            region: region.to_owned(),
            now,
            settle: SignedDuration::from_secs(30),
            forget_after: SignedDuration::MAX,
            visibility_delay: SignedDuration::ZERO,
            page_size_max: 1000,
            counter: 0,
            services: BTreeMap::new(),
            permissions: Vec::new(),
            attachment_permissions: Vec::new(),
            connections: BTreeMap::new(),
            by_service: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            acceptances: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            attachments: BTreeMap::new(),
            attachment_connections: AttachmentConnections::default(),
            txt_records: BTreeSet::new(),
            transit_gateways: BTreeMap::new(),
            notifications: BTreeMap::new(),
            organization: Organization::default(),
        }
    }

    /// An empty Region with the same settings. Each number makes other ids.
    pub(super) fn empty_copy(&self, region: &str, number: usize) -> Self {
        Self {
            settle: self.settle,
            forget_after: self.forget_after,
            visibility_delay: self.visibility_delay,
            page_size_max: self.page_size_max,
            attachment_connections: self.attachment_connections,
            txt_records: self.txt_records.clone(),
            counter: (number as u64) << 32,
            ..Self::new(region, self.now)
        }
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time, ends the transitional states that are due, and forgets what was deleted.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
        let (settle, forget_after) = (self.settle, self.forget_after);
        let (connections, mut forgotten) = (&mut self.connections, Vec::new());
        self.unsettled.retain(|key| {
            let Some(connection) = connections.get_mut(key) else { return false };
            connection.settle(now, settle);
            if connection.is_forgotten(now, forget_after) {
                forgotten.push(key.clone());
            }
            connection.is_transitional()
        });
        forgotten.iter().for_each(|key| self.forget(key));
    }

    /// Removes a connection, and the endpoint or attachment that it was the last one of. Rejected connections linger.
    fn forget(&mut self, key: &str) {
        let Some(connection) = self.connections.remove(key) else { return };
        if let Some(keys) = self.by_service.get_mut(&connection.service_id) {
            keys.remove(key);
        }
        self.unsettled.remove(key);
        self.endpoints.remove(&connection.endpoint_id);
        if let Some(attachment) = connection.attachment
            && !self.connections.values().any(|other| other.is_of_attachment(&attachment.id))
        {
            self.attachments.remove(&attachment.id);
        }
    }

    /// Sets the time for which a deleted connection stays in the lists. By default it stays.
    /// Inference: AWS documents neither that it leaves nor when.
    pub fn set_forget_after(&mut self, after: SignedDuration) {
        self.forget_after = after;
    }

    /// Sets the time from `pending` to `available`, and from `deleting` to `deleted`.
    pub fn set_settle(&mut self, settle: SignedDuration) {
        self.settle = settle;
    }

    /// Limits pages to this size, also where `MaxResults` is larger.
    pub fn set_page_size_max(&mut self, size: usize) {
        self.page_size_max = size;
    }

    /// Sets the time until describe calls return a new connection: AWS is eventually consistent.
    pub fn set_visibility_delay(&mut self, delay: SignedDuration) {
        self.visibility_delay = delay;
    }

    /// Chooses the connections that new attachments get.
    pub fn set_attachment_connections(&mut self, connections: AttachmentConnections) {
        self.attachment_connections = connections;
    }

    /// Adds a connection.
    pub(super) fn insert(&mut self, connection: Connection) {
        let key = connection.key().to_owned();
        self.by_service.entry(connection.service_id.clone()).or_default().insert(key.clone());
        self.unsettled.insert(key.clone());
        self.connections.insert(key, connection);
    }

    /// Returns a new id of AWS's form. Multiplying spreads it over all digits, so that no test depends on the order of ids.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:017x}", self.counter.wrapping_mul(0x9e37_79b9_7f4a_7c15) as u128 + (1 << 64))
    }

    pub(super) fn owned_service(&self, owner: &str, id: &str) -> Ec2Result<&Service> {
        let service = self.services.get(id).filter(|service| service.owner == owner);
        service.ok_or_else(|| Ec2Error::service_not_found(id))
    }

    pub(super) fn owned_endpoint(&self, owner: &str, id: &str) -> Ec2Result<&Endpoint> {
        let endpoint = self.endpoints.get(id).filter(|endpoint| endpoint.owner == owner);
        endpoint.ok_or_else(|| Ec2Error::endpoint_not_found(id))
    }

    pub(super) fn owned_notification(&self, owner: &str, id: &str) -> Ec2Result<&Notification> {
        let notification = self.notifications.get(id).filter(|notification| notification.owner == owner);
        notification.ok_or_else(|| Ec2Error::notification_not_found(id))
    }
}
