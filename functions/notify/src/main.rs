//! `notify` on Lambda: wiring only.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use notify::Notify;
use serde_json::Value;
use warden::{
    aws::{events::EventBus, shared_config, sns::Sns, sqs::UntoldRecords, told_ledger::ToldTable},
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
    let notify = Arc::new(Notify {
        bus: config.event_bus.clone().map(|bus| EventBus::new(&aws, config.region.clone(), bus)),
        publish: Sns::new(&aws),
        ledger: ToldTable::new(&aws, config.ledger_table.clone()),
        untold: UntoldRecords::new(&aws, config.untold_queue_url.clone()),
        config,
        clock: Timestamp::now,
    });
    run(service_fn(|event: LambdaEvent<Value>| {
        let notify = Arc::clone(&notify);
        async move {
            let tell = async {
                let summary = notify.handle(&event.payload).await;
                let summary = summary.map_err(|error| Diagnostic { error_type: error.kind().to_owned(), error_message: chain(&error) })?;
                metrics::told(summary.told, summary.set_aside);
                Ok::<_, Diagnostic>(())
            };
            metrics.of(tell).await
        }
    }))
    .await
}
