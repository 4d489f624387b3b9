//! The record behind a message that is short enough for SNS.

use crate::{
    ledger::record::{Failure, Record},
    model::printable::printable,
    policy::{Answer, EvaluationError, Judgement, PolicyInfo, evaluation::Refer},
};

/// Policies, errors and items that are named.
const NAMES_MAX: usize = 3;
/// Characters of an error message.
const QUOTE_CHARACTERS_MAX: usize = 100;

/// Returns a record that names fewer policies and quotes less, and the note that says so.
pub(super) fn brief(record: &Record) -> (Record, String) {
    let note = format!("This message is shortened: SNS does not take it whole. `warden history {}` shows the record.", record.subject());
    let judgement = record.judgement.as_ref().map(|judgement| Judgement {
        accept: brief_answer(&judgement.accept),
        reject: brief_answer(&judgement.reject),
        ..judgement.clone()
    });
    let failure = record.failure.as_ref().map(|failure| Failure { message: quote(&failure.message), ..failure.clone() });
    let refer = record.refer.clone().map(|refer| match refer {
        Refer::UnreadableDecision { items } => Refer::UnreadableDecision { items: items.into_iter().take(NAMES_MAX).collect() },
        other => other,
    });
    (Record { judgement, failure, refer, ..record.clone() }, note)
}

fn brief_answer(answer: &Answer) -> Answer {
    let named = |policy: &PolicyInfo| PolicyInfo { reason: None, advice: None, owner: None, ..policy.clone() };
    let errors = |error: &EvaluationError| EvaluationError { message: quote(&error.message), ..error.clone() };
    Answer {
        policies: answer.policies.iter().take(NAMES_MAX).map(named).collect(),
        errors: answer.errors.iter().take(NAMES_MAX).map(errors).collect(),
        ..answer.clone()
    }
}

fn quote(text: &str) -> String {
    printable(text, QUOTE_CHARACTERS_MAX)
}
