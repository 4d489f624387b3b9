//! Resources that exist from the start. They need no permission, and no message announces them.

use jiff::Timestamp;

use super::{
    consumer::{NewAttachment, NewEndpoint, Zones},
    error::{Ec2Error, Ec2Result},
    model::{NewService, Service, Tags},
    state::World,
};

/// A connection that exists from the start, with its endpoint or attachment.
#[derive(Debug, Clone)]
pub struct ImportedConnection {
    /// The consumer.
    pub account: String,
    /// The state as on the wire.
    pub state: String,
    /// The time of creation.
    pub created: Timestamp,
    /// The endpoint's Region; the service's by default.
    pub region: Option<String>,
    /// `vpce-…`; a new id by default.
    pub endpoint_id: Option<String>,
    /// `tgw-…`: the connection is for an attachment.
    pub transit_gateway_id: Option<String>,
    /// The provider's tags.
    pub tags: Tags,
}

impl World {
    /// Adds a service, with a new id by default.
    pub fn import_service(&mut self, owner: &str, id: Option<String>, new: NewService) -> Ec2Result<Service> {
        check_account(owner)?;
        let id = self.imported_id(id, "vpce-svc-")?;
        self.add_service(id, owner, new)
    }

    /// Adds a connection. Returns the id of its endpoint or attachment.
    pub fn import_connection(&mut self, service: &Service, imported: ImportedConnection) -> Ec2Result<String> {
        check_account(&imported.account)?;
        let id = match imported.transit_gateway_id {
            Some(transit_gateway_id) => {
                let zones = Zones { names: vec![format!("{}a", self.region)], ids: Vec::new() };
                let new = NewAttachment { transit_gateway_id, zones, tags: Tags::new() };
                self.attach(service, &imported.account, new)?.id
            }
            None => {
                let new = NewEndpoint { region: imported.region, ..NewEndpoint::default() };
                let id = self.imported_id(imported.endpoint_id, "vpce-")?;
                self.open_endpoint(service, &imported.account, id, new).id
            }
        };
        if let Some(endpoint) = self.endpoints.get_mut(&id) {
            endpoint.created = imported.created;
        }
        if let Some(attachment) = self.attachments.get_mut(&id) {
            attachment.created = imported.created;
        }
        if let Some(connection) = self.connection_mut(&id) {
            connection.state = imported.state;
            connection.created = Some(imported.created);
            connection.tags = imported.tags;
        }
        Ok(id)
    }

    fn imported_id(&mut self, id: Option<String>, prefix: &str) -> Ec2Result<String> {
        match id {
            None => Ok(self.id(prefix)),
            Some(id) if !id.starts_with(prefix) => Err(Ec2Error::invalid_value(&id, "id")),
            Some(id) if self.knows(&id) => Err(Ec2Error::new("InvalidID", format!("{id} exists already"))),
            Some(id) => Ok(id),
        }
    }
}

fn check_account(id: &str) -> Ec2Result<()> {
    let is_account = id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    if is_account { Ok(()) } else { Err(Ec2Error::invalid_value(id, "account")) }
}
