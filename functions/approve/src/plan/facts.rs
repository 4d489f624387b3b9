//! The facts that a request is judged by: what EC2 describes, the counts, and what events claim.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use warden::{
    decision::{Grounds, grant::Grant, queue::RunningCounts},
    ledger::{
        pending::Proof,
        record::Act,
        service_state::{RECENT_ACT_AGE_MAX, RecentAct},
    },
    model::{
        connection::{Connection, Phase},
        facts::{Claim, Facts},
        ids::AccountId,
        origin::Origin,
        subject::Subject,
    },
};

use super::{Gathered, Rules};

impl Gathered {
    pub(super) fn facts(&self, connection: &Connection, counts: &RunningCounts, rules: &Rules<'_>) -> Facts {
        let proof = self.items.proofs.get(&connection.subject);
        let known = proof.and_then(|proof| proof.reason.as_ref());
        let claimed = self.claim(connection, rules.now).map(|(claim, _)| {
            let reason = claim.reason.as_ref().or(known).cloned();
            Claim { reason, ..claim.clone() }
        });
        let proven = || proof.map(|proof| proof.claim(connection));
        let facts = Facts::described(self.service.clone(), connection.clone(), counts.seen_by(connection), rules.now)
            .with_claim(claimed.or_else(proven));
        let Some(membership) = connection.owner.as_ref().and_then(|owner| self.memberships.get(owner)) else { return facts };
        // A membership that another request of the account asked for changes no answer.
        let matters = rules.policy.needs_organization(&facts) || self.is_granted(connection, rules);
        if matters { facts.with_membership(membership.clone()) } else { facts }
    }

    fn is_granted(&self, connection: &Connection, rules: &Rules<'_>) -> bool {
        Grant::covering(&self.people.grants, connection, rules.now).is_some()
    }

    /// Returns true if AWS Organizations was not asked about the account, and its answer could change the decision.
    pub(super) fn is_question(&self, facts: &Facts, grounds: &Grounds, rules: &Rules<'_>) -> bool {
        let is_asked = |owner| self.memberships.contains_key(owner);
        let is_open = || grounds.judgement.as_ref().is_some_and(|judgement| judgement.residual().next().is_some());
        rules.policy.reads_organization()
            && facts.connection.owner.as_ref().is_some_and(|owner| !is_asked(owner))
            && (is_open() || self.is_granted(&facts.connection, rules))
    }

    /// The accounts of these requests, each once: those of new requests first, then the others in turn, so that no number of waiting
    /// requests keeps a new one from its answer.
    pub(super) fn in_turn(&self, questions: Vec<Connection>, now: Timestamp) -> Vec<AccountId> {
        let (known, mut subjects): (Vec<Connection>, Vec<Connection>) =
            questions.into_iter().partition(|one| self.items.pending.contains_key(&one.subject));
        let turn = usize::try_from(now.as_second() / 300).unwrap_or_default() % known.len().max(1);
        subjects.extend(known.iter().cycle().skip(turn).take(known.len()).cloned());
        let mut seen = BTreeSet::new();
        subjects.into_iter().filter_map(|one| one.owner).filter(|owner| seen.insert(owner.clone())).collect()
    }

    /// The established connections: what EC2 describes, corrected by the own acts of the last minutes.
    pub(crate) fn counts(&self, now: Timestamp) -> RunningCounts {
        let is_live = |connection: &&Connection| match self.items.state.recent_act(&connection.subject, now) {
            Some(Act::Reject) => false,
            Some(Act::Accept) => matches!(connection.state.phase(), Phase::Live | Phase::Waiting),
            None => connection.is_connected(),
        };
        let mut counts = RunningCounts::of(self.connections.iter().filter(is_live));
        self.unlisted(now).into_iter().for_each(|account| counts.add_one_of(account));
        counts
    }

    /// The accounts of the subjects that the warden accepted lately and that EC2 does not list yet.
    fn unlisted(&self, now: Timestamp) -> Vec<Option<&AccountId>> {
        let recent = self.items.state.recent.iter().filter(|act| now.duration_since(act.at) < RECENT_ACT_AGE_MAX);
        let mut last: BTreeMap<&Subject, &RecentAct> = recent.map(|act| (&act.subject, act)).collect();
        for one in &self.connections {
            last.remove(&one.subject);
        }
        last.into_values().filter(|act| act.act == Act::Accept).map(|act| act.account.as_ref()).collect()
    }

    /// The claim that a request is judged by. One that EC2 contradicts comes first, because people are told of it; the proof that
    /// another claim gives is kept.
    pub(super) fn claim(&self, connection: &Connection, now: Timestamp) -> Option<&(Claim, Origin)> {
        self.claims.get(&connection.subject)?.iter().max_by_key(|(claim, _)| {
            let facts = self.claimed(connection, claim, now);
            (facts.disputed_owner().is_some(), facts.requester().is_some(), facts.claimed_reason().is_some())
        })
    }

    fn claimed(&self, connection: &Connection, claim: &Claim, now: Timestamp) -> Facts {
        Facts::described(self.service.clone(), connection.clone(), Default::default(), now).with_claim(Some(claim.clone()))
    }

    /// The roles and reasons of claims that EC2 agrees with and that are not on the ledger.
    pub(super) fn new_proofs(&self, now: Timestamp) -> Vec<Proof> {
        let proof = |connection: &Connection| {
            let Connection { subject, .. } = connection;
            let known = self.items.proofs.get(subject);
            let proves = |(claim, origin): &(Claim, Origin)| {
                let facts = self.claimed(connection, claim, now);
                let reason = facts.claimed_reason().or(known.and_then(|known| known.reason.as_ref())).cloned();
                let (role, event) = (facts.requester().cloned(), origin.id.clone());
                (role.is_some() || reason.is_some()).then(|| Proof { subject: subject.clone(), role, reason, event, at: now })
            };
            // An event without a role must not stand in the way of one that proves it.
            let proof = self.claims.get(subject)?.iter().filter_map(proves).max_by_key(|proof| proof.role.is_some())?;
            known.is_none_or(|known| known.role.is_none() && proof.role.is_some()).then_some(proof)
        };
        self.connections.iter().filter_map(proof).collect()
    }
}
