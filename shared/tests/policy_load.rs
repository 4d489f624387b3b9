//! Refused policy sets: each problem is reported with file, line and message.

use cedar_policy::SchemaFragment;
use warden::policy::{PolicySet, schema_json, schema_text};

use crate::fixtures::file;

fn refused(policy: &str, groups: &str) -> String {
    PolicySet::load(&[file("p.cedar", policy)], Some(&file("groups.json", groups))).expect_err("must be refused").to_string()
}

const GOOD: &str = "@id(\"a\")\npermit(principal, action == PrivateLink::Action::\"Accept\", resource);\n";

#[test]
fn both_forms_of_the_schema_agree() {
    let (schema, _) = SchemaFragment::from_cedarschema_str(&schema_text()).unwrap();
    assert_eq!(schema_json(), schema.to_json_value().unwrap());
}

#[test]
fn empty_set_is_refused() {
    insta::assert_snapshot!(refused("// nothing\n", "{}"), @r"
    the policy set was refused, nothing can be accepted under it:
      p.cedar: there is no policy here: write at least one `permit` in a file that ends in `.cedar`
    ");
}

#[test]
fn syntax_error_has_its_line() {
    insta::assert_snapshot!(refused(&format!("{GOOD}permit(principal, action, resource) whn {{ true }};\n"), "{}"));
}

#[test]
fn all_problems_are_named_at_once() {
    let policy = format!(
        "{GOOD}{GOOD}permit(principal, action, resource);\n@id(\"c\") permit(principal, action, resource) when {{ context.nope }};\n@id(\"d\")\npermit(principal in PrivateLink::AccountGroup::\"redis-consumer\", action, resource);\n"
    );
    insta::assert_snapshot!(refused(&policy, r#"{"redis-consumers": {"accounts": ["111122223333"]}}"#));
}

#[test]
fn each_account_of_a_group_is_checked() {
    insta::assert_snapshot!(refused(GOOD, "{\"g\": {\"accounts\": [\n\"111122223333\",\n\"11112222333\",\n\"111122223333\"]}}"));
    insta::assert_snapshot!(refused(GOOD, "{\"g\": {\"acounts\": []}}"));
    let twice = refused(GOOD, "{\"g\": {\"accounts\": [\"111122223333\"]},\n\"g\": {\"accounts\": [\"444455556666\"]}}");
    assert!(twice.contains("groups.json:2: there are two groups `g`"), "{twice}");
}

#[test]
fn digest_covers_texts_names_and_groups() {
    let load = |name: &str, text: &str, groups: &str| {
        PolicySet::load(&[file(name, text)], Some(&file("groups.json", groups))).unwrap().digest().to_owned()
    };
    let base = load("a.cedar", GOOD, "{}");
    assert_eq!(base.len(), 64);
    assert_eq!(base, load("a.cedar", GOOD, "{}"));
    for other in [load("b.cedar", GOOD, "{}"), load("a.cedar", &format!("{GOOD} "), "{}"), load("a.cedar", GOOD, "{ }")] {
        assert_ne!(base, other);
    }
}
