//! Escapes for the forms of a message.

use crate::model::printable::ascii;

/// Escapes the characters of chat markdown, links and mentions. Other characters stay: pass printable text.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' | '_' | '`' | '~' | '[' | ']' | '(' | ')' | '\\' | '|' | '#' | '!' => out.extend(['\\', c]),
            // A zero-width space after `@` prevents a mention of a person or a channel.
            '@' => out.push_str("@\u{200b}"),
            _ => out.push(c),
        }
    }
    out
}

/// Cuts to under 100 characters of printable ASCII, as SNS requires of a subject.
pub(super) fn subject(text: &str) -> String {
    const SUBJECT_CHARACTERS_MAX: usize = 99;
    ascii(text, usize::MAX).chars().take(SUBJECT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_markup_is_escaped() {
        assert_eq!(markdown("<!channel> *x* [a](b) @here"), "&lt;\\!channel&gt; \\*x\\* \\[a\\]\\(b\\) @\u{200b}here");
    }
}
