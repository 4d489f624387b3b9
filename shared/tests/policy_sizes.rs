//! The size limits of policy sets. A set within them loads; a larger or deeper set is refused with an explanation. No set
//! overflows the stack of a main thread, on which a function runs.

use std::fmt::Write;

use warden::policy::{
    PolicyFile, PolicySet,
    bundle::{BundleError, Manifest},
};

use crate::fixtures::{facts, file};

/// Loads and evaluates on a stack of a main thread's size. An overflow ends the test run, as it would end the function.
fn load(files: Vec<PolicyFile>, groups: Option<String>) -> Result<usize, String> {
    const MAIN_STACK_BYTES: usize = 8 * 1024 * 1024;
    let load = move || {
        let groups = groups.map(|text| file("groups.json", text));
        let policy = PolicySet::load(&files, groups.as_ref()).map_err(|errors| errors.to_string())?;
        assert_eq!(policy.judge(&facts()).unwrap().accept.errors, [], "a set that loads can be evaluated");
        Ok(policy.len())
    };
    std::thread::Builder::new().stack_size(MAIN_STACK_BYTES).spawn(load).unwrap().join().unwrap()
}

fn policy(id: &str, condition: &str) -> String {
    format!("@id(\"{id}\") permit(principal, action == PrivateLink::Action::\"Accept\", resource) when {{ {condition} }};\n")
}

fn one(condition: &str) -> Result<usize, String> {
    load(vec![file("p.cedar", policy("a", condition))], None)
}

fn groups(text: String) -> Result<usize, String> {
    load(vec![file("p.cedar", policy("a", "true"))], Some(text))
}

fn listed(accounts: impl Iterator<Item = String>) -> String {
    format!("{{\"g\": {{\"accounts\": [{}]}}}}", accounts.map(|account| format!("\"{account}\"")).collect::<Vec<_>>().join(",\n"))
}

/// Conditions of depth `n`, by name. The braces of `when` are one level.
fn deep(n: usize) -> Vec<(&'static str, String)> {
    let around = |open: &str, close: &str| format!("{}true{}", open.repeat(n), close.repeat(n));
    vec![
        ("brackets", around("(", ")")),
        ("negations", around("!(", ")")),
        ("conjunctions", around("(true && ", ")")),
        ("about the organization", around("(principal has name && ", ")")),
        ("choices", around("(if true then true else ", ")")),
        ("sets", format!("{}1{} == 1", "[".repeat(n), "]".repeat(n))),
        ("records", format!("{}1{} == 1", "{a: ".repeat(n), "}".repeat(n))),
        ("open brackets", "(".repeat(n)),
    ]
}

fn long(n: usize) -> Vec<(&'static str, String)> {
    vec![
        ("and", format!("{}true", "true && ".repeat(n))),
        ("or", format!("{}true", "context.endpoint.id == \"vpce-0\" || ".repeat(n / 3))),
        ("about the organization", format!("{}true", "principal has name && ".repeat(n))),
        ("if", format!("{}true", "if true then true else ".repeat(n))),
        ("dots", format!("context{}", ".a".repeat(n))),
        ("calls", format!("context.endpoint.id{}", ".contains(1)".repeat(n))),
        ("sum", format!("1{} == 2", " + 1".repeat(n))),
    ]
}

#[test]
fn too_deep_expression_is_refused_before_parsing() {
    for n in [62, 600, 10_000, 20_000] {
        for (what, condition) in deep(n) {
            let refused = one(&condition).unwrap_err();
            assert!(refused.contains("p.cedar:1: this expression goes too deep, at most 500 steps"), "{what} {n}: {refused}");
        }
    }
    for n in [501, 2_000, 10_000, 40_000] {
        for (what, condition) in long(n) {
            let refused = one(&condition).unwrap_err();
            assert!(refused.contains("goes too deep") || refused.contains("bytes, at most"), "{what} {n}: {refused}");
        }
    }
}

#[test]
fn deepest_expression_is_still_validated() {
    for (what, condition) in deep(40).into_iter().chain(long(480)) {
        let refused = one(&condition).err().unwrap_or_default();
        assert!(!refused.contains("too deep"), "{what}: {refused}");
        // Cedar's validator accepts an expression that is too deep for it. It must still validate at this depth.
        let wrong = condition.replacen("true", "principal.nothing", 1);
        if wrong != condition {
            let refused = one(&wrong).unwrap_err();
            assert!(refused.contains("attribute `nothing`"), "{what}: {refused}");
        }
    }
    assert!(one(&long(480)[4].1).unwrap_err().contains("attribute `a`"));
}

