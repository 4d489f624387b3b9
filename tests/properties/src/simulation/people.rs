//! The decisions of people, as the reference model keeps them: by their actions, and not by what the ledger says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use warden::decision::grant::Grantee;

use super::Request;
use crate::scenario::ACCOUNTS;

/// Everything that people decided.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// The grants, ended or not. A grantee has one on a service.
    pub grants: Vec<Granted>,
    /// By endpoint.
    refusals: BTreeMap<String, Refused>,
    /// The services on hold.
    held: BTreeSet<String>,
    stack_held: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub service: String,
    pub to: Grantee,
    at: Timestamp,
    until: Option<Timestamp>,
    ended: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
pub struct Refused {
    at: Timestamp,
    /// It also ends a connection.
    pub disconnects: bool,
}

impl People {
    /// The same grant again changes nothing.
    pub(super) fn grant(&mut self, service: &str, to: Grantee, until: Option<Timestamp>, now: Timestamp) {
        let is_former = |grant: &Granted| grant.service == service && grant.to == to;
        if self.grants.iter().any(|grant| is_former(grant) && grant.holds(now) && grant.until == until) {
            return;
        }
        self.grants.retain(|grant| !is_former(grant));
        self.grants.push(Granted { service: service.to_owned(), to, at: now, until, ended: None });
    }

    pub(super) fn end(&mut self, n: usize, now: Timestamp) {
        let grant = &mut self.grants[n];
        if grant.holds(now) {
            grant.ended = Some(now);
        }
    }

    /// A refusal ends the grant for the endpoint, and no grant for the account.
    pub(super) fn refuse(&mut self, request: &Request, disconnects: bool, now: Timestamp) {
        let ended = |grant: &&mut Granted| grant.service == request.service && grant.names(&request.endpoint) && grant.holds(now);
        self.grants.iter_mut().filter(ended).for_each(|grant| grant.ended = Some(now));
        self.refusals.insert(request.endpoint.clone(), Refused { at: now, disconnects });
    }

    /// Holds a service, or the stack, or ends the hold.
    pub(super) fn hold(&mut self, service: Option<&str>, held: bool) {
        match service {
            None => self.stack_held = held,
            Some(service) if held => drop(self.held.insert(service.to_owned())),
            Some(service) => drop(self.held.remove(service)),
        }
    }

    pub fn holds(&self, service: &str) -> bool {
        self.stack_held || self.held.contains(service)
    }

    pub fn has_grant(&self, request: &Request, now: Timestamp) -> bool {
        self.grants.iter().any(|grant| grant.covers(request) && grant.holds(now))
    }

    /// Returns true if an account has a grant on the service that is later than the refusal of a request.
    pub fn granted_an_account_since_refusal(&self, request: &Request, now: Timestamp) -> bool {
        let Some(refused) = self.refusals.get(&request.endpoint) else { return false };
        let is_account = |grant: &&Granted| matches!(grant.to, Grantee::Account(_)) && grant.service == request.service;
        self.grants.iter().filter(is_account).any(|grant| grant.holds(now) && grant.at > refused.at)
    }

    /// The refusal of a request, unless a later grant covers it.
    pub fn refusal(&self, request: &Request, now: Timestamp) -> Option<Refused> {
        let refused = self.refusals.get(&request.endpoint)?;
        let granted_since = self.grants.iter().any(|grant| grant.covers(request) && grant.holds(now) && grant.at > refused.at);
        (!granted_since).then_some(*refused)
    }
}

impl Granted {
    fn holds(&self, now: Timestamp) -> bool {
        self.until.into_iter().chain(self.ended).all(|end| now < end)
    }

    fn names(&self, endpoint: &str) -> bool {
        matches!(&self.to, Grantee::Subject(subject) if subject.as_str() == endpoint)
    }

    /// Returns true if it is about a request, ended or not.
    pub fn covers(&self, request: &Request) -> bool {
        let is_account = matches!(&self.to, Grantee::Account(account) if account.as_str() == ACCOUNTS[request.account]);
        self.service == request.service && (is_account || self.names(&request.endpoint))
    }
}
