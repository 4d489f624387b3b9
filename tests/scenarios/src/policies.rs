//! Policy sets of the tests. They do not depend on `policies/`, which an operator edits.

use std::sync::{Arc, LazyLock};

use serde_json::json;
use warden::policy::{PolicyFile, PolicySet};

use crate::ALLOWED;

/// A policy that allows every request.
pub const PERMIT_ALL: &str = "@id(\"all\") permit(principal, action == PrivateLink::Action::\"Accept\", resource);";

/// A policy that allows one account, on a condition.
pub fn permit_account(id: &str, account: &str, condition: &str) -> String {
    format!(
        "@id(\"{id}\") permit(principal == PrivateLink::Account::\"{account}\", action == PrivateLink::Action::\"Accept\", resource)
           when {{ {condition} }};"
    )
}

/// Allows the group of the account [`ALLOWED`] on services that are called `redis`.
pub(crate) static REDIS_POLICY: LazyLock<Arc<PolicySet>> = LazyLock::new(|| {
    let policy = "@id(\"redis-consumers\") @reason(\"teams that agreed to the terms\")
        permit (principal in PrivateLink::AccountGroup::\"redis-consumers\", action == PrivateLink::Action::\"Accept\", resource)
        when { resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\" };";
    let groups = json!({"redis-consumers": {"accounts": [ALLOWED]}}).to_string();
    Arc::new(PolicySet::load(&[file("redis.cedar", policy)], Some(&file("groups.json", &groups))).unwrap())
});

/// Loads one file of policies and perhaps `groups.json`.
pub(crate) fn load(cedar: &str, groups: Option<&str>) -> Arc<PolicySet> {
    let groups = groups.map(|text| file("groups.json", text));
    Arc::new(PolicySet::load(&[file("test.cedar", cedar)], groups.as_ref()).unwrap_or_else(|errors| panic!("{errors}")))
}

/// A file of a policy set.
pub fn file(name: &str, text: &str) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}
