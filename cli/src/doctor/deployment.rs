//! Checks of a stack's parts: functions, event sources, policies, rules, queues, alarms, the metrics of the last day. Pure.

use warden::{
    aws::deployment::{Alarm, EventSource, Function, Queue, Rule},
    model::ids::Region,
};

use super::{
    check::Check,
    resource_policy::{allows_if, allows_service, denies_all, is_open},
};
use crate::wording::counted;

const DEPLOY: &str = "deploy the stack again";
const RUNBOOK: &str = "docs/operations.md";

pub(super) fn function(role: &str, name: &str, function: &Function, architecture: &str) -> Check {
    let check = format!("{role}: function");
    let Function { state, state_reason, last_update, last_update_reason, architectures } = function;
    let why = |what: &str, reason: &str| if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") };
    if state == "Failed" {
        return Check::problem(&check, why("its state is Failed", state_reason), DEPLOY);
    }
    if last_update == "Failed" {
        return Check::problem(&check, why("its last update failed", last_update_reason), DEPLOY);
    }
    if !architectures.iter().any(|one| one == architecture) {
        let built = architectures.join(", ");
        return Check::problem(&check, format!("it runs on {built}, and the stack's Architecture is {architecture}"), DEPLOY);
    }
    if state == "Pending" || last_update == "InProgress" {
        return Check::unknown(&check, format!("{name} is being updated"), "wait a minute, then run `warden doctor` again");
    }
    Check::ok(&check, format!("{}, {architecture}, last update {}", state.to_lowercase(), last_update.to_lowercase()))
}

/// `source` is the ARN of the queue, or a part of the stream's ARN.
pub(super) fn event_source(role: &str, sources: &[EventSource], source: &str, region: &Region) -> Check {
    let check = format!("{role}: event source");
    let Some(found) = sources.iter().find(|one| one.arn.contains(source)) else {
        return Check::problem(&check, format!("nothing invokes it: no mapping of {source}"), DEPLOY);
    };
    if found.state != "Enabled" {
        let reason = if found.reason.is_empty() { String::new() } else { format!(" ({})", found.reason) };
        let fix = format!("aws lambda update-event-source-mapping --region {region} --uuid {} --enabled", found.id);
        return Check::problem(&check, format!("{}{reason}", found.state.to_lowercase()), fix);
    }
    if found.last_result.starts_with("PROBLEM") {
        return Check::problem(&check, &found.last_result, format!("{RUNBOOK}, `{}Errors`", capital(role)));
    }
    Check::ok(&check, "enabled")
}

pub(super) fn queue_policy(queue: &Queue) -> Check {
    const NAME: &str = "queue policy";
    let missing =
        ["sns.amazonaws.com", "events.amazonaws.com"].into_iter().find(|one| !allows_service(&queue.policy, one, "sqs:SendMessage"));
    match missing {
        Some(service) => Check::problem(NAME, format!("{service} may not send to the request queue"), DEPLOY),
        None if !denies_all(&queue.policy) => {
            Check::problem(NAME, "principals of this account may send to the request queue: nothing denies them", DEPLOY)
        }
        None => Check::ok(NAME, "only the topic, the rules and two roles may send to the request queue"),
    }
}

pub(super) fn bus_policy(policy: &str, forwarder: Option<&str>) -> Check {
    const NAME: &str = "bus policy";
    match forwarder {
        _ if is_open(policy) => {
            Check::problem(NAME, "each AWS account may put events on the bus", "remove the statement without a condition")
        }
        Some(organization) if !allows_if(policy, organization) => {
            Check::problem(NAME, format!("{organization} may not forward events, although the stack names it"), DEPLOY)
        }
        Some(organization) => Check::ok(NAME, format!("{organization} may forward events")),
        None if policy.is_empty() => Check::ok(NAME, "no other account may forward events"),
        None => Check::ok(NAME, "not of this stack: it names no organization that forwards events"),
    }
}

