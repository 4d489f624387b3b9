//! Text from outside as printable ASCII.

/// Returns at most `max` characters of a text on one line. Other characters than printable ASCII become visible escapes, so that a
/// tag or an error message cannot add lines, reverse the text or control a terminal.
#[must_use]
pub fn printable(text: &str, max: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_become_visible() {
        assert_eq!(printable("a\r\nBcc: x\u{202e}", 50), "a\\u{d}\\u{a}Bcc: x\\u{202e}");
        assert_eq!(printable("abcdef", 3), "abc...");
    }
}
