//! `warden doctor`: is everything in place? Each thing that is not, with what to do about it.

mod checks;

use jiff::Timestamp;
use warden::{
    model::{ids::TopicArn, organization::OrganizationAccess, service::ServiceConfiguration},
    policy::PolicySet,
    ports::{CallError, ConnectionFilter, Describe, Directory, Findings, Inventory},
};

use crate::{
    arguments::Common,
    aws::Aws,
    failure::{Done, Failure, advice},
    output::{Rows, counted},
};
use checks::{Check, Named, State};

pub(crate) async fn doctor(common: &Common, aws: &Aws, stack: &str, topic: Option<&TopicArn>) -> Result<Done, Failure> {
    let mut checks = Vec::new();
    let caller = aws.checkup.caller().await?;
    checks.push(Check::fine("who you are", caller.arn.clone()));
    checks.push(checks::clock(caller.time, Timestamp::now()));

    let offers = aws.ec2.service_configurations().await;
    let offers = seen(&mut checks, "endpoint services", offers).unwrap_or_default();
    let everywhere = offers.clone();
    let offers: Vec<ServiceConfiguration> = offers.into_iter().filter(|offer| common.scope.covers(&offer.service)).collect();
    if offers.is_empty() {
        let what = format!("none in scope in {}", aws.region);
        checks.push(Check::mend("endpoint services", what, "check --region, --profile and --scope"));
    }
    let connections = aws.ec2.connections(ConnectionFilter::All).await;
    seen(&mut checks, "connections", connections);
    if let Some(offer) = offers.first() {
        let permissions = aws.ec2.permissions(&offer.service.id).await;
        seen(&mut checks, "permissions", permissions);
    }
    let subscriptions = aws.ec2.connection_notifications().await;
    let subscriptions = seen(&mut checks, "connection notifications", subscriptions);
    let described = match topic {
        Some(topic) => Some((topic, aws.checkup.topic(topic).await)),
        None => None,
    };
    // No command points a notification at a topic that nobody has seen.
    let named = match (topic, &described) {
        (None, _) => Named::None,
        (Some(topic), Some((_, Ok(_)))) => Named::There(topic),
        (Some(topic), _) => Named::Unseen(topic),
    };
    for offer in &offers {
        checks.push(checks::acceptance(offer, &aws.region));
        checks.extend(subscriptions.as_deref().map(|all| checks::notification(offer, all, named, &aws.region)));
    }

    match described {
        Some((topic, described)) => {
            if let Some(described) = seen(&mut checks, "the notifications' topic", described) {
                checks.extend(checks::topic(topic, &described, &aws.region, &caller.account));
            }
        }
        None => checks.push(Check::unknown(
            "the notifications' topic",
            "none was named".into(),
            "give --topic (`ConnectionsTopicArn` in the stack's outputs)",
        )),
    }
    let trails = aws.checkup.trails().await;
    if let Some(trails) = seen(&mut checks, "trails", trails) {
        checks.push(checks::trails(&trails, &aws.region));
    }
    for (what, name) in [("the sweep", format!("{stack}-sweep")), ("the audit", format!("{stack}-audit"))] {
        let schedule = aws.checkup.schedule(&name).await;
        if let Some(schedule) = seen(&mut checks, what, schedule) {
            checks.push(checks::schedule(what, &name, schedule.as_ref(), &aws.region));
        }
    }
    ledger(&mut checks, aws).await;
    match aws.policy(&common.policies).await {
        Ok(policy) => {
            checks.push(Check::fine(
                "the policy set",
                format!("{} policies, digest {}", policy.len(), crate::policy::short(policy.digest())),
            ));
            checks.extend(checks::services_named(&policy, &everywhere, &aws.region));
            organization(&mut checks, common, aws, &policy, &caller.account).await;
        }
        Err(Failure::Policy(errors)) => {
            let problems = counted(errors.0.len(), "problem", "problems");
            checks.push(Check::mend("the policy set", format!("refused: {problems}"), "`warden policy check` shows them"));
        }
        Err(failure) => checks.push(Check::unknown("the policy set", failure.to_string(), "see that --policies names the set")),
    }

    let mut rows = Rows::new(&["check", "is", "what", "do"]);
    let sick = checks.iter().filter(|check| check.state != State::Fine).count();
    for Check { name, state, what, advice } in checks {
        rows.push([name, state.as_str().to_owned(), what, advice]);
    }
    rows.write(common.output, "");
    Ok(if sick == 0 { Done::Fine } else { Done::Differences })
}

/// What could be read, and a check that says so or why not.
fn seen<T>(checks: &mut Vec<Check>, name: &str, answer: Result<T, CallError>) -> Option<T> {
    match answer {
        Ok(found) => Some(found),
        Err(error) => {
            let advice = match error.code.as_deref() {
                Some("UnauthorizedOperation" | "AccessDenied" | "AccessDeniedException" | "AuthorizationError") => {
                    format!("let your role do {}", error.call)
                }
                _ => advice(&error).unwrap_or("see whether it works with the `aws` command line").to_owned(),
            };
            checks.push(Check::unknown(name, format!("{error}: {}", error.message), &advice));
            None
        }
    }
}

async fn ledger(checks: &mut Vec<Check>, aws: &Aws) {
    let Ok(ledger) = aws.ledger() else {
        checks.push(Check::unknown("the ledger", "none was named".into(), "give --ledger (`LedgerName` in the stack's outputs)"));
        return;
    };
    let kept = ledger.stored().await;
    if let Some(kept) = seen(checks, "the ledger", kept) {
        // The audit leaves since when it knows each policy; what it never left, it never ran.
        checks.push(match kept.known_since.policy_set {
            Some(_) => Check::fine("the ledger", format!("readable, the audit has run, {} findings are open", kept.open.len())),
            None => Check::mend(
                "the ledger",
                "readable, and no audit has ever run".into(),
                "invoke the audit function (`AuditFunction` in the stack's outputs) and read its log",
            ),
        });
    }
}

async fn organization(checks: &mut Vec<Check>, common: &Common, aws: &Aws, policy: &PolicySet, own: &str) {
    const NAME: &str = "the organization";
    if !policy.reads_organization() {
        checks.push(Check::fine(NAME, "no policy asks for it".into()));
        return;
    }
    if common.organization == OrganizationAccess::None {
        let advice =
            "set OrganizationAccess of the stack, and --organization here, to `direct` or the ARN of a role that may DescribeAccount";
        checks.push(Check::mend(NAME, "policies ask for it, and there is no access to it".into(), advice));
        return;
    }
    let Ok(own) = own.parse() else { return };
    let member = aws.members.directory().member(&own).await;
    if let Some(member) = seen(checks, NAME, member) {
        checks.push(checks::membership(NAME, &member));
    }
}
