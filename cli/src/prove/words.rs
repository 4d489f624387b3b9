//! A request that a solver came up with, in words.

use cedar_policy::{Authorizer, EntityUid, EvalResult};
use cedar_policy_symcc::Env;
use warden::policy::Policy;

/// Who asks for what, and by which policies of the new set it is let in.
pub(super) fn request(found: &Env, old: &Policy, new: &Policy) -> String {
    let (set, _) = new.cedar();
    let response = Authorizer::new().is_authorized(&found.request, set, &found.entities);
    let mut by: Vec<String> = response.diagnostics().reason().map(|id| format!("`{id}`")).collect();
    by.sort();
    let text: String = [old, new].iter().flat_map(|set| set.cedar().0.policies()).filter_map(cedar_policy::Policy::to_cedar).collect();
    format!("{}, by {}", facts(found, &text), by.join(", "))
}

/// The facts of a request, of those that the policies' text speaks of: the solver's choice of the others says nothing.
pub(super) fn facts(found: &Env, text: &str) -> String {
    let mut words = found.request.principal().map_or_else(|| "an account".to_owned(), |account| asker(found, account));
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

fn asker(found: &Env, account: &EntityUid) -> String {
    let id: &str = account.id().as_ref();
    let known = id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit());
    let mut text = if known { format!("account {id}") } else { "an account".to_owned() };
    let mut within: Vec<String> =
        found.entities.ancestors(account).into_iter().flatten().map(|uid| format!("`{}`", plain(uid.id().as_ref()))).collect();
    within.sort();
    text.push_str(&if within.is_empty() { " in no group and no unit".to_owned() } else { format!(" in {}", within.join(" and ")) });
    if let Some(entity) = found.entities.get(account) {
        for name in ["name", "status"] {
            if let Some(Ok(EvalResult::String(value))) = entity.attr(name) {
                text.push_str(&format!(", {name} `{}`", plain(&value)));
            }
        }
    }
    text
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
    moment.map_or_else(|| plain(text), |moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
}
