//! Reads the resources around the warden that a set-up needs: a topic's policy, a trail, a schedule. Only the command line calls it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_cloudtrail::{
    operation::get_event_selectors::GetEventSelectorsOutput,
    types::{AdvancedEventSelector, EventSelector, ReadWriteType},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::FinalizerInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{Timestamp, fmt::rfc2822};

use crate::{aws::error::call_error, model::ids::TopicArn, ports::CallError};

/// Clients with the caller's own credentials.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    cloudtrail: aws_sdk_cloudtrail::Client,
    scheduler: aws_sdk_scheduler::Client,
    sns: aws_sdk_sns::Client,
    sts: aws_sdk_sts::Client,
}

/// The identity of the caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The caller's ARN.
    pub arn: String,
    /// The caller's account.
    pub account: String,
    /// AWS's time, to the second, if the answer has a date.
    pub time: Option<Timestamp>,
}

/// The attributes of a topic that its publisher and its subscribers need.
#[derive(Debug, Clone)]
pub struct Topic {
    /// The policy in JSON.
    pub policy: String,
    /// The KMS key, if the topic is encrypted.
    pub key: Option<String>,
    /// The confirmed subscriptions, if AWS states their number.
    pub confirmed: Option<u32>,
    /// The subscriptions whose subscribers have not confirmed them.
    pub pending: Option<u32>,
}

/// A CloudTrail trail.
#[derive(Debug, Clone)]
pub struct Trail {
    /// The name.
    pub name: String,
    /// True if the trail records events.
    pub logging: bool,
    /// True if it records the management events that write, as `CreateVpcEndpoint`. Absent if CloudTrail does not say.
    pub writes: Option<bool>,
}

/// A schedule of EventBridge Scheduler.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// `ENABLED` or `DISABLED`.
    pub state: String,
    /// The schedule expression.
    pub expression: String,
}

impl Diagnostics {
    /// Makes clients in the Region of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self {
            cloudtrail: aws_sdk_cloudtrail::Client::new(config),
            scheduler: aws_sdk_scheduler::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
        }
    }

    /// Returns the caller's identity.
    ///
    /// # Errors
    /// The call fails.
    pub async fn caller(&self) -> Result<Caller, CallError> {
        const CALL: &str = "GetCallerIdentity";
        let clock = Clock::default();
        let answer = self.sts.get_caller_identity().customize().interceptor(clock.clone()).send().await;
        let answer = answer.map_err(|error| call_error(CALL, error))?;
        let incomplete = || CallError { call: CALL, code: None, message: "STS did not return your identity".to_owned(), source: None };
        let (arn, account) = answer.arn().zip(answer.account()).ok_or_else(incomplete)?;
        Ok(Caller { arn: arn.to_owned(), account: account.to_owned(), time: clock.time() })
    }

    /// Returns the attributes of a topic.
    ///
    /// # Errors
    /// The call fails.
    pub async fn topic(&self, topic: &TopicArn) -> Result<Topic, CallError> {
        let answer = self.sns.get_topic_attributes().topic_arn(topic.as_str()).send().await;
        let attributes = answer.map_err(|error| call_error("GetTopicAttributes", error))?.attributes.unwrap_or_default();
        let key = attributes.get("KmsMasterKeyId").filter(|key| !key.is_empty()).cloned();
        let count = |name: &str| attributes.get(name).and_then(|count| count.parse().ok());
        let (confirmed, pending) = (count("SubscriptionsConfirmed"), count("SubscriptionsPending"));
        Ok(Topic { policy: attributes.get("Policy").cloned().unwrap_or_default(), key, confirmed, pending })
    }

    /// Returns the trails that record this Region.
    ///
    /// # Errors
    /// A call fails.
    pub async fn trails(&self) -> Result<Vec<Trail>, CallError> {
        let answer = self.cloudtrail.describe_trails().send().await.map_err(|error| call_error("DescribeTrails", error))?;
        let mut trails = Vec::new();
        for trail in answer.trail_list() {
            let Some(name) = trail.trail_arn().or(trail.name()) else { continue };
            let status = self.cloudtrail.get_trail_status().name(name).send().await;
            let status = status.map_err(|error| call_error("GetTrailStatus", error))?;
            // A member of an organization may be denied the selectors of the organization's trail.
            let selectors = self.cloudtrail.get_event_selectors().trail_name(name).send().await;
            trails.push(Trail {
                name: trail.name().unwrap_or(name).to_owned(),
                logging: status.is_logging().unwrap_or(false),
                writes: selectors.ok().and_then(|selectors| records_writes(&selectors)),
            });
        }
        Ok(trails)
    }

    /// Returns a schedule, if it exists.
    ///
    /// # Errors
    /// The call fails.
    pub async fn schedule(&self, name: &str) -> Result<Option<Schedule>, CallError> {
        match self.scheduler.get_schedule().name(name).send().await {
            Ok(answer) => {
                let state = answer.state().map_or_else(String::new, |state| state.as_str().to_owned());
                Ok(Some(Schedule { state, expression: answer.schedule_expression().unwrap_or_default().to_owned() }))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => Ok(None),
            Err(error) => Err(call_error("GetSchedule", error)),
        }
    }
}

/// Returns true if a trail's selectors include management events that write.
fn records_writes(selectors: &GetEventSelectorsOutput) -> Option<bool> {
    let basic = selectors.event_selectors();
    let advanced = selectors.advanced_event_selectors();
    if basic.is_empty() && advanced.is_empty() {
        return None;
    }
    let of_basic = |one: &EventSelector| {
        // Management events and writes are included unless the selector excludes them.
        one.include_management_events().unwrap_or(true) && one.read_write_type() != Some(&ReadWriteType::ReadOnly)
    };
    let of_advanced = |one: &AdvancedEventSelector| {
        let has = |field: &str, value: &str| {
            one.field_selectors().iter().any(|selector| selector.field() == field && selector.equals().iter().any(|text| text == value))
        };
        has("eventCategory", "Management") && !has("readOnly", "true")
    };
    Some(basic.iter().any(of_basic) || advanced.iter().any(of_advanced))
}

/// Reads the time from the header `Date` of an answer.
#[derive(Debug, Clone, Default)]
struct Clock(Arc<Mutex<Option<Timestamp>>>);

impl Clock {
    fn time(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().and_then(|response| response.headers().get("date"));
        let time = date.and_then(|date| rfc2822::parse(date).ok()).map(|time| time.timestamp());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
        Ok(())
    }
}
