//! Counts the calls to AWS, retries included, and those that AWS throttled.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::FinalizerInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::telemetry::metrics;

/// The interceptor that counts calls. Every client has it.
#[derive(Debug)]
pub(super) struct CallMetrics;

#[dyn_dispatch_hint]
impl Intercept for CallMetrics {
    fn name(&self) -> &'static str {
        "CallMetrics"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let throttled = context.response().is_some_and(|response| {
            let body = response.body().bytes().unwrap_or_default();
            is_throttled(response.status().as_u16(), &String::from_utf8_lossy(body))
        });
        metrics::aws_call(throttled);
        Ok(())
    }
}

/// Returns true if AWS throttled the call: EC2 answers with 503, other services with 400 or 429, all with a code.
fn is_throttled(status: u16, body: &str) -> bool {
    const CODES: [&str; 4] = ["RequestLimitExceeded", "Throttl", "ThroughputExceeded", "SlowDown"];
    status == 429 || (status >= 400 && CODES.iter().any(|code| body.contains(code)))
}
