//! What a policy set may be at most. Without these, a set that somebody put into the bucket could end the function that
//! looks at it: Cedar's parser goes down one call for each bracket, and a stack that overflows takes the process with it,
//! and the last good set too. They are far above what people write, and checked before anything is parsed.

use crate::policy::files::{PolicyFile, Problem};

/// Files in a set. A set with a manifest takes one call for each, all within the ten seconds in which a function starts.
pub(super) const FILES_MAX: usize = 200;
/// Policies, in bytes of all files together: 4,000 rules of the usual length. What is written to be expensive takes 190 times
/// its length in memory, and where a set is renewed two of them stand in the function's 256 MB.
pub(super) const POLICY_BYTES_MAX: usize = 512 * 1024;
/// `groups.json`, in bytes: 130,000 accounts on a line each. 100,000 take 30 MB, a million 380.
pub(super) const GROUPS_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Problems that are named. Whoever has more mends these first; and to find the line of each takes a walk through the file.
pub(super) const PROBLEMS_MAX: usize = 100;
/// Characters of an annotation: it goes into every record and message that its rule leads to.
pub(super) const NOTE_CHARACTERS_MAX: usize = 1000;
/// Steps down into an expression. On a stack of 8 MB, as a main thread has, Cedar overflows at 560 brackets, fails to
/// evaluate at 1,500 links, and at 3,000 its validator gives up and takes a policy for valid: this leaves each a margin.
pub(super) const STEPS_MAX: usize = 500;
/// What one bracket costs, in links of a chain such as `a || b || c` or `a.b.c`.
const BRACKET_STEPS: usize = 8;

/// What is too much about a set, before it is parsed.
pub(super) fn exceeded(files: &[PolicyFile], groups: Option<&PolicyFile>) -> Vec<Problem> {
    let of_file = |file: &PolicyFile, message| Problem::of_file(file.name.clone(), message);
    let mut problems = Vec::new();
    if let Some(file) = files.get(FILES_MAX) {
        problems.push(of_file(file, format!("the set has {} files, at most {FILES_MAX} are read: put rules together", files.len())));
    }
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if let Some(longest) = files.iter().max_by_key(|file| file.text.len()).filter(|_| bytes > POLICY_BYTES_MAX) {
        let message = format!(
            "the policies have {bytes} bytes, at most {POLICY_BYTES_MAX} are read: name accounts in groups.json, not in rules of their own"
        );
        problems.push(of_file(longest, message));
    }
    if let Some(file) = groups.filter(|file| file.text.len() > GROUPS_BYTES_MAX) {
        let message =
            format!("it has {} bytes, at most {GROUPS_BYTES_MAX} are read: an organizational unit may say the same", file.text.len());
        problems.push(of_file(file, message));
    }
    if problems.is_empty() {
        problems.extend(files.iter().filter_map(too_deep).take(PROBLEMS_MAX));
    }
    problems
}

fn too_deep(file: &PolicyFile) -> Option<Problem> {
    let at = deeper_than(STEPS_MAX, &file.text)?;
    let message = format!(
        "this expression goes too deep, at most {STEPS_MAX} steps are read (a bracket counts {BRACKET_STEPS}, each `&&`, `||`, `if`, dot or sign one): \
         write alternatives as a set, [\"a\", \"b\"].contains(…), or as several rules"
    );
    Some(file.problem_at_byte(at, message))
}

/// Where a text first goes deeper than so many steps. What is in a string or a comment does not count, and what stands
/// behind a comma begins anew.
fn deeper_than(max: usize, text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Each bracket that is open, with its links so far. Only its own end closes it: Cedar's parser, too, goes on after a wrong one.
    let mut open = vec![(0_u8, 0_usize)];
    let mut steps = 0;
    let mut at = 0;
    // The last byte that says anything.
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
            // A record where only a name may stand: the parser goes into it all the same.
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

/// The length of the string that begins here, with its quotes.
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
    fn brackets_and_links_add_up_and_what_is_beside_does_not() {
        assert_eq!(steps("a == b"), 0);
        assert_eq!(steps("a.b && c || d"), 3);
        assert_eq!(steps("((a))"), 16);
        assert_eq!(steps("(a) (b) [c, d, e]"), 8);
        assert_eq!(steps("(a && b && (c.d)) && e"), 19);
        assert_eq!(steps("f(a.b, a.b, a.b); g(a.b)"), 9);
        assert_eq!(steps("if a then b else if c then d else e"), 2);
        assert_eq!(steps("notify.if_not"), 1, "a word is no `if` for having one in it");
    }

    #[test]
    fn strings_and_comments_hide_nothing_and_count_for_nothing() {
        assert_eq!(steps("\"((((.\\\"((((\" (a)"), 8);
        assert_eq!(steps("// ((((\n(a) // ]]]"), 8);
        assert_eq!(steps("\"//\" ((a))"), 16, "a comment in a string is none");
        assert_eq!(steps("// \"\n((a))"), 16, "a quote in a comment opens no string");
        assert_eq!(steps("\"open ((("), 0);
        assert_eq!(steps(")))) ((a"), 16, "what closes nothing does not count against what opens");
        assert_eq!(steps("é.ü (\u{202e}a)"), 9);
        assert_eq!(steps("// x\r((a))"), 16, "for Cedar a comment ends at a carriage return, too");
    }

    #[test]
    fn what_is_no_expression_hides_no_depth_from_a_parser_that_goes_on() {
        assert_eq!(steps("f(],f(],f(], a))))"), 24, "a wrong end closes nothing");
        assert_eq!(steps("{+}:{+}:{+}"), 25, "three brackets and the last sign");
        assert_eq!(steps("A::\"b\" {a: (b), c: d}"), 16);
    }
}
