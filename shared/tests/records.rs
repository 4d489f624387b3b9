//! Records of earlier schemas. `records_of_schema_1.jsonl` holds what the last version with schema 1 wrote.

use warden::{
    decision::Action,
    ledger::record::{Record, Verdict},
    policy::evaluation::Refer,
};

use crate::fixtures::{PERMIT_ALL, policy_set};

#[test]
fn records_of_schema_1_are_read_and_replayed() {
    let policy = policy_set(PERMIT_ALL);
    let mut verdicts = Vec::new();
    for line in include_str!("records_of_schema_1.jsonl").lines() {
        let record = Record::from_json(line).unwrap_or_else(|error| panic!("{error:?}: {line}"));
        assert_eq!(record.schema, 1);
        assert!(record.verdict != Verdict::Accepted || record.grant.is_some() || !record.policies().is_empty(), "{line}");
        let accepts = matches!(record.replay(&policy).action, Action::Accept(_));
        assert!(accepts || record.verdict != Verdict::Accepted && record.refer != Some(Refer::NoPermit), "{line}");
        verdicts.push(record.verdict);
    }
    for verdict in [Verdict::Accepted, Verdict::Rejected, Verdict::Referred, Verdict::Disputed, Verdict::Found, Verdict::Failed] {
        assert!(verdicts.contains(&verdict), "no record says {verdict}");
    }
}
