//! One connection at a time.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    audit::thresholds::Thresholds,
    ledger::finding::{Finding, FindingKind, FindingSubject},
    model::severity::Severity,
};
use crate::{
    decision::{GrantCoverage, grant::Grant, granted},
    ledger::{history::EndpointHistory, record::Verdict},
    model::{
        connection::{Connection, Phase, State},
        facts::{Claim, Counts, Facts},
        mode::Mode,
        organization::Membership,
        service::ServiceConfiguration,
    },
    policy::{
        Answer, Judgement, MissingFact, PolicyId, PolicyInfo, PolicySet, UnknownFact,
        evaluation::{Evaluation, Refer, evaluate},
    },
};

/// Days after which a request that waits for a person is told again.
const TOLD_AGAIN_DAYS: [i64; 5] = [1, 3, 7, 14, 30];

/// What was found out about one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// What it rests on.
    pub justification: Justification,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// Every policy that took part.
    pub matched: Vec<PolicyId>,
}

/// What a connection rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Justification {
    /// Policies that would accept it now.
    Policy {
        /// Their ids.
        policies: Vec<PolicyId>,
    },
    /// A person's decision.
    Grant {
        /// The person.
        person: String,
        /// Why.
        reason: String,
        /// When it ends, if it does.
        until: Option<Timestamp>,
    },
    /// Nothing: it is connected and should not be.
    Nothing,
    /// It waits, and nobody has to justify anything.
    NotConnected,
    /// It could not be judged.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// What is known beside what EC2 says.
#[derive(Debug, Clone, Copy)]
pub struct LedgerContext<'a> {
    /// What the ledger holds about the endpoint.
    pub marks: &'a EndpointHistory,
    /// What people granted on the service.
    pub grants: &'a [Grant],
    /// Not all of that could be read: then nobody is called a stranger.
    pub doubt: bool,
    /// Since when the audit has known this policy set; a sweep needs its time to act by it.
    pub policy_since: Timestamp,
    /// What Organizations says about the account, where the policy could depend on it.
    pub membership: &'a Membership,
}

/// Looks at one connection of a service.
#[must_use]
pub fn inspect(
    terms: &Thresholds,
    policy: &PolicySet,
    offer: &ServiceConfiguration,
    connection: &Connection,
    counts: Counts,
    known: LedgerContext<'_>,
    now: Timestamp,
) -> Inspection {
    let look = Look { terms, policy, offer, connection, known, counts, now };
    match connection.state.phase() {
        Phase::Live => look.live(),
        Phase::Waiting => look.waiting(),
        Phase::Unknown => look.unknown_state(),
        Phase::Gone => Inspection { justification: Justification::NotConnected, findings: Vec::new(), matched: Vec::new() },
    }
}

struct Look<'a> {
    terms: &'a Thresholds,
    policy: &'a PolicySet,
    offer: &'a ServiceConfiguration,
    connection: &'a Connection,
    known: LedgerContext<'a>,
    counts: Counts,
    now: Timestamp,
}

