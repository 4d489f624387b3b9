//! What every real request keeps to, though the schema lets more be said. Each sentence here is taken for granted by every
//! proof, so each must hold of whatever the warden is ever asked, and says why it does.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Policy as CedarPolicy, PolicyId};
use jiff::Timestamp;
use serde_json::Value;
use warden::policy::UnknownFact;

use super::lists::{Lists, joined};

/// - Counts are `u32` (`warden::facts::Counts`), and an account's connections are among all of the service's.
/// - `now` comes from a clock, which no test turned back, and is no later than `jiff` can say (so that what is added to it
///   here is a moment, too).
/// - An endpoint exists before its request is judged. The clocks are two, EC2's and ours, but EC2 answers nobody whose clock
///   is more than 15 minutes behind its own (`RequestExpired`), and without its answers nothing is judged. Nor is any older
///   than AWS PrivateLink for services of one's own, which came in November 2017.
const ALWAYS: [&str; 7] = [
    "0 <= context.connections.ofAccount",
    "context.connections.ofAccount <= context.connections.ofService",
    "context.connections.ofService <= 4294967295",
    "datetime(\"TODAY\") <= context.now",
    "context.now < datetime(\"9999-12-31\")",
    "datetime(\"2017-11-01\") <= context.requestedAt",
    "context.requestedAt <= context.now.offset(duration(\"15m\"))",
];

/// A moment and lists of accounts to ask about.
pub(super) struct World {
    always: Vec<String>,
    pub(super) lists: Lists,
    /// Whether the lists are told whole. If not, a request that the solver comes up with may be none.
    pub(super) is_exact: bool,
    units: BTreeSet<EntityUid>,
    asked: BTreeSet<UnknownFact>,
}

impl World {
    /// As it is from today on, for some rules with their lists. `asked` are the facts that those rules ask for.
    pub(super) fn of<'a>(rules: impl IntoIterator<Item = &'a CedarPolicy>, lists: Lists, asked: &BTreeSet<UnknownFact>) -> Self {
        let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
        let (everybody, is_exact) = lists.everybody();
        // A role proves something only where it is one of the account that asks (`warden::facts::Facts::requester`).
        let own = |(role, account): (&String, &EntityUid)| {
            format!("(if context has requester then context.requester.role != \"{role}\" || principal == {account} else true)")
        };
        let own: Vec<String> = lists.roles.iter().map(own).collect();
        let always = ALWAYS.iter().map(|one| one.replace("TODAY", &today)).chain(own).chain(everybody).collect();
        let literals = rules.into_iter().flat_map(CedarPolicy::entity_literals);
        let units = literals.filter(|uid| uid.type_name().basename() == "OrganizationalUnit").collect();
        Self { always, lists, is_exact, units, asked: asked.clone() }
    }

    /// Forbids what is never asked, while these facts are not known.
    pub(super) fn nothing_else(&self, unknown: &BTreeSet<UnknownFact>, action: &str) -> Option<CedarPolicy> {
        let all: Vec<String> = self.always.iter().cloned().chain(self.of_facts(unknown, action)).collect();
        let text = format!("forbid(principal, action, resource) unless {{ {} }};", joined(&all, "&&"));
        CedarPolicy::parse(Some(PolicyId::new("no such request")), text).ok()
    }

    /// A rule that asks first whether there could be such a request, so that it cannot fail on another.
    pub(super) fn guarded(&self, rule: &CedarPolicy) -> Option<CedarPolicy> {
        let text = format!("permit(principal, action, resource) when {{ {} }};", joined(&self.always, "&&"));
        let guard = CedarPolicy::parse(None, text).ok()?.to_json().ok()?;
        let mut json = rule.to_json().ok()?;
        let own = json.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        let conditions = guard.get("conditions")?.as_array()?.iter().cloned().chain(own).collect();
        json.as_object_mut()?.insert("conditions".to_owned(), Value::Array(conditions));
        CedarPolicy::from_json(Some(rule.id().clone()), json).ok()
    }

    /// A role that is known is there. Organizations names a state with every account that it names a unit or a name of
    /// (`warden::policy::request`), and an account that it is known to be shutting down is never let in, whatever the rules
    /// say (`warden::decision::weigh`); one of which that is not known is the other question, where nothing is known of it.
    fn of_facts(&self, unknown: &BTreeSet<UnknownFact>, action: &str) -> Vec<String> {
        let is_known = |fact| self.asked.contains(&fact).then(|| !unknown.contains(&fact));
        let mut facts = Vec::new();
        match is_known(UnknownFact::Requester) {
            Some(true) => facts.push("context has requester".to_owned()),
            Some(false) => facts.push("!(context has requester)".to_owned()),
            None => {}
        }
        match is_known(UnknownFact::Organization) {
            Some(true) => {
                facts.push("(!(principal has name) || principal has status)".to_owned());
                facts.extend(self.units.iter().map(|unit| format!("(!(principal in {unit}) || principal has status)")));
                if action == "Accept" {
                    facts.push("(if principal has status then principal.status == \"ACTIVE\" else true)".to_owned());
                }
            }
            Some(false) => facts.push("!(principal has name) && !(principal has status)".to_owned()),
            None => {}
        }
        facts
    }
}
