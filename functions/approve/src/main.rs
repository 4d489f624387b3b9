//! `approve` on Lambda: wiring only.

// The nested futures of the SDK, the runtime and the handler are deeper than the default allows for their layout.
#![recursion_limit = "256"]

use std::{sync::Arc, time::Duration};

use approve::{AnswerError, Approve, MARGIN, ServiceCache, Summary};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use warden::{
    aws::{
        SdkConfig,
        dynamodb::Table,
        ec2::Ec2,
        organizations::Organizations,
        s3::{self, Bucket},
        shared_config,
    },
    config::ApproveConfig,
    deadline::Deadline,
    gather::{organization_cache::OrganizationCache, policy_reload::ReloadingPolicySet},
    ledger::record::RecordFactory,
    model::mode::Mode,
    ports::{Accept, Observe, Reject, chain},
    telemetry::{
        self,
        metrics::{self, Metrics},
    },
    trigger::{EventError, Trigger},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var(name).ok();
    telemetry::start(&lookup);
    let metrics = metrics::start(&lookup);
    let config = ApproveConfig::read(&lookup).inspect_err(telemetry::fatal)?;
    let aws = shared_config(&lookup).await.inspect_err(telemetry::fatal)?;
    let policies = s3::open(&aws, config.policy_uri.clone()).await.inspect_err(telemetry::fatal)?;
    let ec2 = Ec2::new(&aws, config.region.clone());
    match config.mode {
        Mode::Active => serve(config, &aws, policies, ec2, metrics).await,
        Mode::Observe => serve(config, &aws, policies, Observe, metrics).await,
    }
}

async fn serve<A: Accept + Reject + Clone + Sync>(
    config: ApproveConfig,
    aws: &SdkConfig,
    policies: ReloadingPolicySet<Option<Bucket>>,
    act: A,
    metrics: Metrics,
) -> Result<(), Error> {
    let scribe =
        RecordFactory { observe: config.mode == Mode::Observe, retention: config.retention, function_version: config.function_version };
    let (policy, _) = policies.current(Timestamp::now()).await;
    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), mode = ?config.mode, "ready");
    let approve = Arc::new(Approve {
        describe: Ec2::new(aws, config.region.clone()),
        act,
        ledger: Table::new(aws, config.ledger_table, config.retention),
        members: OrganizationCache::new(Organizations::new(aws, &config.organization).await),
        policy,
        scope: config.scope,
        region: config.region,
        scribe,
        clock: Timestamp::now,
        seen: ServiceCache::default(),
    });
    let policies = Arc::new(policies);
    run(service_fn(|event: LambdaEvent<Value>| {
        let (approve, policies) = (Arc::clone(&approve), Arc::clone(&policies));
        async move {
            let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or(Duration::ZERO);
            let triggers = Trigger::from_value(event.payload).map_err(Failed::from)?;
            let answer = async {
                let (policy, trouble) = policies.current(Timestamp::now()).await;
                metrics::policy_not_renewed(trouble.is_some());
                let approve = Approve { policy, ..Approve::clone(&approve) };
                let (summary, error) = approve.answer(triggers, Deadline::after(left, MARGIN)).await;
                count(&summary);
                error.map_or(Ok(summary), |error| Err(Failed::from(error)))
            };
            metrics.of(answer).await
        }
    }))
    .await
}

fn count(summary: &Summary) {
    summary.written.iter().copied().for_each(metrics::decided);
    summary.pending_age_max_seconds.into_iter().for_each(metrics::pending_age_max);
}

/// An invocation's error under a stable name, which alarms count.
struct Failed(Diagnostic);

/// The runtime logs a failed invocation by its `Debug`: one readable line.
impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.error_type, self.0.error_message)
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        failed.0
    }
}

impl From<AnswerError> for Failed {
    fn from(error: AnswerError) -> Self {
        Self(Diagnostic { error_type: error.kind().to_owned(), error_message: chain(&error) })
    }
}

impl From<EventError> for Failed {
    fn from(error: EventError) -> Self {
        Self(Diagnostic { error_type: "UnreadableEvent".to_owned(), error_message: chain(&error) })
    }
}
