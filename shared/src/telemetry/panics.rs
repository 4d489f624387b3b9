//! Logs a panic. The packaged functions abort when they panic, before the Lambda runtime can log it: without this line, an alarm on
//! panics could never go off.

use std::panic::{self, PanicHookInfo};

/// Characters of a panic's message in the log.
const MESSAGE_CHARACTERS_MAX: usize = 300;

/// Replaces the panic hook by one that logs a line with the error type `Panic`.
pub(super) fn log() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error_type = "Panic", location, "{}", message(info));
    }));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("a panic without a message").chars().take(MESSAGE_CHARACTERS_MAX).collect()
}
