//! Connection notifications. AWS sends them for interface endpoints only.

use super::{
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest},
    model::{Effect, Notification},
    state::World,
};

const EVENTS: [&str; 4] = ["Accept", "Connect", "Delete", "Reject"];

const FILTERS: [&str; 6] = [
    "connection-notification-arn",
    "connection-notification-id",
    "connection-notification-state",
    "connection-notification-type",
    "service-id",
    // Notifications of endpoints, which the stand-in does not have.
    "vpc-endpoint-id",
];

impl World {
    /// Creates a connection notification; `InvalidParameter` for a service that is not of type `Interface`.
    pub fn create_notification(&mut self, owner: &str, service_id: &str, topic_arn: &str, events: &[String]) -> Ec2Result<Notification> {
        if self.owned_service(owner, service_id)?.kind != "Interface" {
            return Err(Ec2Error::new("InvalidParameter", "Connection notifications can be created for interface endpoint services only"));
        }
        check_events(events)?;
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

    /// Describes the owner's connection notifications.
    pub fn describe_notifications(
        &self,
        owner: &str,
        id: Option<&str>,
        filters: &[Filter],
        page: PageRequest,
    ) -> Ec2Result<Page<Notification>> {
        id.map_or(Ok(()), |id| self.owned_notification(owner, id).map(drop))?;
        let is_asked_for = |notification: &&Notification| notification.owner == owner && id.is_none_or(|id| notification.id == id);
        let chosen = self.notifications.values().filter(is_asked_for);
        self.page(chosen, &FILTERS, filters, &page, |notification, name| match name {
            "connection-notification-arn" => vec![&notification.topic_arn],
            "connection-notification-id" => vec![&notification.id],
            "connection-notification-state" => vec![&notification.state],
            "connection-notification-type" => vec!["Topic"],
            "service-id" => vec![&notification.service_id],
            _ => Vec::new(),
        })
    }

    /// Changes a connection notification. `None` and an empty list change nothing.
    pub fn modify_notification(&mut self, owner: &str, id: &str, topic_arn: Option<&str>, events: &[String]) -> Ec2Result<()> {
        self.owned_notification(owner, id)?;
        check_events(events)?;
        if let Some(notification) = self.notifications.get_mut(id) {
            if let Some(topic_arn) = topic_arn {
                notification.topic_arn = topic_arn.to_owned();
            }
            if !events.is_empty() {
                notification.events = events.to_vec();
            }
        }
        Ok(())
    }

    /// Deletes connection notifications.
    pub fn delete_notifications(&mut self, owner: &str, ids: &[String]) -> Changes {
        change_each(ids, |id| {
            self.owned_notification(owner, id)?;
            self.notifications.remove(id);
            Ok(Vec::new())
        })
    }

    /// Returns the connection notifications for tests to change.
    pub fn notifications_mut(&mut self) -> impl Iterator<Item = &mut Notification> {
        self.notifications.values_mut()
    }

    /// The messages that an event of a connection causes.
    pub(super) fn notify(&self, service_id: &str, endpoint_id: &str, event: &str) -> Vec<Effect> {
        let wants = |n: &&Notification| n.service_id == service_id && n.state == "Enabled" && n.events.iter().any(|name| name == event);
        let message = |n: &Notification| Effect::Notification {
            topic_arn: n.topic_arn.clone(),
            owner: n.owner.clone(),
            event: event.to_owned(),
            service_id: service_id.to_owned(),
            endpoint_id: endpoint_id.to_owned(),
        };
        self.notifications.values().filter(wants).map(message).collect()
    }
}

fn check_events(events: &[String]) -> Ec2Result<()> {
    match events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        Some(event) => Err(Ec2Error::new("InvalidParameter", format!("The connection event '{event}' is invalid"))),
        None => Ok(()),
    }
}
