//! Connection notifications.

use super::answer::{ActionResult, done, element, elements, page, text, texts, unsuccessful};
use crate::{
    server::parameters::Parameters,
    world::{Notification, World},
};

pub(super) fn create(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let (service, topic) = (parameters.require("ServiceId")?, parameters.require("ConnectionNotificationArn")?);
    let made = world.create_notification(account, service, topic, &parameters.require_list("ConnectionEvents")?)?;
    elements(element("connectionNotification", &shape(&made)))
}

pub(super) fn describe(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let id = parameters.get("ConnectionNotificationId");
    page("connectionNotificationSet", &world.describe_notifications(account, id, &parameters.filters(), parameters.page()?)?, shape)
}

pub(super) fn modify(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    let (id, topic) = (parameters.require("ConnectionNotificationId")?, parameters.get("ConnectionNotificationArn"));
    world.modify_notification(account, id, topic, &parameters.list("ConnectionEvents"))?;
    done()
}

pub(super) fn delete(world: &mut World, account: &str, parameters: &Parameters) -> ActionResult {
    unsuccessful(world.delete_notifications(account, &parameters.require_list("ConnectionNotificationId")?))
}

fn shape(notification: &Notification) -> String {
    [
        text("connectionNotificationId", &notification.id),
        text("serviceId", &notification.service_id),
        text("connectionNotificationType", "Topic"),
        text("connectionNotificationArn", &notification.topic_arn),
        texts("connectionEvents", &notification.events),
        text("connectionNotificationState", &notification.state),
    ]
    .concat()
}
