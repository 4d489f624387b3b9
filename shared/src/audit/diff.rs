//! The findings of a run compared with the open ones on the ledger. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    audit::coverage::Coverage,
    ledger::{
        finding::Finding,
        open_finding::{Change, OpenFinding, Owner},
    },
};

/// Changes that one run publishes for one owner. The next run publishes the others.
pub const CHANGES_MAX: usize = 1_000;

/// The changes that a run publishes. `found` holds the findings that may be a change, with their owners; `ids` holds the
/// ids of all findings.
#[must_use]
pub fn changes(
    open: &[OpenFinding],
    found: Vec<(Owner, Finding)>,
    ids: &BTreeSet<String>,
    coverage: &Coverage,
    now: Timestamp,
) -> Vec<Change> {
    let stored: BTreeMap<&str, &OpenFinding> = open.iter().map(|open| (open.finding.id.as_str(), open)).collect();
    let change = |(owner, finding): (Owner, Finding)| match stored.get(finding.id.as_str()) {
        None => Some(Change::Opened(OpenFinding::new(finding, owner, now))),
        Some(&was) if (finding.severity, finding.level) > (was.finding.severity, was.finding.level) => {
            Some(Change::Worsened(Box::new(was.clone()), OpenFinding::new(finding, owner, was.since)))
        }
        Some(&was) if finding.severity < was.finding.severity && coverage.covers(&finding) => {
            Some(Change::Improved(Box::new(was.clone()), OpenFinding::new(finding, owner, was.since)))
        }
        Some(_) => None,
    };
    let resolved = open.iter().filter(|open| !ids.contains(&open.finding.id) && coverage.covers(&open.finding));
    found.into_iter().filter_map(change).chain(resolved.cloned().map(Change::Resolved)).collect()
}

/// The changes by owner, each owner's highest severity first.
#[must_use]
pub fn by_owner(mut changes: Vec<Change>) -> BTreeMap<Owner, Vec<Change>> {
    changes.sort_by(|a, b| a.open_finding().finding.reading_order(&b.open_finding().finding));
    let mut map: BTreeMap<Owner, Vec<Change>> = BTreeMap::new();
    for change in changes {
        map.entry(change.open_finding().owner.clone()).or_default().push(change);
    }
    map
}
