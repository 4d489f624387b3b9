//! The mark that an owner was told of a record or a digest. It makes a repeated delivery silent, and it proves a notice.

use jiff::Timestamp;

use crate::{ledger::record::RecordKey, model::ids::TopicArn};

/// The mark of one told item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldMark {
    /// The key of the told item.
    pub item: RecordKey,
    /// The topic that took the message.
    pub topic: TopicArn,
    /// When it did.
    pub at: Timestamp,
    /// True if EventBridge took the events of the item, or there is no bus.
    pub emitted: bool,
    /// When the ledger may delete the mark: together with the item. An expired mark counts as none, because a later item may have
    /// the same key.
    pub expires: Option<Timestamp>,
}

impl ToldMark {
    /// Returns true if the mark still counts.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}
