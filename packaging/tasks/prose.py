"""The prose lint: words that have a plain equivalent, long test names, and commit subjects.

It reads the tracked source files, documents, policies and data. The words must not occur anywhere: comments, documents, messages,
names. The limit is a rate, so that a quotation does not fail the check.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tasks.console import note
from tasks.errors import RunError
from tasks.paths import ROOT, shown

PLAIN = {
    r"nobody": "no account, no person",
    r"somebody|anybody|everybody": "a person, an account, any, each",
    r"whoever": "the account that, the person who",
    r"whatever": "any, which",
    r"whom": "which, that",
    r"mend|mends|mended|mending": "fix",
    r"aloud": "explicitly",
    r"hearsay": "unverified",
    r"lets? (?:\w+ )?in": "accepts",
    r"turn(?:s|ed) away|turns? (?:\w+ )away": "rejects",
    r"has it in": "accepts",
}
WORDS = re.compile("|".join(rf"(?<![a-z])(?P<w{at}>{words})(?![a-z])" for at, words in enumerate(PLAIN)), re.IGNORECASE)
# `let in_scope = …` is no prose.
BINDING = re.compile(r"\blet (?:mut )?(?=\w+\s*[:=;])")
PER_THOUSAND_MAX = 0.3
TEST_NAME_WORDS_MAX = 8
SUBJECT_CHARACTERS_MAX = 72
# The last commit before the rule on subjects.
COMMITS_AFTER = "4bf6f9b"
# This file has to spell the words.
EXEMPT = "packaging/tasks/prose.py"

COMMENT = {".rs": r"//[/!]?(.*)", ".py": r"(?<![\"'#])# (.*)", ".yaml": r"# (.*)", ".yml": r"# (.*)", ".toml": r"# (.*)", ".cedar": r"// (.*)", ".css": r"/\*(.*?)\*/", ".sh": r"# (.*)", ".json": r"$^"}
TEST_NAME = {
    ".rs": re.compile(r"#\[(?:\w+::)?test\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)"),
    ".py": re.compile(r"^ *(?:async )?def test_(\w+)", re.MULTILINE),
}


def check_prose() -> None:
    """Prints each finding as `file:line`. Raises an error if files hold too many of the words or a long test name."""
    words: list[str] = []
    names: list[str] = []
    comment_words = 0
    for file in _tracked():
        text = file.read_text()
        words, names, comment_words = [*words, *_words_in(file, text)], [*names, *_long_names_in(file, text)], comment_words + _comment_words(file, text)
    note("\n".join([*words, *names, f"Prose: {_rate(len(words), comment_words)}; {PER_THOUSAND_MAX} are allowed."]))
    if 1000 * len(words) > PER_THOUSAND_MAX * comment_words or names:
        raise RunError("The prose lint has findings, which are listed above (packaging/tasks/prose.py).")


def check_commits() -> None:
    """Raises an error if the subject of a new commit is too long, unfinished or names a path of a machine."""
    listed = subprocess.run(["git", "log", "--format=%h %s", f"{COMMITS_AFTER}..HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        note("Commit subjects are not checked: this is no clone with the project's history.")
        return
    wrong = [line for line in listed.stdout.splitlines() if not is_good_subject(line.partition(" ")[2])]
    if wrong:
        raise RunError(f"A commit subject is an imperative of at most {SUBJECT_CHARACTERS_MAX} characters, without `wip` or a path of a machine:\n" + "\n".join(wrong))


def is_good_subject(subject: str) -> bool:
    """Returns true if a commit subject follows the rule."""
    return len(subject) <= SUBJECT_CHARACTERS_MAX and subject[:1].isupper() and not re.search(r"\bwip\b|(?:^|\s)/(?:home|root|tmp|work|Users)/", subject, re.IGNORECASE)


def _rate(words: int, comment_words: int) -> str:
    return f"{1000 * words / max(comment_words, 1):.2f} words per 1,000 comment words ({words} of {comment_words})"


def _tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "*.rs", "*.py", "*.md", "*.yaml", "*.yml", "*.toml", "*.cedar", "*.json", "*.css", "*.sh", "Makefile"], cwd=ROOT, capture_output=True, text=True, check=True)
    return (ROOT / name for name in listed.stdout.split("\0") if name and name != EXEMPT and (ROOT / name).is_file())


def _words_in(file: Path, text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if file.suffix == ".rs":
            line = BINDING.sub("", line)
        # Words in names are joined by underscores.
        for found in WORDS.finditer(line.replace("_", " ")):
            plain = list(PLAIN.values())[int(str(found.lastgroup)[1:])]
            yield f"{shown(file)}:{number}: say `{plain}` instead of `{found[0]}`"


def _long_names_in(file: Path, text: str) -> Iterator[str]:
    for found in TEST_NAME[file.suffix].finditer(text) if file.suffix in TEST_NAME else ():
        if (count := found[1].count("_") + 1) > TEST_NAME_WORDS_MAX:
            yield f"{shown(file)}:{text.count(chr(10), 0, found.start(1)) + 1}: the test name `{found[1]}` has {count} words, more than {TEST_NAME_WORDS_MAX}"


def _comment_words(file: Path, text: str) -> int:
    if file.suffix not in COMMENT:
        return len(text.split())
    docstrings = re.findall(r'"""(.*?)"""', text, re.DOTALL) if file.suffix == ".py" else []
    return sum(len(comment.split()) for comment in [*re.findall(COMMENT[file.suffix], text), *docstrings])
