//! Logs on standard output, as Lambda's settings require: `AWS_LAMBDA_LOG_FORMAT` (JSON unless it is Text) and
//! `AWS_LAMBDA_LOG_LEVEL`.

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging, also of panics. `main` calls it once, before everything else.
pub fn start(lookup: &dyn Fn(&str) -> Option<String>) {
    let level = lookup("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| "info".to_owned()).to_lowercase();
    let level = if level == "fatal" { "error".to_owned() } else { level };
    let filter = EnvFilter::try_new(&level).unwrap_or_else(|_| EnvFilter::new("info"));
    let is_text = lookup("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    let started = if is_text {
        tracing::subscriber::set_global_default(fmt().with_env_filter(filter).with_ansi(false).finish())
    } else {
        tracing::subscriber::set_global_default(
            fmt().with_env_filter(filter).json().flatten_event(true).with_current_span(false).with_span_list(false).finish(),
        )
    };
    // An error means that a subscriber is installed already.
    drop(started);
    super::panics::log();
}

/// Logs the error that prevents a function from starting.
pub fn fatal<E: std::error::Error>(error: &E) {
    tracing::error!(error_type = "CannotStart", "{}", crate::ports::chain(error));
}