/// A rule that takes CloudTrail's events from a bus.
pub(super) fn rule(bus: &str, name: &str, rule: &Rule, queue: &str, region: &Region) -> Check {
    let check = format!("rule on {bus}");
    if rule.state != "ENABLED" {
        let fix = format!("aws events enable-rule --region {region} --event-bus-name {bus} --name {name}");
        return Check::problem(&check, rule.state.to_lowercase(), fix);
    }
    if !rule.targets.iter().any(|target| target == queue) {
        return Check::problem(&check, "its target is not the request queue", DEPLOY);
    }
    Check::ok(&check, "enabled")
}

/// A queue that is empty as long as nothing fails.
pub(super) fn dead_letters(logical: &str, queue: &Queue) -> Check {
    let check = format!("queue {logical}");
    match queue.messages {
        0 => Check::ok(&check, "empty"),
        count => {
            let count = counted(usize::try_from(count).unwrap_or(usize::MAX), "message", "messages");
            Check::problem(&check, count, format!("{RUNBOOK}, `{logical}`: read the reason in each message"))
        }
    }
}

/// The alarms of the stack, each with its logical id.
pub(super) fn alarms(of_stack: &[(&str, &str)], found: &[Alarm]) -> Vec<Check> {
    const NAME: &str = "alarms";
    let state = |(logical, name): &(&str, &str)| {
        let check = format!("alarm {logical}");
        let Some(alarm) = found.iter().find(|one| one.name == *name) else {
            return Some(Check::problem(&check, "it does not exist", DEPLOY));
        };
        if alarm.state == "ALARM" {
            return Some(Check::problem(&check, format!("in ALARM: {}", alarm.description), format!("{RUNBOOK}, `{logical}`")));
        }
        (!alarm.acts).then(|| {
            Check::problem(&check, "its actions are disabled", format!("aws cloudwatch enable-alarm-actions --alarm-names {name}"))
        })
    };
    let problems: Vec<Check> = of_stack.iter().filter_map(state).collect();
    let silent = found.iter().filter(|one| one.state == "INSUFFICIENT_DATA").count();
    match problems.is_empty() {
        true => vec![Check::ok(NAME, format!("none of {} in ALARM, {silent} without data", of_stack.len()))],
        false => problems,
    }
}

/// The sums of a function's metrics of the last day; absent without datapoints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day<'a> {
    pub(super) role: &'a str,
    pub(super) invocations: Option<f64>,
    pub(super) errors: Option<f64>,
}

/// On AWS, a function without datapoints was not invoked. A server that plays AWS may not count invocations.
pub(super) fn last_day(day: &Day<'_>, is_aws: bool) -> Check {
    let check = format!("{}: last day", day.role);
    let of = |count: f64, one: &str| format!("{count} {one}{}", if (count - 1.0).abs() < f64::EPSILON { "" } else { "s" });
    match (day.role, day.invocations, day.errors.unwrap_or_default()) {
        (_, None, _) if !is_aws => Check::not_checked(&check, "this server has no datapoint of the function"),
        // The sweep invokes it every few minutes.
        ("approve", None, _) => Check::problem(&check, "not invoked", format!("{RUNBOOK}, `RequestsDelayed`")),
        (role, invocations, errors) => {
            let detail = format!("{}, {}", of(invocations.unwrap_or_default(), "invocation"), of(errors, "error"));
            if errors > 0.0 {
                Check::problem(&check, detail, format!("{RUNBOOK}, `{}Errors`", capital(role)))
            } else {
                Check::ok(&check, detail)
            }
        }
    }
}

