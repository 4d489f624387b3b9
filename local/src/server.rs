//! EC2's Query protocol over the [`World`], on a loopback address. PrivateLink's calls are answered here; every other
//! request goes on to the emulator unchanged, so that one endpoint URL serves everything.

mod actions;
mod answers;
mod asked;
mod control;
mod deliver;
mod faults;
mod forward;
mod hold;
mod organizations;
mod query;
mod throttle;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{Response, request::Parts},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;

use self::{
    asked::Asked,
    faults::{Fault, Left},
    hold::When,
};
pub use self::{control::Call, deliver::BodyForm};
use crate::world::{Ec2Error, Effect, World};

/// What can be set from the command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// The emulator that answers everything else.
    pub emulator: String,
    /// The Region.
    pub region: String,
    /// How long a connection takes from `pending` to `available`.
    pub settle: SignedDuration,
    /// No page is larger than this.
    pub page_size_max: usize,
    /// What a connection notification says.
    pub notification_body: BodyForm,
    /// The account and bus that consumers' CloudTrail events are forwarded to.
    pub forward_events_to: Option<(String, String)>,
    /// Whether the routes that make things go wrong are there.
    pub control: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            emulator: "http://127.0.0.1:4567".to_owned(),
            region: "us-east-1".to_owned(),
            settle: SignedDuration::from_millis(500),
            page_size_max: 1000,
            notification_body: BodyForm::Json,
            forward_events_to: None,
            control: false,
        }
    }
}

/// The running server's state, shared by all requests.
#[derive(Debug)]
pub struct Local {
    world: Mutex<World>,
    knobs: Mutex<control::Knobs>,
    emulator: String,
    client: reqwest::Client,
    senders: deliver::Senders,
}

/// The largest body that is taken: a function's zip or an object.
const BODY_BYTES_MAX: usize = 300 * 1024 * 1024;

impl Local {
    /// A server over an empty world.
    #[must_use]
    pub fn new(options: Options) -> Arc<Self> {
        let mut world = World::new(&options.region, Timestamp::now());
        world.set_settle(options.settle);
        world.set_page_size_max(options.page_size_max);
        let knobs = control::Knobs::new(options.notification_body, options.forward_events_to);
        Arc::new(Self {
            world: Mutex::new(world),
            knobs: Mutex::new(knobs),
            emulator: options.emulator,
            client: reqwest::Client::new(),
            senders: deliver::Senders::default(),
        })
    }

    /// The world, at the present time.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.set_now(Timestamp::now());
        world
    }

    /// The calls that EC2 has seen.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.knobs().calls.clone()
    }

    /// Makes the next calls of an action fail.
    pub fn fail_next(&self, action: &str, code: &str, status: u16, times: usize) {
        let error = Ec2Error { code: code.to_owned(), message: "Request limit exceeded.".to_owned(), status };
        let fault = Fault { action: Some(action.to_owned()), account: None, error, left: Left::Calls(times), met: 0 };
        self.knobs().faults.lay(fault);
    }

    fn knobs(&self) -> MutexGuard<'_, control::Knobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what AWS would send. Never holds up an answer.
    fn announce(self: &Arc<Self>, effects: Vec<Effect>) {
        if effects.is_empty() || self.knobs().faults.loses(&effects) {
            return;
        }
        let local = Arc::clone(self);
        tokio::spawn(async move { deliver::deliver(&local, effects).await });
    }
}

/// Serves until the listener fails.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, local: Arc<Local>, with_control: bool) -> std::io::Result<()> {
    axum::serve(listener, router(local, with_control).into_make_service_with_connect_info::<SocketAddr>()).await
}

/// What is served, for whoever puts something before it.
pub fn router(local: Arc<Local>, with_control: bool) -> Router {
    let mut router = Router::new()
        .route("/_local/health", get(|| async { "ok" }))
        .route("/_local/calls", get(control::calls))
        .route("/_local/tally", get(control::tally));
    if with_control {
        router = router
            .route("/_local/drop-notifications", post(control::drop_notifications))
            .route("/_local/faults", get(control::faults).post(control::lay_fault))
            .route("/_local/hold", get(control::held).post(control::hold))
            .route("/_local/release", post(control::release))
            .route("/_local/calm", post(control::calm))
            .route("/_local/age", post(control::age))
            .route("/_local/throttle", post(control::throttle))
            .route("/_local/notification-body", post(control::notification_body))
            .route("/_local/organization", post(control::organization))
            .route("/_local/forward-events", post(control::forward_events));
    }
    router.fallback(anything).with_state(local)
}

async fn anything(State(local): State<Arc<Local>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return answers::error(&Ec2Error {
            code: "RequestEntityTooLarge".to_owned(),
            message: "The body is too large".to_owned(),
            status: 413,
        });
    };
    let asked = Asked::of(&parts, &body);
    let hold = asked.as_ref().and_then(|asked| local.knobs().holds.take(asked));
    let Some((asked, when)) = asked.as_ref().zip(hold) else {
        return answer(&local, asked.as_ref(), parts, body).await;
    };
    if when == When::Before {
        local.hang(asked, when, peer).await;
    }
    let answer = answer(&local, Some(asked), parts, body).await;
    if when == When::After {
        local.hang(asked, when, peer).await;
    }
    answer
}

async fn answer(local: &Arc<Local>, asked: Option<&Asked>, parts: Parts, body: Bytes) -> Response<Body> {
    if let Some(answer) = organizations::answer(local, &parts, &body) {
        return answer;
    }
    match query::Query::of(&parts, &body) {
        Some(query) if actions::is_ours(local, &query) => actions::answer(local, &query),
        _ => passed_on(local, asked, parts, body).await,
    }
}

/// Faults are for the JSON protocols here: DynamoDB's, in which the ledger is written.
async fn passed_on(local: &Arc<Local>, asked: Option<&Asked>, parts: Parts, body: Bytes) -> Response<Body> {
    let json = parts.headers.contains_key("x-amz-target");
    match asked.filter(|_| json).map(|asked| local.knobs().faults.meet(asked)) {
        Some(Err(error)) => asked::json_error(&parts, &error),
        _ => forward::forward(local, parts, body).await,
    }
}
