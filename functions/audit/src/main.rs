//! `audit` on Lambda: wiring.

// The layout of the nested futures of the SDK and the runtime needs a deeper recursion than the default allows.
#![recursion_limit = "256"]

mod invocation;

use audit::Audit;
use invocation::Invocations;
use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use warden::{
    aws::{
        dynamodb::Table,
        ec2::Ec2,
        organizations::Organizations,
        s3::{self, Bucket},
        shared_config,
    },
    config::AuditConfig,
    gather::organization_cache::OrganizationCache,
    telemetry::{self, metrics},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var(name).ok();
    telemetry::start(&lookup);
    let metrics = metrics::start(&lookup);
    let config = AuditConfig::read(&lookup).inspect_err(telemetry::fatal)?;
    let aws = shared_config(&lookup).await.inspect_err(telemetry::fatal)?;
    let policies = s3::open(&aws, config.policy_uri).await.inspect_err(telemetry::fatal)?;
    let (policy, _) = policies.current(Timestamp::now()).await;
    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), "ready");
    let audit = Audit {
        inventory: Ec2::new(&aws, config.thresholds.region.clone()),
        ledger: Table::new(&aws, config.ledger_table, config.thresholds.retention),
        reports: Bucket::new(&aws, config.report_bucket),
        members: OrganizationCache::new(Organizations::new(&aws, &config.organization).await),
        policy,
        scope: config.scope,
        thresholds: config.thresholds,
        clock: Timestamp::now,
        function_version: config.function_version,
    };
    let invocations = Invocations { audit, policies, metrics };
    // The event's content does not matter. A repeated invocation has the same request id.
    run(service_fn(|event: LambdaEvent<Value>| invocations.answer(event.context))).await
}
