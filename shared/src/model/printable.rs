//! Text from outside, harmless for terminals and logs. Every table, message and line of the command line uses this one rule.

/// Combining marks in a row that a letter may carry: some alphabets need two. More would draw over other lines.
const MARKS_MAX: usize = 3;

/// Returns at most `max` characters of a text on one line. Letters of every alphabet stay as they are. Control characters,
/// characters that are invisible or change the direction of the text, and unassigned ones become visible escapes.
#[must_use]
pub fn printable(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut marks = 0;
    for (count, c) in text.chars().enumerate() {
        if count == max {
            out.push_str("...");
            break;
        }
        let kind = kind(c);
        marks = if kind == Kind::Mark { marks + 1 } else { 0 };
        match kind {
            Kind::Mark if count > 0 && marks <= MARKS_MAX => out.push(c),
            Kind::Visible => out.push(c),
            Kind::Mark | Kind::Hidden => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// Returns a text of several lines with the same characters escaped, except line breaks and tabs.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let parts = text.split_inclusive(['\n', '\t']);
    let escaped = parts.map(|part| match part.strip_suffix(['\n', '\t']) {
        Some(head) => printable(head, usize::MAX) + part.get(head.len()..).unwrap_or_default(),
        None => printable(part, usize::MAX),
    });
    escaped.collect()
}

/// Returns a JSON text with the same characters escaped, as JSON escapes them. They occur in strings only.
#[must_use]
pub fn printable_json(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        match kind(c) {
            Kind::Hidden if c != '\n' => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
            Kind::Visible | Kind::Mark | Kind::Hidden => out.push(c),
        }
    }
    out
}

/// Returns at most `max` characters of a text as printable ASCII on one line, for a medium that takes nothing else.
#[must_use]
pub fn ascii(text: &str, max: usize) -> String {
    let escaped = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
    printable(text, max).chars().map(escaped).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Visible,
    /// It is drawn on the character before it.
    Mark,
    Hidden,
}

/// The standard library's tables know the characters without a glyph; they take these fillers and the blank for visible.
fn kind(c: char) -> Kind {
    match c {
        ' '..='~' => Kind::Visible,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' => Kind::Hidden,
        _ if c.escape_debug().len() == 1 => Kind::Visible,
        // Behind another character, a mark is not escaped.
        _ if format!("a{c}").escape_debug().count() == 2 => Kind::Mark,
        _ => Kind::Hidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_become_visible() {
        assert_eq!(printable("a\r\nBcc: x\u{202e}", 50), "a\\u{d}\\u{a}Bcc: x\\u{202e}");
        assert_eq!(printable("\u{1b}[2J\u{9b}\u{200b}\u{feff}\u{3164}", 50), "\\u{1b}[2J\\u{9b}\\u{200b}\\u{feff}\\u{3164}");
        assert_eq!(printable("abcdef", 3), "abc...");
    }

    #[test]
    fn letters_of_every_alphabet_stay() {
        for text in ["rédis", "re\u{301}dis", "Größe „1“", "支付服务", "платежи", "भुगतान", "a\\b \"c\" 'd'", "🚀"]
        {
            assert_eq!(printable(text, 50), text);
            assert_eq!(printable_lines(text), text);
        }
    }

    #[test]
    fn stacked_marks_become_visible() {
        assert_eq!(printable("\u{301}x", 50), "\\u{301}x");
        assert_eq!(printable(&format!("e{}", "\u{301}".repeat(5)), 50), "e\u{301}\u{301}\u{301}\\u{301}\\u{301}");
    }

    #[test]
    fn lines_and_tabs_stay_in_text_of_lines() {
        assert_eq!(printable_lines("a\n\tb\u{1b}[31m\r\n"), "a\n\tb\\u{1b}[31m\\u{d}\n");
    }

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!({"reason": "a\u{9b}\u{202e}é\u{e0041}\n"});
        let text = printable_json(&serde_json::to_string_pretty(&value).unwrap_or_default());
        assert!(!text.contains('\u{9b}') && text.contains("\\u009b\\u202eé\\udb40\\udc41\\n"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).ok(), Some(value));
    }

    #[test]
    fn ascii_escapes_every_other_letter() {
        assert_eq!(ascii("rédis\n", 50), "r\\u{e9}dis\\u{a}");
    }
}
