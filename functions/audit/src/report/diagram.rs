//! The diagram of a service's connections: the accounts on the left, the service on the right. Its width is that of a
//! telephone, so that it stays readable there.

use std::collections::BTreeMap;

use maud::{Markup, html};
use warden::model::{connection::Phase, ids::AccountId};

use super::parts::{Row, Status};

/// Accounts that are drawn, those with the most serious status first.
const ACCOUNTS_MAX: usize = 12;
const WIDTH: usize = 360;
const ROW_HEIGHT: usize = 30;

/// The connections of a service, by account.
#[derive(Debug, Default)]
pub(super) struct Diagram {
    accounts: BTreeMap<Option<AccountId>, Lane>,
    pub(super) connected: usize,
    pub(super) waiting: usize,
}

/// The connections of one account.
#[derive(Debug, Clone, Copy)]
struct Lane {
    connected: usize,
    waiting: usize,
    status: Status,
}

impl Diagram {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let status = row.status();
        let lane = self.accounts.entry(row.connection.owner.clone()).or_insert(Lane { connected: 0, waiting: 0, status });
        lane.status = lane.status.max(status);
        match row.connection.state.phase() {
            Phase::Live => {
                lane.connected += 1;
                self.connected += 1;
            }
            Phase::Waiting | Phase::Unknown | Phase::Gone => {
                lane.waiting += 1;
                self.waiting += 1;
            }
        }
    }

    /// The diagram. It is empty if there is no connection.
    pub(super) fn draw(&self, service: &str) -> Markup {
        let lanes = self.lanes();
        let more = self.accounts.len() - lanes.len();
        let height = ROW_HEIGHT * (lanes.len() + usize::from(more > 0)).max(2) + 8;
        let middle = height / 2;
        let title = format!("{} connected and {} waiting, from {} accounts", self.connected, self.waiting, self.accounts.len());
        let short: String = service.chars().take(15).collect();
        html! {
            @if !lanes.is_empty() {
                svg.diagram viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
                    title { (title) }
                    @for (index, (account, lane)) in lanes.iter().enumerate() {
                        (draw_lane(ROW_HEIGHT * index + ROW_HEIGHT / 2 + 4, middle, account.as_ref(), *lane))
                    }
                    @if more > 0 {
                        text.count x="0" y=(ROW_HEIGHT * lanes.len() + ROW_HEIGHT / 2 + 8) { "and " (more) " more" }
                    }
                    rect.node x="240" y=(middle - 18) width="119" height="36" rx="6" {}
                    text.node-name x="299" y=(middle + 4) text-anchor="middle" { (short) }
                }
            }
        }
    }

    fn lanes(&self) -> Vec<(&Option<AccountId>, Lane)> {
        let mut lanes: Vec<_> = self.accounts.iter().map(|(account, lane)| (account, *lane)).collect();
        lanes.sort_by(|(a, x), (b, y)| y.status.cmp(&x.status).then(y.connected.cmp(&x.connected)).then(a.cmp(b)));
        lanes.truncate(ACCOUNTS_MAX);
        lanes
    }
}

fn draw_lane(y: usize, middle: usize, account: Option<&AccountId>, lane: Lane) -> Markup {
    let class = lane.status.class();
    html! {
        path class=(format!("line {class}")) stroke-width=(thickness(lane.connected + lane.waiting))
            d=(format!("M 168 {y} C 205 {y}, 205 {middle}, 240 {middle}")) {}
        circle class=(format!("dot {class}")) cx="168" cy=(y) r="4" {}
        text.account x="0" y=(y + 4) { (account.map_or("unknown", |account| account.as_str())) }
        text.count x="156" y=(y + 4) text-anchor="end" { (count(lane)) }
    }
}

fn count(lane: Lane) -> String {
    match (lane.connected, lane.waiting) {
        (connected, 0) => format!("×{connected}"),
        (0, waiting) => format!("{waiting} wait"),
        (connected, waiting) => format!("×{connected}+{waiting}"),
    }
}

/// Each factor of ten adds the same width.
fn thickness(connections: usize) -> String {
    let digits = connections.max(1).ilog10();
    format!("{}", 1.5 + 1.5 * f64::from(digits))
}
