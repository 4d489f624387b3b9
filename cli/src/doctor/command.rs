//! Reads what the checks need, and writes their results.

use jiff::Timestamp;
use warden::{
    aws::diagnostics::Caller,
    model::{
        ids::TopicArn,
        organization::OrganizationAccess,
        service::{Service, ServiceConfiguration},
    },
    policy::PolicySet,
    ports::{CallError, ConnectionFilter, Describe, Directory, Findings, Inventory, ServiceLedger, StackLedger},
};

use super::{
    check::{Check, Status},
    fix,
    notifications::{self, GivenTopic},
    surroundings,
};
use crate::{
    arguments::{Common, Fix, Format},
    aws::Aws,
    error::{CliError, Outcome},
    output::Rows,
    stack::DEFAULT_NAME,
    wording::{counted, short},
};

const STACK: &str = "stack";

pub(crate) async fn doctor(common: &Common, topic: Option<&TopicArn>, fixes: &[Fix], yes: bool) -> Result<Outcome, CliError> {
    let name = common.given.stack.as_deref().unwrap_or(DEFAULT_NAME);
    let (aws, stack) = match Aws::connect_to(common, name).await {
        Ok(aws) => {
            let check = aws.common.stack.as_ref().map(|stack| Check::ok(STACK, format!("{}, mode {}", stack.name, stack.mode.as_str())));
            (aws, check)
        }
        Err(error) => {
            let aws = Aws::connect_without_stack(common).await?;
            (aws, Some(Check::problem(STACK, error.to_string(), "give the name of the deployed stack with --stack")))
        }
    };
    let aws = &aws;
    let topic = topic.or_else(|| Some(&aws.common.stack.as_ref()?.topic));
    if !fixes.is_empty() {
        fix::fix(aws, fixes, topic, yes).await?;
    }
    let caller = aws.diagnostics.caller().await?;
    let mut checks = vec![Check::ok("caller", &caller.arn), surroundings::clock(caller.time, Timestamp::now())];
    checks.extend(stack);
    let mut doctor = Doctor { aws, caller, checks };
    let services = doctor.services().await;
    doctor.notifications(&services, topic).await;
    doctor.owners_topics(&services).await;
    doctor.trails_and_schedules(name).await;
    if let Some(stack) = &aws.common.stack {
        doctor.parts(stack).await;
    }
    doctor.ledger(&services).await;
    doctor.policies(&services).await;

    let mut rows = Rows::new(&["check", "status", "detail", "fix"]);
    for Check { name, status, detail, fix } in &doctor.checks {
        rows.push([name, status.as_str(), detail, fix]);
    }
    rows.write(aws.common.output, "");
    if let (Format::Table, Some(line)) = (aws.common.output, summary(&doctor.checks)) {
        eprintln!("{line}");
    }
    Ok(Outcome::clean_if(doctor.checks.iter().all(|check| matches!(check.status, Status::Ok | Status::NotChecked))))
}

/// The number of problems, which many services scatter over the table, and the command that fixes those of a kind at all services.
fn summary(checks: &[Check]) -> Option<String> {
    let count = |of: &dyn Fn(&Check) -> bool| checks.iter().filter(|check| check.status == Status::Problem && of(check)).count();
    let problems = count(&|_| true);
    let missing = count(&|check| check.name.ends_with(": notification") && check.detail.starts_with("none"));
    let fix = if missing > 1 {
        format!(" `warden doctor --fix notifications` creates {missing} connection notifications.")
    } else {
        String::new()
    };
    (problems > 0).then(|| format!("{}.{fix}", counted(problems, "problem", "problems")))
}

pub(super) struct Doctor<'a> {
    pub(super) aws: &'a Aws,
    caller: Caller,
    pub(super) checks: Vec<Check>,
}

