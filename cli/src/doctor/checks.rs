//! What each thing should be, and what to do where it is not. Pure.

use jiff::Timestamp;
use serde_json::Value;
use warden::{
    aws::diagnostics::{Schedule, Topic, Trail},
    model::{
        ids::{Region, TopicArn},
        notification::ConnectionNotification,
        organization::Membership,
        service::{ServiceConfiguration, ServiceKind},
    },
    policy::{PolicySet, did_you_mean},
};

use crate::plan::name as name_of;

/// AWS refuses requests whose time is off by minutes; records and time windows suffer before that.
const SKEW_SECONDS_MAX: i64 = 30;

/// What was looked at, and what came of it.
pub(super) struct Check {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) what: String,
    pub(super) advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Fine,
    Mend,
    Unknown,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Mend => "mend",
            Self::Unknown => "unknown",
        }
    }
}

impl Check {
    pub(super) fn fine(name: &str, what: String) -> Self {
        Self { name: name.to_owned(), state: State::Fine, what, advice: String::new() }
    }

    pub(super) fn mend(name: &str, what: String, advice: &str) -> Self {
        Self { name: name.to_owned(), state: State::Mend, what, advice: advice.to_owned() }
    }

    pub(super) fn unknown(name: &str, what: String, advice: &str) -> Self {
        Self { name: name.to_owned(), state: State::Unknown, what, advice: advice.to_owned() }
    }
}

pub(super) fn clock(at_aws: Option<Timestamp>, here: Timestamp) -> Check {
    const NAME: &str = "the clock";
    let Some(at_aws) = at_aws else { return Check::unknown(NAME, "the answer had no date".into(), "compare it with another clock") };
    let off = here.duration_since(at_aws).as_secs();
    if off.abs() <= SKEW_SECONDS_MAX {
        Check::fine(NAME, "right".into())
    } else {
        let way = if off > 0 { "fast" } else { "slow" };
        Check::mend(NAME, format!("{} seconds {way}", off.abs()), "set it: `timedatectl set-ntp true`")
    }
}

pub(super) fn acceptance(offer: &ServiceConfiguration, region: &Region) -> Check {
    let (name, id) = (format!("{}: acceptance", name_of(&offer.service)), &offer.service.id);
    if offer.service.acceptance_required {
        return Check::fine(&name, "required".into());
    }
    let fix = format!("aws ec2 modify-vpc-endpoint-service-configuration --region {region} --service-id {id} --acceptance-required");
    Check::mend(&name, "not required: whoever may ask is connected, and no policy is asked".into(), &fix)
}

