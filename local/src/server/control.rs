//! A hand on the world from outside: what was called, and what shall go wrong. Under a path that no AWS client uses.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::{BodyForm, Local};
use crate::world::{Ec2Error, Effect, OrganizationAccount};

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
    pub(super) body_form: BodyForm,
    pub(super) forward_events_to: Option<(String, String)>,
    drop_next: usize,
    faults: BTreeMap<String, (Ec2Error, usize)>,
}

/// Calls are kept up to this many, so that a stack left running does not grow for ever.
const CALLS_MAX: usize = 100_000;

impl Knobs {
    pub(super) fn new(body_form: BodyForm, forward_events_to: Option<(String, String)>) -> Self {
        Self { calls: Vec::new(), body_form, forward_events_to, drop_next: 0, faults: BTreeMap::new() }
    }

    pub(super) fn fail_next(&mut self, action: &str, code: &str, status: u16, times: usize) {
        let error = Ec2Error { code: code.to_owned(), message: "Request limit exceeded.".to_owned(), status };
        self.faults.insert(action.to_owned(), (error, times));
    }

    /// Notes a call, and fails it if it shall fail.
    pub(super) fn note(&mut self, call: Call) -> Result<(), Ec2Error> {
        let fault = match self.faults.get_mut(&call.action) {
            Some((error, left)) if *left > 0 => {
                *left -= 1;
                Err(error.clone())
            }
            _ => Ok(()),
        };
        if self.calls.len() < CALLS_MAX {
            self.calls.push(call);
        }
        fault
    }

    /// Whether what a creation announces is to be lost.
    pub(super) fn drops(&mut self, effects: &[Effect]) -> bool {
        let creation = effects.iter().any(|effect| matches!(effect, Effect::CloudTrail { .. }));
        if creation && self.drop_next > 0 {
            self.drop_next -= 1;
            return true;
        }
        false
    }
}

type Answer = Result<String, (axum::http::StatusCode, String)>;

pub(super) async fn calls(State(local): State<Arc<Local>>) -> String {
    serde_json::to_string(&local.calls()).unwrap_or_default()
}

pub(super) async fn drop_notifications(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    local.knobs().drop_next = number(&query, "next")?;
    done()
}

pub(super) async fn faults(State(local): State<Arc<Local>>, RawQuery(query): RawQuery) -> Answer {
    let status = u16::try_from(number(&query, "status")?).map_err(|_| refuse("`status` is no HTTP status"))?;
    local.fail_next(&value(&query, "action")?, &value(&query, "code")?, status, number(&query, "next")?);
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

fn value(query: &Option<String>, name: &str) -> Result<String, (axum::http::StatusCode, String)> {
    let query = query.as_deref().unwrap_or_default();
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    found.ok_or_else(|| refuse(&format!("`{name}` is missing")))
}

fn number(query: &Option<String>, name: &str) -> Result<usize, (axum::http::StatusCode, String)> {
    value(query, name)?.parse().map_err(|_| refuse(&format!("`{name}` is no number")))
}

fn refuse(why: &str) -> (axum::http::StatusCode, String) {
    (axum::http::StatusCode::BAD_REQUEST, format!("{why}\n"))
}

fn done() -> Answer {
    Ok("ok\n".to_owned())
}
