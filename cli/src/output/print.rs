//! Printing that survives a closed pipe (`warden … | head` must not panic), and progress on a terminal.

use std::{
    fmt,
    io::{self, StdoutLock, Write},
    sync::OnceLock,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use warden::model::printable::{printable_json, printable_lines};

/// Replaces the standard library's macro, which panics if standard output is closed.
macro_rules! print {
    ($($what:tt)*) => { $crate::output::print::stdout(format_args!($($what)*)) };
}

/// See [`print`].
macro_rules! println {
    ($($what:tt)*) => { $crate::output::print::stdout(format_args!("{}\n", format_args!($($what)*))) };
}

/// See [`print`].
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::output::print::stderr(format_args!($($what)*)) };
}

static ERROR: OnceLock<io::Error> = OnceLock::new();

/// Writes to standard output, harmless for terminals: all that this command prints passes here or [`json`]. After an error the command continues without output, so that no action is left half done;
/// [`finish`] returns the error at the end.
pub(crate) fn stdout(what: fmt::Arguments<'_>) {
    write(|out| out.write_all(printable_lines(&what.to_string()).as_bytes()));
}

pub(crate) fn stderr(what: fmt::Arguments<'_>) {
    drop(writeln!(io::stderr(), "{}", printable_lines(&what.to_string())));
}

/// Writes a value as JSON, harmless for terminals and still the same JSON.
pub(crate) fn json<T: Serialize>(value: &T) {
    write(|out| writeln!(out, "{}", printable_json(&serde_json::to_string_pretty(value)?)));
}

/// Flushes standard output and returns its first error.
pub(crate) fn finish() -> Option<&'static io::Error> {
    write(|out| out.flush());
    ERROR.get()
}

pub(super) fn write(what: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) {
    if ERROR.get().is_none()
        && let Err(error) = what(&mut io::stdout().lock())
    {
        drop(ERROR.set(error));
    }
}

pub(crate) fn bar(steps: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(what)
}

pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
