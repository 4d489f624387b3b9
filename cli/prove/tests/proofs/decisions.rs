//! Proofs compared with decisions: random sets, and every kind of request that their policies can distinguish. A proof that
//! a decision contradicts is wrong, and so is a refutation that no decision confirms.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use jiff::Timestamp;
use prove::Outcome;
use warden::{
    decision::{Action, decide},
    model::{
        connection::{Connection, State},
        facts::{Claim, Counts, Facts},
        ids::{AccountId, Region},
        organization::{Member, Membership},
        service::{Service, ServiceKind},
    },
    policy::{Answer, PolicySet},
};

use super::{check, compare, is_proved, refuted, set};

const GROUPS: &str =
    r#"{"g": {"accounts": ["111122223333", "000011112222"]}, "h": {"accounts": ["111122223333"]}, "empty": {"accounts": []}}"#;
const OTHER_GROUPS: &str =
    r#"{"g": {"accounts": ["111122223333"]}, "h": {"accounts": ["111122223333", "999900001111"]}, "empty": {"accounts": []}}"#;

/// The number of random sets. `PROVE_ROUNDS` raises it.
fn rounds() -> u64 {
    std::env::var("PROVE_ROUNDS").map_or(16, |rounds| rounds.parse().unwrap())
}

/// A generator (xorshift) that draws the same sets in every run, so that a failure can be reproduced.
struct Generator(u64);

impl Generator {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        from[usize::try_from(self.0 % from.len() as u64).unwrap()]
    }

    /// One to four policies about groups, accounts, units, statuses, roles, Regions and counts.
    fn policies(&mut self) -> String {
        let principals = [
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
        let conditions = [
            "principal in PrivateLink::AccountGroup::\"h\"",
            "principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"",
            "principal has status && principal.status == \"ACTIVE\"",
            "context has requester && context.requester.role == \"arn:aws:iam::111122223333:role/x\"",
            "context.connections.ofAccount < 2",
            "context.connections.ofAccount < 2 && principal in PrivateLink::OrganizationalUnit::\"ou-ab12-cdefgh34\"",
            "context.connections.ofService >= 2 || context has requester",
            "context.endpoint has crossRegion && context.endpoint.crossRegion",
            "context.endpoint has region && context.endpoint.region == resource.region",
        ];
        let mut text = String::new();
        for id in ["a", "b", "c", "d"].iter().take(1 + self.pick(&["", "1", "12", "123"]).len()) {
            let effect = self.pick(&["permit", "permit", "forbid"]);
            let condition = match self.pick(&["", "when", "unless"]) {
                "" => String::new(),
                kind => format!("{kind} {{ {} }}", self.pick(&conditions)),
            };
            let (principal, action) = (self.pick(&principals), self.pick(&actions));
            writeln!(text, "@id(\"{id}\") {effect} ({principal}, {action}, resource) {condition};").unwrap();
        }
        text
    }
}

/// Every kind of request that such policies can distinguish, and what AWS Organizations would state of it.
fn requests() -> Vec<(Facts, Membership)> {
    let member = |units: &[&str], state: &str| {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        Membership::Member(Member { name: None, state: state.to_owned(), units })
    };
    let unit = ["ou-ab12-cdefgh34"];
    let unknown = Membership::Unknown { why: "throttled".to_owned() };
    let organization = [member(&unit, "ACTIVE"), member(&[], "ACTIVE"), member(&unit, "SUSPENDED"), Membership::Outside, unknown];
    let mut all = Vec::new();
    for account in ["111122223333", "000011112222", "999900001111", "555566667777"] {
        for membership in &organization {
            for role in [None, Some("x"), Some("y")] {
                for region in [Some("us-east-1"), Some("eu-west-1"), None] {
                    for (of_account, of_service) in [(0, 0), (0, 2), (2, 2)] {
                        all.push((facts(account, role, region, Counts { of_account, of_service }), membership.clone()));
                    }
                }
            }
        }
    }
    all
}

fn facts(account: &str, role: Option<&str>, region: Option<&str>, counts: Counts) -> Facts {
    let (owner, now): (AccountId, _) = (account.parse().unwrap(), Timestamp::now());
    let home: Region = "us-east-1".parse().unwrap();
    let connection = Connection {
        service: "vpce-svc-03d5ebb7d9579a2b3".parse().unwrap(),
        subject: "vpce-0c1308d7312217abc".parse().unwrap(),
        owner: Some(owner),
        state: State::PendingAcceptance,
        created: Some(now),
        region: region.map(|region| region.parse().unwrap()),
        ip_address_type: None,
        connected_in_part: false,
    };
    // The role that policies name, or one of the account itself: an event about a role of another account proves nothing.
    let of = |name| if name == "x" { "111122223333" } else { account };
    let role = role.map(|name| format!("arn:aws:iam::{}:role/{name}", of(name)).parse().unwrap());
    let claim = role.map(|role| Claim::recorded(&connection, role));
    let service = Service {
        id: connection.service.clone(),
        region: home,
        kind: ServiceKind::Interface,
        acceptance_required: true,
        tags: BTreeMap::new(),
    };
    Facts::described(service, connection, counts, now).with_claim(claim)
}

