//! Counterexamples in words.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, EntityUid, EvalResult, PolicySet as CedarPolicySet};
use cedar_policy_symcc::Env;
use jiff::{SignedDuration, Timestamp};
use warden::policy::{PolicySet, UnknownFact};

use crate::groups::Groups;

/// The policies that accept the request while some facts are unknown.
pub(crate) fn accepting_policies(found: &Env, set: &PolicySet, unknown: &BTreeSet<UnknownFact>) -> String {
    let independent = set.parts(unknown).and_then(|(independent, _)| CedarPolicySet::from_policies(independent).ok());
    let response = Authorizer::new().is_authorized(&found.request, &independent.unwrap_or_default(), &found.entities);
    let mut ids: Vec<String> = response.diagnostics().reason().map(|id| format!("`{id}`")).collect();
    ids.sort();
    ids.join(", ")
}

/// The attributes of the context: their path, the text that reads them, and the words for them.
const CONTEXT: [(&[&str], &str, &str); 11] = [
    (&["connections", "ofAccount"], "ofAccount", "with {} connections of the account"),
    (&["connections", "ofService"], "ofService", "with {} connections of the service"),
    (&["kind"], "context.kind", "as {}"),
    (&["endpoint", "id"], "endpoint.id", "endpoint {}"),
    (&["attachment", "id"], "attachment.id", "attachment {}"),
    (&["endpoint", "region"], "endpoint.region", "from the Region {}"),
    (&["endpoint", "ipAddressType"], "endpoint.ipAddressType", "over {}"),
    (&["endpoint", "crossRegion"], "endpoint.crossRegion", "across Regions: {}"),
    (&["requester", "role"], "requester", "by the role `{}`"),
    (&["now"], "now", "at {}"),
    (&["requestedAt"], "requestedAt", "requested at {}"),
];

/// The facts of the request that occur in the policies' text. The solver's choice of all others is arbitrary.
pub(crate) fn describe(found: &Env, text: &str, groups: &Groups) -> String {
    let mut words = found.request.principal().map_or_else(|| "an account".to_owned(), |account| requester(found, account, text, groups));
    words.extend(found.request.resource().map(|service| requested(found, service)));
    for (path, _, phrase) in CONTEXT.iter().filter(|(_, read, _)| text.contains(read)) {
        let top = found.request.context().and_then(|context| context.get(path.first()?));
        let value = path.iter().skip(1).fold(top, |value, name| match value {
            Some(EvalResult::Record(record)) => record.get(name).cloned(),
            _ => None,
        });
        let value = value.map(|value| value.to_string()).map(|value| minute(&value).unwrap_or_else(|| plain(&value)));
        // As with tags, an empty value is one that does not matter.
        words.extend(value.filter(|value| !value.is_empty()).map(|value| format!(", {}", phrase.replace("{}", &value))));
    }
    words
}

fn requester(found: &Env, account: &EntityUid, text: &str, groups: &Groups) -> String {
    let ancestors: BTreeSet<&EntityUid> = found.entities.ancestors(account).into_iter().flatten().collect();
    let is_named = groups.names(account);
    let mut words = if is_named { format!("account {}", plain(account.id().as_ref())) } else { "an account".to_owned() };
    // The new name of an old group does not occur in the text.
    let read = ancestors.iter().filter(|uid| text.contains(&uid.to_string()));
    let mut within: Vec<String> = read.map(|uid| format!("`{}`", plain(uid.id().as_ref()))).collect();
    within.sort();
    words.push_str(&if within.is_empty() { " in no group and no unit".to_owned() } else { format!(" in {}", within.join(" and ")) });
    let within = ancestors.iter().copied().filter(|uid| uid.type_name().basename() == "AccountGroup").collect();
    if let Some(example) = groups.example(&within).filter(|_| !is_named) {
        words.push_str(&format!(" (such as {example})"));
    }
    if let Some(entity) = found.entities.get(account) {
        for name in ["name", "status"].into_iter().filter(|name| text.contains(name)) {
            if let Some(Ok(EvalResult::String(value))) = entity.attr(name) {
                words.push_str(&format!(", {name} `{}`", plain(&value)));
            }
        }
    }
    words
}

fn requested(found: &Env, service: &EntityUid) -> String {
    let id: &str = service.id().as_ref();
    let name = if id.starts_with("vpce-svc-") { format!(" requesting {id}") } else { " requesting a service".to_owned() };
    let tags = found.entities.get(service).into_iter().flat_map(|entity| entity.tags());
    let tag = |(key, value): (&str, Result<EvalResult, _>)| Some(format!("{}={}", plain(key), plain(&value.ok()?.to_string())));
    // An empty value is one that does not matter.
    let mut tags: Vec<String> = tags.filter_map(tag).filter(|tag| !tag.ends_with('=')).collect();
    tags.sort();
    if tags.is_empty() { name } else { format!("{name} tagged {}", tags.join(" ")) }
}

/// A string of the solver, which may contain any character.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(80).collect::<String>().trim_matches('"').to_owned()
}

/// A time as Cedar writes it: a day, and an offset in milliseconds.
fn minute(text: &str) -> Option<String> {
    let between = |before: &str, after: &str| Some(text.split_once(before)?.1.split_once(after)?.0);
    let offset_ms = between("duration(\"", "ms").and_then(|ms| ms.parse().ok()).unwrap_or(0);
    let start: Timestamp = format!("{}T00:00:00Z", between("datetime(\"", "\"")?).parse().ok()?;
    let time = start.checked_add(SignedDuration::from_millis(offset_ms)).ok()?;
    Some(time.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
