//! `CreateTags` and `DeleteTags` for services, endpoints and connections.

use super::{error::Ec2Error, model::Tags, state::World};

impl World {
    /// Adds tags, or replaces their values.
    ///
    /// # Errors
    /// For an id that is unknown or another account's.
    pub fn create_tags(&mut self, account: &str, ids: &[String], tags: &[(String, String)]) -> Result<(), Ec2Error> {
        self.change_tags(account, ids, |of| of.extend(tags.iter().cloned()))
    }

    /// Removes the tags with these keys, or all tags without keys.
    ///
    /// # Errors
    /// For an id that is unknown or another account's.
    pub fn delete_tags(&mut self, account: &str, ids: &[String], keys: &[String]) -> Result<(), Ec2Error> {
        self.change_tags(account, ids, |of| of.retain(|key, _| !keys.is_empty() && !keys.contains(key)))
    }

    /// Returns true if this is the id of a service, an endpoint or a connection.
    #[must_use]
    pub fn knows(&self, id: &str) -> bool {
        self.services.contains_key(id)
            || self.endpoints.contains_key(id)
            || self.connections.values().any(|connection| connection.connection_id == id)
    }

    fn change_tags(&mut self, account: &str, ids: &[String], change: impl Fn(&mut Tags)) -> Result<(), Ec2Error> {
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
        let endpoint = self.endpoints.get_mut(id)?;
        (endpoint.owner == account).then_some(&mut endpoint.tags)
    }
}
