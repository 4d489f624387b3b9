//! `warden doctor --fix`: makes what is missing at each service, after one question for each kind of change.

use warden::{
    aws::service_settings::ServiceSettings,
    model::{
        ids::TopicArn,
        mode::Mode,
        notification::{ConnectionNotification, notifies_of_requests},
        service::{Service, ServiceConfiguration, ServiceKind},
    },
    ports::Inventory,
};

use crate::{
    arguments::Fix,
    aws::Aws,
    call_advice::with_advice,
    error::CliError,
    prompt::confirm,
    wording::{counted, service_name},
};

/// Makes the changes. The checks that follow report what is left.
pub(super) async fn fix(aws: &Aws, fixes: &[Fix], topic: Option<&TopicArn>, yes: bool) -> Result<(), CliError> {
    let all = aws.in_scope(aws.ec2.service_configurations().await?, |configuration| &configuration.service)?;
    if fixes.contains(&Fix::Notifications) {
        let topic = topic.ok_or_else(|| CliError::Usage("--fix notifications needs the topic: give --stack, or --topic".to_owned()))?;
        // EC2 takes a topic that does not exist, and disables the notification later.
        aws.diagnostics.topic(topic).await?;
        notifications(aws, &without_notification(&all, &aws.ec2.connection_notifications().await?, topic), topic, yes).await?;
    }
    if fixes.contains(&Fix::Acceptance) {
        acceptance(aws, &without_acceptance(&all), yes).await?;
    }
    Ok(())
}

/// The services that AWS can notify of, without a notification to the topic. One that AWS disabled stays a problem: SNS refused its
/// messages.
fn without_notification<'a>(
    all: &'a [ServiceConfiguration],
    notifications: &[ConnectionNotification],
    topic: &TopicArn,
) -> Vec<&'a Service> {
    let services = all.iter().map(|one| &one.service).filter(|service| service.kind == ServiceKind::Interface);
    services
        .filter(|service| !notifications.iter().any(|one| one.topic == topic.as_str() && notifies_of_requests(one, &service.id)))
        .collect()
}

fn without_acceptance(all: &[ServiceConfiguration]) -> Vec<&Service> {
    all.iter().map(|one| &one.service).filter(|service| !service.acceptance_required).collect()
}

async fn notifications(aws: &Aws, services: &[&Service], topic: &TopicArn, yes: bool) -> Result<(), CliError> {
    if services.is_empty() {
        eprintln!("Each service has a connection notification to {topic}.");
        return Ok(());
    }
    services.iter().for_each(|service| eprintln!("{} ({}): notify {topic} of each new request", service_name(service), service.id));
    confirm(yes, &format!("Create {}?", counted(services.len(), "connection notification", "connection notifications")))?;
    let settings = ServiceSettings::new(&aws.config);
    for service in services {
        report(service, "connection notification created", settings.notify(&service.id, topic).await);
    }
    Ok(())
}

async fn acceptance(aws: &Aws, services: &[&Service], yes: bool) -> Result<(), CliError> {
    if services.is_empty() {
        eprintln!("Each service requires acceptance.");
        return Ok(());
    }
    services.iter().for_each(|service| eprintln!("{} ({}): require acceptance", service_name(service), service.id));
    eprintln!("warning: {}", acceptance_warning(aws.common.stack.as_ref().map(|stack| stack.mode)));
    confirm(yes, &format!("Require acceptance for {}?", counted(services.len(), "service", "services")))?;
    let settings = ServiceSettings::new(&aws.config);
    for service in services {
        report(service, "acceptance required", settings.require_acceptance(&service.id).await);
    }
    Ok(())
}

fn acceptance_warning(mode: Option<Mode>) -> &'static str {
    match mode {
        Some(Mode::Active) => {
            "connections stay, but each new request waits for the warden, and those that no policy allows wait for a person. Run `warden principals` first: it lists the accounts that no policy allows"
        }
        Some(Mode::Observe) => {
            "connections stay, but each new request waits for a person, because the stack is in mode observe and accepts nothing"
        }
        None => "connections stay, but each new request waits for the warden or for a person. No stack is given, so its mode is unknown",
    }
}

fn report(service: &Service, done: &str, result: Result<(), warden::ports::CallError>) {
    let name = service_name(service);
    match result {
        Ok(()) => eprintln!("{name} ({}): {done}", service.id),
        Err(error) => eprintln!("{name} ({}): {}", service.id, with_advice(&error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(id: &str, kind: &str, acceptance_required: bool) -> ServiceConfiguration {
        let service = json!({"id": id, "region": "us-east-1", "kind": kind, "acceptance_required": acceptance_required, "tags": {}});
        ServiceConfiguration { service: serde_json::from_value(service).unwrap(), regions: Vec::new() }
    }

    fn notification(service: &str, topic: &str, event: &str) -> ConnectionNotification {
        ConnectionNotification {
            service: service.parse().unwrap(),
            topic: topic.to_owned(),
            events: vec![event.to_owned()],
            enabled: false,
        }
    }

    #[test]
    fn only_missing_notifications_are_created() {
        const OURS: &str = "arn:aws:sns:us-east-1:123456789012:warden-connections";
        let ids = ["vpce-svc-00000000000000001", "vpce-svc-00000000000000002", "vpce-svc-00000000000000003", "vpce-svc-00000000000000004"];
        let mut all: Vec<ServiceConfiguration> = ids.iter().map(|id| service(id, "Interface", true)).collect();
        all.push(service("vpce-svc-00000000000000005", "GatewayLoadBalancer", true));
        let existing = [
            notification(ids[0], OURS, "Connect"),
            notification(ids[1], OURS, "Accept"),
            notification(ids[2], "arn:aws:sns:us-east-1:123456789012:other", "Connect"),
        ];
        let missing: Vec<&str> =
            without_notification(&all, &existing, &OURS.parse().unwrap()).iter().map(|service| service.id.as_str()).collect();
        assert_eq!(missing, [ids[1], ids[2], ids[3]]);
    }

    #[test]
    fn services_without_acceptance_are_changed() {
        let all = [service("vpce-svc-00000000000000001", "Interface", true), service("vpce-svc-00000000000000002", "Interface", false)];
        assert_eq!(without_acceptance(&all).iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["vpce-svc-00000000000000002"]);
        assert!(acceptance_warning(Some(Mode::Observe)).contains("accepts nothing"));
    }
}
