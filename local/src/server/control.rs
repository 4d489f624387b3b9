//! A hand on the world from outside: what was called, and what shall go wrong. Under a path that no AWS client uses.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::{
    BodyForm, Local,
    asked::Asked,
    faults::{Fault, Faults, Left},
    hold::{Hold, Holds},
    throttle::{Limit, Throttle},
};
use crate::world::{Ec2Error, OrganizationAccount};

/// A call that EC2 has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The caller.
    pub account: String,
    /// What it called.
    pub action: String,
    /// With which client.
    pub user_agent: String,
    /// Whose temporary credentials these are; empty where they are none.
    pub session: String,
    /// The endpoint service it named.
    pub service: Option<String>,
}

#[derive(Debug)]
pub(super) struct Knobs {
    pub(super) calls: Vec<Call>,
    pub(super) throttle: Throttle,
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    pub(super) body_form: BodyForm,
    pub(super) forward_events_to: Option<(String, String)>,
    pub(super) faults: Faults,
    pub(super) holds: Holds,
}

/// Calls are kept up to this many, so that a stack left running does not grow for ever.
const CALLS_MAX: usize = 100_000;

impl Knobs {
    pub(super) fn new(body_form: BodyForm, forward_events_to: Option<(String, String)>) -> Self {
        Self {
            calls: Vec::new(),
            throttle: Throttle::default(),
            counts: BTreeMap::new(),
            body_form,
            forward_events_to,
            faults: Faults::default(),
            holds: Holds::default(),
        }
    }

    /// Notes a call, and fails it if it shall fail.
    pub(super) fn note(&mut self, api: &str, call: Call) -> Result<(), Ec2Error> {
        let asked = Asked { api: api.to_owned(), action: call.action.clone(), account: call.account.clone(), service: None };
        *self.counts.entry(call.session.clone()).or_default().entry(call.action.clone()).or_default() += 1;
        if self.calls.len() < CALLS_MAX {
            self.calls.push(call);
        }
        self.faults.meet(&asked)?;
        self.throttle.take(&asked.account, &asked.action)
    }
}

type Answer = Result<String, (axum::http::StatusCode, String)>;

pub(super) async fn calls(State(local): State<Arc<Local>>) -> String {
    serde_json::to_string(&local.calls()).unwrap_or_default()
}

/// What `calls` would add up to, were it kept whole: calls by session and action, those that were throttled, and when each
/// endpoint was accepted, in milliseconds of the epoch.
pub(super) async fn tally(State(local): State<Arc<Local>>) -> String {
    let accepted: BTreeMap<String, Vec<i64>> =
        local.world().acceptances().iter().map(|(id, at)| (id.clone(), at.iter().map(|at| at.as_millisecond()).collect())).collect();
    let knobs = local.knobs();
    serde_json::json!({"calls": knobs.counts, "throttled": knobs.throttle.refused(), "accepted": accepted}).to_string()
}

/// Buckets of tokens, as EC2 has one for each account and action.
pub(super) async fn throttle(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let limit = Limit { capacity: decimal(&query, "capacity")?, refill_per_second: decimal(&query, "refill")? };
    local.knobs().throttle.set(&value(&query, "action")?, limit);
    done()
}

/// The next so many, or every so many-th from now on.
pub(super) async fn drop_notifications(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    match given(&query, "every") {
        Some(_) => local.knobs().faults.lose_every(number(&query, "every")?),
        None => local.knobs().faults.lose_next(number(&query, "next")?),
    }
    done()
}