impl Doctor<'_> {
    pub(super) fn push(&mut self, check: Check) {
        self.checks.push(check);
    }

    /// Returns what was read, or adds a check that says why it was not.
    pub(super) fn read<T>(&mut self, name: &str, answer: Result<T, CallError>) -> Option<T> {
        answer.map_err(|error| self.push(Check::unread(name, &error))).ok()
    }

    async fn services(&mut self) -> Vec<ServiceConfiguration> {
        const NAME: &str = "endpoint services";
        let all = self.read(NAME, self.aws.ec2.service_configurations().await).unwrap_or_default();
        self.read("connections", self.aws.ec2.connections(ConnectionFilter::All).await);
        match all.iter().find(|one| self.aws.common.scope.covers(&one.service)) {
            Some(first) => drop(self.read("permissions", self.aws.ec2.permissions(&first.service.id).await)),
            None => {
                self.push(Check::problem(NAME, format!("none in scope in {}", self.aws.region), "check --region, --profile and --scope"))
            }
        }
        all
    }

    async fn notifications(&mut self, services: &[ServiceConfiguration], topic: Option<&TopicArn>) {
        const TOPIC: &str = "notification topic";
        let notifications = self.read("connection notifications", self.aws.ec2.connection_notifications().await);
        let described = match topic {
            Some(topic) => Some((topic, self.aws.diagnostics.topic(topic).await)),
            None => None,
        };
        let given = match &described {
            None => GivenTopic::None,
            Some((topic, Ok(_))) => GivenTopic::Found(topic),
            Some((topic, Err(_))) => GivenTopic::Unread(topic),
        };
        for service in services.iter().filter(|one| self.aws.common.scope.covers(&one.service)) {
            let mode = surroundings::mode(&service.service, self.aws.common.stack.as_ref().map(|stack| stack.mode), &self.aws.region);
            self.checks.extend(mode);
            self.push(notifications::acceptance(service, &self.aws.region));
            self.checks.extend(notifications.as_deref().map(|all| notifications::notification(service, all, given, &self.aws.region)));
        }
        let Some((arn, described)) = described else {
            return self.push(Check::unknown(
                TOPIC,
                "not given",
                "give --stack, or --topic (`ConnectionsTopicArn` of the stack's outputs)",
            ));
        };
        if let Some(topic) = self.read(TOPIC, described) {
            self.checks.extend(notifications::topic(arn, &topic, &self.aws.region, &self.caller.account));
        }
    }

    /// Messages go to the owners' topic, or to the topic that a service's tag names. Only the stack's outputs name the former.
    async fn owners_topics(&mut self, services: &[ServiceConfiguration]) {
        let Some(stack) = &self.aws.common.stack else { return };
        let services: Vec<&Service> = services.iter().map(|one| &one.service).filter(|one| self.aws.common.scope.covers(one)).collect();
        let (tagged, problems) = notifications::tagged_topics(&services, &stack.name, &stack.owners_topic);
        self.checks.extend(problems);
        let named = tagged.iter().map(|topic| (format!("owner's topic {}", topic.as_str().rsplit(':').next().unwrap_or_default()), topic));
        for (name, arn) in [(notifications::OWNERS.to_owned(), &stack.owners_topic)].into_iter().chain(named) {
            if let Some(topic) = self.read(&name, self.aws.diagnostics.topic(arn).await) {
                self.push(notifications::subscribers(&name, arn, &topic, &self.aws.region));
            }
        }
    }

    async fn trails_and_schedules(&mut self, stack: &str) {
        if let Some(trails) = self.read("trails", self.aws.diagnostics.trails().await) {
            self.push(surroundings::trails(&trails, &self.aws.region));
        }
        for (check, suffix) in [("sweep schedule", "sweep"), ("audit schedule", "audit")] {
            let name = format!("{stack}-{suffix}");
            if let Some(schedule) = self.read(check, self.aws.diagnostics.schedule(&name).await) {
                self.push(surroundings::schedule(check, &name, schedule.as_ref(), &self.aws.region));
            }
        }
    }

    async fn ledger(&mut self, services: &[ServiceConfiguration]) {
        const NAME: &str = "ledger";
        let Ok(ledger) = self.aws.ledger() else {
            return self.push(Check::unknown(NAME, "not given", "give --ledger (`LedgerName` of the stack's outputs)"));
        };
        let Some(kept) = self.read(NAME, ledger.stored().await) else { return };
        let mut holds = self.read("holds", ledger.stack_hold().await).flatten().map(|hold| (None, hold)).into_iter().collect::<Vec<_>>();
        for service in services.iter().map(|one| &one.service).filter(|service| self.aws.common.scope.covers(service)) {
            let Some(people) = self.read("holds", ledger.decisions(&service.id).await) else { break };
            holds.extend(people.hold.map(|hold| (Some(service), hold)));
        }
        self.checks.extend(surroundings::holds(&holds));
        // Each run of the audit stores since when it knows each policy.
        self.push(if kept.known_since.policy_set.is_none() {
            let fix = "invoke the audit function (`AuditFunction` of the stack's outputs) and read its log";
            Check::problem(NAME, "readable, but no audit has run", fix)
        } else {
            Check::ok(NAME, format!("readable, the audit has run, {} findings are open", kept.open.len()))
        });
    }

    async fn policies(&mut self, services: &[ServiceConfiguration]) {
        const NAME: &str = "policy set";
        match self.aws.policies().await {
            Ok(set) => {
                self.push(Check::ok(NAME, format!("{} policies, digest {}", set.len(), short(set.digest()))));
                self.checks.extend(surroundings::unknown_services(&set, services, &self.aws.region));
                self.organization(&set).await;
            }
            Err(CliError::PolicySet(errors)) => {
                let problems = counted(errors.0.len(), "problem", "problems");
                self.push(Check::problem(NAME, format!("invalid: {problems}"), "run `warden policy check`"));
            }
            Err(error) => self.push(Check::unknown(NAME, error.to_string(), "check --policies")),
        }
    }

    async fn organization(&mut self, set: &PolicySet) {
        const NAME: &str = "organization";
        if !set.reads_organization() {
            return self.push(Check::ok(NAME, "no policy reads it"));
        }
        if self.aws.common.organization == OrganizationAccess::None {
            let fix = "set OrganizationAccess of the stack and --organization to `direct` or the ARN of a role with DescribeAccount";
            return self.push(Check::problem(NAME, "policies read it, but there is no access", fix));
        }
        let Ok(own) = self.caller.account.parse() else { return };
        if let Some(member) = self.read(NAME, self.aws.organization.directory().member(&own).await) {
            self.push(surroundings::membership(NAME, &member));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_counts_problems_and_names_one_fix() {
        let missing =
            |service: &str| Check::problem(&format!("{service}: notification"), "none for `Connect`: requests wait for the sweep", "");
        assert_eq!(summary(&[Check::ok("caller", "")]), None);
        assert_eq!(summary(&[missing("a")]).unwrap(), "1 problem.");
        let disabled = Check::problem("c: notification", "disabled by AWS", "");
        let expected = "3 problems. `warden doctor --fix notifications` creates 2 connection notifications.";
        assert_eq!(summary(&[missing("a"), missing("b"), disabled]).unwrap(), expected);
    }
}
