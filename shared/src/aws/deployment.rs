//! Reads the parts of a deployed stack: functions, event sources, rules, queues, alarms, metrics. Only the command line calls it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    aws::{
        error::call_error,
        json_calls::{JsonCalls, JsonService},
    },
    model::ids::Region,
    ports::CallError,
};

/// Seconds of a period of a metric.
const PERIOD_SECONDS: u64 = 3600;
/// The most names that one call to `DescribeAlarms` takes.
const ALARMS_MAX: usize = 100;

/// Clients with the caller's own credentials.
#[derive(Debug, Clone)]
pub struct Deployment {
    calls: JsonCalls,
    cloudformation: aws_sdk_cloudformation::Client,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The type, as `AWS::Lambda::Function`.
    pub kind: String,
    /// The physical id.
    pub id: String,
}

/// The state of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Function {
    /// `Active`, `Inactive`, `Pending` or `Failed`.
    pub state: String,
    /// The reason of the state.
    pub state_reason: String,
    /// The state of the last update: `Successful`, `InProgress` or `Failed`.
    pub last_update: String,
    /// The reason of the last update's state.
    pub last_update_reason: String,
    /// The architectures: `x86_64` or `arm64`.
    pub architectures: Vec<String>,
}

/// An event source mapping: the queue or the stream that a function is invoked with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSource {
    /// The id of the mapping.
    pub id: String,
    /// The ARN of the queue or of the stream.
    pub arn: String,
    /// `Enabled`, `Disabled` or a state on the way there.
    pub state: String,
    /// The reason of the state.
    pub reason: String,
    /// The result of the last batch of a stream.
    pub last_result: String,
}

/// A rule of an event bus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// The ARNs of its targets.
    pub targets: Vec<String>,
}

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// The ARN.
    pub arn: String,
    /// The policy in JSON.
    pub policy: String,
    /// The messages in it: visible, hidden or delayed.
    pub messages: u64,
}

/// An alarm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarm {
    /// The name.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// The description, which says what to do.
    pub description: String,
    /// True if it acts when its state changes.
    pub acts: bool,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// The name and the value of its only dimension.
    pub dimension: (&'a str, &'a str),
}

