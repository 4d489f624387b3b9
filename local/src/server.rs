//! EC2's Query protocol over the [`World`](crate::world::World), on a loopback address.
//!
//! The stand-in answers PrivateLink's calls, and `DescribeAccount` of AWS Organizations. It forwards every other request to the
//! emulator unchanged, so that one endpoint URL serves all of AWS.
//!
//! The access key id is the caller's account. Signatures are not checked, and IAM does not exist.

mod announcements;
mod control;
mod ec2;
mod emulator;
mod faults;
mod holds;
mod idempotency;
mod organizations;
mod parameters;
mod request;
mod responses;
mod state;
mod throttle;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{Response, request::Parts},
};
use tokio::net::TcpListener;

pub use self::{
    announcements::{BodyForm, EventBus},
    request::Call,
    state::{HomeWorld, Local, Options},
};
use self::{holds::When, request::ApiRequest};
use crate::world::Ec2Error;

/// The largest body: a function's zip file, or an object.
const BODY_BYTES_MAX: usize = 300 * 1024 * 1024;

/// Serves until the listener fails.
///
/// # Errors
/// The listener's.
pub async fn serve(listener: TcpListener, local: Arc<Local>, with_control: bool) -> std::io::Result<()> {
    axum::serve(listener, router(local, with_control).into_make_service_with_connect_info::<SocketAddr>()).await
}

/// Returns the routes, for callers that add layers.
pub fn router(local: Arc<Local>, with_control: bool) -> Router {
    let controls = if with_control { control::controls() } else { Router::new() };
    control::views().merge(controls).fallback(handle).with_state(local)
}

async fn handle(State(local): State<Arc<Local>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return responses::xml_error(&Ec2Error::new("RequestEntityTooLarge", "The body is too large").with_status(413));
    };
    let Some(request) = ApiRequest::read(&parts, &body) else { return local.emulator.forward(parts, body).await };
    let Some(mut held) = local.holds.choose(&request.call, peer) else { return answer(&local, &request, parts, body).await };
    held.hang(When::Before).await;
    let answer = answer(&local, &request, parts, body).await;
    held.hang(When::After).await;
    answer
}

async fn answer(local: &Arc<Local>, request: &ApiRequest, parts: Parts, body: Bytes) -> Response<Body> {
    if let Some(answer) = organizations::answer(local, request, &body).or_else(|| ec2::answer(local, request)) {
        return answer;
    }
    // Faults are for the JSON protocols here: DynamoDB's is one.
    if let Some(target) = &request.target
        && let Err(error) = local.control().faults.check(request)
    {
        return responses::json_error(target, &error);
    }
    local.emulator.forward(parts, body).await
}