#[test]
fn policies_have_at_most_half_a_megabyte() {
    let of = |bytes: usize| {
        let mut text = String::new();
        for n in 0.. {
            let next = policy(&format!("p{n}"), "true");
            if text.len() + next.len() > bytes {
                break;
            }
            text.push_str(&next);
        }
        text.push_str(&" ".repeat(bytes - text.len()));
        text
    };
    const MAX: usize = 512 * 1024;
    assert!(load(vec![file("p.cedar", of(MAX))], None).unwrap() > 4_000);
    let over = load(vec![file("p.cedar", of(MAX)), file("q.cedar", " ")], None).unwrap_err();
    assert!(over.contains("the policies have 524289 bytes, at most 524288 are read"), "{over}");
    assert!(load(vec![file("p.cedar", of(1024 * 1024))], None).is_err());
    let set = format!("[{}].contains(context.endpoint.id)", vec!["\"vpce-0\""; 50_000].join(","));
    assert_eq!(one(&set), Ok(1), "a set literal may fill the file");
}

#[test]
fn set_has_at_most_two_hundred_files() {
    let of = |count: usize| (0..count).map(|n| file(&format!("{n}.cedar"), policy(&format!("p{n}"), "true"))).collect::<Vec<_>>();
    assert_eq!(load(of(200), None), Ok(200));
    assert!(load(of(201), None).unwrap_err().contains("the set has 201 files, at most 200 are read"));
    let manifest = |count: usize| Manifest::parse(&Manifest::of(&of(count)).to_json().unwrap());
    assert!(manifest(202).is_ok(), "with groups and cases");
    for count in [203, 5_000] {
        assert!(matches!(manifest(count), Err(BundleError::TooMany(n)) if n == count));
    }
}

#[test]
fn groups_may_have_a_hundred_thousand_accounts() {
    assert_eq!(groups(listed((0..100_000).map(|n| format!("{n:012}")))), Ok(1));
    let refused = groups(listed((0..1_000_000).map(|n| format!("{n:012}")))).unwrap_err();
    assert!(refused.contains("groups.json: it has 1") && refused.contains("at most 3145728 are read"), "{refused}");
}

#[test]
fn account_is_in_at_most_a_hundred_groups() {
    let of = |count: usize| {
        let mut text = String::from("{");
        for n in 0..count {
            write!(text, "{}\"g{n}\": {{\"accounts\": [\"111122223333\"]}}", if n == 0 { "" } else { ",\n" }).unwrap();
        }
        text + "}"
    };
    assert_eq!(groups(of(100)), Ok(1));
    let refused = groups(of(101)).unwrap_err();
    assert!(refused.contains("groups.json:101: account `111122223333` is in more than 100 groups"), "{refused}");
    assert!(groups(of(10_000)).is_err());
}

#[test]
fn names_and_annotations_have_limits() {
    let named = |length: usize| groups(format!("{{\"{}\": {{\"accounts\": []}}}}", "é".repeat(length)));
    assert_eq!(named(128), Ok(1));
    assert!(named(129).unwrap_err().contains("a group's name has at most 128 characters"));
    let noted = |length: usize| load(vec![file("p.cedar", format!("@advice(\"{}\") {}", "é".repeat(length), policy("a", "true")))], None);
    assert_eq!(noted(1000), Ok(1));
    assert!(noted(1001).unwrap_err().contains("`@advice` has more than 1000 characters"));
}

/// To find the line of a problem takes a pass through the file: a hundred thousand problems took a minute.
#[test]
fn at_most_a_hundred_problems_are_named() {
    let repeat = |text: &str, bytes: usize| text.repeat(bytes / text.len());
    let no_id = "permit(principal, action == PrivateLink::Action::\"Accept\", resource);\n";
    let untyped: String = (0..2_000).map(|n| policy(&format!("p{n}"), "context.nope")).collect();
    let ungrouped: String = (0..2_000)
        .map(|n| format!("@id(\"p{n}\") permit(principal in PrivateLink::AccountGroup::\"g{n}\", action == PrivateLink::Action::\"Accept\", resource);\n"))
        .collect();
    let many_groups = format!("{{{}}}", (0..10_000).map(|n| format!("\"x{n}\": {{\"accounts\": []}}")).collect::<Vec<_>>().join(","));
    for (refused, what) in [
        (groups(listed((0..100_000).map(|n| format!("x{n}")))), "no accounts"),
        (groups(listed(std::iter::repeat_n("111122223333".to_owned(), 100_000))), "one account"),
        (groups(format!("{{{}}}", vec!["\"g\": {\"accounts\": []}"; 100_000].join(","))), "one group"),
        (load(vec![file("p.cedar", repeat("x;\n", 100_000))], None), "no policies"),
        (load(vec![file("p.cedar", repeat(no_id, 500_000))], None), "no ids"),
        (load(vec![file("p.cedar", untyped)], None), "no such attribute"),
        (load(vec![file("p.cedar", ungrouped)], Some(many_groups)), "no such group"),
    ] {
        let refused = refused.unwrap_err();
        assert!(refused.contains("only 100 problems are named at once"), "{what}");
        assert!(refused.lines().count() <= 102 && refused.len() < 100_000, "{what}: {} bytes", refused.len());
    }
}
