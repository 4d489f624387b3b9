//! `approve` on Lambda: wiring only.

// The nested futures of the SDK, the runtime and the handler are deeper than the default allows for their layout.
#![recursion_limit = "256"]

use std::{sync::Arc, time::Duration};

use approve::{Approve, BatchResponse, MARGIN, Summary};
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
        sqs::Queue,
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
    trigger::batch,
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
        Mode::Active => serve(config, &aws, policies, ec2.for_acts(), metrics).await,
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
    let (policy, _) = policies.current(Timestamp::now()).await;
    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), mode = ?config.mode, "ready");
    let approve = Arc::new(Approve {
        ec2: Ec2::new(aws, config.region.clone()),
        act,
        ledger: Table::new(aws, config.ledger_table, config.retention),
        queue: Queue::new(aws, config.queue_url, config.dead_letter_queue_url),
        members: OrganizationCache::new(Organizations::new(aws, &config.organization).await),
        policy,
        scope: config.scope,
        region: config.region,
        mode: config.mode,
        factory: RecordFactory { retention: config.retention, function_version: config.function_version },
        patience: config.patience,
        people_only: false,
        clock: Timestamp::now,
    });
    let policies = Arc::new(policies);
    run(service_fn(|event: LambdaEvent<Value>| {
        let (approve, policies) = (Arc::clone(&approve), Arc::clone(&policies));
        async move {
            let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or(Duration::ZERO);
            let unreadable = |error| Diagnostic { error_type: "UnreadableEvent".to_owned(), error_message: chain(&error) };
            let messages = batch(event.payload).map_err(unreadable)?;
            let answer = async {
                let (policy, failure) = policies.current(Timestamp::now()).await;
                metrics::policy_not_renewed(failure.is_some());
                let approve = Approve { policy, ..Approve::clone(&approve) };
                let (response, summary) = approve.handle(&messages, Deadline::after(left, MARGIN)).await;
                count(&summary);
                Ok::<BatchResponse, Diagnostic>(response)
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
