//! What is proved, held against what the warden does: sets drawn at random, and every kind of request that their rules can
//! tell apart, judged by the library itself. A proof that one of these requests contradicts is none, and a refutation that
//! none of them bears out is a false alarm.

use std::{collections::BTreeMap, fmt::Write};

use jiff::Timestamp;
use warden::{
    decision::{Action, decide},
    model::{
        connection::{Connection, State},
        facts::{Claim, Counts, Facts},
        ids::{AccountId, Region},
        organization::{Member, Membership},
        service::{Service, ServiceKind},
    },
    policy::{Answer, PolicySet, folder},
};

use super::{compare, set, there_is_a_solver, warden as run};

const GROUPS: &str =
    r#"{"g": {"accounts": ["111122223333", "000011112222"]}, "h": {"accounts": ["111122223333"]}, "empty": {"accounts": []}}"#;
const OTHER_GROUPS: &str =
    r#"{"g": {"accounts": ["111122223333"]}, "h": {"accounts": ["111122223333", "999900001111"]}, "empty": {"accounts": []}}"#;

/// How many sets are drawn: a few in every run, more where `PROVE_ROUNDS` asks for it.
fn rounds() -> u64 {
    std::env::var("PROVE_ROUNDS").map_or(16, |rounds| rounds.parse().unwrap())
}

/// A small generator (xorshift): the same sets in every run, so that a failure can be looked at again.
struct Dice(u64);

impl Dice {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        from.get(usize::try_from(self.0 % from.len() as u64).unwrap()).unwrap()
    }

    /// One to four rules about groups, accounts, units, states, roles and counts.
    fn rules(&mut self) -> String {
        let heads = [
            "principal",
            "principal in PrivateLink::AccountGroup::\"g\"",
            "principal in PrivateLink::AccountGroup::\"h\"",
            "principal in PrivateLink::AccountGroup::\"empty\"",
            "principal == PrivateLink::Account::\"111122223333\"",
            "principal == PrivateLink::Account::\"999900001111\"",
            "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"",
        ];
        let actions = [
            "action == PrivateLink::Action::\"Accept\"",
            "action == PrivateLink::Action::\"Accept\"",
            "action == PrivateLink::Action::\"Reject\"",
            "action",
        ];
        let bodies = [
            "principal in PrivateLink::AccountGroup::\"h\"",
            "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"",
            "principal has status && principal.status == \"ACTIVE\"",
            "context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/x\"",
            "context.connections.ofAccount < 2",
            "context.connections.ofAccount < 2 && principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"",
            "context.connections.ofService >= 2 || context has requester",
        ];
        let mut text = String::new();
        for id in ["a", "b", "c", "d"].iter().take(1 + self.pick(&["", "1", "12", "123"]).len()) {
            let effect = self.pick(&["permit", "permit", "forbid"]);
            let condition = match self.pick(&["", "when", "unless"]) {
                "" => String::new(),
                kind => format!("{kind} {{ {} }}", self.pick(&bodies)),
            };
            writeln!(text, "@id(\"{id}\") {effect} ({}, {}, resource) {condition};", self.pick(&heads), self.pick(&actions)).unwrap();
        }
        text
    }
}

/// Every kind of request that such rules can tell apart, as it is before anybody asked Organizations, and what it would say.
fn requests() -> Vec<(Facts, Membership)> {
    let member = |units: &[&str], state: &str| {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        Membership::Member(Member { name: None, state: state.to_owned(), units })
    };
    let unit = ["ou-ab12-cdefgh34"];
    let silent = Membership::Unknown { why: "throttled".to_owned() };
    let organization = [member(&unit, "ACTIVE"), member(&[], "ACTIVE"), member(&unit, "SUSPENDED"), Membership::Outside, silent];
    let mut all = Vec::new();
    for account in ["111122223333", "000011112222", "999900001111", "555566667777"] {
        for membership in &organization {
            for role in [None, Some("x"), Some("y")] {
                for (own, all_of) in [(0, 0), (0, 2), (2, 2)] {
                    all.push((facts(account, role, Counts { of_account: own, of_service: all_of }), membership.clone()));
                }
            }
        }
    }
    all
}

