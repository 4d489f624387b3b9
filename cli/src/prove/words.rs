//! A request that a solver came up with, in words.

use std::collections::BTreeSet;

use cedar_policy::{Authorizer, EntityUid, EvalResult, PolicySet as CedarPolicySet};
use cedar_policy_symcc::Env;
use warden::policy::{PolicySet, UnknownFact};

use super::{lists::Lists, world::World};

/// The policies of a set by which a request is let in, while these facts are not known: those that ask for them take no
/// part.
pub(super) fn let_in_by(found: &Env, set: &PolicySet, unknown: &BTreeSet<UnknownFact>) -> String {
    let sure = set.parts(unknown).and_then(|(sure, _)| CedarPolicySet::from_policies(sure).ok()).unwrap_or_default();
    let response = Authorizer::new().is_authorized(&found.request, &sure, &found.entities);
    let mut by: Vec<String> = response.diagnostics().reason().map(|id| format!("`{id}`")).collect();
    by.sort();
    by.join(", ")
}

/// The facts of a request, of those that the policies' text speaks of: the solver's choice of the others says nothing.
pub(super) fn facts(found: &Env, text: &str, world: &World) -> String {
    let mut words = found.request.principal().map_or_else(|| "an account".to_owned(), |account| asker(found, account, text, &world.lists));
    if let Some(service) = found.request.resource() {
        words.push_str(&asked(found, service));
    }
    let Some(context) = found.request.context() else { return words };
    let part = |name: &str| context.get(name).filter(|_| text.contains(name));
    if let Some(EvalResult::Record(counts)) = part("connections") {
        for (name, whose) in [("ofAccount", "of the account"), ("ofService", "of all")] {
            if let Some(count) = counts.get(name).filter(|_| text.contains(name)) {
                words.push_str(&format!(", with {count} connections {whose}"));
            }
        }
    }
    if let Some(EvalResult::Record(endpoint)) = part("endpoint") {
        for (name, what) in
            [("id", "endpoint"), ("region", "from the Region"), ("ipAddressType", "over"), ("crossRegion", "across Regions:")]
        {
            if let Some(value) = endpoint.get(name).filter(|_| text.contains(&format!("endpoint.{name}"))) {
                words.push_str(&format!(", {what} {}", plain(&value.to_string())));
            }
        }
    }
    if let Some(EvalResult::Record(requester)) = part("requester")
        && let Some(EvalResult::String(role)) = requester.get("role")
    {
        words.push_str(&format!(", asked by the role `{}`", plain(role)));
    }
    for (name, what) in [("now", "at"), ("requestedAt", "requested at")] {
        if let Some(moment) = part(name) {
            words.push_str(&format!(", {what} {}", time(&moment.to_string())));
        }
    }
    words
}

fn asker(found: &Env, account: &EntityUid, text: &str, lists: &Lists) -> String {
    let all: BTreeSet<&EntityUid> = found.entities.ancestors(account).into_iter().flatten().collect();
    let groups = all.iter().copied().filter(|uid| uid.type_name().basename() == "AccountGroup").collect();
    let named = lists.names(account);
    let mut words = if named { format!("account {}", plain(account.id().as_ref())) } else { "an account".to_owned() };
    // A group of old, under its new name, says nothing to a reader.
    let mut within: Vec<String> =
        all.iter().filter(|uid| text.contains(&uid.to_string())).map(|uid| format!("`{}`", plain(uid.id().as_ref()))).collect();
    within.sort();
    words.push_str(&if within.is_empty() { " in no group and no unit".to_owned() } else { format!(" in {}", within.join(" and ")) });
    if let Some(somebody) = lists.somebody(&groups).filter(|_| !named) {
        words.push_str(&format!(" (such as {somebody})"));
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

fn asked(found: &Env, service: &EntityUid) -> String {
    let id: &str = service.id().as_ref();
    let name = if id.starts_with("vpce-svc-") { format!(" asking for {id}") } else { " asking for a service".to_owned() };
    let Some(entity) = found.entities.get(service) else { return name };
    let mut tags: Vec<String> =
        entity.tags().filter_map(|(key, value)| Some(format!("{}={}", plain(key), plain(&value.ok()?.to_string())))).collect();
    // An empty value is one that does not matter.
    tags.retain(|tag| !tag.ends_with('='));
    tags.sort();
    if tags.is_empty() { name } else { format!("{name} tagged {}", tags.join(" ")) }
}

/// A solver's strings may hold anything.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).take(80).collect::<String>().trim_matches('"').to_owned()
}

/// Cedar writes a moment as a day with an offset in milliseconds.
fn time(text: &str) -> String {
    let day = text.split_once("datetime(\"").and_then(|(_, rest)| rest.split_once('"')).map(|(day, _)| day);
    let offset = text.split_once("duration(\"").and_then(|(_, rest)| rest.split_once("ms")).and_then(|(ms, _)| ms.parse().ok());
    let start = day.and_then(|day| format!("{day}T00:00:00Z").parse::<jiff::Timestamp>().ok());
    let moment = start.and_then(|start| start.checked_add(jiff::SignedDuration::from_millis(offset.unwrap_or(0))).ok());
    moment.map_or_else(|| "some time".to_owned(), |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
