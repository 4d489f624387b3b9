//! One run: read, judge, write down, tell.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use warden::{
    audit::{
        admission_order::AdmissionOrder,
        coverage::{Coverage, ServiceCoverage},
        diff::CHANGES_MAX,
        findings::{Exposure, Inspection, Justification, LedgerContext, Usage, inspect, inspect_service, inspect_usage},
    },
    deadline::Deadline,
    ledger::{
        digest::RunInfo,
        finding::{Finding, OpenFinding, Owner, StoredFindings, owner_of},
        history::{EndpointHistory, LedgerHistory},
    },
    model::{
        connection::{Connection, ConnectionPage, Phase},
        facts::{Counts, Facts},
        ids::ServiceId,
        notification::ConnectionNotification,
        organization::Membership,
        service::ServiceConfiguration,
        severity::Severity,
    },
    ports::{CallError, Directory, Findings, History, Inventory, ReportStore},
};

use crate::{
    Audit, AuditError, Summary,
    read::{Content, Read, Whole},
    report::{Closing, Report, Row, Standpoint},
    tell::Found,
};

/// Services read at once. PrivateLink's calls are throttled per account and per organization: not many.
const SERVICES_AT_ONCE: usize = 8;
/// New findings that are held at once; of more, the worst are kept.
const CANDIDATES_MAX: usize = 4 * CHANGES_MAX;
/// Things not seen that a report names one by one.
const UNSEEN_MAX: usize = 200;

/// A run under way.
struct Run<'a> {
    now: Timestamp,
    looked: Coverage,
    unseen: Vec<String>,
    usage: Usage,
    found: Found,
    /// Since when the audit has known this policy set.
    policy_since: Timestamp,
    open: BTreeMap<String, &'a OpenFinding>,
    report: Report,
    summary: Summary,
}

impl<S: Inventory + Sync, L: History + Findings + Sync, K: ReportStore + Sync, G: Directory + Sync> Audit<S, L, K, G> {
    /// Audits once. `id` names the run; the same id again means the same run tried again.
    ///
    /// # Errors
    /// When the report could not be written or kept.
    pub async fn run(&self, id: &str, deadline: Deadline) -> Result<Summary, AuditError> {
        let now = (self.clock)();
        let folder = format!("audits/{}/{id}", now.strftime("%Y/%m/%d"));
        let mut trouble = Vec::new();
        let kept = self.ledger.kept().await.unwrap_or_else(|error| {
            trouble.push(could_not("the open findings could not be read, so nothing is told by this run", &error));
            StoredFindings::default()
        });
        let tells = trouble.is_empty();
        trouble
            .extend(kept.unreadable.iter().map(|id| format!("the open finding {id} cannot be read by this version, and is left as it is")));
        let known_since = self.known_since(&kept.known_since, now);
        let mut run = Run {
            now,
            looked: Coverage::default(),
            unseen: trouble,
            usage: Usage::default(),
            found: Found::default(),
            open: kept.open.iter().map(|open| (open.finding.id.clone(), open)).collect(),
            policy_since: known_since.get(&self.policy_set()).copied().unwrap_or(now),
            report: Report::begin(self.standpoint(id, now))?,
            summary: Summary { report: self.keep.place(&format!("{folder}/report.html")), ..Summary::default() },
        };
        self.look(&mut run, deadline).await?;
        self.look_at_usage(&mut run, &known_since)?;
        run.still_open()?;

        let Run { looked, mut unseen, found, report, mut summary, .. } = run;
        let edition = RunInfo {
            run: id.to_owned(),
            at: now,
            region: self.terms.region.clone(),
            report: Some(summary.report.clone()),
            unseen: unseen.clone(),
            policy_digest: self.policy.digest().to_owned(),
        };
        let mut resolved = Vec::new();
        if tells {
            let told = self.tell(found, &looked, &edition, &mut summary).await;
            unseen.extend(told.trouble);
            resolved = told.resolved;
            if let Err(error) = self.ledger.remember(&known_since).await {
                unseen.push(could_not("which policies are known was not kept", &error));
            }
        }
        summary.unseen = unseen;
        let closing = Closing { summary: summary.clone(), resolved };
        for file in report.finish(&closing)? {
            let name = format!("{folder}/{}", file.name);
            let kept = self.keep.keep(&name, file.content_type, file.content.path()).await;
            kept.map_err(|source| AuditError::Keep { place: self.keep.place(&name), source })?;
        }
        Ok(summary)
    }

