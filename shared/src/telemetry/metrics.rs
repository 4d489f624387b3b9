//! Metrics in CloudWatch's embedded metric format: a line of JSON on standard output, which CloudWatch Logs turns into metrics. Each
//! invocation writes one line at its end.

use std::{future::Future, time::Instant};

use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::{ledger::record::Verdict, model::severity::Severity};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "PrivateLinkWarden";

/// The recorder of a function.
#[derive(Clone, Copy)]
pub struct Metrics(Option<&'static Collector>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Starts recording. The dimension `Function` separates the stacks of an account. `main` calls it once.
pub fn start(lookup: &dyn Fn(&str) -> Option<String>) -> Metrics {
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
    let started = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("Function", function).init();
    Metrics(started.inspect_err(|error| tracing::error!(error_type = "NoMetrics", %error, "metrics are not recorded")).ok())
}

impl Metrics {
    /// Runs one invocation, and writes its metrics.
    pub async fn of<T>(&self, invocation: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let output = invocation.await;
        metrics::histogram!("RunSeconds").record(start.elapsed().as_secs_f64());
        self.flush(std::io::stdout().lock());
        output
    }

    /// Writes the metrics since the last call.
    pub fn flush(&self, to: impl std::io::Write) {
        if let Some(Err(error)) = self.0.map(|collector| collector.flush(to)) {
            tracing::error!(error_type = "NoMetrics", %error, "metrics were not written");
        }
    }
}

/// Counts a decision on the ledger.
pub fn decided(verdict: Verdict) {
    metrics::counter!("Decisions", "Verdict" => verdict.as_str()).increment(1);
}

/// Records the age of the oldest pending request: zero if there is none, so that an alarm can end.
pub fn pending_age_max(seconds: i64) {
    metrics::histogram!("PendingAgeMaxSeconds").record(as_number(seconds));
}

/// Records the number of open findings of a severity.
pub fn findings_open(severity: Severity, count: usize) {
    metrics::histogram!("FindingsOpen", "Severity" => severity.as_str()).record(as_number(i64::try_from(count).unwrap_or(i64::MAX)));
}

/// Counts an audit that ended. An alarm fires if there is none.
pub fn audited(complete: bool) {
    metrics::counter!("Audits").increment(1);
    metrics::histogram!("AuditsIncomplete").record(if complete { 0.0 } else { 1.0 });
}

/// Records if a new policy set failed to take over.
pub fn policy_not_renewed(failed: bool) {
    metrics::histogram!("PolicyNotRenewed").record(if failed { 1.0 } else { 0.0 });
}

/// Counts the messages that were told, and the records that were set aside untold.
pub fn told(told: u64, not_told: u64) {
    metrics::counter!("MessagesTold").increment(told);
    metrics::counter!("MessagesNotTold").increment(not_told);
}

/// Counts a call to AWS.
pub fn aws_call(throttled: bool) {
    metrics::counter!("AwsCalls").increment(1);
    if throttled {
        metrics::counter!("AwsThrottles").increment(1);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a double; no count here comes near 2^53")]
fn as_number(count: i64) -> f64 {
    count as f64
}
