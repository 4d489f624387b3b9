//! Checks of what surrounds the warden: clock, trails, schedules, services, organization. Pure.

use jiff::Timestamp;
use warden::{
    aws::diagnostics::{Schedule, Trail},
    decision::Hold,
    model::{
        ids::Region,
        mode::{MODE_TAG, Mode},
        organization::Membership,
        service::{Service, ServiceConfiguration},
    },
    policy::{PolicySet, did_you_mean},
};

use super::check::Check;
use crate::wording::{self, service_name};

/// AWS refuses requests whose time is off by minutes. Records and time limits need more precision.
const SKEW_SECONDS_MAX: i64 = 30;

pub(super) fn clock(at_aws: Option<Timestamp>, here: Timestamp) -> Check {
    const NAME: &str = "clock";
    let Some(at_aws) = at_aws else { return Check::unknown(NAME, "AWS's answer has no date", "compare it with another clock") };
    match here.duration_since(at_aws).as_secs() {
        off if off.abs() <= SKEW_SECONDS_MAX => Check::ok(NAME, "correct"),
        off => {
            let direction = if off > 0 { "fast" } else { "slow" };
            Check::problem(NAME, format!("{} seconds {direction}", off.abs()), "set it: `timedatectl set-ntp true`")
        }
    }
}

