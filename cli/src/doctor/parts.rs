//! Reads the parts of the stack that its name leads to.

use jiff::{SignedDuration, Timestamp};
use warden::aws::deployment::{Metric, Queue};

use super::{
    command::Doctor,
    deployment::{self, Day},
};
use crate::stack::{Parts, StackSettings};

/// The logical ids of the rules that send CloudTrail's events to the request queue.
const RULES: [&str; 2] = ["OnDefaultBus", "OnForwardedEvents"];
const FUNCTION: &str = "FunctionName";

impl Doctor<'_> {
    pub(super) async fn parts(&mut self, stack: &StackSettings) {
        self.functions(&stack.parts).await;
        let requests = self.read("queue Requests", self.aws.deployment.queue(&stack.parts.requests).await);
        self.event_sources(stack, requests.as_ref()).await;
        if let Some(requests) = &requests {
            self.push(deployment::queue_policy(requests));
        }
        self.dead_letters(&stack.parts).await;
        self.events(stack, requests.as_ref()).await;
        self.last_day(&stack.parts).await;
    }

    async fn functions(&mut self, parts: &Parts) {
        for (role, name) in functions(parts) {
            if let Some(function) = self.read(&format!("{role}: function"), self.aws.deployment.function(name).await) {
                self.push(deployment::function(role, name, &function, &parts.architecture));
            }
        }
    }

    async fn event_sources(&mut self, stack: &StackSettings, requests: Option<&Queue>) {
        let stream = format!(":table/{}/stream/", stack.ledger);
        let expected = [
            ("approve", &stack.parts.approve, requests.map(|queue| queue.arn.as_str())),
            ("notify", &stack.parts.notify, Some(stream.as_str())),
        ];
        for (role, function, source) in expected {
            let Some(source) = source else { continue };
            if let Some(found) = self.read(&format!("{role}: event source"), self.aws.deployment.event_sources(function).await) {
                self.push(deployment::event_source(role, &found, source, &self.aws.region));
            }
        }
    }

    async fn dead_letters(&mut self, parts: &Parts) {
        for (logical, url) in
            [("DeadLetters", &parts.dead_letters), ("AuditFailures", &parts.audit_failures), ("UntoldRecords", &parts.untold_records)]
        {
            if let Some(queue) = self.read(&format!("queue {logical}"), self.aws.deployment.queue(url).await) {
                self.push(deployment::dead_letters(logical, &queue));
            }
        }
    }

    /// The bus, the rules and the alarms. The stack's resources name rules and alarms.
    async fn events(&mut self, stack: &StackSettings, requests: Option<&Queue>) {
        let bus = stack.parts.bus.rsplit('/').next().unwrap_or_default();
        if let Some(policy) = self.read("bus policy", self.aws.deployment.bus_policy(bus).await) {
            self.push(deployment::bus_policy(&policy, stack.parts.forwarder.as_deref()));
        }
        let Some(resources) = self.read("resources", self.aws.deployment.resources(&stack.name).await) else { return };
        for (logical, on) in RULES.into_iter().zip(["default", bus]) {
            // The id of a rule on another bus than the default one is `BUS|RULE`.
            let name = resources.get(logical).map_or("", |one| one.id.rsplit('|').next().unwrap_or_default());
            let rule = self.read(&format!("rule on {on}"), self.aws.deployment.rule(on, name).await);
            if let (Some(rule), Some(requests)) = (rule, requests) {
                self.push(deployment::rule(on, name, &rule, &requests.arn, &self.aws.region));
            }
        }
        let is_alarm = |kind: &str| kind == "AWS::CloudWatch::Alarm";
        let alarms: Vec<(&str, &str)> =
            resources.iter().filter(|(_, one)| is_alarm(&one.kind)).map(|(logical, one)| (logical.as_str(), one.id.as_str())).collect();
        let names: Vec<&str> = alarms.iter().map(|(_, name)| *name).collect();
        if let Some(found) = self.read("alarms", self.aws.deployment.alarms(&names).await) {
            self.checks.extend(deployment::alarms(&alarms, &found));
        }
    }

    async fn last_day(&mut self, parts: &Parts) {
        let functions = functions(parts);
        let metrics: Vec<Metric<'_>> = functions
            .iter()
            .flat_map(|(_, function)| {
                ["Invocations", "Errors"].map(|name| Metric { namespace: "AWS/Lambda", name, dimension: (FUNCTION, function) })
            })
            .collect();
        let now = Timestamp::now();
        let sums = self.aws.deployment.sums(&metrics, now - SignedDuration::from_hours(24), now).await;
        let Some(sums) = self.read("last day", sums) else { return };
        let of = |at: usize| sums.get(at).copied().flatten();
        let is_aws = self.aws.config.endpoint_url().is_none();
        for (at, (role, _)) in functions.iter().enumerate() {
            self.push(deployment::last_day(&Day { role, invocations: of(2 * at), errors: of(2 * at + 1) }, is_aws));
        }
    }
}

/// The functions of a stack, each with the name of its crate.
fn functions(parts: &Parts) -> [(&'static str, &str); 3] {
    [("approve", parts.approve.as_str()), ("audit", parts.audit.as_str()), ("notify", parts.notify.as_str())]
}
