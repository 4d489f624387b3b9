//! An explanation as a person reads it.

use std::collections::BTreeMap;

use warden::{model::organization::Membership, policy::explain::PolicyExplanation};

use super::{Explanation, advice::advice, granted, mark};
use crate::{
    history::by,
    output::minute,
    plan::{name, owner, words},
    policy,
};

impl Explanation {
    pub(super) fn tell(&self) {
        self.tell_facts();
        let (would, because) = words(&self.decision);
        println!("\nBy today's policy ({}): {would}, {because}\n", policy::short(&self.digest));
        for (action, one) in self.policies.iter().filter(|(_, one)| one.in_scope) {
            say(action, one);
        }
        for (id, elsewhere) in nearly(&self.policies) {
            println!("  `{id}` nearly: its conditions hold, but it speaks of another {}", elsewhere.join(" and another "));
        }
        advice(self).iter().for_each(|line| println!("\n{line}"));
        if !self.grants.is_empty() {
            println!("\nGranted by people:");
        }
        for grant in &self.grants {
            let (text, holds) = granted(grant, self.facts.now);
            println!("  {}  {text} ({holds})", minute(grant.at));
        }
        let Some((records, unreadable)) = &self.history else {
            println!("\nGive --ledger to see what people granted, and what stands on the record.");
            return;
        };
        println!("\nOn the record:{}", if records.is_empty() { " nothing" } else { "" });
        for record in records {
            println!("  {}  {}  {}", minute(record.at), record.verdict, by(record));
        }
        unreadable.iter().for_each(|what| println!("  unreadable: {what}"));
    }

    fn tell_facts(&self) {
        let Self { state, facts, .. } = self;
        let connection = &facts.connection;
        println!("{}, of account {}, asks for {} ({})", connection.endpoint, owner(connection), name(&facts.service), facts.service.id);
        println!(
            "  state {}, requested {}, from {}",
            state.as_str(),
            connection.created.map_or("unknown".into(), minute),
            connection.region.as_ref().map_or("an unnamed Region", |region| region.as_str())
        );
        println!("  beside {} connected of the account, {} of all", facts.counts.of_account, facts.counts.of_service);
        if let Membership::Member(member) = &facts.membership {
            let named = member.name.as_deref().unwrap_or("without a name");
            println!("  in the organization: {named}, {}, {}", member.state, member.units.join("/"));
        }
    }
}

fn say(action: &str, one: &PolicyExplanation) {
    let verb = match (action, one.forbids) {
        ("Accept", false) => "permits accepting",
        ("Accept", true) => "forbids accepting",
        (_, false) => "permits rejecting",
        (_, true) => "forbids rejecting",
    };
    let but = match (one.matched(), one.waits()) {
        (true, _) => "",
        (false, true) => "waits, it ",
        (false, false) => "does not match, it ",
    };
    println!("  `{}` {but}{verb}", one.id);
    for condition in &one.conditions {
        println!("      {} — {}", condition.text, mark(&condition.holds));
    }
}

/// Policies of which only the head speaks of something else, and of what. Each is held against both actions, and is as near
/// as the nearer of the two.
pub(super) fn nearly(policies: &[(&str, PolicyExplanation)]) -> BTreeMap<String, Vec<&'static str>> {
    let mut nearly: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (_, one) in policies.iter().filter(|(_, one)| one.matches_elsewhere()) {
        let known = nearly.entry(one.id.clone()).or_insert_with(|| one.elsewhere.clone());
        if one.elsewhere.len() < known.len() {
            known.clone_from(&one.elsewhere);
        }
    }
    nearly.retain(|id, _| !policies.iter().any(|(_, one)| one.in_scope && one.id == *id));
    nearly
}