impl Look<'_> {
    fn facts(&self, now: Timestamp) -> Facts {
        let claim = self.known.marks.role.clone().map(|role| Claim::recorded(self.connection, role));
        Facts {
            service: self.offer.service.clone(),
            connection: self.connection.clone(),
            counts: self.counts,
            membership: self.known.membership.clone(),
            claim,
            now,
        }
    }

    fn judge(&self, now: Timestamp) -> Result<Judgement, MissingFact> {
        self.policy.judge(&self.facts(now))
    }

    fn live(&self) -> Inspection {
        let mut findings: Vec<Finding> = self.closed_region().into_iter().collect();
        let judgement = match self.judge(self.now) {
            Ok(judgement) => judgement,
            Err(missing) => {
                let justification = Justification::Unknown { why: missing.to_string() };
                findings.extend(self.unrecorded(&justification));
                return Inspection { justification, findings, matched: Vec::new() };
            }
        };
        let matched = matched(&judgement);
        findings.extend(policy_errors(&judgement, self));
        let justification = self.justify(&judgement, &mut findings);
        findings.extend(self.unrecorded(&justification));
        Inspection { justification, findings, matched }
    }

    fn justify(&self, judgement: &Judgement, findings: &mut Vec<Finding>) -> Justification {
        let grants = || self.known.grants.iter().filter(|grant| grant.speaks_of(self.connection));
        let weighed = evaluate(judgement);
        let held = Grant::covering(self.known.grants, self.connection, self.now);
        let soon = self.now + self.terms.expiring_within;
        match (weighed, held) {
            (Evaluation::Accept, held) => {
                if held.is_none_or(|grant| !grant.holds(soon)) {
                    findings.extend(self.policy_ends_soon());
                }
                Justification::Policy { policies: ids(&judgement.accept) }
            }
            // Whatever was granted, and whether or not the policy would turn it away besides.
            (weighed, _) if judgement.inactive.is_some() => {
                findings.push(self.unjustified(judgement, &weighed));
                Justification::Nothing
            }
            (_, Some(grant)) => {
                findings.extend(grant.until.filter(|_| !grant.holds(soon)).map(|until| self.grant_ends_soon(grant, until)));
                Justification::Grant { person: grant.by.clone(), reason: grant.reason.clone(), until: grant.until }
            }
            // What the broken policy would have said is unknown; that it is broken is told as such.
            (Evaluation::Refer(Refer::PolicyError), None) if judgement.accept.allowed => {
                Justification::Unknown { why: "a policy could not be evaluated".to_owned() }
            }
            (Evaluation::Refer(Refer::Unverified { needs }), None) if needs.contains(&UnknownFact::Organization) => {
                Justification::Unknown { why: "what the policy asks about the organization is not known".to_owned() }
            }
            (_, None) if self.known.doubt => Justification::Unknown { why: "not all that the ledger holds could be read".to_owned() },
            // The event that proves its role may be on its way to the record.
            (_, None) if self.connection.state == State::Pending && self.policy.reads_role() => {
                Justification::Unknown { why: "it was let in a moment ago".to_owned() }
            }
            (weighed, None) => {
                findings.push(match grants().max_by(|a, b| a.longer(b)) {
                    Some(ended) => self.expired(ended),
                    None => self.unjustified(judgement, &weighed),
                });
                Justification::Nothing
            }
        }
    }

    fn about(&self, kind: FindingKind, severity: Severity, what: String) -> Finding {
        let connection = self.connection;
        let subject = FindingSubject::Connection { service: connection.service.clone(), endpoint: connection.endpoint.clone() };
        let mut finding = Finding::new(kind, severity, subject, what)
            .at(&self.offer.service)
            .concerning(connection.owner.as_ref())
            .shown("state", connection.state.as_str());
        if let Some(created) = connection.created {
            finding = finding.shown("requested", second(created));
        }
        if let Some(region) = &connection.region {
            finding = finding.shown("region", region);
        }
        finding
    }

    fn owner(&self) -> String {
        self.connection.owner.as_ref().map_or_else(|| "an account that EC2 does not name".to_owned(), |owner| format!("account {owner}"))
    }

    fn unjustified(&self, judgement: &Judgement, weighed: &Evaluation) -> Finding {
        let why = match weighed {
            Evaluation::Reject => format!("the policy would reject it, by {}", named(&judgement.reject)),
            Evaluation::Refer(Refer::Forbidden) => format!("it is forbidden by {}", named(&judgement.accept)),
            Evaluation::Refer(Refer::Contradiction) => "the policy says both accept and reject".to_owned(),
            Evaluation::Refer(Refer::Inactive { state }) => format!("in the organization it is {state}"),
            Evaluation::Refer(Refer::Unverified { .. }) => "no record proves the role that the policy asks for".to_owned(),
            Evaluation::Refer(_) | Evaluation::Accept => "no policy allows it".to_owned(),
        };
        let what = format!("{} is connected, and {why}. No grant covers it.", sentence(&self.owner()));
        self.cut_off(self.about(FindingKind::Unjustified, Severity::Critical, what).shown("policies", list(&ids_of(judgement))))
            .advise("Keep it: make it part of the policy")
    }

    fn expired(&self, grant: &Grant) -> Finding {
        let until = grant.until.map_or_else(String::new, second);
        let what = format!("{} is connected on a grant that ended {until}, and no policy allows it.", sentence(&self.owner()));
        self.cut_off(
            self.about(FindingKind::ExpiredGrant, Severity::Critical, what).shown("granted by", &grant.by).shown("reason", &grant.reason),
        )
        .advise("Keep it: grant it anew, or make it part of the policy")
    }

    fn cut_off(&self, finding: Finding) -> Finding {
        finding.command("Cut it off (live traffic stops at once)", self.ec2("reject"))
    }

    fn policy_ends_soon(&self) -> Option<Finding> {
        let day = SignedDuration::from_hours(24);
        let days = self.terms.expiring_within.as_hours() / 24;
        let accepted = |at: Timestamp| self.judge(at).is_ok_and(|judgement| evaluate(&judgement) == Evaluation::Accept);
        if accepted(self.now + self.terms.expiring_within) {
            return None;
        }
        let last = (1..=days).take_while(|day_count| accepted(self.now + day * i32::try_from(*day_count).unwrap_or(i32::MAX))).count();
        let within = last + 1;
        let what = format!("The policy lets {} in now, and will not any more within {within} {}.", self.owner(), plural(within, "day"));
        Some(self.about(FindingKind::ExpiringSoon, Severity::Warning, what).advise("Extend the policy's time limit, or tell the consumer"))
    }

    fn grant_ends_soon(&self, grant: &Grant, until: Timestamp) -> Finding {
        let what = format!("The grant for {} ends {}.", self.owner(), second(until));
        self.about(FindingKind::ExpiringSoon, Severity::Warning, what)
            .shown("granted by", &grant.by)
            .shown("reason", &grant.reason)
            .advise("Grant it anew, make it part of the policy, or tell the consumer")
    }

    fn unrecorded(&self, justification: &Justification) -> Option<Finding> {
        // A grant says who let it in, even one that has ended.
        let granted = self.known.grants.iter().any(|grant| grant.speaks_of(self.connection));
        // Where nobody needs to be accepted there is nothing to record, and `open-door` says so once.
        let on_its_way = self.connection.state == State::Pending;
        if granted || on_its_way || self.known.doubt || self.known.marks.registered() || !self.offer.service.acceptance_required {
            return None;
        }
        let age = self.now.duration_since(self.connection.created?);
        if age < Thresholds::ON_ITS_WAY_MAX || age > self.terms.retention {
            return None;
        }
        let severity = match justification {
            Justification::Policy { .. } | Justification::Grant { .. } => Severity::Info,
            Justification::Nothing | Justification::NotConnected | Justification::Unknown { .. } => Severity::Warning,
        };
        let what = format!("{} is connected, and no record says who let it in.", sentence(&self.owner()));
        Some(self.about(FindingKind::Unrecorded, severity, what).advise(
            "Find out who accepted it (CloudTrail has the AcceptVpcEndpointConnections), and put a grant in their name on the ledger",
        ))
    }

    fn closed_region(&self) -> Option<Finding> {
        let region = self.connection.region.as_ref().filter(|region| **region != self.offer.service.region)?;
        if self.offer.regions.is_empty() {
            return None;
        }
        let listed = self.offer.regions.iter().find(|supported| supported.region == *region);
        let state = listed.map_or("not supported", |supported| supported.state.as_str());
        let closed = listed.is_none() || state.eq_ignore_ascii_case("closed");
        let what = format!("{} is connected from {region}, which the service does not support any more.", sentence(&self.owner()));
        closed.then(|| self.cut_off(self.about(FindingKind::ClosedRegion, Severity::Warning, what).shown("region's state", state)))
    }

    fn waiting(&self) -> Inspection {
        let nothing = |findings, matched| Inspection { justification: Justification::NotConnected, findings, matched };
        let judgement = match self.judge(self.now) {
            Ok(judgement) => judgement,
            Err(missing) => {
                let justification = Justification::Unknown { why: missing.to_string() };
                return Inspection { justification, findings: Vec::new(), matched: Vec::new() };
            }
        };
        let matched = matched(&judgement);
        let mut findings = policy_errors(&judgement, self);
        let age = self.connection.created.map_or(SignedDuration::ZERO, |created| self.now.duration_since(created));
        // By the rule that `approve` goes by: what it would not act on is not overdue.
        let grant = match granted(self.policy, &self.facts(self.now), self.known.grants) {
            GrantCoverage::Holds(grant) => Some(grant),
            GrantCoverage::Unverified | GrantCoverage::No => None,
        };
        // While nobody is let in no place is taken, so one that the last place was kept from looks as if it had one.
        let seen = |verdict: &Verdict| matches!(verdict, Verdict::ObservedAccept | Verdict::Referred);
        let observed = self.terms.mode == Mode::Observe && (self.known.doubt || self.known.marks.verdicts.iter().any(seen));
        // Since then a sweep could have acted: since it asked, and since the set or the grant was there. By the clock, a count or a unit it
        // may be allowed since later: nobody knows since when.
        let allowed =
            |since: Timestamp| self.connection.created.map_or(SignedDuration::ZERO, |created| self.now.duration_since(created.max(since)));
        let due = |since: Timestamp| !observed && allowed(since) >= self.terms.overdue_after;
        match (evaluate(&judgement), grant) {
            (Evaluation::Accept, _) if due(self.known.policy_since) => findings.push(self.overdue(age, &judgement)),
            (Evaluation::Accept, _) => {}
            (Evaluation::Reject | Evaluation::Refer(_), Some(grant)) if due(grant.at) => findings.push(self.overdue(age, &judgement)),
            (Evaluation::Reject | Evaluation::Refer(_), Some(_)) => {}
            (Evaluation::Reject | Evaluation::Refer(_), None) if age >= self.terms.waiting_after => findings.push(self.waits(age)),
            (Evaluation::Reject | Evaluation::Refer(_), None) => {}
        }
        nothing(findings, matched)
    }

    fn overdue(&self, age: SignedDuration, judgement: &Judgement) -> Finding {
        let what = format!(
            "{} is allowed to connect and has waited {}: neither an event nor a sweep answered.",
            sentence(&self.owner()),
            long(age)
        );
        self.about(FindingKind::Overdue, Severity::Critical, what)
            .shown("policies", list(&ids(&judgement.accept)))
            .advise("See why the sweep does not act: the log group of approve, and the queues of failures")
            .command("Let it in now", self.ec2("accept"))
    }

    fn waits(&self, age: SignedDuration) -> Finding {
        let what = format!("{}'s request has waited {} for a person's decision.", sentence(&self.owner()), long(age));
        let due = |days: &&i64| {
            SignedDuration::from_hours(**days * 24) > self.terms.waiting_after && age >= SignedDuration::from_hours(**days * 24)
        };
        let level = u32::try_from(TOLD_AGAIN_DAYS.iter().filter(due).count()).unwrap_or(u32::MAX);
        let finding = self.about(FindingKind::Waiting, Severity::Warning, what);
        Finding { level, ..finding }.command("Let it in", self.ec2("accept")).command("Turn it away", self.ec2("reject"))
    }

    fn unknown_state(&self) -> Inspection {
        let state = self.connection.state.as_str();
        let what = format!("EC2 says that the connection of {} is `{state}`, a state this version does not know.", self.owner());
        let finding = self
            .about(FindingKind::UnknownState, Severity::Warning, what)
            .advise("Look for a newer version of the warden, and look at the connection yourself")
            .command("Look at it", self.describe());
        let justification = Justification::Unknown { why: "its state is unknown".to_owned() };
        Inspection { justification, findings: vec![finding], matched: Vec::new() }
    }

    fn ec2(&self, verb: &str) -> String {
        let Connection { service, endpoint, .. } = self.connection;
        let region = &self.terms.region;
        format!("aws ec2 {verb}-vpc-endpoint-connections --region {region} --service-id {service} --vpc-endpoint-ids {endpoint}")
    }

    fn describe(&self) -> String {
        let (region, endpoint) = (&self.terms.region, &self.connection.endpoint);
        format!("aws ec2 describe-vpc-endpoint-connections --region {region} --filters Name=vpc-endpoint-id,Values={endpoint}")
    }
}

