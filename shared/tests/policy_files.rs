//! Policy sets in folders: unusual files, and where problems point.

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use warden::policy::{PolicyErrors, PolicySet, folder};

use crate::fixtures::file;

const GOOD: &str = "@id(\"a\")\npermit(principal, action, resource);\n";

/// A folder for one test, emptied first.
fn folder_for(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("warden-{test}-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn refused(folder: &std::path::Path) -> String {
    let PolicyErrors(problems) = folder::read(folder).expect_err("must be refused");
    problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn endless_files_are_not_read() {
    let folder = folder_for("endless");
    fs::write(folder.join("a.cedar"), GOOD).unwrap();
    symlink("/dev/zero", folder.join("b.cedar")).unwrap();
    assert!(refused(&folder).contains("is not a regular file"), "{}", refused(&folder));
    fs::remove_file(folder.join("b.cedar")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("b.cedar")).status().unwrap().success());
    assert!(refused(&folder).contains("is not a regular file"), "{}", refused(&folder));
    fs::remove_file(folder.join("b.cedar")).unwrap();
    fs::File::create(folder.join("groups.json")).unwrap().set_len(1 << 40).unwrap();
    assert!(refused(&folder).contains("has more than 3145728 bytes"), "{}", refused(&folder));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn file_in_place_of_folder_is_named() {
    let folder = folder_for("file");
    fs::write(folder.join("a.cedar"), GOOD).unwrap();
    assert_eq!(refused(&folder.join("a.cedar")), "is a file: name the directory that holds it");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn encodings_are_named_or_accepted() {
    let folder = folder_for("encodings");
    let policy = folder.join("a.cedar");
    fs::write(&policy, format!("\u{feff}{GOOD}")).unwrap();
    let plain = PolicySet::load(&[file("a.cedar", GOOD)], None).unwrap();
    assert_eq!(folder::load(&folder).unwrap().digest(), plain.digest(), "a byte-order mark is no part of the text");
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [[vec![0xff, 0xfe], utf16.clone()].concat(), utf16] {
        fs::write(&policy, bytes).unwrap();
        assert_eq!(refused(&folder), "is UTF-16 or no text: save it as UTF-8");
    }
    fs::write(&policy, b"// a\n// \xe9\n").unwrap();
    assert_eq!(refused(&folder), "line 2 is not UTF-8: save the file as UTF-8");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn error_in_one_line_is_short() {
    let accounts: Vec<String> = (0..10_000).map(|number| format!("\"{number:011}\"")).collect();
    let groups = format!("{{\"g\": {{\"accounts\": [{}]}}}}", accounts.join(","));
    let PolicyErrors(problems) = PolicySet::load(&[file("a.cedar", GOOD)], Some(&file("groups.json", &groups))).unwrap_err();
    assert_eq!(problems.len(), 101);
    for problem in problems.iter().take(100) {
        let excerpt = problem.excerpt.as_ref().unwrap();
        let marked: String = excerpt.text.chars().skip(excerpt.marked.start).take(excerpt.marked.len()).collect();
        assert!(excerpt.text.chars().count() < 130 && problem.message.contains(marked.trim_matches('"')), "{problem:?}");
    }
    let long = format!("{{\"g\": {{\"accounts\": [\"{}\"]}}}}", "x".repeat(240_000));
    let PolicyErrors(problems) = PolicySet::load(&[file("a.cedar", GOOD)], Some(&file("groups.json", &long))).unwrap_err();
    assert!(problems[0].message.chars().count() < 700, "{}", problems[0].message.len());
}

#[test]
fn problem_points_at_the_entity() {
    let policy =
        "// AccountGroup::\"redis\"\n@id(\"redis\")\npermit(principal in PrivateLink::AccountGroup::\"redis\", action, resource);\n";
    let PolicyErrors(problems) = PolicySet::load(&[file("p.cedar", policy)], Some(&file("groups.json", "{}"))).unwrap_err();
    let excerpt = problems[0].excerpt.as_ref().unwrap();
    assert_eq!((problems[0].line, excerpt.marked.clone()), (3, 47..54), "{problems:?}");
}

#[test]
fn missing_semicolon_is_expected() {
    for policy in [GOOD.replace(';', ""), format!("{}{GOOD}", GOOD.replace(';', "")), GOOD.replace(';', " when { true }")] {
        let PolicyErrors(problems) = PolicySet::load(&[file("p.cedar", &policy)], None).unwrap_err();
        assert!(problems[0].message.ends_with("expected `;`"), "{problems:?}");
    }
}

#[test]
fn account_in_accepted_and_blocked_group_is_found() {
    let scoped = |id: &str, effect: &str, group: &str, rest: &str| {
        format!("@id(\"{id}\") {effect}(principal in PrivateLink::AccountGroup::\"{group}\", {rest});\n")
    };
    let accept = "action == PrivateLink::Action::\"Accept\", resource";
    let groups = r#"{"in": {"accounts": ["111122223333", "444455556666"]}, "out": {"accounts": ["444455556666"]}}"#;
    let found = |block: String| {
        let policies = scoped("good", "permit", "in", accept) + &block;
        let set = PolicySet::load(&[file("p.cedar", &policies)], Some(&file("groups.json", groups))).unwrap();
        let overlaps = set.overlaps();
        overlaps.iter().map(|one| format!("{} {} {} {:?}", one.accepted, one.block, one.blocked, one.accounts.len())).collect::<Vec<_>>()
    };
    let reject = "action == PrivateLink::Action::\"Reject\", resource";
    for block in [scoped("bad", "forbid", "out", accept), scoped("bad", "permit", "out", reject)] {
        assert_eq!(found(block), ["in bad out 1"]);
    }
    for other in [scoped("more", "permit", "out", accept), scoped("odd", "forbid", "out", reject)] {
        assert!(found(other).is_empty());
    }
}
