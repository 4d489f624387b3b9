//! The answer loop in small: events and sweeps over the same ports, judged by the same policy, and put together anew, so
//! that a rule of it can be broken. With no rule broken it keeps every law; that is tried, too.
//!
//! It has no tokens, which only the real one can make: it asks EC2 directly.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use warden::{
    decision::{Grounds, grant::Grant},
    ledger::record::{Act, Failure, Outcome, Verdict},
    model::{
        connection::{Connection, Phase, State},
        facts::{Claim, Counts, Facts},
        ids::{EndpointId, ServiceId},
        organization::Membership,
        origin::Origin,
        service::Service,
    },
    policy::{Judgement, UnknownFact, evaluation::Refer},
    ports::{ActOutcome, CallError, ConnectionFilter, Describe, Ledger, chain},
    trigger::{EndpointRef, Target, Trigger},
};

use crate::{
    harness::now,
    mutants::Flaw,
    wardens::{Lambda, scribe},
};

/// One invocation of the copy.
pub struct Copy {
    pub lambda: Lambda,
    pub flaw: Option<Flaw>,
}

/// What it makes of a request.
enum Answer {
    Act(Act),
    Refer(Refer),
    Live,
    Gone,
}

impl Copy {
    pub async fn answer(&self, event: &[u8]) -> Result<(), String> {
        if self.has(Flaw::TrustsTheShapeOfEvents) {
            let text = std::str::from_utf8(event).unwrap();
            let event: serde_json::Value = serde_json::from_str(text).unwrap();
            assert!(event["Records"].is_array() || event["detail-type"].is_string());
        }
        let mut trouble = Vec::new();
        for Trigger { origin, asks } in Trigger::parse(event).map_err(|error| chain(&error))? {
            let done = match asks {
                Target::Nothing(_) => Ok(()),
                Target::Endpoints(hints) => {
                    let mut done = Ok(());
                    for hint in hints {
                        done = self.request(hint, &origin).await.and(done);
                    }
                    done
                }
                Target::Services(ids) => self.sweep(|id| ids.contains(id), &origin).await,
                Target::Topic(topic) => {
                    let ids = self.lambda.ec2.services_notifying(&topic).await.map_err(said)?;
                    self.sweep(|id| ids.contains(id), &origin).await
                }
                Target::Everything => self.sweep(|_| true, &origin).await,
            };
            trouble.extend(done.err());
        }
        trouble.into_iter().next().map_or(Ok(()), Err)
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    async fn request(&self, hint: EndpointRef, origin: &Origin) -> Result<(), String> {
        let EndpointRef { endpoint, service, region, claim } = hint;
        if region.is_some_and(|region| region.as_str() != "us-east-1") {
            return Ok(());
        }
        if let (true, Some(service)) = (self.has(Flaw::ActsBeforeItLooks), &service) {
            drop(self.lambda.ec2.accept_ids(service, std::slice::from_ref(&endpoint)).await);
        }
        let service = match service {
            Some(id) => id,
            None => {
                let found = self.lambda.ec2.connections(ConnectionFilter::Endpoint(&endpoint)).await.map_err(said)?;
                found.into_iter().next().ok_or("not found yet")?.service
            }
        };
        let described = self.lambda.ec2.services(Some(&service)).await.map_err(said)?;
        let Some(service) = described.into_iter().find(|one| one.id == service && self.lambda.scope.covers(one)) else {
            return Ok(());
        };
        let all = self.lambda.ec2.connections(ConnectionFilter::Service(&service.id)).await.map_err(said)?;
        let connection = all.iter().find(|one| one.endpoint == endpoint).ok_or("not found yet")?.clone();
        self.decide(&service, connection, &all, claim, origin).await.map(drop)
    }

    async fn sweep(&self, wanted: impl Fn(&ServiceId) -> bool, origin: &Origin) -> Result<(), String> {
        let services = self.lambda.ec2.services(None).await.map_err(said)?;
        let mut all = self.lambda.ec2.connections(ConnectionFilter::All).await.map_err(said)?;
        all.sort_by_key(|one| (one.created, one.endpoint.clone()));
        let mut by_service: BTreeMap<ServiceId, Vec<Connection>> = BTreeMap::new();
        all.into_iter().for_each(|one| by_service.entry(one.service.clone()).or_default().push(one));
        let mut trouble = Vec::new();
        for service in services.iter().filter(|service| wanted(&service.id) && self.lambda.scope.covers(service)) {
            let mut beside = by_service.remove(&service.id).unwrap_or_default();
            for connection in beside.clone() {
                if matches!(connection.state.phase(), Phase::Live | Phase::Gone) && !self.has(Flaw::CutsOffWhoIsConnected) {
                    continue;
                }
                let endpoint = connection.endpoint.clone();
                match self.decide(service, connection, &beside, None, origin).await {
                    // Takes its place at once.
                    Ok(true) if !self.has(Flaw::ForgetsWhomItLetIn) => {
                        beside.iter_mut().filter(|one| one.endpoint == endpoint).for_each(|one| one.state = State::Pending);
                    }
                    Ok(_) => {}
                    Err(error) => trouble.push(error),
                }
            }
        }
        trouble.into_iter().next().map_or(Ok(()), Err)
    }

    /// True: it was to be let in.
    async fn decide(
        &self,
        service: &Service,
        connection: Connection,
        beside: &[Connection],
        claim: Option<Claim>,
        origin: &Origin,
    ) -> Result<bool, String> {
        let counted: Vec<Connection> = beside
            .iter()
            .cloned()
            .map(|one| match one.state {
                State::PendingAcceptance if self.has(Flaw::CountsWhoWaits) && one.endpoint != connection.endpoint => {
                    Connection { state: State::Pending, ..one }
                }
                _ => one,
            })
            .collect();
        let counts = Counts::of(&counted, connection.owner.as_ref());
        let claim = if self.has(Flaw::BelievesAnyRole) { claim.map(|claim| believed(claim, &connection)) } else { claim };
        let mut facts = Facts { service: service.clone(), connection, counts, membership: Membership::NotAsked, claim, now: now() };
        let policy = &self.lambda.policy;
        self.lambda.members.complete(policy, &mut facts).await;
        let grants = self.lambda.ledger.grants(&service.id).await.map_err(said)?;
        self.lambda.members.complete_for_grant(policy, &mut facts, &grants).await;
        let judgement = policy.judge(&facts).ok();
        let (answer, grant) = self.evaluate(&facts, judgement.as_ref(), &grants);
        let let_in = matches!(answer, Answer::Act(Act::Accept));
        let grounds = Grounds { judgement, grant };
        if let Answer::Act(act) = answer
            && self.has(Flaw::RecordsBeforeItActs)
        {
            self.put(facts.clone(), grounds.clone(), acted(act).into(), origin).await?;
        }
        let outcome = match answer {
            Answer::Act(act) => self.act(act, service, &facts.connection.endpoint).await,
            Answer::Refer(why) => Some(why.into()),
            Answer::Live => return self.live(facts, grounds, origin, &grants).await.map(|()| false),
            Answer::Gone => None,
        };
        match outcome {
            Some(outcome) => self.put(facts, grounds, outcome, origin).await.map(|()| let_in),
            None => Ok(false),
        }
    }

    fn evaluate(&self, facts: &Facts, judgement: Option<&Judgement>, grants: &[Grant]) -> (Answer, Option<Grant>) {
        let phase = facts.connection.state.phase();
        let refer = |why| (Answer::Refer(why), None);
        match (phase, facts.disputed_owner()) {
            (Phase::Gone, _) => return (Answer::Gone, None),
            (_, Some(claimed)) => return refer(Refer::Disputed { claimed: claimed.clone() }),
            (Phase::Unknown, _) => return refer(Refer::UnknownState { state: facts.connection.state.as_str().to_owned() }),
            (Phase::Live, _) if !self.has(Flaw::CutsOffWhoIsConnected) => return (Answer::Live, None),
            (Phase::Live | Phase::Waiting, _) => {}
        }
        let Some(Judgement { accept, reject, inactive }) = judgement else {
            return refer(Refer::Missing { fact: warden::policy::MissingFact::Owner });
        };
        let sound = accept.errors.is_empty() && reject.errors.is_empty();
        let failed = !sound && !self.has(Flaw::IgnoresEvaluationErrors);
        let open = !(accept.residual.is_empty() && reject.residual.is_empty());
        let sound = !failed && !open;
        if sound && reject.allowed && (phase == Phase::Live || !accept.allowed) {
            let grant = Grant::covering(grants, &facts.connection, facts.now).filter(|_| inactive.is_none());
            return match grant {
                Some(grant) if self.known(facts) => (Answer::Act(Act::Accept), Some(grant.clone())),
                Some(_) => refer(Refer::Unverified { needs: [UnknownFact::Organization].into() }),
                None => (Answer::Act(Act::Reject), None),
            };
        }
        if phase == Phase::Live {
            return (Answer::Live, None);
        }
        if let Some(state) = inactive {
            return refer(Refer::Inactive { state: state.clone() });
        }
        if sound && accept.allowed && (!reject.allowed || self.has(Flaw::LetsAcceptWinOverReject)) {
            return (Answer::Act(Act::Accept), None);
        }
        match Grant::covering(grants, &facts.connection, facts.now) {
            Some(grant) if self.known(facts) => (Answer::Act(Act::Accept), Some(grant.clone())),
            Some(_) => refer(Refer::Unverified { needs: [UnknownFact::Organization].into() }),
            None if self.has(Flaw::TakesDeniedForRejected) => (Answer::Act(Act::Reject), None),
            None if failed => refer(Refer::PolicyError),
            None => refer(Refer::NoPermit),
        }
    }

    /// Whether as much is known of the account as a grant needs.
    fn known(&self, facts: &Facts) -> bool {
        let told = matches!(facts.membership, Membership::Outside | Membership::Member(_));
        told || !self.lambda.policy.reads_organization()
    }

    async fn act(&self, act: Act, service: &Service, endpoint: &EndpointId) -> Option<Outcome> {
        if self.lambda.observe {
            return Some(if act == Act::Accept { Verdict::ObservedAccept } else { Verdict::ObservedReject }.into());
        }
        let (ec2, ids) = (&self.lambda.ec2, std::slice::from_ref(endpoint));
        let effect = if act == Act::Accept { ec2.accept_ids(&service.id, ids).await } else { ec2.reject_ids(&service.id, ids).await };
        let (code, message) = match effect {
            Ok(ActOutcome::Asked(bad)) => match bad.into_iter().next() {
                None => return Some(acted(act).into()),
                Some(bad) => (bad.code, bad.message),
            },
            Ok(ActOutcome::Observed) => return None,
            Err(error) => (error.code.unwrap_or_else(|| "Unknown".to_owned()), error.message),
        };
        let failure = || Outcome::from(Failure { act, code: code.clone(), message: message.clone() });
        let Ok(again) = ec2.connections(ConnectionFilter::Service(&service.id)).await else { return Some(failure()) };
        let state = again.into_iter().find(|one| one.endpoint == *endpoint).map(|one| one.state);
        match (state.as_ref().map(State::phase), act) {
            (Some(Phase::Live), Act::Accept) => Some(Verdict::Accepted.into()),
            (_, Act::Reject) if state == Some(State::Rejected) => Some(Verdict::Rejected.into()),
            (Some(Phase::Gone) | None, _) => None,
            (Some(Phase::Live | Phase::Waiting | Phase::Unknown), _) => Some(failure()),
        }
    }

    async fn live(&self, facts: Facts, grounds: Grounds, origin: &Origin, grants: &[Grant]) -> Result<(), String> {
        let connection = &facts.connection;
        let verdicts = self.lambda.ledger.verdicts(&connection.service, &connection.endpoint).await.map_err(said)?;
        if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted | Verdict::Found)) {
            return Ok(());
        }
        if let Some(grant) = Grant::covering(grants, connection, facts.now) {
            let grounds = Grounds { grant: Some(grant.clone()), ..grounds };
            return self.put(facts, grounds, Verdict::Accepted.into(), origin).await;
        }
        let fresh = connection.created.is_some_and(|created| facts.now.duration_since(created) < SignedDuration::from_mins(2));
        if fresh && facts.service.acceptance_required {
            return Err("not on the record yet".to_owned());
        }
        self.put(facts, grounds, Verdict::Found.into(), origin).await
    }

    async fn put(&self, facts: Facts, grounds: Grounds, outcome: Outcome, origin: &Origin) -> Result<(), String> {
        let record = scribe(self.lambda.observe).record(facts, grounds, outcome, &self.lambda.policy, origin.clone());
        self.lambda.ledger.put(&record).await.map(drop).map_err(said)
    }
}

/// A claim as if it agreed with EC2 in everything.
fn believed(claim: Claim, connection: &Connection) -> Claim {
    let role = claim.role.as_ref().zip(connection.owner.as_ref()).and_then(|(role, owner)| {
        let (_, name) = role.as_str().split_once(":role/")?;
        format!("arn:aws:iam::{owner}:role/{name}").parse().ok()
    });
    let owner = connection.owner.clone();
    Claim { account: owner.clone(), recipient: owner.clone(), owner, role, ..claim }
}

fn acted(act: Act) -> Verdict {
    match act {
        Act::Accept => Verdict::Accepted,
        Act::Reject => Verdict::Rejected,
    }
}

fn said(error: CallError) -> String {
    chain(&error)
}
