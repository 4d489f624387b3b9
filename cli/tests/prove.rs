//! What is proved of policy sets, by the real solver. Without one these are skipped, aloud.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[path = "prove/as_it_is.rs"]
mod as_it_is;
#[path = "prove/held_against_the_warden.rs"]
mod held_against_the_warden;
#[path = "prove/in_s3.rs"]
mod in_s3;

use std::{fs, path::Path, process::Command};

const OLD: &str = include_str!("prove/old.cedar");
const GROUPS: &str = r#"{"redis-consumers": {"accounts": ["111122223333"]}, "closed": {"accounts": ["000011112222"]}}"#;

/// A set in a folder of its own.
fn set(cedar: &str, groups: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rules.cedar"), cedar).unwrap();
    fs::write(dir.path().join("groups.json"), groups).unwrap();
    dir
}

fn warden(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_warden")).args(arguments).env("NO_COLOR", "1").output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

fn compare(old: &Path, new: &Path) -> (i32, String) {
    warden(&["policy", "compare", old.to_str().unwrap(), new.to_str().unwrap()])
}

fn there_is_a_solver() -> bool {
    let program = std::env::var_os("CVC5").unwrap_or_else(|| "cvc5".into());
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        eprintln!("SKIPPED: there is no cvc5 to prove anything with");
    }
    there
}

/// What a change comes to: the exit status, and words that must be said.
fn comes_to(cedar: &str, groups: &str, status: i32, words: &[&str]) {
    if !there_is_a_solver() {
        return;
    }
    let (old, new) = (set(OLD, GROUPS), set(cedar, groups));
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, status, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn the_same_set_accepts_nothing_more() {
    comes_to(OLD, GROUPS, 0, &["proved     the new set accepts nothing that the old one does not: they are the same set"]);
    // Otherwise written, it is another set, of which the same is proved.
    comes_to(&format!("// said anew\n{OLD}"), GROUPS, 0, &["proved     the new set accepts nothing that the old one does not\n"]);
}

#[test]
fn a_narrower_set_is_proved_to_be_narrower() {
    comes_to(&OLD.replace(">= 4", ">= 3"), GROUPS, 0, &["proved"]);
    comes_to(&OLD.replace("== \"redis\"", "== \"redis\" && context.now < datetime(\"2030-01-01\")"), GROUPS, 0, &["proved"]);
}

#[test]
fn a_wider_set_is_shown_by_a_request_in_words() {
    let words = [
        "NOT SO     would newly accept: an account in `redis-consumers`",
        "with 4 connections of the account",
        "tagged Name=redis",
        "by `redis`",
    ];
    comes_to(&OLD.replace(">= 4", ">= 5"), GROUPS, 1, &words);
}

#[test]
fn taking_a_rejection_away_lets_in_whom_both_rules_kept_waiting() {
    let both = format!("{OLD}\n@id(\"all\") permit (principal, action == PrivateLink::Action::\"Accept\", resource);");
    let without = both
        .split_once("@id(\"closed\")")
        .map(|(kept, _)| format!("{kept}\n@id(\"all\") permit (principal, action == PrivateLink::Action::\"Accept\", resource);"))
        .unwrap();
    if !there_is_a_solver() {
        return;
    }
    let (old, new) = (set(&both, GROUPS), set(&without, GROUPS));
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("in `closed`"), "{said}");
    let (code, said) = compare(new.path(), old.path());
    assert_eq!(code, 0, "and the other way round nothing is newly accepted: {said}");
}

#[test]
fn a_longer_list_lets_more_in_though_no_rule_changed() {
    let groups = GROUPS.replace("\"111122223333\"", "\"111122223333\", \"444455556666\"");
    let words = ["in `redis-consumers` (such as 444455556666)", "lists that changed: `redis-consumers` (444455556666 joined)"];
    comes_to(OLD, &groups, 1, &words);
}

#[test]
fn a_shorter_list_lets_less_in_unless_it_kept_somebody_out() {
    let shorter = GROUPS.replace("\"000011112222\"", "");
    let kept_out = |groups: &str| {
        let forbid = OLD.replace(
            "permit (principal in PrivateLink::AccountGroup::\"closed\", action == PrivateLink::Action::\"Reject\"",
            "forbid (principal in PrivateLink::AccountGroup::\"closed\", action == PrivateLink::Action::\"Accept\"",
        );
        (forbid, groups.replace("[\"111122223333\"]", "[\"111122223333\", \"000011112222\"]"))
    };
    if !there_is_a_solver() {
        return;
    }
    let ((rules, before), (_, after)) = (kept_out(GROUPS), kept_out(&shorter));
    let (old, new) = (set(&rules, &before), set(&rules, &after));
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("(such as 000011112222)"), "{said}");
    let (code, said) = compare(new.path(), old.path());
    assert_eq!(code, 0, "and the other way round nothing is newly accepted: {said}");
    comes_to(OLD, &GROUPS.replace("\"111122223333\"", ""), 0, &["proved"]);
}