/// One finding for each policy that failed, whatever the number of connections it failed on.
fn policy_errors(judgement: &Judgement, look: &Look<'_>) -> Vec<Finding> {
    let mut errors: Vec<_> = judgement.accept.errors.iter().chain(&judgement.reject.errors).collect();
    errors.sort_by(|a, b| a.id.cmp(&b.id));
    errors.dedup_by(|a, b| a.id == b.id);
    let finding = |error: &&crate::policy::EvaluationError| {
        let name = error.id.as_ref().map_or("(request)", PolicyId::as_str);
        let what = format!("The policy `{name}` cannot be evaluated on real connections. Nothing is accepted where it fails.");
        Finding::new(FindingKind::PolicyError, Severity::Critical, FindingSubject::Policy { policy: name.into() }, what)
            .shown("error", &error.message)
            .shown("seen on", format!("{}/{}", look.connection.service, look.connection.endpoint))
            .advise("Mend the policy: guard what may be absent with `has`, and tags with `hasTag`")
    };
    errors.iter().map(finding).collect()
}

fn matched(judgement: &Judgement) -> Vec<PolicyId> {
    ids_of(judgement)
}

fn ids_of(judgement: &Judgement) -> Vec<PolicyId> {
    judgement.policies().map(|policy| policy.id.clone()).collect()
}

fn ids(answer: &Answer) -> Vec<PolicyId> {
    answer.policies.iter().map(|rule| rule.id.clone()).collect()
}

fn named(answer: &Answer) -> String {
    let quote = |rule: &PolicyInfo| match &rule.reason {
        Some(reason) => format!("`{}` ({reason})", rule.id),
        None => format!("`{}`", rule.id),
    };
    answer.policies.iter().map(quote).collect::<Vec<_>>().join(", ")
}

fn list(ids: &[PolicyId]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.iter().map(PolicyId::as_str).collect::<Vec<_>>().join(", ") }
}

/// To the minute: nobody reads further.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn long(age: SignedDuration) -> String {
    let (unit, count) = match age.as_secs() {
        seconds @ 172_800.. => ("day", seconds / 86_400),
        seconds @ 7_200.. => ("hour", seconds / 3_600),
        seconds => ("minute", seconds / 60),
    };
    format!("{count} {}", plural(usize::try_from(count).unwrap_or_default(), unit))
}

fn plural(count: usize, unit: &str) -> String {
    if count == 1 { unit.to_owned() } else { format!("{unit}s") }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
