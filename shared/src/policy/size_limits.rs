//! Size limits of a policy set, checked before anything is parsed.
//!
//! Without them, a set in the bucket could end the function that reads it: Cedar's parser recurses once for each bracket, and a
//! stack overflow ends the process, with the last good set. The limits are far above what people write.

use crate::policy::files::{PolicyFile, Problem};

/// Files of a set. With a manifest, each takes one call, within the ten seconds of a function's start.
pub(super) const FILES_MAX: usize = 200;
/// Bytes of all policy files: 4,000 policies of the usual length. The worst texts take 190 times their length in memory, and
/// during a reload the function's 256 MB hold two sets.
pub(super) const POLICY_BYTES_MAX: usize = 512 * 1024;
/// Bytes of `groups.json`: 130,000 accounts, one a line. In memory, 100,000 accounts take 30 MB, a million 380 MB.
pub(super) const GROUPS_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Bytes of `cases.json`: some 2,500 cases. With the other limits, half of the largest object that is fetched from S3.
pub(super) const CASES_BYTES_MAX: usize = 512 * 1024;
/// Reported problems. Finding the line of each takes a scan of the file.
pub(super) const PROBLEMS_MAX: usize = 100;
/// Characters of an annotation. Each record and message of its policy holds it.
pub(super) const ANNOTATION_CHARACTERS_MAX: usize = 1000;
/// Nesting depth of an expression, in steps. On a main thread's stack of 8 MB, Cedar overflows at 560 nested brackets and fails to
/// evaluate a chain of 1,500 links; at 3,000 links its validator gives up and accepts the policy. The limit leaves a margin to each.
pub(super) const STEPS_MAX: usize = 500;
/// Steps of one bracket. A link of a chain such as `a || b || c` or `a.b.c` is one step.
const BRACKET_STEPS: usize = 8;

/// Returns a problem for each limit that a set exceeds.
pub(super) fn exceeded(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Vec<Problem> {
    let of_file = |file: &PolicyFile, message| Problem::of_file(file.name.clone(), message);
    let mut problems = Vec::new();
    if let Some(file) = files.get(FILES_MAX) {
        problems.push(of_file(file, too_many_files(files.len())));
    }
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if let Some(longest) = files.iter().max_by_key(|file| file.text.len()).filter(|_| bytes > POLICY_BYTES_MAX) {
        let message = format!("the policies have {bytes} bytes, at most {POLICY_BYTES_MAX} are read: list accounts in groups.json");
        problems.push(of_file(longest, message));
    }
    if let Some(file) = groups.filter(|file| file.text.len() > GROUPS_BYTES_MAX) {
        let message = format!("it has {} bytes, at most {GROUPS_BYTES_MAX} are read: use an organizational unit instead", file.text.len());
        problems.push(of_file(file, message));
    }
    if problems.is_empty() {
        problems.extend(files.iter().filter_map(too_deep).take(PROBLEMS_MAX));
    }
    problems
}

pub(super) fn too_many_files(count: usize) -> String {
    format!("the set has {count} files, at most {FILES_MAX} are read: combine policies into fewer files")
}

fn too_deep(file: &PolicyFile) -> Option<Problem> {
    let at = deeper_than(STEPS_MAX, &file.text)?;
    let message = format!(
        "this expression goes too deep, at most {STEPS_MAX} steps are read (a bracket counts {BRACKET_STEPS}, each `&&`, `||`, `if`, dot \
         or sign one): write alternatives as a set, [\"a\", \"b\"].contains(…), or as several policies"
    );
    Some(file.problem_at_byte(at, message))
}

/// Returns the byte at which a text first goes deeper than `max` steps. Strings and comments do not count, and a chain ends at a
/// comma or a semicolon.
fn deeper_than(max: usize, text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // The open brackets, each with its links so far. Only the matching end closes one, because Cedar's parser continues after a
    // wrong one.
    let mut open = vec![(0_u8, 0_usize)];
    let mut steps = 0;
    let mut at = 0;
    // The last byte other than a space.
    let mut before = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let mut links = 0;
        match byte {
            b'"' => at += string_length(rest) - 1,
            b'/' if rest.starts_with(b"//") => {
                at += rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                continue;
            }
            b'(' | b'[' | b'{' => {
                open.push((*byte, 0));
                steps += BRACKET_STEPS;
            }
            b')' | b']' | b'}' if open.last().is_some_and(|(start, _)| closes(*start, *byte)) => {
                steps -= BRACKET_STEPS + open.pop().map(|(_, links)| links).unwrap_or_default();
            }
            b',' | b';' => steps -= open.last_mut().map(|(_, links)| std::mem::take(links)).unwrap_or_default(),
            // After a bracket, a colon precedes a record in place of a name: Cedar's parser descends into it.
            b':' if matches!(before, b')' | b']' | b'}') => links = BRACKET_STEPS,
            b'.' | b'+' | b'-' | b'*' | b'!' => links = 1,
            b'&' | b'|' if rest.get(1) == Some(byte) => (links, at) = (1, at + 1),
            _ if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                let word = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
                links = usize::from(rest.starts_with(b"if") && word == 2);
                at += word - 1;
            }
            _ => {}
        }
        open.last_mut()?.1 += links;
        steps += links;
        if !byte.is_ascii_whitespace() {
            before = *byte;
        }
        if steps > max {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn closes(start: u8, end: u8) -> bool {
    matches!((start, end), (b'(', b')') | (b'[', b']') | (b'{', b'}'))
}

/// Returns the length of the string literal at the start, with its quotes.
fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = true; // the quote that opens it
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::deeper_than;

    fn steps(text: &str) -> usize {
        (0..).find(|max| deeper_than(*max, text).is_none()).unwrap()
    }

    #[test]
    fn nested_brackets_and_links_add_up() {
        assert_eq!(steps("a == b"), 0);
        assert_eq!(steps("a.b && c || d"), 3);
        assert_eq!(steps("((a))"), 16);
        assert_eq!(steps("(a) (b) [c, d, e]"), 8);
        assert_eq!(steps("(a && b && (c.d)) && e"), 19);
        assert_eq!(steps("f(a.b, a.b, a.b); g(a.b)"), 9);
        assert_eq!(steps("if a then b else if c then d else e"), 2);
        assert_eq!(steps("notify.if_not"), 1, "`if` within a word does not count");
    }

    #[test]
    fn strings_and_comments_do_not_count() {
        assert_eq!(steps("\"((((.\\\"((((\" (a)"), 8);
        assert_eq!(steps("// ((((\n(a) // ]]]"), 8);
        assert_eq!(steps("\"//\" ((a))"), 16, "a string does not hold a comment");
        assert_eq!(steps("// \"\n((a))"), 16, "a quote in a comment opens no string");
        assert_eq!(steps("\"open ((("), 0);
        assert_eq!(steps(")))) ((a"), 16, "an unmatched end does not count");
        assert_eq!(steps("é.ü (\u{202e}a)"), 9);
        assert_eq!(steps("// x\r((a))"), 16, "Cedar ends a comment at a carriage return, too");
    }

    #[test]
    fn syntax_errors_do_not_hide_depth() {
        assert_eq!(steps("f(],f(],f(], a))))"), 24, "a wrong end does not close a bracket");
        assert_eq!(steps("{+}:{+}:{+}"), 25, "three brackets and the last sign");
        assert_eq!(steps("A::\"b\" {a: (b), c: d}"), 16);
    }
}
