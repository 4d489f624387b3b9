//! Logs as Lambda's own settings want them: `AWS_LAMBDA_LOG_FORMAT` (JSON unless it says Text) and
//! `AWS_LAMBDA_LOG_LEVEL`, on standard output.

pub mod metrics;

use tracing_subscriber::{EnvFilter, fmt};

/// Starts logging. Called once, first thing in `main`.
pub fn start(lookup: &dyn Fn(&str) -> Option<String>) {
    let level = lookup("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| "info".to_owned()).to_lowercase();
    let level = if level == "fatal" { "error".to_owned() } else { level };
    let filter = EnvFilter::try_new(&level).unwrap_or_else(|_| EnvFilter::new("info"));
    let plain = lookup("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    // `try_init` fails only if a subscriber is installed already, and then logging works.
    let started = if plain {
        tracing::subscriber::set_global_default(fmt().with_env_filter(filter).with_ansi(false).finish())
    } else {
        tracing::subscriber::set_global_default(
            fmt().with_env_filter(filter).json().flatten_event(true).with_current_span(false).with_span_list(false).finish(),
        )
    };
    drop(started);
}

/// Logs what keeps a function from starting.
pub fn fatal<E: std::error::Error>(error: &E) {
    tracing::error!(error_type = "CannotStart", "{}", crate::ports::chain(error));
}
