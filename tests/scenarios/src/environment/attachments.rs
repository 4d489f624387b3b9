//! A firewall service, to which consumers attach their transit gateways.

use local::world::{AttachmentChange, AttachmentConnections, Connection, Filter, NewAttachment, PageRequest, PermissionType, Zones};
use serde_json::Value;

use crate::{ALLOWED, PROVIDER, TestEnvironment, UNLISTED, event, gateway_service, root};

/// The Availability Zone of every new attachment.
const ZONE: &str = "us-east-1a";
/// The one that is added later.
const ADDED_ZONE: &str = "us-east-1b";

impl TestEnvironment {
    /// Puts a firewall in the place of the Redis service. [`ALLOWED`] and [`UNLISTED`] may attach to it, and create endpoints.
    pub fn with_firewall(mut self) -> Self {
        self.service = self.create_service(gateway_service("firewall"), &[ALLOWED, UNLISTED]);
        self.permit_attachments(&[ALLOWED, UNLISTED]);
        self
    }

    /// Permits accounts to attach to the service.
    pub fn permit_attachments(&self, accounts: &[&str]) {
        self.change_attachment_permissions(accounts, &[]);
    }

    /// Takes accounts' permissions to attach back.
    pub fn withdraw_attachments(&self, accounts: &[&str]) {
        self.change_attachment_permissions(&[], accounts);
    }

    fn change_attachment_permissions(&self, add: &[&str], remove: &[&str]) {
        let roots = |accounts: &[&str]| accounts.iter().map(|account| root(account)).collect::<Vec<_>>();
        let of = PermissionType::TransitGatewayAttachment;
        self.aws.world().modify_permissions_of(of, PROVIDER, &self.service, &roots(add), &roots(remove)).unwrap();
    }

    /// Sets the form of the connections of new attachments, which AWS does not document.
    pub fn set_attachment_connections(&self, form: AttachmentConnections) {
        self.aws.world().set_attachment_connections(form);
    }

    /// A consumer attaches another transit gateway. Returns the attachment and the CloudTrail event of its creation.
    pub fn attach(&self, account: &str) -> (String, Value) {
        let name = format!("com.amazonaws.vpce.us-east-1.{}", self.service);
        let transit_gateway_id = format!("tgw-{account}{:05}", self.described(Vec::new()).len());
        let mut world = self.aws.world();
        let zones = Zones { names: vec![ZONE.to_owned()], ids: Vec::new() };
        let new = NewAttachment { transit_gateway_id, zones, ..NewAttachment::default() };
        let (attachment, effects) = world.create_attachment(account, &name, new).unwrap();
        let [trail] = &effects[..] else { panic!("a CloudTrail event: {effects:?}") };
        (attachment.id, event(trail))
    }

    /// A consumer adds an Availability Zone to an attachment that is available.
    pub fn add_zone(&self, account: &str, attachment: &str) {
        let add = Zones { names: vec![ADDED_ZONE.to_owned()], ids: Vec::new() };
        let change = AttachmentChange { add, ..AttachmentChange::default() };
        self.aws.world().modify_attachment(account, attachment, change).unwrap();
    }

    /// The states of an attachment's connections, sorted.
    pub fn attachment_states(&self, attachment: &str) -> Vec<String> {
        let filter = Filter { name: "transit-gateway-attachment-id".to_owned(), values: vec![attachment.to_owned()] };
        let mut states: Vec<String> = self.described(vec![filter]).into_iter().map(|connection| connection.state).collect();
        states.sort();
        states
    }

    fn described(&self, filters: Vec<Filter>) -> Vec<Connection> {
        self.aws.world().describe_connections(PROVIDER, &filters, PageRequest::default()).unwrap().items
    }
}
