//! The steps of a run, in their order.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use warden::{
    aws::rehearsal::{Consumer, Copies, Place, Provider, copy_rules, forged_detail, is_refusal},
    decision::{grant::Grantee, order::Reason},
    ledger::open_finding::owner_of,
    model::{connection::Phase, ids::TopicArn, service::Service, subject::Subject},
};

use super::{
    cleanup::Made,
    raw_event::Accounts,
    report::{Failure, StepResult, Success},
    stop::Stop,
};
use crate::{
    arguments::{Approval, Rehearsal},
    aws::Aws,
    error::CliError,
    manual,
    stack::StackSettings,
    wording::counted,
};

/// Between two looks at what a step waits for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The time in which an event that arrived despite all is answered.
const ANSWERED: Duration = Duration::from_secs(3);
/// An account of AWS's examples, which owns no endpoint of a run.
const FORGED_OWNER: &str = "999999999999";
/// The metric that approve writes after each sweep, and only then.
const SWEPT: &str = "PendingAgeMaxSeconds";
const NEEDS_ENDPOINT: &str = "needs the endpoint";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Mail,
    Audit,
    Copies,
    Endpoint,
    Notification,
    Event,
    Record,
    Message,
    Acceptance,
    Available,
    Sweep,
    Queues,
    Alarms,
    ForgedEvent,
    ForgedHint,
}

pub(super) const STEPS: [(&str, Step); 15] = [
    ("mail subscription", Step::Mail),
    ("audit", Step::Audit),
    ("copies of events", Step::Copies),
    ("endpoint", Step::Endpoint),
    ("connection notification", Step::Notification),
    ("CloudTrail event", Step::Event),
    ("record", Step::Record),
    ("message", Step::Message),
    ("acceptance", Step::Acceptance),
    ("available", Step::Available),
    ("sweep", Step::Sweep),
    ("queues", Step::Queues),
    ("alarms", Step::Alarms),
    ("forged event", Step::ForgedEvent),
    ("forged hint", Step::ForgedHint),
];

pub(super) struct Run<'a> {
    aws: &'a Aws,
    stack: &'a StackSettings,
    pub(super) provider: Provider,
    pub(super) consumer: Consumer,
    order: &'a Rehearsal,
    service: Service,
    accounts: Accounts,
    place: Place,
    pub(super) id: String,
    stop: Stop,
    since: Timestamp,
    copies: Option<Copies>,
    /// The messages and events that arrived.
    arrived: Vec<String>,
    pub(super) made: Vec<Made>,
    pub(super) endpoint: Option<Subject>,
    /// The files of raw events.
    pub(super) files: Vec<PathBuf>,
}

impl<'a> Run<'a> {
    #[expect(clippy::too_many_arguments, reason = "the parts of a run, made in one place")]
    pub(super) fn new(
        aws: &'a Aws,
        stack: &'a StackSettings,
        provider: Provider,
        consumer: Consumer,
        order: &'a Rehearsal,
        service: Service,
        accounts: Accounts,
        place: Place,
        id: String,
        stop: Stop,
    ) -> Self {
        let since = Timestamp::now();
        let (copies, arrived, made, endpoint, files) = (None, Vec::new(), Vec::new(), None, Vec::new());
        Self { aws, stack, provider, consumer, order, service, accounts, place, id, stop, since, copies, arrived, made, endpoint, files }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_requested()
    }

    /// Carries out a step. A signal ends it, unless it makes something: that is finished first, so that it can be removed.
    pub(super) async fn step(&mut self, step: Step) -> StepResult {
        if matches!(step, Step::Copies | Step::Endpoint | Step::Acceptance) {
            return self.carry_out(step).await;
        }
        let stop = self.stop.clone();
        tokio::select! {
            () = stop.requested() => Err(Failure::Stopped),
            result = self.carry_out(step) => result,
        }
    }

    async fn carry_out(&mut self, step: Step) -> StepResult {
        match step {
            Step::Mail => self.mail().await,
            Step::Audit => self.audit().await,
            Step::Copies => self.copy().await,
            Step::Endpoint => self.create_endpoint().await,
            Step::Notification => self.notification().await,
            Step::Event => self.event().await,
            Step::Record => self.record().await,
            Step::Message => self.message().await,
            Step::Acceptance => self.accept().await,
            Step::Available => self.available().await,
            Step::Sweep => self.sweep().await,
            Step::Queues => self.queues().await,
            Step::Alarms => self.alarms().await,
            Step::ForgedEvent => self.forge_event().await,
            Step::ForgedHint => self.forge_hint().await,
        }
    }

