use crate::audit::definition::{Check, Definition, Evidence, Finding, FindingKind, ServiceView, Severity};
use crate::audit::text::list;
use crate::model::notification::{ConnectionNotification, creation};
use crate::model::service::ServiceKind;

pub(super) static DEFINITION: Definition = Definition {
    kind: FindingKind::new("notifications-missing"),
    title: "No connection notifications",
    description: "An interface service that requires acceptance, without an enabled `Connect` notification to the warden's topic.",
    severity: Severity::Warning,
    other_severity: None,
    needs: &[Evidence::Configuration, Evidence::Notifications],
    check: Check::Service(check),
};

fn check(view: &ServiceView<'_>) -> Option<Finding> {
    let (service, topics) = (view.service, &view.thresholds.topics);
    let topic = topics.first()?;
    if service.kind != ServiceKind::Interface || !service.acceptance_required {
        return None;
    }
    let of_service: Vec<_> = view.notifications?.iter().filter(|notification| notification.service == service.id).collect();
    let reaches_warden = |notification: &&ConnectionNotification| {
        notification.enabled
            && topics.iter().any(|topic| topic.as_str() == notification.topic)
            && notification.events.iter().any(|event| event == "Connect")
    };
    if of_service.iter().any(reaches_warden) {
        return None;
    }
    let what = "No enabled connection notification goes to the warden's topic: each request waits for the next sweep.";
    let finding = DEFINITION
        .finding(view.subject(), what)
        .with_service_name(service)
        .with_evidence("notifications", list(of_service.iter().map(|notification| &notification.topic)))
        .with_command("Create the notification", creation(&view.thresholds.region, &service.id, topic.as_str()));
    Some(finding)
}
