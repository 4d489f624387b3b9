//! A reason that a requester gave for its request. It is shown as a claim, and never judged.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::printable::printable;

/// The tag of an endpoint that holds the reason.
pub const REASON_TAG: &str = "warden:reason";
/// Characters that are kept. A tag of AWS has at most 256.
const CHARACTERS_MAX: usize = 256;

/// A reason on one line, at most 256 characters of printable text without angle brackets: they begin tags in HTML, and mentions and links
/// in Slack. Each form of a message escapes it once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct ClaimedReason(String);

impl ClaimedReason {
    /// Keeps a requester's text. `None` if it is blank.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self::from(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClaimedReason {
    fn from(text: String) -> Self {
        // Messages quote it: it must not end the quotation.
        let inert = printable(&text, CHARACTERS_MAX).replace('"', "'").replace('<', "\\u{3c}").replace('>', "\\u{3e}");
        Self(inert.chars().take(CHARACTERS_MAX).collect())
    }
}

impl fmt::Display for ClaimedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_becomes_inert() {
        for text in [
            "<!channel> <b>",
            "x\". \"y",
            "a\r\nBcc: x",
            "\u{202e}gnp.exe\u{200b}",
            "\u{1b}[2J",
            &"\u{e000}".repeat(10_000),
            &"<".repeat(10_000),
        ] {
            let reason = ClaimedReason::of(text).unwrap();
            let inert = |c: char| !c.is_control() && !['"', '<', '>', '\u{202e}', '\u{200b}', '\u{e000}'].contains(&c);
            assert!(reason.as_str().chars().all(inert) && reason.as_str().chars().count() <= CHARACTERS_MAX, "{reason}");
            assert_eq!(ClaimedReason::from(reason.as_str().to_owned()), reason, "reading it back changes nothing");
        }
        assert_eq!(ClaimedReason::of(" PAY-7: new région \n").unwrap().as_str(), "PAY-7: new région");
        assert_eq!(ClaimedReason::of(" \n"), None);
    }
}