/// The decision on a request. AWS Organizations is asked if the set needs it, as approve does.
fn decision(policies: &PolicySet, (facts, membership): &(Facts, Membership)) -> &'static str {
    let membership = if policies.needs_organization(facts) { membership.clone() } else { Membership::NotAsked };
    determined(policies, &facts.clone().with_membership(membership)).0
}

/// The decision on these facts, and the policies that determine it.
fn determined(policies: &PolicySet, facts: &Facts) -> (&'static str, Vec<String>) {
    let decision = decide(policies, facts, &[]);
    let judgement = decision.grounds.judgement.unwrap();
    let ids = |answer: Answer| answer.policies.into_iter().map(|policy| policy.id.into()).collect();
    match decision.action {
        Action::Accept(_) => ("accept", ids(judgement.accept)),
        Action::Reject(_) => ("reject", ids(judgement.reject)),
        Action::Refer(_) | Action::NoAction(_) => ("wait", Vec::new()),
    }
}

#[test]
fn comparisons_agree_with_decisions() {
    let (mut generator, requests) = (Generator(20_261_125), requests());
    let mut seen = BTreeMap::new();
    for round in 0..rounds() {
        let (old, new) = (generator.policies(), generator.policies());
        let groups = generator.pick(&[GROUPS, OTHER_GROUPS]);
        let (before, after) = (set(&old, GROUPS), set(&new, groups));
        let Some(verdicts) = compare(&before, &after) else { return };
        let more = requests.iter().find(|request| decision(&after, request) == "accept" && decision(&before, request) != "accept");
        *seen.entry(more.is_some()).or_insert(0) += 1;
        let undecided = verdicts.iter().any(|verdict| matches!(verdict.outcome, Outcome::Undecided(_)));
        assert!(!undecided, "round {round}\n{old}\n{new}\n{verdicts:?}");
        assert_eq!(is_proved(&verdicts), more.is_none(), "round {round}, {groups}\n{old}\n{new}\n{verdicts:?}\n{more:?}");
    }
    assert!(seen.len() == 2 && seen.values().all(|count| *count >= 2), "{seen:?}");
}

#[test]
fn claims_agree_with_decisions() {
    let (mut generator, requests) = (Generator(4_711), requests());
    let mut seen = BTreeMap::new();
    for round in 0..rounds() {
        let text = generator.policies();
        let policies = set(&text, GROUPS);
        let Some(checked) = check(&policies) else { return };
        let [_, dead, idle] = refuted(&checked);
        let undecided =
            checked.tallies.iter().flat_map(|tally| &tally.outcomes).any(|(_, outcome)| matches!(outcome, Outcome::Undecided(_)));
        assert!(!undecided, "round {round}\n{text}\n{checked:?}");
        // Another policy may be why Organizations is asked.
        let told = requests.iter().map(|(facts, membership)| facts.clone().with_membership(membership.clone()));
        let determining: BTreeSet<String> = told.flat_map(|facts| determined(&policies, &facts).1).collect();
        let before: Vec<&str> = requests.iter().map(|request| decision(&policies, request)).collect();
        for policy in text.lines() {
            let id = &policy[5..6];
            let is_dead = policy.contains(" permit ") && !determining.contains(id);
            assert_eq!(dead.contains(&id), is_dead, "round {round}, `{id}`\n{text}\n{checked:?}");
            *seen.entry(("dead", is_dead)).or_insert(0) += 1;
            let rest: String = text.lines().filter(|line| *line != policy).map(|line| format!("{line}\n")).collect();
            if is_dead || rest.is_empty() {
                continue;
            }
            let without = set(&rest, GROUPS);
            let is_idle = requests.iter().zip(&before).all(|(request, before)| decision(&without, request) == *before);
            assert_eq!(idle.contains(&id), is_idle, "round {round}, `{id}`\n{text}\n{checked:?}");
            *seen.entry(("idle", is_idle)).or_insert(0) += 1;
        }
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count >= 2), "{seen:?}");
}
