//! Checks of how requests reach the warden: acceptance, connection notifications, their topic. Pure.

use std::collections::BTreeSet;

use warden::{
    aws::diagnostics::Topic,
    ledger::open_finding::{OWNER_TAG, owner_of},
    model::{
        ids::{Region, TopicArn},
        notification::{ConnectionNotification, creation, notifies_of_requests},
        printable::printable,
        service::{Service, ServiceConfiguration, ServiceKind},
    },
};

use super::{check::Check, resource_policy::allows_service};
use crate::wording::{counted, service_name};

pub(super) fn acceptance(configuration: &ServiceConfiguration, region: &Region) -> Check {
    let service = &configuration.service;
    let (name, id) = (format!("{}: acceptance", service_name(service)), &service.id);
    if service.acceptance_required {
        return Check::ok(&name, "required");
    }
    let fix = format!("aws ec2 modify-vpc-endpoint-service-configuration --region {region} --service-id {id} --acceptance-required");
    Check::problem(&name, "not required: every allowed principal is connected without a decision", fix)
}

#[derive(Debug, Clone, Copy)]
pub(super) enum GivenTopic<'a> {
    None,
    Found(&'a TopicArn),
    /// The topic does not exist or cannot be described. No fix may name it.
    Unread(&'a TopicArn),
}

pub(super) fn notification(
    configuration: &ServiceConfiguration,
    all: &[ConnectionNotification],
    given: GivenTopic<'_>,
    region: &Region,
) -> Check {
    let service = &configuration.service;
    let (name, id) = (format!("{}: notification", service_name(service)), &service.id);
    if service.kind != ServiceKind::Interface {
        return Check::ok(&name, "AWS sends none for this kind of service; the sweep answers its requests");
    }
    let wanted = match given {
        GivenTopic::None => None,
        GivenTopic::Found(topic) | GivenTopic::Unread(topic) => Some(topic),
    };
    let of_connect = all.iter().filter(|one| notifies_of_requests(one, id));
    let (ours, others): (Vec<_>, Vec<_>) = of_connect.partition(|one| wanted.is_none_or(|topic| topic.as_str() == one.topic));
    if ours.iter().any(|one| one.enabled) {
        return Check::ok(&name, "enabled");
    }
    if !ours.is_empty() {
        let fix = "SNS refused a message: check policy and key of the topic below, then create the notification again";
        return Check::problem(&name, "disabled by AWS", fix);
    }
    let detail = match others.first() {
        Some(other) => format!("none to the topic of --topic, but one to {}", other.topic),
        None => "none for `Connect`: requests wait for the sweep".to_owned(),
    };
    let create = |topic: &str| creation(region, id, topic);
    let fix = match (given, others.first()) {
        (GivenTopic::Unread(_), Some(_)) => "check if --topic should name that topic".to_owned(),
        (GivenTopic::Unread(_), None) => "fix the notification topic below first".to_owned(),
        (GivenTopic::Found(topic), Some(_)) => format!("if --topic names the right topic: {}", create(topic.as_str())),
        (GivenTopic::Found(topic), None) => create(topic.as_str()),
        (GivenTopic::None, _) => create("TOPIC_ARN"),
    };
    Check::problem(&name, detail, fix)
}

pub(super) fn topic(arn: &TopicArn, topic: &Topic, region: &Region, account: &str) -> [Check; 2] {
    const POLICY: &str = "topic policy";
    const KEY: &str = "topic key";
    let policy = if allows_service(&topic.policy, "vpce.amazonaws.com", "sns:Publish") {
        Check::ok(POLICY, "vpce.amazonaws.com may publish")
    } else {
        let partition = region.partition();
        let fix = format!(
            r#"add the statement {{"Effect":"Allow","Principal":{{"Service":"vpce.amazonaws.com"}},"Action":"sns:Publish","Resource":"{arn}","Condition":{{"StringEquals":{{"aws:SourceAccount":"{account}"}},"ArnLike":{{"aws:SourceArn":"arn:{partition}:ec2:{region}:{account}:vpc-endpoint-service/*"}}}}}}"#
        );
        Check::problem(POLICY, "vpce.amazonaws.com may not publish", fix)
    };
    let key = match topic.key.as_deref() {
        None => Check::ok(KEY, "none"),
        Some(key) if key.contains("alias/aws/sns") => {
            Check::problem(KEY, "the AWS managed key for SNS, which PrivateLink cannot use", "use a customer managed key, or no key")
        }
        Some(key) => Check::unknown(KEY, key, "check that its policy allows vpce.amazonaws.com kms:GenerateDataKey* and kms:Decrypt"),
    };
    [policy, key]
}

pub(super) const OWNERS: &str = "owners' topic";

/// Without a confirmed subscriber, no message arrives, and SNS reports no error. `name` is the check's.
pub(super) fn subscribers(name: &str, arn: &TopicArn, topic: &Topic, region: &Region) -> Check {
    let subscribe = format!("aws sns subscribe --region {region} --topic-arn {arn} --protocol email --notification-endpoint ADDRESS");
    match (topic.confirmed, topic.pending) {
        (None, _) => Check::unknown(
            name,
            "AWS does not state its subscriptions",
            format!("aws sns list-subscriptions-by-topic --region {region} --topic-arn {arn}"),
        ),
        (Some(0), Some(pending @ 1..)) => Check::problem(
            name,
            format!("no subscriber is confirmed, so no message arrives ({pending} pending)"),
            format!("open the link that AWS mailed to the subscriber, or: {subscribe}"),
        ),
        (Some(0), _) => Check::problem(name, "no subscriber, so no message arrives", subscribe),
        (Some(confirmed), _) => Check::ok(name, counted(confirmed as usize, "confirmed subscriber", "confirmed subscribers")),
    }
}

/// The topics that the tags of services name, or the problem of a tag. notify sends to a topic of the stack's own name only.
pub(super) fn tagged_topics(services: &[&Service], stack: &str, own: &TopicArn) -> (BTreeSet<TopicArn>, Vec<Check>) {
    let prefix = own.as_str().rsplit_once(':').map_or_else(String::new, |(start, _)| format!("{start}:{stack}-"));
    let (mut topics, mut problems) = (BTreeSet::new(), Vec::new());
    for service in services {
        let Some(tag) = owner_of(service) else { continue };
        match tag.parse::<TopicArn>() {
            Ok(topic) if topic.as_str().starts_with(&prefix) => drop(topics.insert(topic)),
            _ => problems.push(Check::problem(
                &format!("{}: owner's topic", service_name(service)),
                format!("the tag `{OWNER_TAG}` names `{}`, so messages go to the stack's own topic", printable(&tag, 200)),
                format!("name a topic whose ARN begins with {prefix}"),
            )),
        }
    }
    (topics, problems)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::check::Status, *};

    #[test]
    fn topic_needs_a_confirmed_subscriber() {
        let arn: TopicArn = "arn:aws:sns:us-east-1:123456789012:warden-owners".parse().unwrap();
        let check = |confirmed, pending| {
            let topic = Topic { policy: String::new(), key: None, confirmed, pending };
            subscribers(OWNERS, &arn, &topic, &"us-east-1".parse().unwrap())
        };
        assert_eq!((check(Some(0), Some(0)).status, check(Some(0), Some(1)).status), (Status::Problem, Status::Problem));
        assert!(check(Some(0), Some(1)).fix.contains("open the link"));
        assert_eq!((check(Some(1), Some(3)).status, check(None, None).status), (Status::Ok, Status::Unknown));
    }

    #[test]
    fn tag_names_a_topic_of_the_stack() {
        let own: TopicArn = "arn:aws:sns:us-east-1:123456789012:warden-owners".parse().unwrap();
        let tagged = |topic: &str| {
            let service = json!({"id": "vpce-svc-03d5ebb7d9579a2b3", "region": "us-east-1", "kind": "Interface", "acceptance_required": true,
                "tags": {"Name": "redis", OWNER_TAG: topic}});
            let service: Service = serde_json::from_value(service).unwrap();
            let (topics, problems) = tagged_topics(&[&service], "warden", &own);
            (topics.len(), problems.len())
        };
        assert_eq!(tagged("arn:aws:sns:us-east-1:123456789012:warden-team-a"), (1, 0));
        assert_eq!(tagged("arn:aws:sns:us-east-1:123456789012:team-a"), (0, 1));
        assert_eq!(tagged("team-a"), (0, 1));
    }

    #[test]
    fn no_fix_names_an_unread_topic() {
        let (id, region) = ("vpce-svc-03d5ebb7d9579a2b3", "us-east-1".parse().unwrap());
        let service = json!({"id": id, "region": "us-east-1", "kind": "Interface", "acceptance_required": true, "tags": {}});
        let configuration = ServiceConfiguration { service: serde_json::from_value(service).unwrap(), regions: Vec::new() };
        let other = "arn:aws:sns:us-east-1:123456789012:warden-connections";
        let set = |enabled| ConnectionNotification {
            service: id.parse().unwrap(),
            topic: other.to_owned(),
            events: vec!["Connect".to_owned()],
            enabled,
        };
        let misspelled: TopicArn = "arn:aws:sns:us-east-1:123456789012:warden-conections".parse().unwrap();
        let right: TopicArn = other.parse().unwrap();
        let check = |all: &[ConnectionNotification], given| notification(&configuration, all, given, &region);

        let unread = check(&[set(true)], GivenTopic::Unread(&misspelled));
        assert_eq!((unread.status, unread.detail.contains(other)), (Status::Problem, true));
        assert!(!unread.fix.contains("aws ec2"), "{}", unread.fix);
        let unset = check(&[], GivenTopic::Unread(&misspelled));
        assert!(!unset.fix.contains("aws ec2"), "{}", unset.fix);
        assert!(check(&[], GivenTopic::Found(&right)).fix.contains(other));
        assert_eq!(check(&[set(true)], GivenTopic::Found(&right)).status, Status::Ok);
        assert_eq!(check(&[set(false)], GivenTopic::Found(&right)).detail, "disabled by AWS");
    }
}
