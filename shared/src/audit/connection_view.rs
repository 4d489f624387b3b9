//! One connection, judged once, as checks read it.

use jiff::{SignedDuration, Timestamp};

use crate::{
    audit::{
        justification::{Judged, Justification, LedgerContext},
        text::{held, minute},
        thresholds::Thresholds,
    },
    decision::{GrantCoverage, grant::Grant, granted, order::command_line},
    ledger::{
        finding::{Finding, FindingSubject},
        record::Verdict,
    },
    model::{
        connection::{Connection, Phase},
        facts::Facts,
        service::ServiceConfiguration,
    },
    policy::{
        MissingFact, PolicyId, PolicySet,
        evaluation::{Evaluation, evaluate},
    },
};

/// One connection, judged once.
#[derive(Debug)]
pub struct ConnectionView<'a> {
    pub(super) thresholds: &'a Thresholds,
    pub(super) policy: &'a PolicySet,
    pub(super) configuration: &'a ServiceConfiguration,
    pub(super) facts: &'a Facts,
    pub(super) ledger: LedgerContext<'a>,
    judged: Result<Judged, MissingFact>,
    justification: Justification,
}

impl<'a> ConnectionView<'a> {
    /// Judges a connection.
    #[must_use]
    pub fn new(
        thresholds: &'a Thresholds,
        policy: &'a PolicySet,
        configuration: &'a ServiceConfiguration,
        facts: &'a Facts,
        ledger: LedgerContext<'a>,
    ) -> Self {
        let judged = Judged::of(policy, facts);
        let justification = Justification::of(policy, facts, ledger, &judged);
        Self { thresholds, policy, configuration, facts, ledger, judged, justification }
    }

    /// The justification of the connection.
    #[must_use]
    pub fn justification(&self) -> &Justification {
        &self.justification
    }

    /// The policies that determined the judgement.
    pub fn matched(&self) -> impl Iterator<Item = &PolicyId> {
        self.judged().into_iter().flat_map(|judged| judged.judgement.policies().map(|policy| &policy.id))
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.facts.connection
    }

    pub(super) fn phase(&self) -> Phase {
        self.facts.connection.state.phase()
    }

    /// The judgement. `None` if EC2 did not state a fact that it needs, or if the state has no meaning for the warden.
    pub(super) fn judged(&self) -> Option<&Judged> {
        let judged = self.judged.as_ref().ok();
        judged.filter(|_| matches!(self.phase(), Phase::Live | Phase::Waiting))
    }

    /// Returns true if EC2 states every fact that a judgement needs, and the state has a meaning for the warden.
    #[must_use]
    pub fn is_described(&self) -> bool {
        self.judged().is_some()
    }

    /// The time since the request.
    pub(super) fn age(&self) -> Option<SignedDuration> {
        Some(self.facts.now.duration_since(self.connection().created?))
    }

    /// The grants for the connection, including expired ones.
    pub(super) fn grants(&self) -> impl Iterator<Item = &'a Grant> {
        self.ledger.grants.iter().filter(|grant| grant.applies_to(self.connection()))
    }

    /// Returns true if the policy set accepts the connection, so that it needs no grant.
    pub(super) fn accepted_by_policy(&self) -> bool {
        self.judged().is_some_and(|judged| judged.evaluation == Evaluation::Accept)
    }

    /// The grant that justified the connection until it expired.
    pub(super) fn expired_grant(&self) -> Option<&'a Grant> {
        let active = self.judged()?.judgement.inactive.is_none();
        // A grant that ended before the request justified nothing.
        let created = self.facts.connection.created;
        let covered = |grant: &&Grant| grant.end().is_none_or(|end| created.is_none_or(|created| end > created));
        let grants = || self.grants().filter(covered);
        (self.justification == Justification::Nothing && active).then(|| grants().max_by(|a, b| a.cmp_end(b))).flatten()
    }

    /// The time since which a pending request is known to be allowed, by the rule of `approve`. `None` if it is not allowed.
    ///
    /// Every earlier audit in a row that found the request allowed is evidence. So is the age of the policy set, unless `approve` told
    /// the owner that the request waits: then a time, a count, a proof or the end of a hold made it allowed later.
    #[must_use]
    pub fn allowed_since(&self) -> Option<Timestamp> {
        if self.phase() != Phase::Waiting {
            return None;
        }
        let told = self.ledger.history.and_then(|history| history.pending.as_ref());
        let waited = told.is_some_and(|told| told.tells(Verdict::Referred) || told.tells(Verdict::ObservedAccept));
        let since = match (&self.judged()?.evaluation, granted(self.policy, self.facts, self.ledger.grants)) {
            (Evaluation::Accept, _) => (!waited).then_some(self.ledger.policy_since),
            (Evaluation::Reject | Evaluation::Refer(_), GrantCoverage::Holds(grant)) => {
                (!waited || told.is_none_or(|told| told.at <= grant.at)).then_some(grant.at)
            }
            (Evaluation::Reject | Evaluation::Refer(_), GrantCoverage::Unverified | GrantCoverage::No) => return None,
        };
        Some(since.into_iter().chain(self.ledger.allowed_since).min().unwrap_or(self.facts.now))
    }

    /// Returns true if the policy accepts the same request at a time.
    pub(super) fn accepts_at(&self, at: Timestamp) -> bool {
        let facts = Facts { now: at, ..self.facts.clone() };
        self.policy.judge(&facts).is_ok_and(|judgement| evaluate(&judgement) == Evaluation::Accept)
    }

    /// The account as the subject of a sentence.
    pub(super) fn owner(&self) -> String {
        let owner = self.connection().owner.as_ref();
        owner.map_or_else(|| "An account that EC2 does not state".to_owned(), |owner| format!("Account {owner}"))
    }

    pub(super) fn subject(&self) -> FindingSubject {
        FindingSubject::Connection { service: self.connection().service.clone(), id: self.connection().subject.clone() }
    }

    /// Adds the evidence that all findings about connections share.
    pub(super) fn describe(&self, finding: Finding) -> Finding {
        let connection = self.connection();
        let mut finding = finding
            .with_service_name(&self.facts.service)
            .with_account(connection.owner.as_ref())
            .with_evidence("state", connection.state.as_str());
        if let Some(created) = connection.created {
            finding = finding.with_evidence("requested", minute(created));
        }
        if let Some(region) = &connection.region {
            finding = finding.with_evidence("region", region);
        }
        finding
    }

    /// Adds the hold of the service, if there is one.
    pub(super) fn with_hold(&self, finding: Finding) -> Finding {
        match self.ledger.hold {
            Some(hold) => finding.with_evidence("on hold", held(hold)).with_step("End the hold with `warden resume`"),
            None => finding,
        }
    }

    /// The command line for a person's order about the connection: `verb` is `approve`, `reject` or `revoke`.
    pub(super) fn order(&self, verb: &str) -> String {
        command_line(verb, &self.connection().subject, &self.thresholds.region)
    }

    /// Adds the step that ends a live connection.
    pub(super) fn with_revocation(&self, finding: Finding) -> Finding {
        finding.with_command("End the connection (live traffic stops at once)", self.order("revoke"))
    }
}