/// The topic that was named.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    None,
    There(&'a TopicArn),
    /// It is not there, or cannot be described.
    Unseen(&'a TopicArn),
}

pub(super) fn notification(offer: &ServiceConfiguration, all: &[ConnectionNotification], topic: Named<'_>, region: &Region) -> Check {
    let (name, id) = (format!("{}: notification", name_of(&offer.service)), &offer.service.id);
    if offer.service.kind != ServiceKind::Interface {
        return Check::fine(&name, "AWS has none for this kind of service; the sweep answers its requests".into());
    }
    let wanted = match topic {
        Named::None => None,
        Named::There(topic) | Named::Unseen(topic) => Some(topic),
    };
    let of_connect: Vec<&ConnectionNotification> =
        all.iter().filter(|one| one.service == *id && one.events.iter().any(|event| event == "Connect")).collect();
    let (ours, others): (Vec<&ConnectionNotification>, Vec<&ConnectionNotification>) =
        of_connect.into_iter().partition(|one| wanted.is_none_or(|topic| topic.as_str() == one.topic));
    if ours.iter().any(|one| one.enabled) {
        return Check::fine(&name, "set and enabled".into());
    }
    if !ours.is_empty() {
        let fix = "SNS refused it: see the topic's policy and key below; then make the notification anew";
        return Check::mend(&name, "set, and disabled by AWS".into(), fix);
    }
    let what = match others.first() {
        Some(other) => format!("none to the topic that was named; one goes to {}", other.topic),
        None => "none for `Connect`: its requests wait for the sweep".to_owned(),
    };
    let create = |to: &str| {
        format!(
            "aws ec2 create-vpc-endpoint-connection-notification --region {region} --service-id {id} --connection-notification-arn {to} --connection-events Connect Accept Reject Delete"
        )
    };
    let fix = match (topic, others.first()) {
        (Named::Unseen(_), Some(_)) => "see whether that is the one that --topic should name".to_owned(),
        (Named::Unseen(_), None) => "see the notifications' topic below first".to_owned(),
        (Named::There(topic), Some(_)) => format!("if --topic names the right one: {}", create(topic.as_str())),
        (Named::There(topic), None) => create(topic.as_str()),
        (Named::None, _) => create("TOPIC_ARN"),
    };
    Check::mend(&name, what, &fix)
}

pub(super) fn topic(arn: &TopicArn, topic: &Topic, region: &Region, account: &str) -> Vec<Check> {
    const POLICY: &str = "the topic's policy";
    const KEY: &str = "the topic's key";
    let policy = if lets_privatelink_publish(&topic.policy) {
        Check::fine(POLICY, "vpce.amazonaws.com may publish".into())
    } else {
        let partition = region.partition();
        let statement = format!(
            r#"add the statement {{"Effect":"Allow","Principal":{{"Service":"vpce.amazonaws.com"}},"Action":"sns:Publish","Resource":"{arn}","Condition":{{"StringEquals":{{"aws:SourceAccount":"{account}"}},"ArnLike":{{"aws:SourceArn":"arn:{partition}:ec2:{region}:{account}:vpc-endpoint-service/*"}}}}}}"#
        );
        Check::mend(POLICY, "vpce.amazonaws.com may not publish".into(), &statement)
    };
    let key = match topic.key.as_deref() {
        None => Check::fine(KEY, "not encrypted with one".into()),
        Some(key) if key.contains("alias/aws/sns") => Check::mend(
            KEY,
            "AWS's own key for SNS, which PrivateLink may not use".into(),
            "encrypt with a customer-managed key, or not at all",
        ),
        Some(key) => {
            Check::unknown(KEY, key.to_owned(), "see that its policy lets vpce.amazonaws.com do kms:GenerateDataKey* and kms:Decrypt")
        }
    };
    vec![policy, key]
}

/// Whether a statement of a topic's policy lets PrivateLink publish. Conditions are not evaluated.
fn lets_privatelink_publish(policy: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let has = |value: Option<&Value>, wanted: &dyn Fn(&str) -> bool| match value {
        Some(Value::String(text)) => wanted(text),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(wanted),
        _ => false,
    };
    let lets = |statement: &Value| {
        let principal = statement.get("Principal");
        let service = principal.and_then(|principal| principal.get("Service"));
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && has(service, &|name| name == "vpce.amazonaws.com")
            && has(statement.get("Action"), &|action| ["sns:publish", "sns:*", "*"].contains(&action.to_lowercase().as_str()))
    };
    match policy.get("Statement") {
        Some(Value::Array(all)) => all.iter().any(lets),
        Some(one) => lets(one),
        None => false,
    }
}

pub(super) fn trails(trails: &[Trail], region: &Region) -> Check {
    const NAME: &str = "a trail";
    let on: Vec<&str> = trails.iter().filter(|trail| trail.logging).map(|trail| trail.name.as_str()).collect();
    if !on.is_empty() {
        return Check::fine(NAME, format!("{} (each consumer account that forwards its events needs one too)", on.join(", ")));
    }
    let start = |name: &str| format!("aws cloudtrail start-logging --region {region} --name {name}");
    let (what, fix) = match trails.first() {
        Some(trail) => (format!("{} does not log", trail.name), start(&trail.name)),
        None => (
            "none: without one, no event proves who asked".to_owned(),
            format!(
                "aws cloudtrail create-trail --region {region} --name management-events --is-multi-region-trail --s3-bucket-name BUCKET && {} (BUCKET: one that CloudTrail may write to)",
                start("management-events")
            ),
        ),
    };
    Check::mend(NAME, what, &fix)
}

pub(super) fn schedule(what: &str, name: &str, schedule: Option<&Schedule>, region: &Region) -> Check {
    match schedule {
        Some(schedule) if schedule.state == "ENABLED" => Check::fine(what, format!("{}, enabled", schedule.expression)),
        // UpdateSchedule takes whatever it is not given for its default, so all of the schedule goes back in.
        Some(schedule) => Check::mend(
            what,
            format!("its schedule is {}", schedule.state),
            &format!(
                "aws scheduler update-schedule --region {region} --cli-input-json \"$(aws scheduler get-schedule --region {region} --name {name} | jq 'del(.Arn, .CreationDate, .LastModificationDate) | .State = \"ENABLED\"')\""
            ),
        ),
        None => Check::mend(what, format!("there is no schedule {name}"), "give --stack, or deploy the stack again"),
    }
}

/// A policy that names a service that is not there never matches.
pub(super) fn services_named(policy: &PolicySet, offers: &[ServiceConfiguration], region: &Region) -> Vec<Check> {
    let there: Vec<&str> = offers.iter().map(|offer| offer.service.id.as_str()).collect();
    let missing = policy.services().into_iter().filter(|id| !there.contains(&id.as_str()));
    missing
        .map(|id| {
            let meant = did_you_mean(&id, there.iter().copied());
            Check::mend(
                "the policy's services",
                format!("a policy names {id}, which is no service of yours in {region}{meant}"),
                "if it is in no other Region either: correct the id",
            )
        })
        .collect()
}

pub(super) fn membership(name: &str, own: &Membership) -> Check {
    match own {
        Membership::Member(member) => Check::fine(name, format!("answers; this account is in {}", member.units.join("/"))),
        Membership::Outside => Check::mend(
            name,
            "says that this account is none of its own".into(),
            "name a role in your own organization's management account",
        ),
        Membership::Unknown { why } => {
            Check::unknown(name, why.clone(), "let the role do organizations:DescribeAccount in the management account")
        }
        Membership::NotAsked => Check::unknown(name, "was not asked".into(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_statement_for_privatelink_lets_it_publish() {
        let policy = |principal: &str, action: &str, effect: &str| {
            format!(r#"{{"Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Resource":"*"}}]}}"#)
        };
        let vpce = r#"{"Service":"vpce.amazonaws.com"}"#;
        assert!(lets_privatelink_publish(&policy(vpce, r#""sns:Publish""#, "Allow")));
        assert!(lets_privatelink_publish(&policy(
            r#"{"Service":["events.amazonaws.com","vpce.amazonaws.com"]}"#,
            r#"["SNS:Publish"]"#,
            "Allow"
        )));
        for no in [
            policy(vpce, r#""sns:Publish""#, "Deny"),
            policy(vpce, r#""sns:Subscribe""#, "Allow"),
            policy(r#"{"Service":"events.amazonaws.com"}"#, r#""sns:Publish""#, "Allow"),
            policy(r#"{"AWS":"vpce.amazonaws.com"}"#, r#""sns:Publish""#, "Allow"),
            String::new(),
        ] {
            assert!(!lets_privatelink_publish(&no), "{no}");
        }
    }

    #[test]
    fn no_command_points_a_notification_at_a_topic_that_nobody_has_seen() {
        let id: warden::model::ids::ServiceId = "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap();
        let region: Region = "us-east-1".parse().unwrap();
        let service = warden::model::service::Service {
            id: id.clone(),
            region: region.clone(),
            kind: ServiceKind::Interface,
            acceptance_required: true,
            tags: Default::default(),
        };
        let offer = ServiceConfiguration { service, regions: Vec::new() };
        let other = "arn:aws:sns:us-east-1:123456789012:warden-connections";
        let set =
            |enabled| vec![ConnectionNotification { service: id.clone(), topic: other.into(), events: vec!["Connect".into()], enabled }];
        let named: TopicArn = "arn:aws:sns:us-east-1:123456789012:warden-conections".parse().unwrap();
        let right: TopicArn = other.parse().unwrap();

        let misspelt = notification(&offer, &set(true), Named::Unseen(&named), &region);
        assert_eq!((misspelt.state, misspelt.what.contains(other)), (State::Mend, true));
        assert!(!misspelt.advice.contains("aws ec2"), "{}", misspelt.advice);
        let unset = notification(&offer, &[], Named::Unseen(&named), &region);
        assert!(!unset.advice.contains("aws ec2"), "{}", unset.advice);
        assert!(notification(&offer, &[], Named::There(&right), &region).advice.contains(other));
        assert_eq!(notification(&offer, &set(true), Named::There(&right), &region).state, State::Fine);
        assert_eq!(notification(&offer, &set(false), Named::There(&right), &region).what, "set, and disabled by AWS");
    }

    #[test]
    fn a_clock_may_be_off_by_seconds_and_not_by_more() {
        let here: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let off = |seconds: i64| clock(Some(here - jiff::SignedDuration::from_secs(seconds)), here);
        assert_eq!(off(29).state, State::Fine);
        assert_eq!((off(31).state, off(31).what.as_str()), (State::Mend, "31 seconds fast"));
        assert_eq!((off(-3600).state, off(-3600).what.as_str()), (State::Mend, "3600 seconds slow"));
        assert_eq!(clock(None, here).state, State::Unknown);
    }
}
