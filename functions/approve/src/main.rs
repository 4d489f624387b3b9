//! `approve` on Lambda: wiring only.

// The nested futures of the SDK, the runtime and the handler are deeper than the default allows for their layout.
#![recursion_limit = "256"]

use std::{sync::Arc, time::Duration};

use approve::{AnswerError, Approve, MARGIN, ServiceCache, Summary};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use warden::{
    aws::{dynamodb::Table, ec2::Ec2, shared_config},
    config::{ApproveConfig, Mode},
    deadline::Deadline,
    event::{EventError, Trigger},
    metrics::{self, Metrics},
    policy::{Policy, folder},
    ports::{Accept, Observe, Reject},
    record::Scribe,
    telemetry,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var(name).ok();
    telemetry::start(&lookup);
    let metrics = metrics::start(&lookup);
    let config = ApproveConfig::read(&lookup).inspect_err(telemetry::fatal)?;
    let policy = folder::load(&config.policy_dir).inspect_err(telemetry::fatal)?;
    tracing::info!(policies = policy.len(), policy_digest = policy.digest(), mode = ?config.mode, "ready");
    let aws = shared_config().await;
    let ec2 = Ec2::new(&aws, config.region.clone());
    let ledger = Table::new(&aws, config.ledger_table.clone(), config.retention);
    match config.mode {
        Mode::Active => serve(config, policy, ec2.clone(), ec2, ledger, metrics).await,
        Mode::Observe => serve(config, policy, ec2, Observe, ledger, metrics).await,
    }
}

async fn serve<A: Accept + Reject + Sync>(
    config: ApproveConfig,
    policy: Policy,
    describe: Ec2,
    act: A,
    ledger: Table,
    metrics: Metrics,
) -> Result<(), Error> {
    let scribe = Scribe { observe: config.mode == Mode::Observe, retention: config.retention, function_version: config.function_version };
    let approve = Arc::new(Approve {
        describe,
        act,
        ledger,
        policy: Arc::new(policy),
        scope: config.scope,
        region: config.region,
        scribe,
        clock: jiff::Timestamp::now,
        seen: ServiceCache::default(),
    });
    run(service_fn(|event: LambdaEvent<Value>| {
        let approve = Arc::clone(&approve);
        async move {
            let left = event.context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or(Duration::ZERO);
            let triggers = Trigger::from_value(event.payload).map_err(Failed::from)?;
            let answer = async {
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
        Self(Diagnostic { error_type: error.kind().to_owned(), error_message: telemetry::chain(&error) })
    }
}

impl From<EventError> for Failed {
    fn from(error: EventError) -> Self {
        Self(Diagnostic { error_type: "UnreadableEvent".to_owned(), error_message: telemetry::chain(&error) })
    }
}
