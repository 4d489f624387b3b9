//! The routes under `/_local`, a path that no AWS client uses: they list the calls, inject faults and change settings.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    faults::{Fault, Faults, Remaining},
    holds::Hold,
    parameters::Parameters,
    state::Local,
    throttle::Limit,
};
use crate::world::{Ec2Error, OrganizationAccount};

type Answer = Result<&'static str, Refusal>;
type Refusal = (StatusCode, String);
const DONE: Answer = Ok("ok\n");

/// The routes that change nothing.
pub(super) fn views() -> Router<Arc<Local>> {
    Router::new().route("/_local/health", get(|| async { "ok" })).route("/_local/calls", get(calls)).route("/_local/tally", get(tally))
}

/// The routes that inject faults and change settings.
pub(super) fn controls() -> Router<Arc<Local>> {
    Router::new()
        .route("/_local/drop-notifications", post(drop_notifications))
        .route("/_local/faults", get(faults).post(add_fault))
        .route("/_local/hold", get(hanging).post(hold))
        .route("/_local/release", post(release))
        .route("/_local/calm", post(calm))
        .route("/_local/age", post(age))
        .route("/_local/throttle", post(throttle))
        .route("/_local/attachments", post(attachments))
        .route("/_local/forget", post(forget))
        .route("/_local/dns", post(dns))
        .route("/_local/notification-body", post(notification_body))
        .route("/_local/organization", post(organization))
        .route("/_local/organization-callers", post(organization_callers))
        .route("/_local/forward-events", post(forward_events))
}

async fn calls(State(local): State<Arc<Local>>) -> String {
    serde_json::to_string(&local.calls()).unwrap_or_default()
}

/// The number of calls by session and action, of throttled calls by action, and the times of acceptance of each endpoint, in
/// milliseconds since the epoch. Unlike the list of calls, the numbers are complete.
async fn tally(State(local): State<Arc<Local>>) -> String {
    let milliseconds = |at: &Vec<Timestamp>| at.iter().map(|at| at.as_millisecond()).collect();
    let regions = local.regions();
    let all = regions.worlds().flat_map(|world| world.acceptances());
    let accepted: BTreeMap<String, Vec<i64>> = all.map(|(id, at)| (id.clone(), milliseconds(at))).collect();
    let control = local.control();
    json!({"calls": control.call_counts, "throttled": control.throttle.throttled(), "accepted": accepted}).to_string()
}

/// Limits an action to `capacity` calls at once and `refill` calls per second.
async fn throttle(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let limit = Limit { capacity: number(&query, "capacity")?, refill_per_second: number(&query, "refill")? };
    local.control().throttle.set(require(&query, "action")?, limit);
    DONE
}

/// Loses the announcements of the `next` new endpoints, or one announcement in `every`.
async fn drop_notifications(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let faults = &mut local.control().faults;
    match query.get("every") {
        Some(_) => faults.lose_every(number(&query, "every")?),
        None => faults.lose_next(number(&query, "next")?),
    }
    DONE
}

/// Fails the `next` calls, or every call for `for-ms` milliseconds.
async fn add_fault(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let status = parse(&query, "status", "no HTTP status")?;
    let remaining = match (query.get("next"), query.get("for-ms")) {
        (Some(_), None) => Remaining::Calls(number(&query, "next")?),
        (None, Some(_)) => Remaining::Until(after(number(&query, "for-ms")?)?),
        _ => return Err(refuse("either `next` or `for-ms` is needed")),
    };
    let message = query.get("message").unwrap_or("Request limit exceeded.");
    let error = Ec2Error::new(require(&query, "code")?, message).with_status(status);
    let fault = Fault { action: query.string("action"), account: query.string("account"), error, remaining, calls_failed: 0 };
    local.control().faults.add(fault);
    DONE
}

async fn faults(State(local): State<Arc<Local>>) -> String {
    local.control().faults.list().to_string()
}

