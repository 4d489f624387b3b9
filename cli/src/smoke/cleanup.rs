//! Removes what a run made, also after an error or a signal.

use warden::aws::rehearsal::{Consumer, Copies, CopyRule, Provider};

use super::report::{Failure, StepResult, Success};
use crate::{call_advice::with_advice, wording::counted};

/// What a run made at the provider.
#[derive(Debug)]
pub(super) enum Made {
    Queue(Copies),
    Rule(CopyRule),
    Subscription(String),
}

/// Removes everything, the last one first, and goes on after an error. The endpoints are those with the tag of the run: the answer to
/// their creation may have been lost.
pub(super) async fn clean_up(provider: &Provider, consumer: &Consumer, run: &str, made: Vec<Made>, known: Option<String>) -> StepResult {
    let mut left = Vec::new();
    let found = consumer.endpoints(run).await;
    let mut endpoints = match &found {
        Ok(found) => found.clone(),
        Err(error) => {
            left.push(format!("endpoints with the tag warden:smoke={run}: {}", with_advice(error)));
            Vec::new()
        }
    };
    // A list may lack the endpoint that was just created.
    endpoints.extend(known.filter(|known| !endpoints.contains(known)));
    if !endpoints.is_empty()
        && let Err(error) = consumer.delete_endpoints(&endpoints).await
    {
        left.push(format!("{}: {}", endpoints.join(", "), with_advice(&error)));
    }
    for one in made.iter().rev() {
        let (name, result) = match one {
            Made::Queue(queue) => (format!("queue {}", queue.url), provider.remove_copies(queue).await),
            Made::Rule(rule) => (format!("rule {} on {}", rule.name, rule.bus), provider.remove_rule(rule).await),
            Made::Subscription(arn) => (format!("subscription {arn}"), provider.unsubscribe(arn).await),
        };
        left.extend(result.err().map(|error| format!("{name}: {}", with_advice(&error))));
    }
    if left.is_empty() {
        let others = counted(made.len(), "other resource", "other resources");
        return Ok(Success::Passed(format!("{} and {others} removed", counted(endpoints.len(), "endpoint", "endpoints"))));
    }
    Err(Failure::new(format!("left behind: {}", left.join("; ")), "delete these by hand: an endpoint costs money as long as it exists"))
}
