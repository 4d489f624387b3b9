//! Checks the entity ids in policies. Cedar checks types and not ids: a policy with a misspelt id would never match.

use cedar_policy::EntityUid;

use crate::{
    model::{
        ids::{AccountId, ServiceId},
        organization::is_unit,
    },
    policy::{files::did_you_mean, groups::Groups, names::GroupName},
};

/// Names in one message.
const NAMES_MAX: usize = 20;

/// Returns the problem of an entity id, if it has one. Without `groups`, names of groups are not checked.
pub(super) fn problem(uid: &EntityUid, groups: Option<&Groups>) -> Option<String> {
    let id: &str = uid.id().as_ref();
    match uid.type_name().basename() {
        "AccountGroup" => groups.filter(|groups| !groups.has(id)).map(|groups| no_such_group(id, groups)),
        "Account" => id.parse::<AccountId>().err().map(|error| error.to_string()),
        "EndpointService" => id.parse::<ServiceId>().err().map(|error| error.to_string()),
        "OrganizationalUnit" if !is_unit(id) => Some(format!("`{id}` is not the id of a unit (`ou-…`) or a root (`r-…`)")),
        _ => None,
    }
}

fn no_such_group(name: &str, groups: &Groups) -> String {
    let names = || groups.names().map(GroupName::as_str);
    let mut known: Vec<&str> = names().take(NAMES_MAX + 1).collect();
    if let Some(last) = known.get_mut(NAMES_MAX) {
        *last = "…";
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("there is no group `{name}` in groups.json{} (groups: {known})", did_you_mean(name, names()))
}
