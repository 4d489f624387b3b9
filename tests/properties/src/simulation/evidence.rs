//! The evidence of one intent: what the worker was told last before it, and what people had decided by then.

use std::collections::BTreeSet;

use warden::{
    ledger::record::Act,
    model::connection::{Connection, State},
};

use super::{MEMBER_KNOWN_FOR, Request, Simulation, invocations::Invocation, is_live, people::People};
use crate::{
    ports::Log,
    reference::{self, Answer, Facts, Member},
    scenario::ACCOUNTS,
};

/// Numbers of connections of an account and of all accounts.
type Counts = (i64, i64);

pub(super) struct Evidence<'s> {
    pub(super) simulation: &'s Simulation<'s>,
    pub(super) invocation: &'s Invocation,
    pub(super) log: &'s Log,
    /// The decisions that were on the ledger when the intent was written.
    pub(super) people: &'s People,
}

impl Evidence<'_> {
    /// Returns true if an act follows from what the worker was told, while at least so many others are connected. The acceptances that
    /// precede it in the same intent count.
    pub(super) fn allows(&self, act: Act, request: &Request, preceding: &BTreeSet<String>, least: Counts) -> bool {
        let Some(list) = self.log.lists.get(&request.service) else { return false };
        let Some(connection) = list.iter().find(|one| one.subject.as_str() == request.endpoint) else { return false };
        let is_pending = connection.state == State::PendingAcceptance;
        let refusal = |now| self.people.refusal(request, now);
        let refused = self.invocation.nows.iter().filter_map(|now| refusal(*now)).any(|refused| is_pending || refused.disconnects);
        if act == Act::Reject && refused {
            return true;
        }
        is_pending && !self.is_disputed(request, connection) && {
            let (from, to) = self.counts(request, list, preceding);
            let from = (from.0.max(least.0), from.1.max(least.1));
            let to = (to.0.max(least.0), to.1.max(least.1));
            let all = self.possible_facts(request, connection, from, to);
            all.iter().any(|facts| refusal(facts.now).is_none() && self.follows(act, request, facts))
        }
    }

    /// Returns true if only a decision of a person stands against an act.
    pub(super) fn is_overruled(&self, act: Act, request: &Request) -> bool {
        self.invocation.nows.iter().all(|now| match act {
            Act::Accept => self.people.refusal(request, *now).is_some(),
            Act::Reject => self.people.refusal(request, *now).is_none() && self.people.has_grant(request, *now),
        })
    }

    fn follows(&self, act: Act, request: &Request, facts: &Facts) -> bool {
        let policies = &self.invocation.in_force;
        let by_grant = reference::accepts_by_grant(policies, facts, self.people.has_grant(request, facts.now));
        let answer = reference::answer(policies, facts);
        match act {
            Act::Accept => answer == Answer::Accept || by_grant,
            // A grant overrides a policy that rejects.
            Act::Reject => answer == Answer::Reject && !by_grant,
        }
    }

    fn is_disputed(&self, request: &Request, connection: &Connection) -> bool {
        let claim = self.invocation.claims.iter().rfind(|claim| claim.is_about(&request.endpoint, &request.service));
        let claimed = claim.and_then(|claim| claim.owner.as_deref());
        claimed.is_some_and(|claimed| connection.owner.as_ref().is_none_or(|owner| owner.as_str() != claimed))
    }

    fn possible_facts(&self, request: &Request, connection: &Connection, from: Counts, to: Counts) -> Vec<Facts> {
        let Some(service) = self.log.services.get(&request.service).filter(|service| self.simulation.scope().covers(service)) else {
            return Vec::new();
        };
        let owner = connection.owner.as_ref().map(|owner| owner.as_str());
        let facts = |now, role: &Option<String>, member: &Member, (of_account, of_service): Counts| Facts {
            endpoint: request.endpoint.clone(),
            account: owner.map(str::to_owned),
            created: connection.created,
            region: connection.region.as_ref().map(ToString::to_string),
            address_type: connection.ip_address_type.clone(),
            role: role.clone(),
            member: member.clone(),
            service: request.service.clone(),
            name: service.tags.get("Name").cloned(),
            service_region: service.region.to_string(),
            of_account,
            of_service,
            now,
        };
        let (roles, members) = (self.roles(request, owner), self.members(owner));
        let mut all = Vec::new();
        for now in &self.invocation.nows {
            for role in &roles {
                for member in &members {
                    for of_account in from.0..=to.0 {
                        all.extend((from.1..=to.1).map(|of_service| facts(*now, role, member, (of_account, of_service))));
                    }
                }
            }
        }
        all
    }

    /// The roles that an event proved, of this batch or of an earlier one. An earlier proof may not be on the ledger.
    fn roles(&self, request: &Request, owner: Option<&str>) -> BTreeSet<Option<String>> {
        let proofs = self.simulation.claims.iter().filter_map(|claim| claim.proves(&request.endpoint, owner?));
        proofs.map(Some).chain([None]).collect()
    }

    /// The memberships that it may still use. It may also not have asked.
    fn members(&self, owner: Option<&str>) -> Vec<Member> {
        let mut members = vec![Member::Unknown];
        if reference::reads_organization(&self.invocation.in_force) {
            let since = self.invocation.since - MEMBER_KNOWN_FOR;
            let told = self.log.members.iter().filter(|(at, account, _)| *at > since && Some(account.as_str()) == owner);
            members.extend(told.map(|(.., member)| member.clone()));
        }
        members
    }

    /// The least and the most connections that it can have counted beside a request. Those that are connected and the acceptances that
    /// precede count. The other pending ones may have been accepted before this one was judged.
    fn counts(&self, request: &Request, list: &[Connection], preceding: &BTreeSet<String>) -> (Counts, Counts) {
        let requests = &self.simulation.requests;
        let is_rejected = |id: &str| requests.iter().any(|one| one.endpoint == id && one.rejected_by_warden);
        let is_accepted = |id: &str| requests.iter().any(|one| one.endpoint == id && one.accepted_beside.is_some());
        let (mut least, mut most) = ((0, 0), (0, 0));
        for other in requests.iter().filter(|one| one.service == request.service && one.endpoint != request.endpoint) {
            let id = other.endpoint.as_str();
            let listed = list.iter().find(|one| one.subject.as_str() == id);
            let of_account = listed.is_some_and(|one| one.owner.as_ref().is_some_and(|owner| owner.as_str() == ACCOUNTS[request.account]));
            let state = listed.map(|one| one.state.as_str());
            let is_connected = state.is_some_and(is_live);
            let counts = (is_connected && !is_rejected(id)) || preceding.contains(id);
            let may_count = counts || is_connected || state == Some("pendingAcceptance") || is_accepted(id);
            least = (least.0 + i64::from(counts && of_account), least.1 + i64::from(counts));
            let may_be_of_account = of_account || (listed.is_none() && other.account == request.account);
            most = (most.0 + i64::from(may_count && may_be_of_account), most.1 + i64::from(may_count));
        }
        (least, most)
    }
}
