//! The severity of a record.

use crate::{
    ledger::record::{Record, Verdict},
    model::severity::Severity,
    policy::evaluation::Refer,
};

impl Severity {
    /// Returns the severity of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let justified = record.judgement.as_ref().is_some_and(|j| j.accept.allowed && j.accept.errors.is_empty());
        match (record.verdict, &record.refer) {
            (Verdict::Accepted | Verdict::Rejected | Verdict::ObservedAccept | Verdict::ObservedReject, _) => Self::Info,
            (Verdict::Found, _) if justified => Self::Info,
            (Verdict::Disputed, _) | (Verdict::Referred, Some(Refer::PolicyError | Refer::Contradiction)) => Self::Critical,
            (Verdict::Found | Verdict::Failed | Verdict::Referred, _) => Self::Warning,
        }
    }
}
