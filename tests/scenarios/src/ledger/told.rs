//! The part of the ledger that `notify` writes: the marks of what was told.

use warden::{
    ledger::{record::RecordKey, told::ToldMark},
    ports::{CallError, ToldLedger},
};

use super::MemoryLedger;

impl ToldLedger for MemoryLedger {
    async fn told(&self, item: &RecordKey) -> Result<Option<ToldMark>, CallError> {
        self.faults.around("GetMark", || Ok(self.lock().marks.get(item).cloned())).await
    }

    async fn mark(&self, mark: &ToldMark) -> Result<(), CallError> {
        let put = || {
            let mut inner = self.lock();
            if inner.marks.get(&mark.item).is_none_or(|earlier| !earlier.holds(mark.at) || (mark.emitted && !earlier.emitted)) {
                inner.marks.insert(mark.item.clone(), mark.clone());
            }
            Ok(())
        };
        self.faults.around("PutMark", put).await
    }
}
