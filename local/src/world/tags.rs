//! `CreateTags` and `DeleteTags` for services, endpoints, attachments and connections.

use super::{
    error::{Ec2Error, Ec2Result},
    model::Tags,
    state::World,
};

impl World {
    /// Adds tags, or replaces their values.
    pub fn create_tags(&mut self, account: &str, ids: &[String], tags: &[(String, String)]) -> Ec2Result<()> {
        self.change_tags(account, ids, |of| of.extend(tags.iter().cloned()))
    }

    /// Removes the tags with these keys, or all tags without keys.
    pub fn delete_tags(&mut self, account: &str, ids: &[String], keys: &[String]) -> Ec2Result<()> {
        self.change_tags(account, ids, |of| of.retain(|key, _| !keys.is_empty() && !keys.contains(key)))
    }

    /// Returns true if this is the id of a service, an endpoint, an attachment or a connection.
    pub fn knows(&self, id: &str) -> bool {
        self.services.contains_key(id)
            || self.endpoints.contains_key(id)
            || self.attachments.contains_key(id)
            || self.connections.values().any(|connection| connection.connection_id == id)
    }

    fn change_tags(&mut self, account: &str, ids: &[String], change: impl Fn(&mut Tags)) -> Ec2Result<()> {
        for id in ids {
            let tags = self.tags_mut(account, id).ok_or_else(|| Ec2Error::new("InvalidID", format!("The ID '{id}' is not valid")))?;
            change(tags);
        }
        Ok(())
    }

    fn tags_mut(&mut self, account: &str, id: &str) -> Option<&mut Tags> {
        if let Some(connection) = self.connections.values_mut().find(|connection| connection.connection_id == id) {
            let service = self.services.get(&connection.service_id)?;
            return (service.owner == account).then_some(&mut connection.tags);
        }
        if let Some(service) = self.services.get_mut(id) {
            return (service.owner == account).then_some(&mut service.tags);
        }
        if let Some(attachment) = self.attachments.get_mut(id) {
            return (attachment.owner == account).then_some(&mut attachment.tags);
        }
        let endpoint = self.endpoints.get_mut(id)?;
        (endpoint.owner == account).then_some(&mut endpoint.tags)
    }
}
