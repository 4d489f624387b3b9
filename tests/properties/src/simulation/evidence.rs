//! The evidence of one invocation: everything that it was told, and the acts that this allows.

use std::collections::BTreeSet;

use warden::{
    decision::grant::Grant,
    model::{connection::State, service::Service},
};

use super::{MEMBER_KNOWN_FOR, Request, SERVICE_KNOWN_FOR, Simulation, count, covers, invocations::Invocation, is_live};
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
}

impl Evidence<'_> {
    /// Returns true if the n-th list of connections allows the answer, with any of the other facts that it was told.
    pub(super) fn allows(&self, request: &Request, n: usize, answer: Answer) -> bool {
        let is_pending = |state: &State| *state == State::PendingAcceptance;
        let listed = self.log.lists[n].iter().find(|one| one.endpoint.as_str() == request.endpoint && is_pending(&one.state));
        let Some(connection) = listed else { return false };
        let owner = connection.owner.as_ref().map(|owner| owner.as_str());
        let claim = self.invocation.claim.as_ref().filter(|claim| claim.endpoint == request.endpoint);
        if claim.and_then(|claim| claim.owner.as_deref()).is_some_and(|claimed| Some(claimed) != owner) {
            return false;
        }
        let (least, most) = self.counts(request, n, answer);
        let facts = |service: &Service, member: &Member, now, (of_account, of_service): Counts| Facts {
            endpoint: request.endpoint.clone(),
            account: owner.map(str::to_owned),
            created: connection.created,
            region: connection.region.as_ref().map(ToString::to_string),
            address_type: connection.ip_address_type.clone(),
            role: owner.and_then(|owner| claim?.proves(&request.endpoint, owner)),
            member: member.clone(),
            service: request.service.clone(),
            name: service.tags.get("Name").cloned(),
            service_region: service.region.to_string(),
            of_account,
            of_service,
            now,
        };
        let counts = || (least.0..=most.0).flat_map(|of_account| (least.1..=most.1).map(move |of_service| (of_account, of_service)));
        let members = self.members(owner);
        self.services(request).any(|service| {
            members.iter().any(|member| {
                let mut nows = self.invocation.nows.iter();
                nows.any(|now| counts().any(|counts| self.follows(answer, request, &facts(service, member, *now, counts))))
            })
        })
    }

    /// Returns true if an answer follows from these facts.
    fn follows(&self, answer: Answer, request: &Request, facts: &Facts) -> bool {
        let policies = &self.invocation.in_force;
        let by_grant = |grants: &[Grant]| {
            let granted = grants.iter().any(|grant| covers(grant, request) && grant.until.is_none_or(|until| facts.now < until));
            reference::accepts_by_grant(policies, facts, granted)
        };
        match answer {
            Answer::Accept => reference::answer(policies, facts) == Answer::Accept || by_grant(&self.invocation.granted),
            // A grant overrides a policy that rejects.
            Answer::Reject => reference::answer(policies, facts) == Answer::Reject && !by_grant(&self.invocation.granted_throughout),
            Answer::Wait { .. } => false,
        }
    }

    /// The descriptions of the service that it may still use.
    fn services(&self, request: &Request) -> impl Iterator<Item = &Service> {
        let since = self.invocation.since - SERVICE_KNOWN_FOR;
        let scope = self.simulation.scope();
        let described = self.log.services.iter().filter(move |(at, service)| *at > since && service.id.as_str() == request.service);
        described.map(|(_, service)| service).filter(move |service| scope.covers(service))
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

    /// The least and the most connections that it can have counted beside a request.
    ///
    /// The endpoints that it accepted after the list was read, and before it asked for this one, count. Those that it only
    /// asked for may count. For a rejection, all of them may: a chunk is decided as a whole, and its acceptances are sent
    /// first.
    fn counts(&self, request: &Request, n: usize, answer: Answer) -> (Counts, Counts) {
        let is_beside = |service: &str, endpoint: &str| service == request.service && endpoint != request.endpoint;
        let live: Vec<_> = self.log.lists[n]
            .iter()
            .filter(|one| is_beside(one.service.as_str(), one.endpoint.as_str()) && is_live(one.state.as_str()))
            .collect();
        let of_account = live.iter().filter(|one| one.owner.as_ref().is_some_and(|owner| owner.as_str() == ACCOUNTS[request.account]));
        let listed = (count(of_account), count(live.iter()));
        let more = |ids: BTreeSet<&str>| {
            let unlisted = ids.into_iter().filter(|id| !live.iter().any(|one| one.endpoint.as_str() == *id));
            let requests = &self.simulation.requests;
            let beside = |id| requests.iter().find(|one| one.endpoint == id && is_beside(&one.service, &one.endpoint));
            let new: Vec<&Request> = unlisted.filter_map(beside).collect();
            (count(new.iter().filter(|one| one.account == request.account)), count(new.iter()))
        };
        let turn = |endpoint: &str| self.log.asked.iter().rposition(|id| id.as_str() == endpoint);
        let before = |endpoint: &str| turn(&request.endpoint).is_none_or(|own| turn(endpoint).is_some_and(|turn| turn < own));
        let accepted = self.log.accepted.iter().filter(|(lists, id)| answer == Answer::Accept && *lists > n && before(id.as_str()));
        let sure = more(accepted.map(|(_, id)| id.as_str()).collect());
        let possible = more(self.log.asked.iter().map(|id| id.as_str()).collect());
        ((listed.0 + sure.0, listed.1 + sure.1), (listed.0 + possible.0, listed.1 + possible.1))
    }
}
