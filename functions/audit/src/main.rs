//! `audit` on Lambda: wiring only.

// The nested futures of the SDK, the runtime and the handler are deeper than the default allows for their layout.
#![recursion_limit = "256"]

use std::{sync::Arc, time::Duration};

use audit::{Audit, AuditError, MARGIN, Summary};
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
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
    deadline::Deadline,
    gather::organization_cache::OrganizationCache,
    model::severity::Severity,
    ports::chain,
    telemetry::{self, metrics},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var(name).ok();
    telemetry::start(&lookup);
    let metrics = metrics::start(&lookup);
    let config = AuditConfig::read(&lookup).inspect_err(telemetry::fatal)?;
    let aws = shared_config(&lookup).await.inspect_err(telemetry::fatal)?;
    let policies = Arc::new(s3::open(&aws, config.policy_uri).await.inspect_err(telemetry::fatal)?);
    let (policy, _) = policies.current(Timestamp::now()).await;
    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), "ready");
    let audit = Arc::new(Audit {
        survey: Ec2::new(&aws, config.terms.region.clone()),
        ledger: Table::new(&aws, config.ledger_table, config.terms.retention),
        keep: Bucket::new(&aws, config.report_bucket),
        members: OrganizationCache::new(Organizations::new(&aws, &config.organization).await),
        policy,
        scope: config.scope,
        terms: config.terms,
        clock: Timestamp::now,
        function_version: config.function_version,
    });
    // Whatever the event is: to be invoked is to be asked for an audit. An invocation tried again keeps its request id.
    run(service_fn(|event: LambdaEvent<Value>| {
        let (audit, policies) = (Arc::clone(&audit), Arc::clone(&policies));
        async move {
            let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or(Duration::ZERO);
            let work = async {
                let (policy, trouble) = policies.current(Timestamp::now()).await;
                metrics::policy_not_renewed(trouble.is_some());
                let audit = Audit { policy, ..Audit::clone(&audit) };
                let summary = audit.run(&event.context.request_id, Deadline::after(left, MARGIN)).await.map_err(Failed)?;
                count(&summary);
                tracing::info!(
                    report = summary.report,
                    opened = summary.opened,
                    resolved = summary.resolved,
                    unseen = summary.unseen.len(),
                    "audited"
                );
                Ok::<Summary, Failed>(summary)
            };
            metrics.of(work).await
        }
    }))
    .await
}

fn count(summary: &Summary) {
    metrics::audited(summary.unseen.is_empty());
    metrics::pending_age_max(summary.pending_age_max_seconds);
    Severity::ALL.into_iter().for_each(|severity| metrics::findings_open(severity, summary.open(severity)));
}

/// An invocation's error under a stable name, which alarms count.
struct Failed(AuditError);

/// The runtime logs a failed invocation by its `Debug`: one readable line.
impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.kind(), chain(&self.0))
    }
}

impl From<Failed> for Diagnostic {
    fn from(Failed(error): Failed) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: chain(&error) }
    }
}
