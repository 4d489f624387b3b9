//! One invocation: an audit with the current policy set, its log line and its metrics.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use audit::{Audit, AuditError, MARGIN, Summary};
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic};
use warden::{
    aws::{dynamodb::Table, ec2::Ec2, organizations::Organizations, s3::Bucket},
    deadline::Deadline,
    gather::policy_reload::ReloadingPolicySet,
    model::severity::Severity,
    ports::chain,
    telemetry::metrics::{self, Metrics},
};

/// The state that all invocations share.
pub(crate) struct Invocations {
    pub(crate) audit: Audit<Ec2, Table, Bucket, Option<Organizations>>,
    pub(crate) policies: ReloadingPolicySet<Option<Bucket>>,
    pub(crate) metrics: Metrics,
}

/// The error of an invocation. Its type is a stable name, which alarms count.
pub(crate) struct InvocationError(AuditError);

impl Invocations {
    pub(crate) async fn answer(&self, context: Context) -> Result<Summary, InvocationError> {
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or(Duration::ZERO);
        self.metrics.of(self.audit(&context.request_id, Deadline::after(left, MARGIN))).await
    }

    async fn audit(&self, id: &str, deadline: Deadline) -> Result<Summary, InvocationError> {
        let (policy, failure) = self.policies.current(Timestamp::now()).await;
        metrics::policy_not_renewed(failure.is_some());
        let audit = Audit { policy, ..self.audit.clone() };
        let summary = audit.run(id, deadline).await.map_err(InvocationError)?;
        metrics::audited(summary.unseen.is_empty());
        metrics::pending_age_max(summary.pending_age_max_seconds);
        Severity::ALL.into_iter().for_each(|severity| metrics::findings_open(severity, summary.open(severity)));
        let Summary { report, opened, resolved, unseen, .. } = &summary;
        tracing::info!(report, opened, resolved, unseen = unseen.len(), "audited");
        Ok(summary)
    }
}

/// The runtime logs a failed invocation by its `Debug`: one readable line.
impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind(), chain(&self.0))
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(InvocationError(error): InvocationError) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: chain(&error) }
    }
}
