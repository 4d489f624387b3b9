//! A batch of the queue: each message is a hint. Messages about one service are answered together.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use warden::{
    deadline::Deadline,
    model::{
        ids::ServiceId,
        origin::{Origin, OriginKind},
    },
    ports::{Accept, ConnectionFilter, Describe, Directory, Reject, RequestQueue, ServiceLedger, StackLedger, chain},
    trigger::{Message, SubjectRef, Target, Trigger},
};

use crate::{
    answer::Left,
    gather::Hints,
    worker::{AnswerError, Approve, Summary},
};

/// A hint that has waited longer is dropped: sweeps cover it.
const HINT_AGE_MAX: SignedDuration = SignedDuration::from_mins(15);
/// A subject that EC2 still does not know is gone: create to describe is eventually consistent, and takes seconds.
const UNKNOWN_SUBJECT_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);
/// The bounds of a message's wait.
const WAIT_SECONDS: std::ops::RangeInclusive<i64> = 2..=60;
/// The part of a wait that depends on the message.
const JITTER_SECONDS: i64 = 4;

/// The time kept free at the end of an invocation: an act, the look after it, and two writes.
pub const MARGIN: Duration = Duration::from_secs(15);

/// Lambda's partial batch response: the messages that stay in the queue.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    /// The messages.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// One message that stays in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its id.
    pub item_identifier: String,
}

/// The work that messages ask for on one service.
#[derive(Default)]
struct Work {
    hints: Hints,
    origin: Option<Origin>,
    /// The messages, by their place in the batch.
    messages: BTreeSet<usize>,
}

/// When each message of a batch is to be delivered again, by its place in the batch. A message that is not here is done.
type Waits = BTreeMap<usize, Timestamp>;