fn facts(account: &str, role: Option<&str>, counts: Counts) -> Facts {
    let (owner, now): (AccountId, _) = (account.parse().unwrap(), Timestamp::now());
    let region: Region = "us-east-1".parse().unwrap();
    let connection = Connection {
        service: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
        endpoint: "vpce-0c1308d7312217abc".parse().unwrap(),
        owner: Some(owner),
        state: State::PendingAcceptance,
        created: Some(now),
        region: Some(region.clone()),
        ip_address_type: None,
    };
    // The one that rules name, and one of one's own: what an event says of another account's role proves nothing.
    let of = |name| if name == "x" { "111122223333" } else { account };
    let role = role.map(|name| format!("arn:aws:iam::{}:role/{name}", of(name)).parse().unwrap());
    let claim = role.map(|role| Claim::recorded(&connection, role));
    let service =
        Service { id: connection.service.clone(), region, kind: ServiceKind::Interface, acceptance_required: true, tags: BTreeMap::new() };
    Facts { service, connection, counts, membership: Membership::NotAsked, claim, now }
}

/// What becomes of a request. Organizations is asked where the set needs it, as approve does.
fn becomes(policy: &PolicySet, (facts, membership): &(Facts, Membership)) -> &'static str {
    let told = if policy.needs_organization(facts) { membership.clone() } else { Membership::NotAsked };
    came_to(policy, &Facts { membership: told, ..facts.clone() }).0
}

/// What some facts come to, and by which rules.
fn came_to(policy: &PolicySet, facts: &Facts) -> (&'static str, Vec<String>) {
    let decision = decide(policy, facts, &[]);
    let judgement = decision.grounds.judgement.unwrap();
    let ids = |answer: Answer| answer.policies.into_iter().map(|policy| policy.id.into()).collect();
    match decision.action {
        Action::Accept(_) => ("accept", ids(judgement.accept)),
        Action::Reject(_) => ("reject", ids(judgement.reject)),
        Action::Refer(_) | Action::NoAction(_) => ("wait", Vec::new()),
    }
}

#[test]
fn what_is_said_of_a_change_is_what_the_warden_does() {
    if !there_is_a_solver() {
        return;
    }
    let (mut dice, requests) = (Dice(20_261_125), requests());
    let mut seen = BTreeMap::new();
    for pair in 0..rounds() {
        let (old, new) = (dice.rules(), dice.rules());
        let groups = dice.pick(&[GROUPS, OTHER_GROUPS]);
        let (before, after) = (set(&old, GROUPS), set(&new, groups));
        let (code, said) = compare(before.path(), after.path());
        let (was, is) = (folder::load(before.path()).unwrap(), folder::load(after.path()).unwrap());
        let more = requests.iter().find(|case| becomes(&is, case) == "accept" && becomes(&was, case) != "accept");
        *seen.entry(code).or_insert(0) += 1;
        assert!(!said.contains("undecided"), "pair {pair}\n{old}\n{new}\n{said}");
        assert_eq!(code == 1, more.is_some(), "pair {pair}, groups {groups}\n{old}\n{new}\n{said}\n{more:?}");
    }
    assert!(seen.values().all(|count| *count >= 2) && seen.len() == 2, "both answers were given, and often: {seen:?}");
}

#[test]
fn what_is_said_of_a_rule_is_what_the_warden_does() {
    if !there_is_a_solver() {
        return;
    }
    let (mut dice, requests) = (Dice(4_711), requests());
    let mut seen = BTreeMap::new();
    for round in 0..rounds() {
        let text = dice.rules();
        let whole = set(&text, GROUPS);
        let (_, said) = run(&["--policies", whole.path().to_str().unwrap(), "policy", "check", "--prove"]);
        let policy = folder::load(whole.path()).unwrap();
        assert!(!said.contains("undecided"), "round {round}\n{text}\n{said}");
        for rule in text.lines() {
            let id = rule.get(5..6).unwrap();
            // Another rule may be why Organizations was asked.
            let acts = |(facts, membership): &(Facts, Membership)| {
                let told = Facts { membership: membership.clone(), ..facts.clone() };
                came_to(&policy, &told).1.iter().any(|by| by == id)
            };
            let is_dead = rule.contains(" permit ") && !requests.iter().any(acts);
            assert_eq!(said.contains(&format!("`{id}` lets nobody through")), is_dead, "round {round}, `{id}`\n{text}\n{said}");
            *seen.entry(("dead", is_dead)).or_insert(0) += 1;
            let rest: String = text.lines().filter(|line| *line != rule).map(|line| format!("{line}\n")).collect();
            if is_dead || rest.is_empty() {
                continue;
            }
            let less = set(&rest, GROUPS);
            let less = folder::load(less.path()).unwrap();
            let adds_nothing = requests.iter().all(|case| becomes(&policy, case) == becomes(&less, case));
            assert_eq!(said.contains(&format!("`{id}` adds nothing")), adds_nothing, "round {round}, `{id}`\n{text}\n{said}");
            *seen.entry(("idle", adds_nothing)).or_insert(0) += 1;
        }
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count >= 2), "every answer was given, and often: {seen:?}");
}