/// For the next so many calls, or for so long.
pub(super) async fn lay_fault(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let status = u16::try_from(number(&query, "status")?).map_err(|_| refuse("`status` is no HTTP status"))?;
    let left = match (given(&query, "next"), given(&query, "for-ms")) {
        (Some(_), None) => Left::Calls(number(&query, "next")?),
        (None, Some(_)) => Left::Until(after(number(&query, "for-ms")?)?),
        _ => return Err(refuse("either `next` or `for-ms` is needed")),
    };
    let message = given(&query, "message").unwrap_or_else(|| "Request limit exceeded.".to_owned());
    let error = Ec2Error { code: value(&query, "code")?, message, status };
    local.knobs().faults.lay(Fault { action: given(&query, "action"), account: given(&query, "account"), error, left, met: 0 });
    done()
}

pub(super) async fn faults(State(local): State<Arc<Local>>) -> String {
    local.knobs().faults.listed().to_string()
}

pub(super) async fn hold(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let when = value(&query, "when")?.parse().map_err(|error: String| refuse(&error))?;
    let calls = given(&query, "next").map_or(Ok(1), |_| number(&query, "next"))?;
    local.knobs().holds.want(Hold { action: value(&query, "action")?, service: given(&query, "service"), when, calls });
    done()
}

pub(super) async fn held(State(local): State<Arc<Local>>) -> String {
    serde_json::to_string(&local.knobs().holds.hanging()).unwrap_or_default()
}

pub(super) async fn release(State(local): State<Arc<Local>>) -> Answer {
    local.knobs().holds.release();
    done()
}

/// Nothing goes wrong any more.
pub(super) async fn calm(State(local): State<Arc<Local>>) -> Answer {
    let mut knobs = local.knobs();
    knobs.faults = Faults::default();
    knobs.holds.release();
    done()
}

/// As if an endpoint had been created so much earlier: for what the warden does with old ones only.
pub(super) async fn age(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let by = i64::try_from(number(&query, "seconds")?).map_err(|_| refuse("`seconds` is too much"))?;
    let by = jiff::SignedDuration::from_secs(by);
    let mut world = local.world();
    let connection = world.connection_mut(&value(&query, "endpoint")?).ok_or_else(|| refuse("there is no such `endpoint`"))?;
    connection.created = connection.created.and_then(|created| created.checked_sub(by).ok());
    done()
}

pub(super) async fn notification_body(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    local.knobs().body_form = value(&query, "form")?.parse().map_err(|error: String| refuse(&error))?;
    done()
}

pub(super) async fn forward_events(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let to = value(&query, "to")?;
    local.knobs().forward_events_to = to.split_once('=').map(|(account, bus)| (account.to_owned(), bus.to_owned()));
    done()
}

/// Takes an account into the organization, or moves it.
pub(super) async fn organization(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let account = OrganizationAccount { name: value(&query, "name")?, state: value(&query, "state")?, path: value(&query, "place")? };
    local.world().organization.put(&value(&query, "account")?, account);
    done()
}

fn given(query: &Option<String>, name: &str) -> Option<String> {
    let query = query.as_deref().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn value(query: &Option<String>, name: &str) -> Result<String, (axum::http::StatusCode, String)> {
    given(query, name).ok_or_else(|| refuse(&format!("`{name}` is missing")))
}

fn number(query: &Option<String>, name: &str) -> Result<usize, (axum::http::StatusCode, String)> {
    value(query, name)?.parse().map_err(|_| refuse(&format!("`{name}` is no number")))
}

fn after(milliseconds: usize) -> Result<Instant, (axum::http::StatusCode, String)> {
    let span = u64::try_from(milliseconds).ok().map(Duration::from_millis);
    span.and_then(|span| Instant::now().checked_add(span)).ok_or_else(|| refuse("`for-ms` is too long"))
}

fn decimal(query: &Option<String>, name: &str) -> Result<f64, (axum::http::StatusCode, String)> {
    value(query, name)?.parse().map_err(|_| refuse(&format!("`{name}` is no number")))
}

fn refuse(why: &str) -> (axum::http::StatusCode, String) {
    (axum::http::StatusCode::BAD_REQUEST, format!("{why}\n"))
}

fn done() -> Answer {
    Ok("ok\n".to_owned())
}