    async fn mail(&self) -> StepResult {
        let topic = &self.stack.owners_topic;
        match self.provider.mail_subscriptions(topic).await? {
            0 => Err(Failure::new(
                "no mail address is subscribed to the owners' topic and confirmed",
                format!(
                    "aws sns subscribe --region {} --topic-arn {topic} --protocol email --notification-endpoint ADDRESS, then open the link in the mail",
                    self.aws.region
                ),
            )),
            count => Ok(Success::Passed(counted(count, "confirmed address", "confirmed addresses"))),
        }
    }

    async fn audit(&self) -> StepResult {
        let fix = "docs/operations.md, `AuditErrors`";
        let summary = self.provider.invoke(&self.stack.parts.audit).await.map_err(|error| Failure::new(error.message.clone(), fix))?;
        let report = summary.get("report").and_then(Value::as_str).ok_or_else(|| Failure::new("the audit wrote no report", fix))?;
        Ok(Success::Passed(report.to_owned()))
    }

    /// The topics that messages about the service go to.
    fn topics(&self) -> Vec<TopicArn> {
        let owner = owner_of(&self.service).and_then(|tag| tag.parse().ok());
        vec![self.stack.topic.clone(), owner.unwrap_or_else(|| self.stack.owners_topic.clone())]
    }

    async fn copy(&mut self) -> StepResult {
        let bus = self.stack.parts.bus.rsplit('/').next().unwrap_or_default();
        let rules = copy_rules(&self.aws.region, &self.accounts.provider, bus, &self.id);
        let arns: Vec<String> = rules.iter().map(|(_, arn)| arn.clone()).collect();
        let topics = self.topics();
        let queue = self.provider.create_copies(&format!("warden-smoke-{}", self.id), &topics.iter().collect::<Vec<_>>(), &arns).await?;
        self.made.push(Made::Queue(queue.clone()));
        for topic in &topics {
            let subscription = self.provider.subscribe(topic, &queue).await?;
            self.made.push(Made::Subscription(subscription));
        }
        for (rule, _) in rules {
            // First, because the rule may exist although its target is refused.
            self.made.push(Made::Rule(rule.clone()));
            self.provider.copy_events(&rule, &queue).await?;
        }
        self.copies = Some(queue);
        Ok(Success::Passed(format!("warden-smoke-{}", self.id)))
    }

    async fn create_endpoint(&mut self) -> StepResult {
        if self.copies.is_none() {
            return Err(Failure::Skipped("needs the copies of events"));
        }
        let fix = "`warden principals --apply` lets the consumer ask; check --vpc and --subnets, which must be in Availability Zones of the service";
        let name = self.provider.service_name(&self.service.id).await?;
        let made = self.consumer.create_endpoint(&name, &self.place, &self.id).await;
        let endpoint = made.map_err(|error| Failure::new(format!("{error}: {}", error.message), fix))?;
        self.endpoint = Some(endpoint.clone());
        Ok(Success::Passed(endpoint.to_string()))
    }

    async fn notification(&mut self) -> StepResult {
        let endpoint = self.endpoint()?;
        let (topic, service) = (self.stack.topic.clone(), self.service.id.clone());
        // The form of the message is not documented: it may name the service only.
        let is_it = |body: &Value, text: &str| {
            body.get("TopicArn").and_then(Value::as_str) == Some(topic.as_str())
                && (text.contains(endpoint.as_str()) || text.contains(service.as_str()))
        };
        let fix = "`warden doctor --fix notifications`; the rows `topic policy` and `topic key` of `warden doctor`";
        let body = self.arrival(is_it, fix).await?;
        self.save("connect-notification.json", &body)
    }

    async fn event(&mut self) -> StepResult {
        let endpoint = self.endpoint()?;
        let is_it = |body: &Value, text: &str| body.get("detail-type").is_some() && text.contains(endpoint.as_str());
        let fix = "a trail of the consumer must log management events that write; infra/forwarder.yaml in the consumer's account must name the stack's bus, and the stack's ForwarderOrganizationId its organization";
        let body = self.arrival(is_it, fix).await?;
        self.save("create-vpc-endpoint.json", &body)
    }

