//! Descriptions of what a run could not read or judge.

use warden::ports::CallError;

/// Descriptions that a report lists. The log has all of them.
const LISTED_MAX: usize = 200;

/// Descriptions of what a run could not read or judge.
#[derive(Debug, Default)]
pub(crate) struct Unseen(Vec<String>);

/// The reason why something was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("{0}")]
    Call(#[from] CallError),
    #[error("the deadline was near")]
    Deadline,
}

impl Unseen {
    pub(crate) fn add(&mut self, what: String) {
        tracing::warn!(what, "not seen");
        self.push(what);
    }

    /// The answer. If there is none, adds what could not be read and why.
    pub(crate) fn read<T, E: Into<Unread>>(&mut self, what: &str, answer: Result<T, E>) -> Option<T> {
        let unread = match answer.map_err(Into::into) {
            Ok(answer) => return Some(answer),
            Err(unread) => unread,
        };
        let message = match &unread {
            Unread::Call(error) => error.message.as_str(),
            Unread::Deadline => "",
        };
        tracing::warn!(error = %unread, message, "{what}");
        self.push(format!("{what} ({unread})"));
        None
    }

    pub(crate) fn into_list(self) -> Vec<String> {
        self.0
    }

    fn push(&mut self, what: String) {
        match self.0.len() {
            ..LISTED_MAX => self.0.push(what),
            LISTED_MAX => self.0.push("and more: see the log".to_owned()),
            _ => {}
        }
    }
}
