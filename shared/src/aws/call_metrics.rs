//! Counts the calls to AWS, retries included, and how many of them AWS found too many.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::FinalizerInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::telemetry::metrics;

/// Put into every client.
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

/// EC2 answers throttling with 503, others with 400 or 429 and a code.
fn is_throttled(status: u16, body: &str) -> bool {
    const CODES: [&str; 4] = ["RequestLimitExceeded", "Throttl", "ThroughputExceeded", "SlowDown"];
    status == 429 || (status >= 400 && CODES.iter().any(|code| body.contains(code)))
}
