//! What is counted, as CloudWatch embedded metrics on standard output: a line of JSON that CloudWatch Logs turns into
//! metrics, without an agent or a call. Every function writes its own at the end of each invocation.

use std::{
    future::Future,
    time::{Duration, Instant},
};

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

/// Starts recording. The dimension `Function` keeps two stacks of one account apart. Called once, first thing in `main`.
pub fn start(lookup: &dyn Fn(&str) -> Option<String>) -> Metrics {
    let function = lookup("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
    let started = Builder::new().cloudwatch_namespace(NAMESPACE).with_dimension("Function", function).init();
    // Without metrics a function works all the same.
    Metrics(started.inspect_err(|error| tracing::error!(error_type = "NoMetrics", %error, "nothing is counted")).ok())
}

impl Metrics {
    /// Runs one invocation, and writes down what was counted meanwhile.
    pub async fn of<T>(&self, invocation: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let done = invocation.await;
        run_took(start.elapsed());
        self.flush(std::io::stdout().lock());
        done
    }

    /// Writes down what was counted since the last time.
    pub fn flush(&self, to: impl std::io::Write) {
        if let Some(Err(error)) = self.0.map(|collector| collector.flush(to)) {
            tracing::error!(error_type = "NoMetrics", %error, "metrics were not written");
        }
    }
}

/// A decision went on the record.
pub fn decided(verdict: Verdict) {
    metrics::counter!("Decisions", "Verdict" => verdict.as_str()).increment(1);
}

/// The oldest request that waits has waited so long. Nobody waiting is zero, so that an alarm can end.
pub fn pending_age_max(seconds: i64) {
    metrics::histogram!("PendingAgeMaxSeconds").record(as_number(seconds));
}

/// So many findings of a severity are open.
pub fn findings_open(severity: Severity, count: usize) {
    metrics::histogram!("FindingsOpen", "Severity" => severity.as_str()).record(as_number(i64::try_from(count).unwrap_or(i64::MAX)));
}

/// An audit came to its end; its absence is what an alarm waits for.
pub fn audited(complete: bool) {
    metrics::counter!("Audits").increment(1);
    metrics::histogram!("AuditsIncomplete").record(if complete { 0.0 } else { 1.0 });
}

/// A new policy set did, or did not, fail to take over.
pub fn policy_not_renewed(failed: bool) {
    metrics::histogram!("PolicyNotRenewed").record(if failed { 1.0 } else { 0.0 });
}

/// Messages were told, or could not be.
pub fn told(told: u64, not_told: u64) {
    metrics::counter!("MessagesTold").increment(told);
    metrics::counter!("MessagesNotTold").increment(not_told);
}

/// A call to AWS was answered, or not.
pub fn aws_call(throttled: bool) {
    metrics::counter!("AwsCalls").increment(1);
    if throttled {
        metrics::counter!("AwsThrottles").increment(1);
    }
}

fn run_took(time: Duration) {
    metrics::histogram!("RunSeconds").record(time.as_secs_f64());
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a double; no count here comes near 2^53")]
fn as_number(count: i64) -> f64 {
    count as f64
}
