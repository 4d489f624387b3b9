//! The calls of `warden smoke`: copies of the events, a consumer's endpoint, forged events. Only the command line calls it.
//!
//! Everything that it makes has a name or a tag of the run, so that a person can find it.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, VpcEndpointType};
use aws_sdk_sns::types::Subscription;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    aws::{
        error::call_error,
        json_calls::{JsonCalls, JsonService},
    },
    model::{
        ids::{Region, ServiceId, TopicArn},
        subject::Subject,
    },
    ports::CallError,
};

/// The tag of a run's endpoint.
pub const RUN_TAG: &str = "warden:smoke";
/// Seconds that a receive call waits for a message.
const WAIT_SECONDS: u64 = 2;
/// The name of the target of a rule.
const TARGET: &str = "copies";

/// The provider's side of a run.
#[derive(Debug, Clone)]
pub struct Provider {
    calls: JsonCalls,
    ec2: aws_sdk_ec2::Client,
    sns: aws_sdk_sns::Client,
}

/// A queue that gets copies of messages and events.
#[derive(Debug, Clone)]
pub struct Copies {
    /// The URL.
    pub url: String,
    /// The ARN.
    pub arn: String,
}

/// A rule that sends copies.
#[derive(Debug, Clone)]
pub struct CopyRule {
    /// The bus.
    pub bus: String,
    /// The rule's name.
    pub name: String,
}

