//! `notify` on Lambda: wiring only.

use std::sync::Arc;

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use notify::Notify;
use serde_json::Value;
use warden::{
    aws::{shared_config, sns::Sns},
    config::NotifyConfig,
    ports::chain,
    telemetry::{self, metrics},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let lookup = |name: &str| std::env::var(name).ok();
    telemetry::start(&lookup);
    let metrics = metrics::start(&lookup);
    let config = NotifyConfig::read(&lookup).inspect_err(telemetry::fatal)?;
    let aws = shared_config(&lookup).await.inspect_err(telemetry::fatal)?;
    let notify = Arc::new(Notify { publish: Sns::new(&aws), config });
    run(service_fn(|event: LambdaEvent<Value>| {
        let notify = Arc::clone(&notify);
        async move {
            let unreadable = |error| Diagnostic { error_type: "UnreadableEvent".to_owned(), error_message: chain(&error) };
            let tell = async {
                let response = notify.tell(&event.payload).await.map_err(unreadable)?;
                metrics::told(response.told, response.batch_item_failures.len() as u64);
                Ok::<_, Diagnostic>(response)
            };
            metrics.of(tell).await
        }
    }))
    .await
}