    async fn message(&mut self) -> StepResult {
        let endpoint = self.endpoint()?;
        let connections = self.stack.topic.clone();
        let is_it = |body: &Value, text: &str| {
            body.get("TopicArn").and_then(Value::as_str).is_some_and(|topic| topic != connections.as_str())
                && text.contains(endpoint.as_str())
        };
        let body = self.arrival(is_it, "docs/operations.md, `NotTold` and `NotifyErrors`").await?;
        let subject = serde_json::from_str::<Value>(&body).ok().and_then(|body| Some(body.get("Subject")?.as_str()?.to_owned()));
        Ok(Success::Passed(subject.unwrap_or_else(|| "arrived".to_owned())))
    }

    async fn record(&mut self) -> StepResult {
        let endpoint = self.endpoint()?;
        let fix = "docs/operations.md, `ApproveErrors` and `RequestsDelayed`";
        let verdicts = self.until(fix, async |run: &mut Self| {
            let verdicts = run.verdicts(&endpoint).await?;
            Ok((!verdicts.is_empty()).then_some(verdicts))
        });
        Ok(Success::Passed(verdicts.await?.join(", ")))
    }

    async fn verdicts(&self, endpoint: &Subject) -> Result<Vec<String>, Failure> {
        let (records, _) = self.aws.ledger()?.records_of(&self.service.id, endpoint).await?;
        Ok(records.iter().map(|record| record.verdict.to_string()).collect())
    }

    async fn accept(&self) -> StepResult {
        let endpoint = self.endpoint()?;
        if !self.order.accept {
            return Ok(Success::NotChecked("give --accept to accept the endpoint in your name".to_owned()));
        }
        let until = Timestamp::now() + SignedDuration::from_hours(1);
        let reason = Reason::try_from(format!("warden smoke, run {}", self.id)).map_err(|_| Failure::Skipped("needs a reason"))?;
        manual::approve(self.aws, &Approval::of_endpoint(endpoint.clone(), until, reason)).await?;
        let grants = warden::ports::ServiceLedger::decisions(self.aws.ledger()?, &self.service.id).await?.grants;
        let ours = grants.iter().find(|grant| grant.to == Grantee::Subject(endpoint.clone()));
        Ok(Success::Passed(ours.map_or_else(|| "done".to_owned(), |grant| format!("granted by {}", grant.by))))
    }

    async fn available(&mut self) -> StepResult {
        let endpoint = self.endpoint()?;
        let accepted = self.verdicts(&endpoint).await?.iter().any(|verdict| verdict == "accepted");
        if !self.order.accept && !accepted {
            return Ok(Success::NotChecked("neither the policy nor --accept accepts the endpoint".to_owned()));
        }
        let fix = format!("warden explain {endpoint}");
        let state = self.until(&fix, async |run: &mut Self| {
            let found = run.aws.find(&endpoint).await?;
            Ok(found.filter(|found| found.connection.state.phase() == Phase::Live).map(|found| found.connection.state.as_str().to_owned()))
        });
        Ok(Success::Passed(state.await?))
    }

    async fn sweep(&mut self) -> StepResult {
        let resources = self.aws.deployment.resources(&self.stack.name).await?;
        let group = resources
            .get("ApproveLogs")
            .map(|one| one.id.clone())
            .ok_or_else(|| Failure::new("the stack has no log group ApproveLogs", "deploy the stack again"))?;
        let fix = "the rows `sweep schedule` and `approve: event source` of `warden doctor`";
        self.until(fix, async |run: &mut Self| Ok(run.provider.has_logged(&group, SWEPT, run.since).await?.then_some(()))).await?;
        Ok(Success::Passed("approve has answered one since the run began".to_owned()))
    }

    async fn queues(&mut self) -> StepResult {
        let parts = &self.stack.parts;
        for (name, url) in
            [("DeadLetters", &parts.dead_letters), ("AuditFailures", &parts.audit_failures), ("UntoldRecords", &parts.untold_records)]
        {
            let messages = self.aws.deployment.queue(url).await?.messages;
            if messages > 0 {
                return Err(Failure::new(format!("{name} holds {messages}"), format!("docs/operations.md, `{name}`")));
            }
        }
        let requests = parts.requests.clone();
        self.until("docs/operations.md, `RequestsDelayed`", async |run: &mut Self| {
            Ok((run.aws.deployment.queue(&requests).await?.messages == 0).then_some(()))
        })
        .await?;
        Ok(Success::Passed("empty".to_owned()))
    }

