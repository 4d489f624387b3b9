//! The part of a line that shows a problem.

use std::ops::Range;

/// Characters of an excerpt: about a line of a terminal. A file in one line has one line of megabytes.
const CHARACTERS_MAX: usize = 120;
/// Characters of a longer line before the marked ones.
const BEFORE_MAX: usize = 40;

/// A part of a line, and the characters in it that the problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text, with a `…` at each end where the line goes on.
    pub text: String,
    /// The marked characters of the text, at least one.
    pub marked: Range<usize>,
}

impl Excerpt {
    /// Cuts the excerpt out of a line. Without `columns`, the whole line is marked.
    pub(super) fn of(line: &str, columns: Option<Range<usize>>) -> Self {
        let line = line.trim_end();
        let length = line.chars().count();
        let indent = line.chars().take_while(|letter| letter.is_whitespace()).count();
        let marked = columns.unwrap_or(indent..length);
        let is_short = length <= CHARACTERS_MAX;
        let from = if is_short { 0 } else { marked.start.min(length).saturating_sub(BEFORE_MAX) };
        let to = if is_short { length } else { length.min(from + CHARACTERS_MAX) };
        let cut = |is_cut| if is_cut { "…" } else { "" };
        let shown: String = line.chars().skip(from).take(to - from).map(visible).collect();
        let prefix = usize::from(from > 0);
        let place = |column: usize| column.clamp(from, to) - from + prefix;
        let start = place(marked.start);
        Self { text: format!("{}{shown}{}", cut(from > 0), cut(to < length)), marked: start..place(marked.end).max(start + 1) }
    }
}

/// A character that cannot control a terminal or reverse the line. Tabs stay.
pub(super) fn visible(letter: char) -> char {
    let reverses = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if (letter.is_control() && letter != '\t') || reverses { '\u{fffd}' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_line_is_whole() {
        assert_eq!(Excerpt::of("  permit;  ", Some(2..8)), Excerpt { text: "  permit;".to_owned(), marked: 2..8 });
        assert_eq!(Excerpt::of("\tpermit;", None).marked, 1..8);
        assert_eq!(Excerpt::of("", Some(0..0)), Excerpt { text: String::new(), marked: 0..1 });
    }

    #[test]
    fn long_line_is_cut_around_the_place() {
        let line = format!("{}HERE{}", "a".repeat(100_000), "b".repeat(100_000));
        let Excerpt { text, marked } = Excerpt::of(&line, Some(100_000..100_004));
        assert_eq!(text.chars().count(), 122);
        assert_eq!(text.chars().skip(marked.start).take(marked.len()).collect::<String>(), "HERE");
        assert!(text.starts_with('…') && text.ends_with('…'));
        let end = Excerpt::of(&line, Some(199_999..200_004));
        assert!(!end.text.ends_with('…') && end.marked.end <= end.text.chars().count() + 1, "{end:?}");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(Excerpt::of("a\u{1b}[31m\u{202e}é", None).text, "a\u{fffd}[31m\u{fffd}é");
    }
}
