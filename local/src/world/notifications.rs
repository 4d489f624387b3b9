//! Connection notifications: the one thing AWS pushes to a service's owner, for interface services only.

use super::{Ec2Error, Effect, Filter, Page, PageRequest, World, filters::passes};

/// A subscription of a topic to the events of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `vpce-nfn-…`.
    pub id: String,
    /// The service's owner.
    pub owner: String,
    /// The service.
    pub service_id: String,
    /// The topic.
    pub topic_arn: String,
    /// `Accept`, `Connect`, `Delete`, `Reject`.
    pub events: Vec<String>,
    /// `Enabled` or `Disabled`.
    pub state: String,
}

impl World {
    /// Subscribes a topic.
    ///
    /// # Errors
    /// For a service that is not the caller's or no interface service, and for unknown events.
    pub fn create_notification(
        &mut self,
        owner: &str,
        service_id: &str,
        topic_arn: &str,
        events: &[String],
    ) -> Result<Notification, Ec2Error> {
        let service = self.owned(owner, service_id)?;
        if service.kind != "Interface" {
            return Err(Ec2Error::new("InvalidParameter", "Connection notifications can be created for interface endpoint services only"));
        }
        check(events)?;
        let id = self.id("vpce-nfn-");
        let notification = Notification {
            id: id.clone(),
            owner: owner.to_owned(),
            service_id: service_id.to_owned(),
            topic_arn: topic_arn.to_owned(),
            events: events.to_vec(),
            state: "Enabled".to_owned(),
        };
        self.notifications.insert(id, notification.clone());
        Ok(notification)
    }

    /// The caller's subscriptions.
    ///
    /// # Errors
    /// For an unknown id, an unknown filter or a bad page.
    pub fn describe_notifications(
        &self,
        owner: &str,
        id: Option<&str>,
        filters: &[Filter],
        page: PageRequest,
    ) -> Result<Page<Notification>, Ec2Error> {
        if let Some(id) = id {
            self.own_notification(owner, id)?;
        }
        let mut found = Vec::new();
        for notification in
            self.notifications.values().filter(|notification| notification.owner == owner && id.is_none_or(|id| notification.id == id))
        {
            let value = |name: &str| match name {
                "connection-notification-arn" => Some(vec![notification.topic_arn.clone()]),
                "connection-notification-id" => Some(vec![notification.id.clone()]),
                "connection-notification-state" => Some(vec![notification.state.clone()]),
                "connection-notification-type" => Some(vec!["Topic".to_owned()]),
                "service-id" => Some(vec![notification.service_id.clone()]),
                "vpc-endpoint-id" => Some(Vec::new()),
                _ => None,
            };
            if passes(filters, value)? {
                found.push(notification);
            }
        }
        self.page(found, &page)
    }

    /// Changes a subscription; `None` and empty leave as it is.
    ///
    /// # Errors
    /// For one that is not the caller's, and for unknown events.
    pub fn modify_notification(&mut self, owner: &str, id: &str, topic_arn: Option<&str>, events: &[String]) -> Result<(), Ec2Error> {
        self.own_notification(owner, id)?;
        check(events)?;
        if let Some(notification) = self.notifications.get_mut(id) {
            topic_arn.into_iter().for_each(|arn| notification.topic_arn = arn.to_owned());
            if !events.is_empty() {
                notification.events = events.to_vec();
            }
        }
        Ok(())
    }

    /// Ends subscriptions. Returns the ids that were not the caller's.
    pub fn delete_notifications(&mut self, owner: &str, ids: &[String]) -> Vec<String> {
        let (gone, unknown): (Vec<String>, Vec<String>) = ids.iter().cloned().partition(|id| self.own_notification(owner, id).is_ok());
        self.notifications.retain(|id, _| !gone.contains(id));
        unknown
    }

    /// A hand for tests: the subscriptions, to be changed at will.
    pub fn notifications_mut(&mut self) -> impl Iterator<Item = &mut Notification> {
        self.notifications.values_mut()
    }

    pub(super) fn notify(&self, service_id: &str, endpoint_id: &str, event: &str) -> Vec<Effect> {
        let wanted = |n: &&Notification| n.service_id == service_id && n.state == "Enabled" && n.events.iter().any(|name| name == event);
        let effect = |n: &Notification| Effect::Notification {
            topic_arn: n.topic_arn.clone(),
            owner: n.owner.clone(),
            event: event.to_owned(),
            service_id: service_id.to_owned(),
            endpoint_id: endpoint_id.to_owned(),
        };
        self.notifications.values().filter(wanted).map(effect).collect()
    }

    fn own_notification(&self, owner: &str, id: &str) -> Result<&Notification, Ec2Error> {
        let notification = self.notifications.get(id).filter(|notification| notification.owner == owner);
        notification.ok_or_else(|| {
            Ec2Error::new("InvalidConnectionNotificationId.NotFound", format!("The connection notification ID '{id}' does not exist"))
        })
    }
}

fn check(events: &[String]) -> Result<(), Ec2Error> {
    match events.iter().find(|event| !["Accept", "Connect", "Delete", "Reject"].contains(&event.as_str())) {
        Some(event) => Err(Ec2Error::new("InvalidParameter", format!("The connection event '{event}' is invalid"))),
        None => Ok(()),
    }
}
