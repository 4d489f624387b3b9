//! The files of a policy set, and problems at their places in these files.

use std::{fmt, ops::Range};

use cedar_policy::EntityUid;
use miette::Diagnostic;
use sha2::{Digest, Sha256};

use crate::policy::excerpt::{Excerpt, visible};

/// The name of the file of account groups.
pub const GROUPS: &str = "groups.json";
/// The name of the file of a set's own tests.
pub const CASES: &str = "cases.json";

/// Characters of a problem's message.
const MESSAGE_CHARACTERS_MAX: usize = 600;

/// One file of a policy set.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// The file name, without a folder.
    pub name: String,
    /// The content.
    pub text: String,
}

/// One problem of a policy set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file name.
    pub file: String,
    /// The line, from 1; 0 if the problem is the whole file.
    pub line: usize,
    /// The part of that line that shows the problem.
    pub excerpt: Option<Excerpt>,
    /// The problem and, if known, the fix: at most some hundred characters, because it may quote the file.
    pub message: String,
}

/// All problems of a policy set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors(pub Vec<Problem>);

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the policy set was refused, nothing can be accepted under it:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl Problem {
    /// Makes a problem of a whole file, folder or object.
    pub(crate) fn of_file(file: String, message: String) -> Self {
        Self { file, line: 0, excerpt: None, message: cut(message) }
    }
}

/// Shortens a message that quotes more of a file than people read, and replaces what could control a terminal.
fn cut(message: String) -> String {
    let is_long = message.chars().nth(MESSAGE_CHARACTERS_MAX).is_some();
    let kept = message.chars().take(MESSAGE_CHARACTERS_MAX).map(|letter| if letter == '\n' { letter } else { visible(letter) });
    kept.chain(is_long.then_some('…')).collect()
}

impl PolicyFile {
    /// The file without a byte-order mark, with which editors of Windows begin a file.
    #[must_use]
    pub(crate) fn without_byte_order_mark(mut self) -> Self {
        if let Some(text) = self.text.strip_prefix('\u{feff}') {
            self.text = text.to_owned();
        }
        self
    }

    /// Makes a problem at a line, from 1, and at characters of it, from 0, if they are known.
    #[must_use]
    pub fn problem_at_line(&self, line: usize, columns: Option<Range<usize>>, message: String) -> Problem {
        let text = line.checked_sub(1).and_then(|before| self.text.lines().nth(before));
        let excerpt = text.map(|text| Excerpt::of(text, columns));
        Problem { file: self.name.clone(), line, excerpt, message: cut(message) }
    }

    fn problem_at_bytes(&self, bytes: Option<Range<usize>>, message: String) -> Problem {
        let Some(bytes) = bytes else { return Problem::of_file(self.name.clone(), message) };
        let before = self.text.get(..bytes.start).unwrap_or(&self.text);
        let start = before.rsplit('\n').next().unwrap_or_default().chars().count();
        // Marks one line at most.
        let about = self.text.get(bytes).unwrap_or_default().lines().next().unwrap_or_default().trim_end();
        self.problem_at_line(before.matches('\n').count() + 1, Some(start..start + about.chars().count().max(1)), message)
    }

    /// Makes a problem at a byte.
    pub(super) fn problem_at_byte(&self, at: usize, message: String) -> Problem {
        self.problem_at_bytes(Some(at..at + 1), message)
    }

    /// Makes a problem at the first occurrence of `text`.
    pub(super) fn problem_at(&self, text: &str, message: String) -> Problem {
        self.problem_at_bytes(self.text.find(text).map(|start| start..start + text.len()), message)
    }

    /// Makes a problem at the last occurrence of `text`: of two duplicates, the later.
    pub(super) fn problem_at_last(&self, text: &str, message: String) -> Problem {
        self.problem_at_bytes(self.text.rfind(text).map(|start| start..start + text.len()), message)
    }

    /// Makes a problem at the first occurrence of `text` within `place`, a part of the file.
    pub(super) fn problem_within(&self, place: &str, text: &str, message: String) -> Problem {
        let start = self.text.find(place).and_then(|start| Some(start + place.find(text)?));
        self.problem_at_bytes(start.map(|start| start..start + text.len()), message)
    }

    /// Makes a problem at the place of an entity such as `AccountGroup::"id"` within `place`, a part of the file. The same text as
    /// an annotation, or in a comment, is another thing.
    pub(super) fn problem_at_entity(&self, place: &str, uid: &EntityUid, message: String) -> Problem {
        let literal = format!("\"{}\"", AsRef::<str>::as_ref(uid.id()));
        let is_entity = |at: &usize| {
            let before = place.get(..*at).unwrap_or_default().trim_end();
            let line = before.rsplit('\n').next().unwrap_or_default();
            let kind = before.strip_suffix("::").map(str::trim_end);
            kind.is_some_and(|before| before.ends_with(uid.type_name().basename())) && !line.contains("//")
        };
        let at = place.match_indices(&literal).map(|(at, _)| at).find(is_entity);
        let start = at.and_then(|at| Some(self.text.find(place)? + at));
        match start {
            Some(start) => self.problem_at_bytes(Some(start..start + literal.len()), message),
            None => self.problem_at(place, message),
        }
    }

    /// Makes a problem at the place that an error of Cedar names.
    pub(super) fn problem_of(&self, error: &dyn Diagnostic, message: &str) -> Problem {
        let label = error.labels().and_then(|mut labels| labels.next());
        let expected = label.as_ref().and_then(|label| expected(label.label()?)).map(|expected| format!(": {expected}"));
        let help = error.help().map(|help| format!(" ({help})"));
        let message = format!("{message}{}{}", expected.unwrap_or_default(), help.unwrap_or_default());
        self.problem_at_bytes(label.map(|label| label.offset()..label.offset() + label.len()), message)
    }

    /// Makes a problem at the place that an error of the JSON parser names.
    pub(super) fn problem_of_json(&self, error: &serde_json::Error, message: String) -> Problem {
        let columns = error.column().checked_sub(1).map(|bytes| {
            let line = self.text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
            let start = line.char_indices().take_while(|(at, _)| *at < bytes).count();
            start..start + 1
        });
        self.problem_at_line(error.line(), columns, message)
    }
}

/// Returns the part of Cedar's list of expected tokens that helps: after a whole policy, every operator is possible, too.
fn expected(label: &str) -> Option<&str> {
    let tokens = label.strip_prefix("expected ")?;
    Some(if tokens.contains("`;`") { "expected `;`" } else { label })
}

/// Returns the most similar known name as a question, or nothing if none is similar.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const SIMILARITY_MIN: f64 = 0.8;
    let similar = known.map(|one| (strsim::jaro_winkler(name, one), one)).filter(|(similarity, _)| *similarity >= SIMILARITY_MIN);
    similar.max_by(|a, b| a.0.total_cmp(&b.0)).map_or_else(String::new, |(_, one)| format!(": did you mean `{one}`?"))
}

/// Returns the digest of a policy set. It covers names and lengths, so that moving text between files changes it. It does not cover
/// the set's own tests.
#[must_use]
pub fn digest(files: &[PolicyFile]) -> String {
    let mut all: Vec<&PolicyFile> = files.iter().filter(|file| file.name != CASES).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in all {
        for text in [&file.name, &file.text] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hexadecimal(hash)
}

pub(super) fn hexadecimal(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