impl Deployment {
    /// Makes clients with the credentials of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, region: Region) -> Self {
        Self { calls: JsonCalls::new(config, region), cloudformation: aws_sdk_cloudformation::Client::new(config) }
    }

    /// Returns the resources of a stack by their logical ids.
    ///
    /// # Errors
    /// The call fails.
    pub async fn resources(&self, stack: &str) -> Result<BTreeMap<String, Resource>, CallError> {
        let mut pages = self.cloudformation.list_stack_resources().stack_name(stack).into_paginator().send();
        let mut found = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("ListStackResources", error))?;
            found.extend(page.stack_resource_summaries().iter().filter_map(|one| {
                let resource = Resource { kind: one.resource_type()?.to_owned(), id: one.physical_resource_id()?.to_owned() };
                Some((one.logical_resource_id()?.to_owned(), resource))
            }));
        }
        Ok(found)
    }

    /// Returns the state of a function.
    ///
    /// # Errors
    /// The call fails.
    pub async fn function(&self, name: &str) -> Result<Function, CallError> {
        let path = format!("/2015-03-31/functions/{name}/configuration");
        let answer = self.calls.read_lambda("GetFunctionConfiguration", path).await?;
        Ok(Function {
            state: text(&answer, "State"),
            state_reason: text(&answer, "StateReason"),
            last_update: text(&answer, "LastUpdateStatus"),
            last_update_reason: text(&answer, "LastUpdateStatusReason"),
            architectures: list(&answer, "Architectures").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// Returns the event sources of a function. A function of this product has one.
    ///
    /// # Errors
    /// The call fails.
    pub async fn event_sources(&self, function: &str) -> Result<Vec<EventSource>, CallError> {
        let path = format!("/2015-03-31/event-source-mappings?FunctionName={function}");
        let answer = self.calls.read_lambda("ListEventSourceMappings", path).await?;
        let source = |one: &Value| EventSource {
            id: text(one, "UUID"),
            arn: text(one, "EventSourceArn"),
            state: text(one, "State"),
            reason: text(one, "StateTransitionReason"),
            last_result: text(one, "LastProcessingResult"),
        };
        Ok(list(&answer, "EventSourceMappings").iter().map(source).collect())
    }

    /// Returns a rule with its targets.
    ///
    /// # Errors
    /// A call fails.
    pub async fn rule(&self, bus: &str, name: &str) -> Result<Rule, CallError> {
        let answer = self.calls.call(JsonService::EventBridge, "DescribeRule", &json!({"Name": name, "EventBusName": bus})).await?;
        let targets = self.calls.call(JsonService::EventBridge, "ListTargetsByRule", &json!({"Rule": name, "EventBusName": bus})).await?;
        Ok(Rule { state: text(&answer, "State"), targets: list(&targets, "Targets").iter().map(|one| text(one, "Arn")).collect() })
    }

    /// Returns the policy of an event bus in JSON; empty if it has none.
    ///
    /// # Errors
    /// The call fails.
    pub async fn bus_policy(&self, bus: &str) -> Result<String, CallError> {
        let answer = self.calls.call(JsonService::EventBridge, "DescribeEventBus", &json!({"Name": bus})).await?;
        Ok(text(&answer, "Policy"))
    }

    /// Returns a queue.
    ///
    /// # Errors
    /// The call fails.
    pub async fn queue(&self, url: &str) -> Result<Queue, CallError> {
        let answer = self.calls.call(JsonService::Sqs, "GetQueueAttributes", &json!({"QueueUrl": url, "AttributeNames": ["All"]})).await?;
        let attributes = answer.get("Attributes").cloned().unwrap_or_default();
        let counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"];
        let messages = counts.iter().filter_map(|name| attributes.get(*name)?.as_str()?.parse::<u64>().ok()).sum();
        Ok(Queue { arn: text(&attributes, "QueueArn"), policy: text(&attributes, "Policy"), messages })
    }

    /// Returns the alarms of these names that exist.
    ///
    /// # Errors
    /// The call fails.
    pub async fn alarms(&self, names: &[&str]) -> Result<Vec<Alarm>, CallError> {
        let mut found = Vec::new();
        for names in names.chunks(ALARMS_MAX) {
            let input = json!({"AlarmNames": names, "MaxRecords": ALARMS_MAX});
            let answer = self.calls.call(JsonService::CloudWatch, "DescribeAlarms", &input).await?;
            found.extend(list(&answer, "MetricAlarms").iter().map(|one| Alarm {
                name: text(one, "AlarmName"),
                state: text(one, "StateValue"),
                description: text(one, "AlarmDescription"),
                acts: one.get("ActionsEnabled").and_then(Value::as_bool).unwrap_or(true),
            }));
        }
        Ok(found)
    }

    /// Returns the sum of each metric in a time, or none for a metric without datapoints.
    ///
    /// # Errors
    /// The call fails.
    pub async fn sums(&self, metrics: &[Metric<'_>], from: Timestamp, to: Timestamp) -> Result<Vec<Option<f64>>, CallError> {
        let id = |at: usize| format!("m{at}");
        let query = |(at, metric): (usize, &Metric<'_>)| {
            let (name, value) = metric.dimension;
            let of = json!({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": [{"Name": name, "Value": value}]});
            json!({"Id": id(at), "MetricStat": {"Metric": of, "Period": PERIOD_SECONDS, "Stat": "Sum"}, "ReturnData": true})
        };
        let queries: Vec<Value> = metrics.iter().enumerate().map(query).collect();
        let input = json!({"MetricDataQueries": queries, "StartTime": from.as_second(), "EndTime": to.as_second()});
        let answer = self.calls.call(JsonService::CloudWatch, "GetMetricData", &input).await?;
        let results = list(&answer, "MetricDataResults");
        let sum = |at: usize| {
            let values = results.iter().filter(|one| text(one, "Id") == id(at)).flat_map(|one| list(one, "Values"));
            values.filter_map(Value::as_f64).fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or_default() + value))
        };
        Ok((0..metrics.len()).map(sum).collect())
    }
}

/// A text of an answer; empty if it is absent.
fn text(from: &Value, name: &str) -> String {
    from.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A list of an answer; empty if it is absent.
fn list<'a>(from: &'a Value, name: &str) -> &'a [Value] {
    from.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
