//! Who is connected to a service, as a picture: its accounts on the left, the service on the right. Drawn for the width
//! of a telephone, so that it stays readable there.

use std::collections::BTreeMap;

use maud::{Markup, html};
use warden::model::{connection::Phase, ids::AccountId};

use super::{Glance, Row};

/// Accounts drawn one by one; those that something is wrong with come first.
const ACCOUNTS_MAX: usize = 12;
const WIDTH: usize = 360;
const ROW_HEIGHT: usize = 30;

/// One service's accounts.
#[derive(Debug, Default)]
pub(super) struct Picture {
    accounts: BTreeMap<Option<AccountId>, Lane>,
    pub(super) connected: usize,
    pub(super) waiting: usize,
}

#[derive(Debug, Clone, Copy)]
struct Lane {
    connected: usize,
    waiting: usize,
    worst: Glance,
}

impl Picture {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let glance = row.glance();
        let lane = self.accounts.entry(row.connection.owner.clone()).or_insert(Lane { connected: 0, waiting: 0, worst: glance });
        lane.worst = lane.worst.max(glance);
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

    /// The picture, or nothing if there is nobody.
    pub(super) fn draw(&self, service: &str) -> Markup {
        let mut lanes: Vec<(&Option<AccountId>, Lane)> = self.accounts.iter().map(|(account, lane)| (account, *lane)).collect();
        lanes.sort_by(|(a, x), (b, y)| y.worst.cmp(&x.worst).then(y.connected.cmp(&x.connected)).then(a.cmp(b)));
        let more = lanes.len().saturating_sub(ACCOUNTS_MAX);
        lanes.truncate(ACCOUNTS_MAX);
        let height = ROW_HEIGHT * (lanes.len() + usize::from(more > 0)).max(2) + 8;
        let middle = height / 2;
        let title = format!("{} connected and {} waiting, from {} accounts", self.connected, self.waiting, self.accounts.len());
        let short: String = service.chars().take(15).collect();
        html! {
            @if !lanes.is_empty() {
                svg.picture viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
                    title { (title) }
                    @for (index, (account, lane)) in lanes.iter().enumerate() {
                        @let y = ROW_HEIGHT * index + ROW_HEIGHT / 2 + 4;
                        path class=(format!("line {}", class(lane.worst))) stroke-width=(thickness(lane.connected + lane.waiting))
                            d=(format!("M 168 {y} C 205 {y}, 205 {middle}, 240 {middle}")) {}
                        circle class=(format!("dot {}", class(lane.worst))) cx="168" cy=(y) r="4" {}
                        text.account x="0" y=(y + 4) { (account.as_ref().map_or("unknown", |account| account.as_str())) }
                        text.count x="156" y=(y + 4) text-anchor="end" { (count(*lane)) }
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
}

fn class(glance: Glance) -> &'static str {
    match glance {
        Glance::Fine => "fine",
        Glance::Waiting => "waiting",
        Glance::Unknown => "unknown",
        Glance::Wrong => "wrong",
    }
}

fn count(lane: Lane) -> String {
    match (lane.connected, lane.waiting) {
        (connected, 0) => format!("×{connected}"),
        (0, waiting) => format!("{waiting} wait"),
        (connected, waiting) => format!("×{connected}+{waiting}"),
    }
}

/// Ten times the connections make a line twice as thick.
fn thickness(connections: usize) -> String {
    let digits = connections.max(1).ilog10();
    format!("{}", 1.5 + 1.5 * f64::from(digits))
}
