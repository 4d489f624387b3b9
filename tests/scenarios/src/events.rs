//! The messages that AWS sends to the request queue.

use local::world::Effect;
use serde_json::{Value, json};

use crate::PROVIDER;

/// The event of the schedule.
pub fn sweep_event() -> Value {
    json!({"version": "0", "id": "sweep-1", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": PROVIDER,
           "time": "2026-06-01T12:00:00Z", "region": "us-east-1", "resources": [], "detail": "{}"})
}

/// The event that an effect of the world causes.
pub fn event(effect: &Effect) -> Value {
    match effect {
        Effect::Notification { topic_arn, event, service_id, endpoint_id, .. } => {
            let body = json!({"event": event, "serviceId": service_id, "vpcEndpointId": endpoint_id}).to_string();
            notification(topic_arn, &body)
        }
        Effect::CloudTrail { account, event_detail, region } => {
            json!({"version": "0", "id": "trail-1", "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.ec2", "account": account, "time": "2026-06-01T12:00:00Z", "region": region, "resources": [], "detail": event_detail})
        }
    }
}

/// A connection notification with this text, as SNS sends it to a queue.
pub fn notification(topic: &str, text: &str) -> Value {
    json!({"Type": "Notification", "MessageId": "message-1", "TopicArn": topic, "Message": text, "Timestamp": "2026-06-01T12:00:01.000Z",
           "SignatureVersion": "1", "Signature": "x", "SigningCertURL": "x", "UnsubscribeURL": "x"})
}