pub(super) fn trails(trails: &[Trail], region: &Region) -> Check {
    const NAME: &str = "trail";
    let logging: Vec<&Trail> = trails.iter().filter(|trail| trail.logging).collect();
    let names = |writes: Option<bool>| {
        let names: Vec<&str> = logging.iter().filter(|trail| trail.writes == writes).map(|trail| trail.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(names) = names(Some(true)) {
        return Check::ok(NAME, format!("{names} (each consumer account that forwards its events needs one too)"));
    }
    if let Some(names) = names(None) {
        let detail = format!("{names}: CloudTrail does not say if it logs management events that write");
        return Check::unknown(NAME, detail, "allow your role cloudtrail:GetEventSelectors, or ask the trail's owner");
    }
    if let Some(trail) = logging.first() {
        let name = &trail.name;
        let fix = format!(
            r#"aws cloudtrail put-event-selectors --region {region} --trail-name {name} --event-selectors '[{{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}}]' (replaces the trail's selectors)"#
        );
        return Check::problem(NAME, format!("{name} logs no management event that writes, so no `CreateVpcEndpoint`"), fix);
    }
    let start = |name: &str| format!("aws cloudtrail start-logging --region {region} --name {name}");
    match trails.first() {
        Some(trail) => Check::problem(NAME, format!("{} does not log", trail.name), start(&trail.name)),
        None => {
            let start = start("management-events");
            let fix = format!(
                "aws cloudtrail create-trail --region {region} --name management-events --is-multi-region-trail --s3-bucket-name BUCKET && {start} (BUCKET: one that CloudTrail may write to)"
            );
            Check::problem(NAME, "none: no event proves the role behind a request", fix)
        }
    }
}

pub(super) fn schedule(check: &str, name: &str, schedule: Option<&Schedule>, region: &Region) -> Check {
    match schedule {
        Some(schedule) if schedule.state == "ENABLED" => Check::ok(check, format!("{}, enabled", schedule.expression)),
        // UpdateSchedule resets every parameter that is not given, so the fix sends all of them.
        Some(schedule) => Check::problem(
            check,
            schedule.state.to_lowercase(),
            format!(
                "aws scheduler update-schedule --region {region} --cli-input-json \"$(aws scheduler get-schedule --region {region} --name {name} | jq 'del(.Arn, .CreationDate, .LastModificationDate) | .State = \"ENABLED\"')\""
            ),
        ),
        None => Check::problem(check, format!("there is no schedule {name}"), "give --stack, or deploy the stack again"),
    }
}

/// The mode of a service. `None` if neither a stack nor a tag says it.
pub(super) fn mode(service: &Service, stack: Option<Mode>, region: &Region) -> Option<Check> {
    let name = format!("{}: mode", service_name(service));
    let tag = service.tags.get(MODE_TAG).map(String::as_str);
    match (tag, stack) {
        (Some("observe"), _) => Some(Check::ok(&name, format!("observe (tag `{MODE_TAG}`): its requests wait"))),
        (None | Some("active"), _) => stack.map(|mode| Check::ok(&name, mode.as_str())),
        (Some(_), _) => {
            let fix = format!("aws ec2 create-tags --region {region} --resources {} --tags Key={MODE_TAG},Value=observe", service.id);
            Some(Check::problem(&name, format!("observe: the tag `{MODE_TAG}` is neither `observe` nor `active`"), fix))
        }
    }
}

/// The holds of the stack (no service) and of services.
pub(super) fn holds(holds: &[(Option<&Service>, Hold)]) -> Vec<Check> {
    const NAME: &str = "holds";
    let check = |(service, hold): &(Option<&Service>, Hold)| {
        let (what, option) = match service {
            Some(service) => (service_name(service), format!(" --service {}", service.id)),
            None => ("every service".to_owned(), String::new()),
        };
        Check::problem(
            NAME,
            format!("every act on {what} is {}", wording::hold(hold)),
            format!("end it with `warden resume{option} --reason …`"),
        )
    };
    if holds.is_empty() { vec![Check::ok(NAME, "none")] } else { holds.iter().map(check).collect() }
}

/// The services that policies name and the account does not have: such a policy never matches.
pub(super) fn unknown_services(set: &PolicySet, services: &[ServiceConfiguration], region: &Region) -> Vec<Check> {
    let known: Vec<&str> = services.iter().map(|one| one.service.id.as_str()).collect();
    let unknown = set.services().into_iter().filter(|id| !known.contains(&id.as_str()));
    let check = |id: String| {
        let similar = did_you_mean(&id, known.iter().copied());
        let detail = format!("a policy names {id}, which is no service of yours in {region}{similar}");
        Check::problem("services of the policy set", detail, "correct the id, unless the service is in another Region")
    };
    unknown.map(check).collect()
}

pub(super) fn membership(name: &str, own: &Membership) -> Check {
    match own {
        Membership::Member(member) => Check::ok(name, format!("readable, this account is in {}", member.units.join("/"))),
        Membership::Outside => {
            Check::problem(name, "this account is not a member", "name a role in the management account of your own organization")
        }
        Membership::Unknown { why } => Check::unknown(name, why, "allow the role organizations:DescribeAccount in the management account"),
        Membership::NotAsked => Check::unknown(name, "not read", ""),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{super::check::Status, *};

    #[test]
    fn trail_logs_management_events_that_write() {
        let check = |all: &[(bool, Option<bool>)]| {
            let trail = |(logging, writes): &(bool, Option<bool>)| Trail { name: "t".into(), logging: *logging, writes: *writes };
            trails(&all.iter().map(trail).collect::<Vec<_>>(), &"us-east-1".parse().unwrap())
        };
        assert_eq!(
            (check(&[(true, Some(false)), (true, Some(true))]).status, check(&[(true, None)]).status),
            (Status::Ok, Status::Unknown)
        );
        assert!(check(&[(true, Some(false)), (false, Some(true))]).fix.contains("put-event-selectors"));
        assert!(check(&[(false, Some(true))]).fix.contains("start-logging") && check(&[]).fix.contains("create-trail"));
    }

    #[test]
    fn mode_names_the_tag_that_narrows_it() {
        let check = |value: Option<&str>, stack| {
            let tags = value.map(|value| (MODE_TAG.to_owned(), value.to_owned())).into_iter().collect();
            let (id, kind) = ("vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(), "Interface".to_owned().into());
            let region: Region = "us-east-1".parse().unwrap();
            mode(&Service { id, region: region.clone(), kind, acceptance_required: true, tags }, stack, &region)
        };
        let active = Some(Mode::Active);
        assert_eq!(check(None, active).unwrap().detail, "active");
        assert_eq!(check(Some("active"), Some(Mode::Observe)).unwrap().detail, "observe");
        assert!(check(Some("observe"), active).unwrap().detail.starts_with("observe (tag"));
        assert!(check(Some("observe"), None).is_some() && check(None, None).is_none());
        let misspelled = check(Some("Observe"), active).unwrap();
        assert_eq!((misspelled.status, misspelled.fix.contains("--resources vpce-svc-")), (Status::Problem, true));
    }

    #[test]
    fn clock_may_be_off_by_seconds() {
        let here: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let off = |seconds: i64| clock(Some(here - SignedDuration::from_secs(seconds)), here);
        assert_eq!(off(29).status, Status::Ok);
        assert_eq!((off(31).status, off(31).detail.as_str()), (Status::Problem, "31 seconds fast"));
        assert_eq!((off(-3600).status, off(-3600).detail.as_str()), (Status::Problem, "3600 seconds slow"));
        assert_eq!(clock(None, here).status, Status::Unknown);
    }
}
