//! The ports of one worker: each stops before and after its effect.

use std::{
    future::poll_fn,
    hash::{DefaultHasher, Hash},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use warden::{
    decision::{ActionToken, Hold, PersonDecisions, ToAccept, ToReject},
    ledger::{
        commit::{Commit, CommitOutcome, ServiceItems},
        record::{Act, Record, Verdict},
    },
    model::{
        connection::Connection,
        ids::{AccountId, ServiceId, TopicArn},
        organization::Membership,
        service::{Service, ServiceKind},
        subject::Subject,
    },
    ports::{
        Accept, ActOutcome, CallError, ConnectionFilter, Describe, Directory, ReadError, Reject, RequestQueue, ServiceLedger, StackLedger,
    },
    trigger::hint,
};

use crate::world::{SentAct, World, now, service};

/// The ports of one worker. It notes what it is told: that is all that the worker's own state depends on.
#[derive(Clone)]
pub(crate) struct Ports {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) told: Arc<Mutex<DefaultHasher>>,
    /// The act that was sent and that EC2 has not carried out.
    pub(crate) sent: Arc<Mutex<Option<SentAct>>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An await: the explorer decides who goes on.
async fn turn() {
    let mut waited = false;
    poll_fn(move |_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl Ports {
    /// An effect, with an await before it and one after it.
    async fn effect<T: std::fmt::Debug>(&self, effect: impl FnOnce(&mut World) -> T + Send) -> T {
        turn().await;
        let told = effect(&mut lock(&self.world));
        format!("{told:?}").hash(&mut *lock(&self.told));
        turn().await;
        told
    }

    /// A read: one await is enough. What a worker is told follows from the world's state.
    async fn read<T>(&self, read: impl FnOnce(&World) -> T + Send) -> T {
        turn().await;
        let world = lock(&self.world);
        world.brief().hash(&mut *lock(&self.told));
        read(&world)
    }

    async fn act(&self, act: Act, subjects: Vec<Subject>) -> ActOutcome {
        *lock(&self.sent) = Some((act, subjects.clone()));
        let sent = Arc::clone(&self.sent);
        let unsuccessful = self
            .effect(move |world| {
                *lock(&sent) = None;
                world.carry_out(act, &subjects)
            })
            .await;
        ActOutcome::Asked(unsuccessful)
    }
}

impl Describe for Ports {
    async fn connections(&self, _: ConnectionFilter<'_>) -> Result<Vec<Connection>, CallError> {
        Ok(self.read(World::connections).await)
    }

    async fn services(&self, _: Option<&ServiceId>) -> Result<Vec<Service>, CallError> {
        let region = "us-east-1".parse().unwrap();
        Ok(vec![Service { id: service(), region, kind: ServiceKind::Interface, acceptance_required: true, tags: [].into() }])
    }

    async fn services_notifying(&self, _: &TopicArn) -> Result<Vec<ServiceId>, CallError> {
        Ok(Vec::new())
    }
}

impl Accept for Ports {
    async fn accept(&self, _: &ServiceId, tokens: Vec<ActionToken<ToAccept>>) -> Result<ActOutcome, CallError> {
        Ok(self.act(Act::Accept, tokens.iter().map(|token| token.subject().clone()).collect()).await)
    }
}

impl Reject for Ports {
    async fn reject(&self, _: &ServiceId, tokens: Vec<ActionToken<ToReject>>) -> Result<ActOutcome, CallError> {
        Ok(self.act(Act::Reject, tokens.iter().map(|token| token.subject().clone()).collect()).await)
    }
}

impl ServiceLedger for Ports {
    async fn items(&self, _: &ServiceId) -> Result<ServiceItems, ReadError> {
        Ok(self.read(|world| world.items.clone()).await)
    }

    async fn decisions(&self, _: &ServiceId) -> Result<PersonDecisions, CallError> {
        Ok(self.read(|world| world.people.clone()).await)
    }

    async fn commit(&self, _: &ServiceId, commit: &Commit) -> Result<CommitOutcome, CallError> {
        let commit = commit.clone();
        Ok(self.effect(move |world| world.commit(&commit)).await)
    }
}

impl StackLedger for Ports {
    async fn open_services(&self) -> Result<Vec<ServiceId>, CallError> {
        Ok(self.read(|world| if world.items.open { vec![service()] } else { Vec::new() }).await)
    }

    async fn stack_hold(&self) -> Result<Option<Hold>, CallError> {
        let hold = || Hold { by: "kim".into(), reason: "a reason".into(), at: now() };
        Ok(self.read(|world| world.stack_hold.then(hold)).await)
    }

    async fn is_recorded(&self, _: &ServiceId, subject: &Subject) -> Result<bool, CallError> {
        let subject = subject.clone();
        let explains = move |record: &Record| *record.subject() == subject && matches!(record.verdict, Verdict::Accepted | Verdict::Found);
        Ok(self.read(move |world| world.records.values().any(explains)).await)
    }
}

impl RequestQueue for Ports {
    async fn postpone(&self, _: &str, _: i64) -> Result<(), CallError> {
        Ok(())
    }

    async fn send(&self, services: &[ServiceId]) -> Result<(), CallError> {
        lock(&self.world).queue.extend(services.iter().map(hint));
        Ok(())
    }

    async fn set_aside(&self, _: &str, _: &str) -> Result<(), CallError> {
        Ok(())
    }
}

pub(crate) struct NoOrganization;

impl Directory for NoOrganization {
    async fn member(&self, _: &AccountId) -> Result<Membership, CallError> {
        Ok(Membership::Outside)
    }
}