    fn standpoint(&self, id: &str, now: Timestamp) -> Standpoint {
        Standpoint {
            run: id.to_owned(),
            at: now,
            region: self.terms.region.clone(),
            mode: self.terms.mode,
            policies: self.policy.len(),
            policy_digest: self.policy.digest().to_owned(),
            function_version: self.function_version.clone(),
        }
    }

    async fn look(&self, run: &mut Run<'_>, deadline: Deadline) -> Result<(), AuditError> {
        let subscriptions = run.seen("connection notifications", self.survey.subscriptions().await);
        run.looked.subscriptions = subscriptions.is_some();
        let offers = run.seen("endpoint services", self.survey.offers().await);
        run.looked.services_listed = offers.is_some();
        let offers: Vec<ServiceConfiguration> = offers.into_iter().flatten().filter(|offer| self.scope.covers(&offer.service)).collect();
        run.looked.services = offers.iter().map(|offer| (offer.service.id.clone(), ServiceCoverage::default())).collect();
        let reads = stream::iter(offers).map(|offer| self.read(offer, deadline));
        let mut reads = reads.buffered(SERVICES_AT_ONCE);
        let mut large = Vec::new();
        while let Some(read) = reads.next().await {
            large.extend(self.service(run, read, subscriptions.as_deref(), deadline).await?);
        }
        drop(reads);
        // By themselves: while one is judged page by page, no other call waits to be looked after.
        for offer in large {
            let read = self.read_large(offer, deadline).await;
            self.service(run, read, subscriptions.as_deref(), deadline).await?;
        }
        Ok(())
    }

    /// Judges what was read of a service. Returns it, if it is too large for now.
    async fn service(
        &self,
        run: &mut Run<'_>,
        read: Read,
        subscriptions: Option<&[ConnectionNotification]>,
        deadline: Deadline,
    ) -> Result<Option<ServiceConfiguration>, AuditError> {
        let Read { offer, content } = read;
        let id = offer.service.id.clone();
        let Whole { permissions, memory, connections } = match content {
            Content::Whole(whole) => *whole,
            Content::Large => return Ok(Some(offer)),
            Content::TooLate => {
                run.miss(format!("{id}: the deadline was near"));
                return Ok(None);
            }
        };
        run.summary.services += 1;
        let permissions = run.seen_of(&id, "permissions", permissions);
        for permission in permissions.iter().flatten() {
            if let warden::model::principal::Principal::Unknown { kind } = &permission.who {
                run.miss(format!("{id}: the permission for `{}` is of an unknown type `{kind}`", permission.text));
            }
        }
        let memory = run.seen_of(&id, "the ledger's entries", memory);
        let ledger = memory.as_ref().is_some_and(|memory| memory.unreadable.is_empty());
        let mut at = ServiceCoverage { door: true, permissions: permissions.is_some(), ledger, ..ServiceCoverage::default() };
        let (findings, left_out) =
            inspect_service(&self.terms, &self.policy, &offer, Exposure { permissions: permissions.as_deref(), subscriptions }, run.now);
        at.askers = left_out == 0;
        if left_out > 0 {
            run.miss(format!("{id}: {left_out} more accounts cannot ask than are named"));
        }
        let owner = owner_of(&offer.service);
        let shown = u32::try_from(findings.len()).unwrap_or(u32::MAX);
        findings.into_iter().try_for_each(|finding| run.found(&owner, finding))?;
        self.note_usage(run, memory.as_ref());
        let mut picture = run.report.service(&offer, shown)?;
        if let Some((first, census)) = run.seen_of(&id, "connections", connections) {
            at.connections = self.pages(run, &offer, &owner, memory.as_ref(), first, &census, &mut picture, deadline).await?;
        }
        run.report.end_service(picture)?;
        run.looked.services.insert(id, at);
        Ok(None)
    }