impl Provider {
    /// Makes clients with the credentials of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, region: Region) -> Self {
        let (ec2, sns) = (aws_sdk_ec2::Client::new(config), aws_sdk_sns::Client::new(config));
        Self { calls: JsonCalls::new(config, region), ec2, sns }
    }

    /// Returns the name of a service, as a consumer gives it.
    ///
    /// # Errors
    /// The call fails, or its answer has no name.
    pub async fn service_name(&self, service: &ServiceId) -> Result<String, CallError> {
        const CALL: &str = "DescribeVpcEndpointServiceConfigurations";
        let answer = self.ec2.describe_vpc_endpoint_service_configurations().service_ids(service.as_str()).send().await;
        let answer = answer.map_err(|error| call_error(CALL, error))?;
        let name = answer.service_configurations().first().and_then(|found| found.service_name()).map(str::to_owned);
        name.ok_or_else(|| CallError { call: CALL, code: None, message: "EC2 named no service".to_owned(), source: None })
    }

    /// Creates a queue to which these topics and rules may send.
    ///
    /// # Errors
    /// A call fails.
    pub async fn create_copies(&self, name: &str, topics: &[&TopicArn], rules: &[String]) -> Result<Copies, CallError> {
        let sources: Vec<&str> = topics.iter().map(|topic| topic.as_str()).chain(rules.iter().map(String::as_str)).collect();
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": "*", // in a queue's policy: this queue
            "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
        }]});
        let attributes = json!({"Policy": policy.to_string(), "SqsManagedSseEnabled": "true"});
        let made = self.calls.call(JsonService::Sqs, "CreateQueue", &json!({"QueueName": name, "Attributes": attributes})).await?;
        let url = text(&made, "QueueUrl");
        let read = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
        let described = self.calls.call(JsonService::Sqs, "GetQueueAttributes", &read).await?;
        Ok(Copies { arn: described.pointer("/Attributes/QueueArn").and_then(Value::as_str).unwrap_or_default().to_owned(), url })
    }

    /// Subscribes a queue to a topic. Returns the ARN of the subscription.
    ///
    /// # Errors
    /// The call fails.
    pub async fn subscribe(&self, topic: &TopicArn, queue: &Copies) -> Result<String, CallError> {
        let call = self.sns.subscribe().topic_arn(topic.as_str()).protocol("sqs").endpoint(&queue.arn).return_subscription_arn(true);
        let made = call.send().await.map_err(|error| call_error("Subscribe", error))?;
        Ok(made.subscription_arn().unwrap_or_default().to_owned())
    }

    /// Sends each `CreateVpcEndpoint` event of a bus to a queue, too.
    ///
    /// # Errors
    /// A call fails.
    pub async fn copy_events(&self, rule: &CopyRule, queue: &Copies) -> Result<(), CallError> {
        let pattern = json!({
            "source": ["aws.ec2"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {"eventSource": ["ec2.amazonaws.com"], "eventName": ["CreateVpcEndpoint"]},
        });
        let put = json!({"Name": rule.name, "EventBusName": rule.bus, "EventPattern": pattern.to_string(), "State": "ENABLED"});
        self.calls.call(JsonService::EventBridge, "PutRule", &put).await?;
        let targets = json!({"Rule": rule.name, "EventBusName": rule.bus, "Targets": [{"Id": TARGET, "Arn": queue.arn}]});
        self.calls.call(JsonService::EventBridge, "PutTargets", &targets).await?;
        Ok(())
    }

    /// Returns the bodies of the messages that have arrived, and removes them.
    ///
    /// # Errors
    /// A call fails.
    pub async fn received(&self, queue: &Copies) -> Result<Vec<String>, CallError> {
        let input = json!({"QueueUrl": queue.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": WAIT_SECONDS});
        let answer = self.calls.call(JsonService::Sqs, "ReceiveMessage", &input).await?;
        let mut bodies = Vec::new();
        for message in answer.get("Messages").and_then(Value::as_array).into_iter().flatten() {
            bodies.push(text(message, "Body"));
            let done = json!({"QueueUrl": queue.url, "ReceiptHandle": text(message, "ReceiptHandle")});
            self.calls.call(JsonService::Sqs, "DeleteMessage", &done).await?;
        }
        Ok(bodies)
    }

    /// Sends a message to a queue.
    ///
    /// # Errors
    /// The call fails.
    pub async fn send(&self, url: &str, body: &str) -> Result<(), CallError> {
        self.calls.call(JsonService::Sqs, "SendMessage", &json!({"QueueUrl": url, "MessageBody": body})).await?;
        Ok(())
    }

    /// Returns the confirmed subscriptions of a topic by mail.
    ///
    /// # Errors
    /// The call fails.
    pub async fn mail_subscriptions(&self, topic: &TopicArn) -> Result<usize, CallError> {
        let mut pages = self.sns.list_subscriptions_by_topic().topic_arn(topic.as_str()).into_paginator().send();
        let mut count = 0;
        // Until the subscriber confirms, the ARN is a word.
        let confirmed = |one: &&Subscription| one.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"));
        let mail = |one: &&Subscription| one.protocol().is_some_and(|protocol| protocol.starts_with("email"));
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("ListSubscriptionsByTopic", error))?;
            count += page.subscriptions().iter().filter(mail).filter(confirmed).count();
        }
        Ok(count)
    }

    /// Invokes a function, and returns its answer.
    ///
    /// # Errors
    /// The call or the function fails.
    pub async fn invoke(&self, function: &str) -> Result<Value, CallError> {
        self.calls.invoke(function, &json!({})).await
    }

    /// Returns true if a log group has a line with this word since a time.
    ///
    /// # Errors
    /// A call fails.
    pub async fn has_logged(&self, group: &str, word: &str, since: Timestamp) -> Result<bool, CallError> {
        let mut input = json!({"logGroupName": group, "startTime": since.as_millisecond(), "filterPattern": format!("\"{word}\"")});
        loop {
            let answer = self.calls.call(JsonService::Logs, "FilterLogEvents", &input).await?;
            if answer.get("events").and_then(Value::as_array).is_some_and(|events| !events.is_empty()) {
                return Ok(true);
            }
            // A page may be empty although later ones are not.
            match (answer.get("nextToken"), input.as_object_mut()) {
                (Some(next @ Value::String(_)), Some(input)) => drop(input.insert("nextToken".to_owned(), next.clone())),
                _ => return Ok(false),
            }
        }
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// A call fails.
    pub async fn remove_rule(&self, rule: &CopyRule) -> Result<(), CallError> {
        let targets = json!({"Rule": rule.name, "EventBusName": rule.bus, "Ids": [TARGET]});
        self.calls.call(JsonService::EventBridge, "RemoveTargets", &targets).await?;
        self.calls.call(JsonService::EventBridge, "DeleteRule", &json!({"Name": rule.name, "EventBusName": rule.bus})).await?;
        Ok(())
    }

    /// Removes a subscription.
    ///
    /// # Errors
    /// The call fails.
    pub async fn unsubscribe(&self, subscription: &str) -> Result<(), CallError> {
        self.sns.unsubscribe().subscription_arn(subscription).send().await.map_err(|error| call_error("Unsubscribe", error))?;
        Ok(())
    }

    /// Removes a queue with its messages.
    ///
    /// # Errors
    /// The call fails.
    pub async fn remove_copies(&self, queue: &Copies) -> Result<(), CallError> {
        self.calls.call(JsonService::Sqs, "DeleteQueue", &json!({"QueueUrl": queue.url})).await?;
        Ok(())
    }
}

/// The consumer's side of a run.
#[derive(Debug, Clone)]
pub struct Consumer {
    calls: JsonCalls,
    ec2: aws_sdk_ec2::Client,
    sts: aws_sdk_sts::Client,
}

/// The place of the consumer's endpoint.
#[derive(Debug, Clone)]
pub struct Place {
    /// The VPC.
    pub vpc: String,
    /// The subnets, one in each Availability Zone.
    pub subnets: Vec<String>,
}

impl Consumer {
    /// Makes clients with the credentials of `config`.
    #[must_use]
    pub fn new(config: &aws_config::SdkConfig, region: Region) -> Self {
        let (ec2, sts) = (aws_sdk_ec2::Client::new(config), aws_sdk_sts::Client::new(config));
        Self { calls: JsonCalls::new(config, region), ec2, sts }
    }

    /// Returns the consumer's account.
    ///
    /// # Errors
    /// The call fails.
    pub async fn account(&self) -> Result<String, CallError> {
        let answer = self.sts.get_caller_identity().send().await.map_err(|error| call_error("GetCallerIdentity", error))?;
        Ok(answer.account().unwrap_or_default().to_owned())
    }

    /// Creates an interface endpoint with the tag of the run, which is also the idempotency token. Returns its id.
    ///
    /// # Errors
    /// The call fails, or its answer names no endpoint.
    pub async fn create_endpoint(&self, service: &str, place: &Place, run: &str) -> Result<Subject, CallError> {
        const CALL: &str = "CreateVpcEndpoint";
        let tag = Tag::builder().key(RUN_TAG).value(run).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::VpcEndpoint).tags(tag).build();
        let call = self.ec2.create_vpc_endpoint().vpc_endpoint_type(VpcEndpointType::Interface).service_name(service);
        let call = call.vpc_id(&place.vpc).set_subnet_ids(Some(place.subnets.clone())).private_dns_enabled(false);
        let made = call.tag_specifications(tags).client_token(run).send().await.map_err(|error| call_error(CALL, error))?;
        let id = made.vpc_endpoint().and_then(|endpoint| endpoint.vpc_endpoint_id()).and_then(|id| id.parse().ok());
        id.ok_or_else(|| CallError { call: CALL, code: None, message: "EC2 named no endpoint".to_owned(), source: None })
    }

    /// Returns the endpoints of a run that are not deleted.
    ///
    /// # Errors
    /// A call fails.
    pub async fn endpoints(&self, run: &str) -> Result<Vec<String>, CallError> {
        let filter = Filter::builder().name(format!("tag:{RUN_TAG}")).values(run).build();
        let mut pages = self.ec2.describe_vpc_endpoints().filters(filter).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| call_error("DescribeVpcEndpoints", error))?;
            let live = page
                .vpc_endpoints()
                .iter()
                .filter(|one| one.state().is_none_or(|state| !state.as_str().to_ascii_lowercase().starts_with("delet")));
            found.extend(live.filter_map(|one| one.vpc_endpoint_id()).map(str::to_owned));
        }
        Ok(found)
    }

    /// Deletes endpoints.
    ///
    /// # Errors
    /// The call fails, or EC2 refuses one of them.
    pub async fn delete_endpoints(&self, ids: &[String]) -> Result<(), CallError> {
        const CALL: &str = "DeleteVpcEndpoints";
        let answer = self.ec2.delete_vpc_endpoints().set_vpc_endpoint_ids(Some(ids.to_vec())).send().await;
        let answer = answer.map_err(|error| call_error(CALL, error))?;
        let refused = answer.unsuccessful().iter().find_map(|one| one.error());
        refused.map_or(Ok(()), |error| {
            let (code, message) = (error.code().map(str::to_owned), error.message().unwrap_or_default().to_owned());
            Err(CallError { call: CALL, code, message, source: None })
        })
    }

    /// Puts an event on a bus as if EC2 had. Returns the error that EventBridge answers, or none if it took the event.
    ///
    /// # Errors
    /// The call fails for another reason than a refusal.
    pub async fn forge(&self, bus: &str, detail: &Value) -> Result<Option<String>, CallError> {
        let entry =
            json!({"Source": "aws.ec2", "DetailType": "AWS API Call via CloudTrail", "Detail": detail.to_string(), "EventBusName": bus});
        match self.calls.call(JsonService::EventBridge, "PutEvents", &json!({"Entries": [entry]})).await {
            Ok(answer) => Ok(answer.pointer("/Entries/0/ErrorCode").and_then(Value::as_str).map(str::to_owned)),
            Err(CallError { code: Some(code), .. }) if is_refusal(&code) => Ok(Some(code)),
            Err(error) => Err(error),
        }
    }
}