impl<E, A, L, Q, G> Approve<E, A, L, Q, G>
where
    E: Describe + Sync,
    A: Accept + Reject + Sync,
    L: ServiceLedger + StackLedger + Sync,
    Q: RequestQueue + Sync,
    G: Directory + Sync,
{
    /// Answers what the messages of a batch are about. A message that must wait stays in the queue, invisible for a while.
    pub async fn handle(&self, messages: &[Message], deadline: Deadline) -> (BatchResponse, Summary) {
        let (mut summary, mut waits, mut work) = (Summary::default(), Waits::new(), BTreeMap::new());
        for (place, message) in messages.iter().enumerate() {
            if let Err(error) = self.read(place, message, &mut work, &mut summary).await {
                self.failed(&error, [place], &mut waits, &mut summary);
            }
        }
        for (service, Work { hints, origin, messages: places }) in work {
            let origin = origin.unwrap_or(Origin { kind: OriginKind::Sweep, id: String::new() });
            let mut written = Vec::new();
            let left = self.answer(&service, &hints, &origin, deadline, &mut written).await;
            summary.written.extend(written.iter().map(|record| record.verdict));
            match left {
                Ok(Left::Done(missing)) if missing.is_empty() => {}
                Ok(Left::Done(_)) => self.look_again(messages, places, &mut waits, &mut summary),
                Ok(Left::Until(until)) => waits.extend(places.into_iter().map(|place| (place, until))),
                Ok(Left::NotOurs) => summary.ignored += places.len(),
                Err(error) => self.failed(&error, places, &mut waits, &mut summary),
            }
        }
        (self.postpone(messages, waits).await, summary)
    }

    /// Sorts a message to the services that it is about.
    async fn read(
        &self,
        place: usize,
        message: &Message,
        work: &mut BTreeMap<ServiceId, Work>,
        summary: &mut Summary,
    ) -> Result<(), AnswerError> {
        let Trigger { origin, target } = match Trigger::parse(&message.body) {
            Ok(trigger) => trigger,
            Err(error) => {
                tracing::error!(
                    error_type = "UnreadableMessage",
                    error = &error as &dyn std::error::Error,
                    message_id = message.id,
                    "set aside"
                );
                return Ok(self.queue.set_aside(&message.body, &chain(&error)).await?);
            }
        };
        if self.age(message) > HINT_AGE_MAX {
            tracing::info!(origin = origin.id, "a hint is too old: sweeps cover it");
            summary.ignored += 1;
            return Ok(());
        }
        match target {
            Target::Nothing(why) => {
                tracing::info!(origin = origin.id, why, "message ignored");
                summary.ignored += 1;
            }
            Target::Subjects(subjects) => {
                for subject in subjects {
                    self.add(place, message, subject, &origin, work, summary).await?;
                }
            }
            Target::Services(services) => {
                for service in services {
                    let work = work.entry(service).or_default();
                    work.messages.insert(place);
                    work.origin.get_or_insert_with(|| origin.clone());
                }
            }
            Target::Topic(topic) => {
                let services = self.ec2.services_notifying(&topic).await?;
                self.queue.send(&services).await?;
            }
            Target::Everything => self.sweep(summary).await?,
        }
        Ok(())
    }

    async fn add(
        &self,
        place: usize,
        message: &Message,
        subject: SubjectRef,
        origin: &Origin,
        work: &mut BTreeMap<ServiceId, Work>,
        summary: &mut Summary,
    ) -> Result<(), AnswerError> {
        let SubjectRef { subject, service, region, claim } = subject;
        if region.is_some_and(|region| region != self.region) {
            tracing::info!(%subject, "the service is in another Region");
            summary.ignored += 1;
            return Ok(());
        }
        let service = match service {
            Some(service) => service,
            None => {
                let found = self.ec2.connections(ConnectionFilter::Subject(&subject)).await?;
                match found.into_iter().find(|connection| connection.subject == subject) {
                    Some(connection) => connection.service,
                    None if self.age(message) > UNKNOWN_SUBJECT_AGE_MAX => return Ok(()),
                    None => return Err(AnswerError::NotFoundYet(subject)),
                }
            }
        };
        let work = work.entry(service).or_default();
        work.messages.insert(place);
        work.origin = Some(origin.clone());
        if let Some(claim) = claim {
            work.hints.claims.entry(subject.clone()).or_default().push((claim, origin.clone()));
        }
        work.hints.subjects.insert(subject);
        Ok(())
    }

    /// Messages whose subject EC2 does not know yet, or never will.
    fn look_again(&self, messages: &[Message], places: BTreeSet<usize>, waits: &mut Waits, summary: &mut Summary) {
        let young = |place: &usize| messages.get(*place).is_some_and(|message| self.age(message) <= UNKNOWN_SUBJECT_AGE_MAX);
        let (young, gone): (Vec<usize>, Vec<usize>) = places.into_iter().partition(young);
        summary.ignored += gone.len();
        waits.extend(young.into_iter().map(|place| (place, (self.clock)())));
    }

    fn failed(&self, error: &AnswerError, places: impl IntoIterator<Item = usize>, waits: &mut Waits, summary: &mut Summary) {
        match error {
            AnswerError::NotFoundYet(subject) => tracing::info!(%subject, "EC2 does not know the subject yet"),
            _ => {
                summary.errors += 1;
                tracing::error!(error_type = error.kind(), error = error as &dyn std::error::Error, "{}", chain(error));
            }
        }
        waits.extend(places.into_iter().map(|place| (place, (self.clock)() + error.wait())));
    }

    /// Hides messages until their time. Where that fails, SQS delivers them after the queue's visibility timeout.
    async fn postpone(&self, messages: &[Message], waits: Waits) -> BatchResponse {
        let mut response = BatchResponse::default();
        for (place, until) in waits {
            let Some(message) = messages.get(place) else { continue };
            // The older, the longer: a message is received some twenty times within its fifteen minutes.
            let wait = until.duration_since((self.clock)()).as_secs().max(self.age(message).as_secs() / 3);
            let seconds = wait.clamp(*WAIT_SECONDS.start(), *WAIT_SECONDS.end() - JITTER_SECONDS) + jitter(&message.id);
            if let Err(error) = self.queue.postpone(&message.receipt, seconds).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    message_id = message.id,
                    "the message waits for its visibility timeout"
                );
            }
            response.batch_item_failures.push(BatchItemFailure { item_identifier: message.id.clone() });
        }
        response
    }

    fn age(&self, message: &Message) -> SignedDuration {
        message.sent.map_or(SignedDuration::ZERO, |sent| (self.clock)().duration_since(sent))
    }
}

/// Less than [`JITTER_SECONDS`], by the message's id: messages that wait for one service do not come back at one moment.
fn jitter(id: &str) -> i64 {
    id.bytes().fold(0_i64, |sum, byte| (sum * 31 + i64::from(byte)) % JITTER_SECONDS)
}
