//! What does not make a policy set, and how that is said: file, line, message.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use cedar_policy::SchemaFragment;
use warden::policy::{PolicyFile, PolicySet, schema_json, schema_text};

fn refused(policy: &str, groups: &str) -> String {
    let groups = PolicyFile { name: "groups.json".into(), text: groups.into() };
    let files = [PolicyFile { name: "p.cedar".into(), text: policy.into() }];
    PolicySet::load(&files, Some(&groups)).expect_err("must be refused").to_string()
}

const GOOD: &str = "@id(\"a\")\npermit(principal, action == PrivateLink::Action::\"Accept\", resource);\n";

#[test]
fn both_forms_of_the_schema_say_the_same() {
    let (schema, _) = SchemaFragment::from_cedarschema_str(&schema_text()).unwrap();
    let should = schema.to_json_value().unwrap();
    assert_eq!(schema_json(), should);
}

#[test]
fn an_empty_set_is_refused() {
    insta::assert_snapshot!(refused("// nothing\n", "{}"), @r"
    the policy set was refused, nothing can be accepted under it:
      p.cedar: there is no policy here: write at least one `permit` in a file that ends in `.cedar`
    ");
}

#[test]
fn a_syntax_error_has_its_line() {
    insta::assert_snapshot!(refused(&format!("{GOOD}permit(principal, action, resource) whn {{ true }};\n"), "{}"));
}

#[test]
fn every_problem_is_named_at_once() {
    let policy = format!(
        "{GOOD}{GOOD}permit(principal, action, resource);\n@id(\"c\") permit(principal, action, resource) when {{ context.nope }};\n@id(\"d\")\npermit(principal in PrivateLink::AccountGroup::\"redis-consumer\", action, resource);\n"
    );
    insta::assert_snapshot!(refused(&policy, r#"{"redis-consumers": {"accounts": ["111122223333"]}}"#));
}

#[test]
fn groups_are_checked_account_by_account() {
    insta::assert_snapshot!(refused(GOOD, "{\"g\": {\"accounts\": [\n\"111122223333\",\n\"11112222333\",\n\"111122223333\"]}}"));
    insta::assert_snapshot!(refused(GOOD, "{\"g\": {\"acounts\": []}}"));
    let twice = refused(GOOD, "{\"g\": {\"accounts\": [\"111122223333\"]},\n\"g\": {\"accounts\": [\"444455556666\"]}}");
    assert!(twice.contains("groups.json:2: there are two groups `g`"), "{twice}");
}

#[test]
fn the_digest_covers_texts_names_and_groups() {
    let load = |name: &str, text: &str, groups: &str| {
        let groups = PolicyFile { name: "groups.json".into(), text: groups.into() };
        PolicySet::load(&[PolicyFile { name: name.into(), text: text.into() }], Some(&groups)).unwrap().digest().to_owned()
    };
    let base = load("a.cedar", GOOD, "{}");
    assert_eq!(base.len(), 64);
    assert_eq!(base, load("a.cedar", GOOD, "{}"));
    for other in [load("b.cedar", GOOD, "{}"), load("a.cedar", &format!("{GOOD} "), "{}"), load("a.cedar", GOOD, "{ }")] {
        assert_ne!(base, other);
    }
}
