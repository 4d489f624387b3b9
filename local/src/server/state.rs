//! The running server's state: the world, the injected faults, and the connections to the emulator.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    announcements::{BodyForm, EventBus, Sender, Settings},
    emulator::Emulator,
    faults::{Fault, Faults, Remaining},
    holds::Holds,
    idempotency::Tokens,
    request::{ApiRequest, Call},
    throttle::Throttle,
};
use crate::world::{AttachmentConnections, Ec2Error, Ec2Result, Effect, Regions, World};

/// The command line's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// The URL of the emulator that answers all other calls.
    pub emulator: String,
    /// The first Region.
    pub region: String,
    /// The time from `pending` to `available`.
    pub settle: SignedDuration,
    /// The time for which a deleted connection stays in the lists.
    pub forget_after: SignedDuration,
    /// The accounts that may call `DescribeAccount`; `None` for any.
    pub organization_callers: Option<Vec<String>>,
    /// The largest page of a describe call.
    pub page_size_max: usize,
    /// The connections of attachments.
    pub attachment_connections: AttachmentConnections,
    /// The body of connection notifications.
    pub notification_body: BodyForm,
    /// The event bus that the consumers' CloudTrail events are forwarded to.
    pub forward_events_to: Option<EventBus>,
    /// Serves the routes that inject faults.
    pub control: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            emulator: "http://127.0.0.1:4567".to_owned(),
            region: "us-east-1".to_owned(),
            settle: SignedDuration::from_millis(500),
            forget_after: SignedDuration::from_secs(60),
            organization_callers: None,
            page_size_max: 1000,
            attachment_connections: AttachmentConnections::default(),
            notification_body: BodyForm::Json,
            forward_events_to: None,
            control: false,
        }
    }
}

/// The state that all requests share.
#[derive(Debug)]
pub struct Local {
    regions: Mutex<Regions>,
    control: Mutex<Control>,
    pub(super) holds: Holds,
    pub(super) emulator: Emulator,
    sender: Sender,
}

/// The first Region, locked with all others.
#[derive(Debug)]
pub struct HomeWorld<'a>(MutexGuard<'a, Regions>);

impl Deref for HomeWorld<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        self.0.home()
    }
}

impl DerefMut for HomeWorld<'_> {
    fn deref_mut(&mut self) -> &mut World {
        self.0.home_mut()
    }
}

/// The injected faults, and the list of calls.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) announcements: Settings,
    pub(super) faults: Faults,
    pub(super) throttle: Throttle,
    pub(super) tokens: Tokens,
    calls: Vec<Call>,
    /// The number of calls by session and action, also beyond `CALLS_MAX`.
    pub(super) call_counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// The length of the list of calls: a stand-in that runs for days must not grow without limit.
const CALLS_MAX: usize = 100_000;

impl Control {
    /// Records a call of EC2 or Organizations, and fails it if a fault or a limit says so.
    pub(super) fn record_and_check(&mut self, request: &ApiRequest) -> Ec2Result<()> {
        let call = &request.call;
        *self.call_counts.entry(call.session.clone()).or_default().entry(call.action.clone()).or_default() += 1;
        if self.calls.len() < CALLS_MAX {
            self.calls.push(call.clone());
        }
        self.faults.check(request)?;
        self.throttle.take(&call.account, &call.action)
    }
}

impl Local {
    /// A server over an empty world.
    #[must_use]
    pub fn new(options: Options) -> Arc<Self> {
        let mut world = World::new(&options.region, Timestamp::now());
        world.set_settle(options.settle);
        world.set_forget_after(options.forget_after);
        world.set_page_size_max(options.page_size_max);
        world.set_attachment_connections(options.attachment_connections);
        if let Some(accounts) = options.organization_callers {
            world.organization.set_callers(accounts);
        }
        let announcements = Settings { body_form: options.notification_body, forward_events_to: options.forward_events_to };
        let control = Control {
            announcements,
            faults: Faults::default(),
            throttle: Throttle::default(),
            tokens: Tokens::default(),
            calls: Vec::new(),
            call_counts: BTreeMap::new(),
        };
        Arc::new(Self {
            regions: Mutex::new(Regions::new(world)),
            control: Mutex::new(control),
            holds: Holds::default(),
            sender: Sender::new(&options.emulator, &options.region),
            emulator: Emulator::new(options.emulator),
        })
    }

    /// Locks all Regions, and sets their time to the present.
    pub fn regions(&self) -> MutexGuard<'_, Regions> {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.set_now(Timestamp::now());
        regions
    }

    /// Locks all Regions for changes of the first one.
    pub fn world(&self) -> HomeWorld<'_> {
        HomeWorld(self.regions())
    }

    /// Returns the calls of EC2 and Organizations, the oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.control().calls.clone()
    }

    /// Fails the next calls of an action.
    pub fn fail_next(&self, action: &str, code: &str, status: u16, times: usize) {
        let error = Ec2Error::new(code, "Request limit exceeded.").with_status(status);
        let fault = Fault { action: Some(action.to_owned()), account: None, error, remaining: Remaining::Calls(times), calls_failed: 0 };
        self.control().faults.add(fault);
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the messages of a call in a task of its own: the call's answer does not wait for them.
    pub(super) fn announce(self: &Arc<Self>, effects: Vec<Effect>) {
        let mut control = self.control();
        if effects.is_empty() || control.faults.loses(&effects) {
            return;
        }
        let (local, settings) = (Arc::clone(self), control.announcements.clone());
        tokio::spawn(async move { local.sender.send(effects, settings).await });
    }
}