    /// Judges page by page. False: not all of them.
    #[expect(clippy::too_many_arguments, reason = "one service's whole context, used here and nowhere else")]
    async fn pages(
        &self,
        run: &mut Run<'_>,
        offer: &ServiceConfiguration,
        owner: &Owner,
        memory: Option<&LedgerHistory>,
        first: ConnectionPage,
        census: &AdmissionOrder,
        picture: &mut crate::report::ServicePart,
        deadline: Deadline,
    ) -> Result<bool, AuditError> {
        let mut page = first;
        loop {
            page.unreadable.iter().for_each(|what| run.miss(format!("{}: a connection without readable ids: {what}", offer.service.id)));
            for connection in &page.connections {
                self.connection(run, offer, owner, memory, connection, census, picture).await?;
            }
            let Some(from) = page.next else { return Ok(page.unreadable.is_empty()) };
            if deadline.near() {
                run.miss(format!("{}: the deadline was near", offer.service.id));
                return Ok(false);
            }
            match run.seen_of(&offer.service.id, "connections", self.survey.page(&offer.service.id, Some(&from)).await) {
                Some(next) => page = next,
                None => return Ok(false),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one connection's whole context, used here and nowhere else")]
    async fn connection(
        &self,
        run: &mut Run<'_>,
        offer: &ServiceConfiguration,
        owner: &Owner,
        memory: Option<&LedgerHistory>,
        connection: &Connection,
        census: &AdmissionOrder,
        picture: &mut crate::report::ServicePart,
    ) -> Result<(), AuditError> {
        let phase = connection.state.phase();
        if phase == Phase::Gone {
            return Ok(());
        }
        let nothing = EndpointHistory::default();
        let marks = memory.and_then(|memory| memory.endpoints.get(&connection.endpoint)).unwrap_or(&nothing);
        let counts = census.beside(connection, memory);
        let membership = self.membership(offer, connection, counts, memory, run.now).await;
        let known = LedgerContext {
            membership: &membership,
            marks,
            grants: memory.map_or(&[][..], |memory| memory.grants.as_slice()),
            doubt: marks.unreadable || memory.is_none_or(|memory| memory.grants_unreadable),
            policy_since: run.policy_since,
        };
        let inspected = inspect(&self.terms, &self.policy, offer, connection, counts, known, run.now);
        let Inspection { justification, findings, matched } = inspected;
        run.summary.count(connection, phase, run.now);
        matched.iter().for_each(|id| run.usage.policy(id, run.now));
        if let Some(account) = &connection.owner {
            run.usage.account(&self.policy, account, run.now);
        }
        if let Justification::Unknown { why } = &justification {
            run.looked.blind.insert((connection.service.clone(), connection.endpoint.clone()));
            run.miss(format!("{}/{}: {why}", connection.service, connection.endpoint));
        }
        let kinds = findings.iter().map(|finding| finding.kind).collect();
        run.report.connection(picture, &Row { connection, justification: &justification, kinds })?;
        findings.into_iter().try_for_each(|finding| run.found(owner, finding))
    }

    /// What the organization says of a connection's account, if the policy could depend on it.
    async fn membership(
        &self,
        offer: &ServiceConfiguration,
        connection: &Connection,
        counts: Counts,
        memory: Option<&LedgerHistory>,
        now: Timestamp,
    ) -> Membership {
        let (service, connection) = (offer.service.clone(), connection.clone());
        let mut facts = Facts { service, connection, counts, membership: Membership::NotAsked, claim: None, now };
        self.members.complete(&self.policy, &mut facts).await;
        let grants = memory.map_or(&[][..], |memory| memory.grants.as_slice());
        self.members.complete_for_grant(&self.policy, &mut facts, grants).await;
        facts.membership
    }

    fn note_usage(&self, run: &mut Run<'_>, memory: Option<&LedgerHistory>) {
        let Some(memory) = memory else { return };
        memory.unreadable.iter().for_each(|what| run.miss(format!("the ledger: {what}")));
        memory.used.iter().for_each(|(id, at)| run.usage.policy(id, *at));
        memory.askers.iter().for_each(|(account, at)| run.usage.account(&self.policy, account, *at));
    }

    /// Only who has seen everything can say that nobody uses something.
    fn look_at_usage(&self, run: &mut Run<'_>, known_since: &BTreeMap<String, Timestamp>) -> Result<(), AuditError> {
        if !run.looked.everything() {
            return Ok(());
        }
        let findings = inspect_usage(&self.terms, &self.policy, &run.usage, known_since, run.now);
        findings.into_iter().try_for_each(|finding| run.found(&None, finding))
    }
}

impl Run<'_> {
    fn found(&mut self, owner: &Owner, finding: Finding) -> Result<(), AuditError> {
        // What concerns the policy as a whole is nobody's service.
        let owner = if finding.subject.service().is_some() { owner.clone() } else { None };
        if !self.found.ids.insert(finding.id.clone()) {
            return Ok(());
        }
        let before = self.open.get(&finding.id);
        self.report.finding(&finding, before.map_or(self.now, |open| open.since), before.is_some())?;
        *self.summary.findings.entry(finding.severity).or_default() += 1;
        *self.found.by_owner.entry(owner.clone()).or_default().entry(finding.severity).or_default() += 1;
        let news = before.is_none_or(|open| (finding.severity, finding.level) != (open.finding.severity, open.finding.level));
        if news {
            self.found.candidates.push((owner, finding));
            if self.found.candidates.len() > 2 * CANDIDATES_MAX {
                self.found.candidates.sort_by(|a, b| a.1.reading_order(&b.1));
                self.found.candidates.truncate(CANDIDATES_MAX);
            }
        }
        Ok(())
    }

    /// What was open and was not looked at is open still: it counts, and stands in the report.
    fn still_open(&mut self) -> Result<(), AuditError> {
        let unseen = |open: &&OpenFinding| !self.found.ids.contains(&open.finding.id) && !self.looked.covers(&open.finding);
        let unseen: Vec<&OpenFinding> = self.open.values().copied().filter(unseen).collect();
        for open in unseen {
            self.found(&open.owner, open.finding.clone().not_looked_at())?;
        }
        Ok(())
    }

    fn miss(&mut self, what: String) {
        if self.unseen.len() < UNSEEN_MAX {
            tracing::warn!(what, "not seen");
            self.unseen.push(what);
        } else if self.unseen.len() == UNSEEN_MAX {
            self.unseen.push("and more: see the log".to_owned());
        }
    }

    fn seen<T>(&mut self, what: &str, answer: Result<T, CallError>) -> Option<T> {
        answer.map_err(|error| self.miss(could_not(&format!("{what} could not be listed"), &error))).ok()
    }

    fn seen_of<T>(&mut self, service: &ServiceId, what: &str, answer: Result<T, CallError>) -> Option<T> {
        answer.map_err(|error| self.miss(could_not(&format!("{service}: {what} could not be read"), &error))).ok()
    }
}

impl Summary {
    fn count(&mut self, connection: &Connection, phase: Phase, now: Timestamp) {
        match phase {
            Phase::Live => self.connected += 1,
            Phase::Waiting => {
                self.waiting += 1;
                let age = connection.created.map_or(0, |created| now.duration_since(created).as_secs());
                self.pending_age_max_seconds = self.pending_age_max_seconds.max(age);
            }
            Phase::Gone | Phase::Unknown => {}
        }
    }

    /// How many findings of a severity are open.
    #[must_use]
    pub fn open(&self, severity: Severity) -> usize {
        self.findings.get(&severity).copied().unwrap_or_default()
    }
}

fn could_not(what: &str, error: &CallError) -> String {
    tracing::warn!(error = error as &dyn std::error::Error, message = error.message, "{what}");
    format!("{what} ({error})")
}