fn capital(role: &str) -> String {
    let mut letters = role.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::check::Status, *};

    fn region() -> Region {
        "us-east-1".parse().unwrap()
    }

    #[test]
    fn failed_function_is_a_problem() {
        let well = Function {
            state: "Active".into(),
            last_update: "Successful".into(),
            architectures: vec!["arm64".into()],
            ..Function::default()
        };
        let check = |of: &Function, architecture: &str| function("approve", "warden-Approve", of, architecture);
        assert_eq!(
            (check(&well, "arm64").status, check(&well, "arm64").detail.as_str()),
            (Status::Ok, "active, arm64, last update successful")
        );
        assert!(check(&well, "x86_64").detail.contains("it runs on arm64"));
        let failed = Function { last_update: "Failed".into(), last_update_reason: "no such image".into(), ..well.clone() };
        assert_eq!(check(&failed, "arm64").detail, "its last update failed: no such image");
        let starting = Function { last_update: "InProgress".into(), ..well };
        assert_eq!(check(&starting, "arm64").status, Status::Unknown);
    }

    #[test]
    fn function_needs_its_enabled_source() {
        const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:requests";
        let enabled = EventSource { id: "1".into(), arn: QUEUE.into(), state: "Enabled".into(), ..EventSource::default() };
        let check = |all: &[EventSource]| event_source("approve", all, QUEUE, &region());
        assert_eq!((check(std::slice::from_ref(&enabled)).status, check(&[]).status), (Status::Ok, Status::Problem));
        let disabled = EventSource { state: "Disabled".into(), ..enabled.clone() };
        assert!(check(&[disabled]).fix.ends_with("--uuid 1 --enabled"));
        let failing = EventSource { last_result: "PROBLEM: Function call failed".into(), ..enabled };
        assert!(check(&[failing]).fix.ends_with("`ApproveErrors`"));
    }

    #[test]
    fn policies_of_queue_and_bus_are_narrow() {
        let allow = |service: &str| format!(r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sqs:SendMessage"}}"#);
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"sqs:SendMessage"}"#.to_owned();
        let check = |statements: &[String]| {
            queue_policy(&Queue { policy: format!(r#"{{"Statement":[{}]}}"#, statements.join(",")), ..Queue::default() }).status
        };
        let (sns, events) = (allow("sns.amazonaws.com"), allow("events.amazonaws.com"));
        assert_eq!(check(&[sns.clone(), events.clone(), deny.clone()]), Status::Ok);
        assert_eq!(check(&[sns.clone(), deny]), Status::Problem);
        assert_eq!(check(&[sns, events]), Status::Problem);

        let open = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"events:PutEvents"}]}"#;
        assert_eq!((bus_policy(open, None).status, bus_policy("", None).status), (Status::Problem, Status::Ok));
        assert_eq!(bus_policy("", Some("o-exampleorgid")).status, Status::Problem);
    }

    #[test]
    fn disabled_rule_is_a_problem() {
        let check = |state: &str, target: &str| {
            rule("default", "r", &Rule { state: state.into(), targets: vec![target.into()] }, "queue", &region())
        };
        assert_eq!(check("ENABLED", "queue").status, Status::Ok);
        assert!(check("DISABLED", "queue").fix.contains("enable-rule"));
        assert_eq!(check("ENABLED", "another").status, Status::Problem);
    }

    #[test]
    fn alarm_is_named_with_its_runbook_entry() {
        let alarm = |state: &str, acts| Alarm { name: "w-1".into(), state: state.into(), description: "Read the log".into(), acts };
        let check = |found: &[Alarm]| alarms(&[("ApproveErrors", "w-1")], found);
        assert_eq!(check(&[alarm("INSUFFICIENT_DATA", true)])[0].detail, "none of 1 in ALARM, 1 without data");
        let on = &check(&[alarm("ALARM", true)])[0];
        assert_eq!((on.detail.as_str(), on.fix.as_str()), ("in ALARM: Read the log", "docs/operations.md, `ApproveErrors`"));
        assert_eq!((check(&[alarm("OK", false)])[0].status, check(&[])[0].status), (Status::Problem, Status::Problem));
    }

    #[test]
    fn day_without_datapoints_depends_on_the_server() {
        let check = |role, invocations, errors, is_aws| last_day(&Day { role, invocations, errors }, is_aws);
        assert_eq!(check("approve", None, None, true).status, Status::Problem);
        assert_eq!(check("approve", None, None, false).status, Status::NotChecked);
        assert_eq!(check("notify", None, None, true).detail, "0 invocations, 0 errors");
        assert_eq!(check("audit", Some(1.0), Some(0.0), true).detail, "1 invocation, 0 errors");
        let failing = check("notify", Some(5.0), Some(2.0), true);
        assert_eq!((failing.status, failing.fix.as_str()), (Status::Problem, "docs/operations.md, `NotifyErrors`"));
    }

    #[test]
    fn dead_letter_message_is_a_problem() {
        let check = |messages| dead_letters("DeadLetters", &Queue { messages, ..Queue::default() });
        assert_eq!((check(0).status, check(2).detail.as_str()), (Status::Ok, "2 messages"));
    }
}
