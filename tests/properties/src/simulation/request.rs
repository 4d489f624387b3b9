//! A request, as the laws follow it.

use warden::ledger::record::Verdict;

/// A request and its history.
#[derive(Debug, Clone)]
pub struct Request {
    pub endpoint: String,
    pub account: usize,
    pub service: String,
    pub state: String,
    pub was_live: bool,
    pub was_rejected: bool,
    /// EC2 omits a fact that it usually describes.
    pub omits: bool,
    /// EC2 omits the owner.
    pub omits_owner: bool,
    /// The connections of its account and of all accounts when the warden accepted it.
    pub accepted_beside: Option<(i64, i64)>,
    /// The warden accepted it, and it is connected since.
    pub is_own: bool,
    pub rejected_by_warden: bool,
    /// The warden rejected it, and its state is the same since.
    pub is_own_rejection: bool,
    /// The verdict on record about its present state.
    pub(super) recorded: Option<Verdict>,
}

impl Request {
    pub(super) fn new(endpoint: String, account: usize, service: String, state: String) -> Self {
        Self {
            endpoint,
            account,
            service,
            was_live: is_live(&state),
            state,
            was_rejected: false,
            omits: false,
            omits_owner: false,
            accepted_beside: None,
            is_own: false,
            rejected_by_warden: false,
            is_own_rejection: false,
            recorded: None,
        }
    }

    pub fn is_live(&self) -> bool {
        is_live(&self.state)
    }

    pub fn is_pending(&self) -> bool {
        self.state == "pendingAcceptance"
    }
}

pub fn is_live(state: &str) -> bool {
    matches!(state, "pending" | "available" | "partial")
}