#[test]
fn a_set_that_could_err_is_not_proved_to_be_anything() {
    let errs = format!(
        "{OLD}\n@id(\"errs\") forbid (principal, action == PrivateLink::Action::\"Accept\", resource) when {{ context.connections.ofAccount * context.connections.ofService > 9223372036854775806 && context.connections.ofAccount * context.connections.ofService * 9 > 9 }};"
    );
    if !there_is_a_solver() {
        return;
    }
    let (old, new) = (set(&errs, GROUPS), set(OLD, GROUPS));
    let (code, said) = compare(old.path(), new.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("undecided") && said.contains("`errs` cannot be evaluated"), "{said}");
}

#[test]
fn what_is_sound_alive_and_needed_is_proved_to_be() {
    if !there_is_a_solver() {
        return;
    }
    let good = set(OLD, GROUPS);
    let (code, said) = warden(&["--policies", good.path().to_str().unwrap(), "policy", "check", "--prove"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("proved     3 of 3 policies can be evaluated for every well-formed request"), "{said}");

    let bad = set(
        &format!(
            "{OLD}
            @id(\"dead\") permit (principal == PrivateLink::Account::\"111122223333\", action == PrivateLink::Action::\"Accept\", resource) when {{ context.connections.ofAccount >= 7 }};
            @id(\"twice\") permit (principal in PrivateLink::AccountGroup::\"redis-consumers\", action == PrivateLink::Action::\"Accept\", resource)
              when {{ resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\" && context.connections.ofService < 3 }};
            @id(\"errs\") permit (principal, action == PrivateLink::Action::\"Reject\", resource) when {{ context.connections.ofAccount * context.connections.ofAccount > 9 }};"
        ),
        GROUPS,
    );
    let (code, said) = warden(&["--policies", bad.path().to_str().unwrap(), "policy", "check", "--prove"]);
    assert_eq!(code, 1, "{said}");
    for words in ["`dead` lets nobody through", "`twice` adds nothing", "`errs` cannot be evaluated", "5 of 6 policies can be evaluated"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_solver_that_does_not_know_proves_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    // Says `unknown` to every question, as a solver does that gives up.
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nwhile read -r line; do case \"$line\" in *check-sat*) echo unknown;; *echo*) echo \"$line\" | sed 's/.*\"\\(.*\\)\".*/\\1/';; esac; done\n";
    let solver = dir.path().join("cvc5");
    fs::write(&solver, script).unwrap();
    fs::set_permissions(&solver, fs::Permissions::from_mode(0o755)).unwrap();
    let (old, new) = (set(OLD, GROUPS), set(&OLD.replace(">= 4", ">= 5"), GROUPS));
    let output = Command::new(env!("CARGO_BIN_EXE_warden"))
        .args(["policy", "compare", old.path().to_str().unwrap(), new.path().to_str().unwrap()])
        .env("CVC5", &solver)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("undecided  whether the new set accepts nothing") && !said.contains("proved"), "{said}");
}

#[test]
fn without_a_solver_the_cases_are_compared_and_nothing_is_called_proved() {
    let (old, new) = (set(OLD, GROUPS), set(&OLD.replace("== \"redis\"", "== \"cache\""), GROUPS));
    let case = r#"[{"case": "one of the list", "account": "111122223333", "service": {"tags": {"Name": "redis"}}, "decision": "accept", "policies": ["redis"]}]"#;
    fs::write(old.path().join("cases.json"), case).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_warden"))
        .args(["policy", "compare", old.path().to_str().unwrap(), new.path().to_str().unwrap()])
        .env("CVC5", "/nowhere/cvc5")
        .output()
        .unwrap();
    let (said, note) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("NOT PROVED") && said.contains("one of the list: accept by redis → refer by no policy"), "{said}");
    assert!(note.contains("apt install cvc5"), "{note}");
}

/// Changes that let more in without any rule becoming plainly wider.
#[test]
fn what_lets_more_in_by_the_back_door_is_not_called_proved() {
    if !there_is_a_solver() {
        return;
    }
    let accept = |head: &str, rest: &str| {
        format!("@id(\"a{}\") permit ({head}, action == PrivateLink::Action::\"Accept\", resource) {rest};\n", rest.len())
    };
    let group = |name: &str| format!("principal in PrivateLink::AccountGroup::\"{name}\"");
    let lists = |closed: &str| {
        format!("{{\"g\": {{\"accounts\": [\"111122223333\", \"000011112222\"]}}, \"closed\": {{\"accounts\": [{closed}]}}}}")
    };
    let both = "\"000011112222\", \"000011113333\"";
    let unless = accept(&group("g"), &format!("unless {{ {} }}", group("closed")));
    let other_action = format!(
        "{}@id(\"r\") permit ({}, action, resource) when {{ action == PrivateLink::Action::\"Reject\" }};",
        accept(&group("g"), ""),
        group("closed")
    );
    let rejected =
        format!("{}@id(\"r\") permit ({}, action == PrivateLink::Action::\"Reject\", resource);", accept(&group("g"), ""), group("closed"));
    let waits = accept(&group("g"), "when { context has requester }") + &accept(&group("g"), "unless { context has requester.role }");
    for (what, old, new, old_closed, new_closed) in [
        ("an account leaves a list that an `unless` names", &unless, &unless, both, "\"000011113333\""),
        ("an account leaves a list that is turned away", &rejected, &rejected, both, "\"000011113333\""),
        ("a rejection that asks for its action goes", &other_action, &accept(&group("g"), ""), both, both),
        (
            "a clause for requests of old",
            &accept(&group("g"), ""),
            &(accept(&group("g"), "") + &accept("principal", "when { context.requestedAt < datetime(\"2019-12-31\") }")),
            both,
            both,
        ),
        ("two rules that waited for proof become one that does not", &waits, &accept(&group("g"), ""), both, both),
    ] {
        let (old, new) = (set(old, &lists(old_closed)), set(new, &lists(new_closed)));
        let (code, said) = compare(old.path(), new.path());
        assert_eq!(code, 1, "{what}: {said}");
        assert!(said.contains("undecided") || said.contains("NOT SO"), "{what}: {said}");
    }
}

#[test]
fn a_rule_that_nobody_can_pass_is_dead_whatever_it_matches() {
    if !there_is_a_solver() {
        return;
    }
    for dead in [
        "permit (principal in PrivateLink::AccountGroup::\"closed\", action, resource)",
        "permit (principal, action == PrivateLink::Action::\"Accept\", resource) when { context.connections.ofAccount < 0 }",
        "permit (principal, action == PrivateLink::Action::\"Accept\", resource) when { context.now < datetime(\"2020-06-01\") }",
    ] {
        let set = set(&format!("@id(\"dead\") {dead};"), GROUPS);
        let (code, said) = warden(&["--policies", set.path().to_str().unwrap(), "policy", "check", "--prove"]);
        assert_eq!(code, 1, "{dead}: {said}");
        assert!(said.contains("`dead` lets nobody through"), "{dead}: {said}");
    }
}

fn check(cedar: &str, groups: &str) -> (i32, String) {
    let set = set(cedar, groups);
    warden(&["--policies", set.path().to_str().unwrap(), "policy", "check", "--prove"])
}

fn accept(id: &str, head: &str, rest: &str) -> String {
    format!("@id(\"{id}\") permit ({head}, action == PrivateLink::Action::\"Accept\", resource) {rest};\n")
}

const ROLE_X: &str = "{ context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/x\" }";

#[test]
fn programs_read_every_verdict() {
    if !there_is_a_solver() {
        return;
    }
    let set = set(
        &(accept("a", "principal in PrivateLink::AccountGroup::\"closed\"", "")
            + &accept("b", "principal", "when { context.connections.ofAccount > 9 && context.connections.ofAccount < 5 }")),
        GROUPS,
    );
    let output = Command::new(env!("CARGO_BIN_EXE_warden"))
        .args(["--policies", set.path().to_str().unwrap(), "policy", "check", "--prove", "--output", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let rows: Vec<std::collections::BTreeMap<String, String>> = serde_json::from_slice(&output.stdout).unwrap();
    let said: Vec<(&str, &str)> = rows.iter().map(|row| (row["verdict"].as_str(), row["what"].as_str())).collect();
    assert!(said.contains(&("proved", "`a` can be evaluated for every well-formed request")), "{said:?}");
    assert!(said.contains(&("refuted", "`b` can let somebody through, or turn somebody away")), "{said:?}");
    assert!(rows.iter().all(|row| (row["verdict"] == "proved") == row["why"].is_empty()), "{rows:?}");
}

/// A solver that thinks for ever holds nobody up for longer than they said.
#[test]
fn the_time_for_all_questions_has_an_end() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let solver = dir.path().join("cvc5");
    fs::write(&solver, "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nwhile read -r line; do :; done\n").unwrap();
    fs::set_permissions(&solver, fs::Permissions::from_mode(0o755)).unwrap();
    let (good, began) = (set(OLD, GROUPS), std::time::Instant::now());
    let output = Command::new(env!("CARGO_BIN_EXE_warden"))
        .args(["--policies", good.path().to_str().unwrap(), "policy", "check", "--prove", "--within", "1"])
        .env("CVC5", &solver)
        .output()
        .unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "{:?}", began.elapsed());
    let (said, note) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("undecided  whether the other 2 of 3 policies can be evaluated, and can match: the time was up")
            && !said.contains("proved"),
        "{said}"
    );
    assert!(said.contains("0 of 2 permits can let somebody through, or turn somebody away; 2 undecided"), "{said}");
    assert!(
        note.contains("the time was up after 1 s (--within gives more): of 1 of 3 policies it was asked whether they can be evaluated"),
        "{note}"
    );
}
