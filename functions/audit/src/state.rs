//! The state of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use jiff::Timestamp;
use warden::{
    audit::{coverage::Coverage, definition::Evidence, diff::CHANGES_MAX, grant_view::GrantUse, usage::Usage},
    deadline::Deadline,
    decision::Hold,
    ledger::{
        counted::Untold,
        finding::Finding,
        history::LedgerHistory,
        open_finding::{KnownSince, OpenFinding, Owner, StoredFindings, owner_of},
        service_state::day,
    },
    model::{ids::ServiceId, service::Service, severity::Severity},
};

use crate::{report::Report, summary::Summary, unseen::Unseen};

/// Possible changes that stay in memory: those of the highest severities.
const CANDIDATES_MAX: usize = 4 * CHANGES_MAX;

/// The state of a run.
pub(crate) struct RunState<'a> {
    pub(crate) now: Timestamp,
    pub(crate) deadline: Deadline,
    pub(crate) coverage: Coverage,
    pub(crate) unseen: Unseen,
    pub(crate) usage: Usage,
    /// Of the service that is being judged.
    pub(crate) grant_use: GrantUse,
    pub(crate) known_since: KnownSince,
    /// The times as the run before stored them.
    pub(crate) known_before: &'a KnownSince,
    /// The hold of the whole stack. `None` if it could not be read.
    pub(crate) stack_hold: Option<Option<Hold>>,
    pub(crate) found: Found,
    pub(crate) report: Report,
    pub(crate) summary: Summary,
    open: BTreeMap<&'a str, &'a OpenFinding>,
    stored: &'a StoredFindings,
}

/// The findings of a run, as far as they have to stay in memory.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The ids of all findings.
    pub(crate) ids: BTreeSet<String>,
    /// The findings that may be a change, with their owners.
    pub(crate) candidates: Vec<(Owner, Finding)>,
    /// The numbers of findings, by owner and severity.
    pub(crate) by_owner: BTreeMap<Owner, BTreeMap<Severity, usize>>,
    /// The requests of each service that were not told one by one, with the service's owner.
    pub(crate) counted: Vec<(Owner, Untold)>,
}

impl<'a> RunState<'a> {
    pub(crate) fn new(
        now: Timestamp,
        deadline: Deadline,
        unseen: Unseen,
        stored: &'a StoredFindings,
        known_since: KnownSince,
        report: Report,
    ) -> Self {
        Self {
            now,
            deadline,
            coverage: Coverage::default(),
            unseen,
            usage: Usage::default(),
            grant_use: GrantUse::default(),
            known_since,
            known_before: &stored.known_since,
            stack_hold: None,
            found: Found::default(),
            report,
            summary: Summary::default(),
            open: stored.open.iter().map(|open| (open.finding.id.as_str(), open)).collect(),
            stored,
        }
    }

    /// The time since which the audit has known the policy set.
    pub(crate) fn policy_since(&self) -> Timestamp {
        self.known_since.policy_set.as_ref().map_or(self.now, |set| set.since)
    }

    /// Adds what the ledger holds about a service as a whole.
    pub(crate) fn add_history(&mut self, service: &Service, history: &LedgerHistory) {
        history.unreadable.iter().for_each(|what| self.unseen.add(format!("the ledger: {what}")));
        self.usage.recorded(&history.usage);
        let told = self.stored.told_days.services.get(&service.id).copied();
        let untold = history.counted.untold(&service.id, told, day(self.now));
        self.found.counted.extend(untold.map(|untold| (owner_of(service), untold)));
    }

    /// The hold that keeps a service from being answered.
    pub(crate) fn hold<'b>(&'b self, history: Option<&'b LedgerHistory>) -> Option<&'b Hold> {
        self.stack_hold.as_ref().and_then(Option::as_ref).or_else(|| history?.hold.as_ref())
    }

    /// Keeps the memory of allowed requests of the services that this run could not read.
    pub(crate) fn keep_unread_allowed(&mut self) {
        let read = |service: &ServiceId| match self.coverage.services.get(service) {
            Some(evidence) => evidence.contains(&Evidence::Connections),
            None => self.coverage.services_listed,
        };
        let unread = self.known_before.allowed.iter().filter(|(service, _)| !read(service));
        for (service, subject, since) in unread.flat_map(|(service, all)| all.iter().map(move |(subject, since)| (service, subject, since)))
        {
            self.known_since.remember_allowed(service, subject, *since);
        }
    }

    pub(crate) fn cover(&mut self, service: &ServiceId, evidence: Evidence) {
        self.coverage.services.entry(service.clone()).or_default().insert(evidence);
    }

    /// Adds a finding to the report and, if it may be a change, to the candidates.
    pub(crate) fn add(&mut self, owner: &Owner, finding: Finding) -> io::Result<()> {
        if !self.found.ids.insert(finding.id.clone()) {
            return Ok(());
        }
        // A finding about a policy does not belong to the owner of the service on which it was found.
        let owner = owner.clone().filter(|_| finding.subject.service().is_some());
        let stored = self.open.get(finding.id.as_str());
        self.report.finding(&finding, stored.map(|open| open.since))?;
        *self.summary.findings.entry(finding.severity).or_default() += 1;
        *self.found.by_owner.entry(owner.clone()).or_default().entry(finding.severity).or_default() += 1;
        if stored.is_none_or(|open| (finding.severity, finding.level) != (open.finding.severity, open.finding.level)) {
            self.found.add_candidate(owner, finding);
        }
        Ok(())
    }

    /// Adds the open findings that this run could not check: they stay open.
    pub(crate) fn add_unchecked(&mut self) -> io::Result<()> {
        let unchecked = |open: &&OpenFinding| !self.found.ids.contains(&open.finding.id) && !self.coverage.covers(&open.finding);
        let unchecked: Vec<&OpenFinding> = self.open.values().copied().filter(unchecked).collect();
        unchecked.into_iter().try_for_each(|open| self.add(&open.owner, open.finding.clone().not_covered()))
    }
}

impl Found {
    fn add_candidate(&mut self, owner: Owner, finding: Finding) {
        self.candidates.push((owner, finding));
        if self.candidates.len() > 2 * CANDIDATES_MAX {
            self.candidates.sort_by(|a, b| a.1.reading_order(&b.1));
            self.candidates.truncate(CANDIDATES_MAX);
        }
    }
}
