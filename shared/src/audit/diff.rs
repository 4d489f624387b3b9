//! The findings of a run compared with those that are open on the ledger. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    audit::coverage::Coverage,
    ledger::{
        digest::SCHEMA_VERSION,
        finding::{Change, Finding, OpenFinding, Owner},
    },
};

/// Changes that one run puts on the ledger for one owner. What is beyond it is news for the next run.
pub const CHANGES_MAX: usize = 1_000;

/// What changed. `found` is everything found, with whose it is; `open` is what the ledger holds.
#[must_use]
pub fn changes(
    open: &[OpenFinding],
    found: Vec<(Owner, Finding)>,
    all_ids: &BTreeSet<String>,
    looked: &Coverage,
    now: Timestamp,
) -> Vec<Change> {
    let before: BTreeMap<&str, &OpenFinding> = open.iter().map(|open| (open.finding.id.as_str(), open)).collect();
    let mut changes = Vec::new();
    for (owner, finding) in found {
        match before.get(finding.id.as_str()) {
            None => changes.push(Change::Opened(OpenFinding { schema: SCHEMA_VERSION, finding, owner, since: now })),
            Some(&was) if (finding.severity, finding.level) > (was.finding.severity, was.finding.level) => {
                changes.push(Change::Worsened(
                    Box::new(was.clone()),
                    OpenFinding { schema: SCHEMA_VERSION, finding, owner, since: was.since },
                ));
            }
            Some(&was) if finding.severity < was.finding.severity && looked.covers(&finding) => {
                changes
                    .push(Change::Eased(Box::new(was.clone()), OpenFinding { schema: SCHEMA_VERSION, finding, owner, since: was.since }));
            }
            Some(_) => {}
        }
    }
    let gone = open.iter().filter(|open| !all_ids.contains(&open.finding.id) && looked.covers(&open.finding));
    changes.extend(gone.cloned().map(Change::Resolved));
    changes
}

/// Changes by owner, each owner's worst first.
#[must_use]
pub fn by_owner(mut changes: Vec<Change>) -> BTreeMap<Owner, Vec<Change>> {
    changes.sort_by(|a, b| a.finding().reading_order(b.finding()));
    let mut map: BTreeMap<Owner, Vec<Change>> = BTreeMap::new();
    for change in changes {
        map.entry(change.owner().clone()).or_default().push(change);
    }
    map
}