    async fn alarms(&self) -> StepResult {
        let resources = self.aws.deployment.resources(&self.stack.name).await?;
        let names: Vec<&str> = resources.values().filter(|one| one.kind == "AWS::CloudWatch::Alarm").map(|one| one.id.as_str()).collect();
        // An alarm such as AuditMissed ends some minutes after its cause.
        let deadline = Instant::now() + self.order.within;
        loop {
            let found = self.aws.deployment.alarms(&names).await?;
            let on: Vec<&str> = found.iter().filter(|alarm| alarm.state == "ALARM").map(|alarm| alarm.name.as_str()).collect();
            if on.is_empty() {
                return Ok(Success::Passed(format!("none of {} in ALARM", found.len())));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("in ALARM: {}", on.join(", ")), "`warden doctor` names each with its runbook entry"));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// An event that says that another account owns the endpoint. EventBridge must refuse it.
    async fn forge_event(&self) -> StepResult {
        let endpoint = self.endpoint()?;
        let name = self.provider.service_name(&self.service.id).await?;
        let detail = forged_detail(&self.service.id, &name, &endpoint, FORGED_OWNER, &self.aws.region, Timestamp::now());
        let before = self.state(&endpoint).await?;
        if let Some(code) = self.consumer.forge(&self.stack.parts.bus, &detail).await? {
            return Ok(Success::Passed(format!("refused: {code}")));
        }
        tokio::time::sleep(ANSWERED).await;
        let after = self.state(&endpoint).await?;
        match self.aws.config.endpoint_url() {
            _ if before != after => {
                Err(Failure::new(format!("the event changed the connection from {before} to {after}"), "report it: SECURITY.md"))
            }
            Some(_) => Ok(Success::NotChecked("this server enforces no policy of a bus; the connection did not change".to_owned())),
            None => Err(Failure::new("the bus took the event", "the row `bus policy` of `warden doctor`")),
        }
    }

    /// A message of the provider's own person in the request queue. The queue's policy must deny it.
    async fn forge_hint(&self) -> StepResult {
        let body = json!({"source": "privatelink-warden", "service": self.service.id}).to_string();
        match self.provider.send(&self.stack.parts.requests, &body).await {
            Err(error) if error.code.as_deref().is_some_and(is_refusal) => Ok(Success::Passed("refused".to_owned())),
            Err(error) => Err(error.into()),
            Ok(()) if self.aws.config.endpoint_url().is_some() => {
                Ok(Success::NotChecked("this server enforces no policy of a queue".to_owned()))
            }
            Ok(()) => Err(Failure::new("the request queue took a message of yours", "the row `queue policy` of `warden doctor`")),
        }
    }

    async fn state(&self, endpoint: &Subject) -> Result<String, Failure> {
        let found = self.aws.find(endpoint).await?;
        Ok(found.map_or_else(|| "absent".to_owned(), |found| found.connection.state.as_str().to_owned()))
    }

    fn endpoint(&self) -> Result<Subject, Failure> {
        self.endpoint.clone().ok_or(Failure::Skipped(NEEDS_ENDPOINT))
    }

    /// Waits for a message or an event. Those that other steps wait for are kept.
    async fn arrival(&mut self, is_it: impl Fn(&Value, &str) -> bool, fix: &str) -> Result<String, Failure> {
        let Some(queue) = self.copies.clone() else { return Err(Failure::Skipped("needs the copies of events")) };
        self.until(fix, async |run: &mut Self| {
            let of_body = |body: &&String| serde_json::from_str::<Value>(body).is_ok_and(|value| is_it(&value, body));
            if let Some(found) = run.arrived.iter().find(of_body) {
                return Ok(Some(found.clone()));
            }
            let received = run.provider.received(&queue).await?;
            run.arrived.extend(received);
            Ok(run.arrived.iter().find(of_body).cloned())
        })
        .await
    }

    /// Looks again until there is a value or the time is over.
    async fn until<T>(&mut self, fix: &str, look: impl AsyncFn(&mut Self) -> Result<Option<T>, Failure>) -> Result<T, Failure> {
        let deadline = Instant::now() + self.order.within;
        loop {
            if let Some(value) = look(&mut *self).await? {
                return Ok(value);
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("not within {} seconds", self.order.within.as_secs()), fix));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Writes a raw event with its account ids replaced.
    fn save(&mut self, name: &str, body: &str) -> StepResult {
        let file = self.order.out.join(name);
        let written = fs::create_dir_all(&self.order.out).and_then(|()| fs::write(&file, self.accounts.anonymous(body)));
        written.map_err(CliError::at(&file))?;
        self.files.push(file.clone());
        Ok(Success::Passed(file.display().to_string()))
    }
}
