//! What one invocation was told, and what that allows.

use warden::{decision::grant::Grant, model::connection::State};

use super::{House, Invocation, MEMBER_KNOWN_FOR, Request, SERVICE_KNOWN_FOR, count, covers, is_live};
use crate::{
    ports::Log,
    reference::{self, Answer, Facts},
    story::ACCOUNTS,
};

/// What one invocation was told.
pub(super) struct Grounds<'h> {
    pub(super) house: &'h House<'h>,
    pub(super) invocation: &'h Invocation,
    pub(super) log: &'h Log,
}

impl Grounds<'_> {
    /// Whether the n-th list of connections, with all else that was told, allows an answer.
    pub(super) fn allow(&self, request: &Request, n: usize, answer: Answer) -> bool {
        let list = &self.log.lists[n];
        let found = list.iter().find(|one| one.endpoint.as_str() == request.endpoint && one.state == State::PendingAcceptance);
        let Some(connection) = found else { return false };
        let owner = connection.owner.as_ref().map(|owner| owner.as_str());
        let claim = self.invocation.claim.as_ref().filter(|claim| claim.endpoint == request.endpoint);
        if claim.is_some_and(|claim| Some(claim.owner.as_str()) != owner) {
            return false;
        }
        let since = self.invocation.since - SERVICE_KNOWN_FOR;
        let services = self.log.services.iter().filter(|(at, service)| *at > since && service.id == connection.service);
        let set = &self.invocation.in_force;
        let (least, most) = self.counts(request, n, answer);
        let mut all = Vec::new();
        for (_, service) in services.filter(|(_, service)| self.house.scope().covers(service)) {
            for member in self.members(owner) {
                for now in &self.invocation.nows {
                    for of_account in least.0..=most.0 {
                        for of_service in least.1..=most.1 {
                            all.push(Facts {
                                endpoint: request.endpoint.clone(),
                                account: owner.map(str::to_owned),
                                created: connection.created,
                                region: connection.region.as_ref().map(ToString::to_string),
                                service: request.service.clone(),
                                name: service.tags.get("Name").cloned(),
                                service_region: service.region.to_string(),
                                member: member.clone(),
                                role: owner.and_then(|owner| claim?.proves(&request.endpoint, owner)),
                                of_account,
                                of_service,
                                now: *now,
                            });
                        }
                    }
                }
            }
        }
        let held = |grants: &[Grant], facts: &Facts| {
            grants.iter().any(|grant| covers(grant, request) && grant.until.is_none_or(|until| facts.now < until))
        };
        match answer {
            Answer::Accept => all.iter().any(|facts| {
                reference::answer(set, facts) == Answer::Accept || reference::granted(set, facts, held(&self.invocation.granted, facts))
            }),
            // A person's grant stands above a policy that turns it away.
            Answer::Reject => all.iter().any(|facts| {
                reference::answer(set, facts) == Answer::Reject && !reference::granted(set, facts, held(&self.invocation.phase, facts))
            }),
            Answer::Wait { .. } => false,
        }
    }

    /// What the organization may have told of an account: nothing, or what it said lately.
    fn members(&self, owner: Option<&str>) -> Vec<reference::Member> {
        let mut members = vec![reference::Member::Unknown];
        if reference::speaks_of_organization(&self.invocation.in_force) {
            let since = self.invocation.since - MEMBER_KNOWN_FOR;
            let told = self.log.members.iter().filter(|(at, account, _)| *at > since && Some(account.as_str()) == owner);
            members.extend(told.map(|(.., member)| member.clone()));
        }
        members
    }

    /// The least and the most that it can have counted beside a request: of its account, of everybody. Whom it let in since
    /// the list was read, and before it asked for this one, counts; whom it only asked for may. So may all of them where it turns
    /// somebody away: a chunk is decided as a whole, and its acceptances are sent first.
    fn counts(&self, request: &Request, n: usize, answer: Answer) -> ((i64, i64), (i64, i64)) {
        let account = ACCOUNTS[request.account];
        let here = |endpoint: &str| {
            self.house
                .requests
                .iter()
                .find(|one| one.endpoint == endpoint && one.service == request.service && one.endpoint != request.endpoint)
        };
        let list = &self.log.lists[n];
        let live: Vec<_> = list
            .iter()
            .filter(|one| {
                one.service.as_str() == request.service && one.endpoint.as_str() != request.endpoint && is_live(one.state.as_str())
            })
            .collect();
        let listed = |endpoint: &str| live.iter().any(|one| one.endpoint.as_str() == endpoint);
        let more = |ids: Vec<&str>| {
            let new: Vec<&Request> = ids.into_iter().filter(|id| !listed(id)).filter_map(here).collect();
            let mut unique: Vec<&str> = new.iter().map(|one| one.endpoint.as_str()).collect();
            unique.sort_unstable();
            unique.dedup();
            let of_account = unique.iter().filter(|id| new.iter().any(|one| one.endpoint == **id && one.account == request.account));
            (count(of_account), count(unique.iter()))
        };
        let of_account = count(live.iter().filter(|one| one.owner.as_ref().is_some_and(|owner| owner.as_str() == account)));
        let base = (of_account, count(live.iter()));
        let turn = |endpoint: &str| self.log.asked.iter().rposition(|id| id.as_str() == endpoint);
        let before = |endpoint: &str| turn(&request.endpoint).is_none_or(|own| turn(endpoint).is_some_and(|turn| turn < own));
        let sure = self.log.let_in.iter().filter(|_| answer == Answer::Accept);
        let let_in = sure.filter(|(read, id)| *read > n && before(id.as_str()));
        let sure = more(let_in.map(|(_, id)| id.as_str()).collect());
        let perhaps = more(self.log.asked.iter().map(|id| id.as_str()).collect());
        ((base.0 + sure.0, base.1 + sure.1), (base.0 + perhaps.0, base.1 + perhaps.1))
    }
}