/// Returns true if a code says that the caller may not do this.
#[must_use]
pub fn is_refusal(code: &str) -> bool {
    ["AccessDenied", "NotAuthorized"].iter().any(|refusal| code.contains(refusal))
}

/// The rules of a run, one on each bus, with their ARNs.
#[must_use]
pub fn copy_rules(region: &Region, account: &str, bus: &str, run: &str) -> Vec<(CopyRule, String)> {
    let (partition, name) = (region.partition(), format!("warden-smoke-{run}"));
    let arn = |path: String| format!("arn:{partition}:events:{region}:{account}:rule/{path}");
    let rule = |bus: &str| CopyRule { bus: bus.to_owned(), name: name.clone() };
    vec![(rule("default"), arn(name.clone())), (rule(bus), arn(format!("{bus}/{name}")))]
}

/// The detail of a forged event: CloudTrail's record of a call that was never made.
#[must_use]
pub fn forged_detail(service: &ServiceId, service_name: &str, endpoint: &Subject, owner: &str, region: &Region, at: Timestamp) -> Value {
    let created = json!({"vpcEndpointId": endpoint.as_str(), "vpcEndpointType": "Interface", "serviceName": service_name, "state": "pendingAcceptance", "ownerId": owner});
    json!({
        "eventVersion": "1.10",
        "userIdentity": {"type": "Root", "principalId": owner, "arn": format!("arn:{}:iam::{owner}:root", region.partition()), "accountId": owner},
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateVpcEndpoint",
        "awsRegion": region.as_str(),
        "requestParameters": {"CreateVpcEndpointRequest": {"ServiceName": service_name, "ServiceId": service.as_str(), "VpcEndpointType": "Interface"}},
        "responseElements": {"CreateVpcEndpointResponse": {"vpcEndpoint": created}},
        "readOnly": false,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": owner,
        "eventCategory": "Management",
    })
}

/// A text of an answer; empty if it is absent.
fn text(from: &Value, name: &str) -> String {
    from.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}
