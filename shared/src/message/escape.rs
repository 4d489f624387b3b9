//! Text somebody else chose, made harmless.

/// Printable ASCII on one line, at most `max` characters; anything else becomes a visible escape.
pub(super) fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == max {
            out.push_str("...");
            break;
        }
        match c {
            ' '..='~' => out.push(c),
            _ => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// [`plain`], with what chat markdown, links and mentions are made of escaped as well.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '*' | '_' | '`' | '~' | '[' | ']' | '(' | ')' | '\\' | '|' | '#' | '!' => out.extend(['\\', c]),
            // A zero-width space behind it stops a mention of a person or a whole channel.
            '@' => out.push_str("@\u{200b}"),
            _ => out.push(c),
        }
    }
    out
}

/// Cuts to printable ASCII under 100 characters, as SNS wants a subject.
pub(super) fn subject(text: &str) -> String {
    const SUBJECT_CHARACTERS_MAX: usize = 99;
    plain(text, usize::MAX).chars().take(SUBJECT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_or_a_bidi_trick_stays_visible() {
        assert_eq!(plain("a\r\nBcc: x\u{202e}", 50), "a\\u{d}\\u{a}Bcc: x\\u{202e}");
        assert_eq!(plain("abcdef", 3), "abc...");
    }

    #[test]
    fn chat_markup_is_no_markup() {
        assert_eq!(markdown("<!channel> *x* [a](b) @here"), "&lt;\\!channel&gt; \\*x\\* \\[a\\]\\(b\\) @\u{200b}here");
    }
}