/// Holds the next calls of an action `when=before` or `when=after` their effect.
async fn hold(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let when = require(&query, "when")?.parse().map_err(refuse)?;
    let calls = query.get("next").map_or(Ok(1), |_| number(&query, "next"))?;
    local.holds.add(Hold { action: require(&query, "action")?.to_owned(), service: query.string("service"), when, calls });
    DONE
}

async fn hanging(State(local): State<Arc<Local>>) -> String {
    serde_json::to_string(&local.holds.hanging()).unwrap_or_default()
}

async fn release(State(local): State<Arc<Local>>) -> Answer {
    local.holds.release();
    DONE
}

/// Removes all faults, and releases the calls that hang.
async fn calm(State(local): State<Arc<Local>>) -> Answer {
    local.control().faults = Faults::default();
    local.holds.release();
    DONE
}

/// Gives new attachments `connections=attachment` (one, without a `VpcEndpointId`), `endpoint` (one, with it) or `zones` (one for
/// each Availability Zone, with it).
async fn attachments(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let connections = require(&query, "connections")?.parse().map_err(refuse)?;
    local.regions().worlds_mut().for_each(|world| world.set_attachment_connections(connections));
    DONE
}

/// Keeps deleted connections in the lists for `after-ms` milliseconds.
async fn forget(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let after = SignedDuration::from_millis(number(&query, "after-ms")?);
    local.regions().worlds_mut().for_each(|world| world.set_forget_after(after));
    DONE
}

/// Publishes a TXT record with this `name` and `value`.
async fn dns(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let (name, value) = (require(&query, "name")?, require(&query, "value")?);
    local.regions().worlds_mut().for_each(|world| world.publish_txt_record(name, value));
    DONE
}

/// Moves back the creation of an `endpoint`'s or an `attachment`'s connection, for tests of requests that are old.
async fn age(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let by = SignedDuration::from_secs(number::<u32>(&query, "seconds")?.into());
    let mut regions = local.regions();
    let name = if query.get("attachment").is_some() { "attachment" } else { "endpoint" };
    let id = require(&query, name)?;
    let connection =
        regions.worlds_mut().find_map(|world| world.connection_mut(id)).ok_or_else(|| refuse(format!("there is no such `{name}`")))?;
    connection.created = connection.created.and_then(|created| created.checked_sub(by).ok());
    DONE
}

async fn notification_body(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    local.control().announcements.body_form = require(&query, "form")?.parse().map_err(refuse)?;
    DONE
}

/// Forwards CloudTrail events to another bus, or to none if `to` is empty.
async fn forward_events(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    local.control().announcements.forward_events_to = require(&query, "to")?.parse().ok();
    DONE
}

/// Adds an account to the organization, or moves it.
async fn organization(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    let field = |name| require(&query, name).map(str::to_owned);
    let account = OrganizationAccount { name: field("name")?, state: field("state")?, path: field("place")? };
    local.world().organization.put(require(&query, "account")?, account);
    DONE
}

/// Names the `accounts` that may call `DescribeAccount`, with commas between them.
async fn organization_callers(State(local): State<Arc<Local>>, query: Parameters) -> Answer {
    local.world().organization.set_callers(require(&query, "accounts")?.split(',').map(str::to_owned));
    DONE
}

fn require<'a>(query: &'a Parameters, name: &str) -> Result<&'a str, Refusal> {
    query.get(name).ok_or_else(|| refuse(format!("`{name}` is missing")))
}

fn number<T: FromStr>(query: &Parameters, name: &str) -> Result<T, Refusal> {
    parse(query, name, "no number")
}

fn parse<T: FromStr>(query: &Parameters, name: &str, problem: &str) -> Result<T, Refusal> {
    require(query, name)?.parse().map_err(|_| refuse(format!("`{name}` is {problem}")))
}

fn after(milliseconds: u64) -> Result<Instant, Refusal> {
    Instant::now().checked_add(Duration::from_millis(milliseconds)).ok_or_else(|| refuse("`for-ms` is too long"))
}

fn refuse(why: impl Into<String>) -> Refusal {
    (StatusCode::BAD_REQUEST, why.into() + "\n")
}
